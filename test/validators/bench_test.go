//go:build unix

package validators

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/d365backup/d365backup/internal/bench"
)

// BenchmarkFilter validates a request with every property of the filter.
func BenchmarkFilter(b *testing.B) {
	body := marshal(b, example(b, "FailedBackups"))
	compare(b, 5000, func(v validator) error { return v.request(body) })
}

// BenchmarkPage validates a response of 100 jobs with every property.
func BenchmarkPage(b *testing.B) {
	body := marshal(b, page(b, 100))
	compare(b, 50, func(v validator) error { return v.response(http.StatusOK, body) })
}

func compare(b *testing.B, times int, validate func(validator) error) {
	b.Helper()
	filter, libopenapi := newFilter(b), newLibopenapi(b)
	bench.Compare(b, times, []bench.Contestant{
		{Name: "api", Do: func() error { return validate(apiValidator{}) }},
		{Name: "openapi3filter", Do: func() error { return validate(filter) }},
		{Name: "libopenapi-validator", Do: func() error { return validate(libopenapi) }},
	})
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
