//go:build unix

package validators

import (
	"encoding/json"
	"net/http"
	"syscall"
	"testing"
)

func allValidators(tb testing.TB) []struct {
	name string
	validator
} {
	return []struct {
		name string
		validator
	}{
		{"api", apiValidator{}},
		{"openapi3filter", newFilter(tb)},
		{"libopenapi-validator", newLibopenapi(tb)},
	}
}

// BenchmarkFilter validates a request with every property of the filter.
func BenchmarkFilter(b *testing.B) {
	body := marshal(b, example(b, "FailedBackups"))
	compare(b, func(v validator) error { return v.request(body) })
}

// BenchmarkPage validates a response of 100 jobs with every property.
func BenchmarkPage(b *testing.B) {
	body := marshal(b, page(b, 100))
	compare(b, func(v validator) error { return v.response(http.StatusOK, body) })
}

// compare measures the real time and the processor time of each validator. Other programs affect the latter less.
func compare(b *testing.B, validate func(validator) error) {
	for _, v := range allValidators(b) {
		b.Run("validator="+v.name, func(b *testing.B) {
			b.ReportAllocs()
			start := processorTime(b)
			for b.Loop() {
				if err := validate(v); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(processorTime(b)-start)/float64(b.N), "cpu-ns/op")
		})
	}
}

// processorTime returns the processor time of this process so far, including garbage collection.
func processorTime(b *testing.B) int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return usage.Utime.Nano() + usage.Stime.Nano()
}

// page returns the contract's example of a page, with its first job n times.
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
