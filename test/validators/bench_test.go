//go:build unix

package validators

import (
	"encoding/json"
	"net/http"
	"syscall"
	"testing"
)

func judges(tb testing.TB) []struct {
	name string
	judge
} {
	return []struct {
		name string
		judge
	}{
		{"api", own{}},
		{"openapi3filter", newFilter(tb)},
		{"libopenapi-validator", newLibopenapi(tb)},
	}
}

// BenchmarkFilter judges a request with every property of the filter.
func BenchmarkFilter(b *testing.B) {
	body := marshal(b, example(b, "FailedBackups"))
	compare(b, func(j judge) error { return j.request(body) })
}

// BenchmarkPage judges an answer of 100 jobs with every property.
func BenchmarkPage(b *testing.B) {
	body := marshal(b, page(b, 100))
	compare(b, func(j judge) error { return j.response(http.StatusOK, body) })
}

// compare measures all judges by the clock and by what they take of the processor, which other
// programs of the machine disturb less.
func compare(b *testing.B, validate func(judge) error) {
	for _, j := range judges(b) {
		b.Run("validator="+j.name, func(b *testing.B) {
			b.ReportAllocs()
			start := processorTime(b)
			for b.Loop() {
				if err := validate(j); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(processorTime(b)-start)/float64(b.N), "cpu-ns/op")
		})
	}
}

// processorTime is what this process has taken so far, the garbage collector included.
func processorTime(b *testing.B) int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return usage.Utime.Nano() + usage.Stime.Nano()
}

// page is the contract's example page, its first job n times.
func page(tb testing.TB, n int) any {
	tb.Helper()
	var page map[string]any
	if err := json.Unmarshal(marshal(tb, example(tb, "OnePage")), &page); err != nil {
		tb.Fatal(err)
	}
	job := page["jobs"].([]any)[0]
	jobs := make([]any, n)
	for i := range jobs {
		jobs[i] = job
	}
	page["jobs"], page["totalCount"] = jobs, n
	return page
}
