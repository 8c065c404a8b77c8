package peer

import (
	"encoding/json"
	"net/http"
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
	for _, j := range judges(b) {
		b.Run(j.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				if err := j.request(body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkPage judges an answer of 100 jobs with every property.
func BenchmarkPage(b *testing.B) {
	body := marshal(b, page(b, 100))
	for _, j := range judges(b) {
		b.Run(j.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				if err := j.response(http.StatusOK, body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
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

func marshal(tb testing.TB, v any) []byte {
	tb.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}
