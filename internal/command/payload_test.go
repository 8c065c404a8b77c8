package command_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/d365backup/d365backup/sandbox"
)

// servePayload starts a service that responds with this body to every request for jobs.
func servePayload(t *testing.T, body string) []string {
	t.Helper()
	_, env := serve(t, sandbox.WithFault(sandbox.Fault{Name: "payload", Middleware: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !strings.HasSuffix(r.URL.Path, "obs") { // GetJobs and jobs
				next.ServeHTTP(w, r)
				return
			}
			clear(w.Header()) // the sandbox's request id, which counts more than that of the body
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, body)
		})
	}}))
	return env
}

// TestFailureReports: no report of a failure passes for an empty list.
func TestFailureReports(t *testing.T) {
	for body, want := range map[string]string{
		`{"status":500,"message":"An internal error occurred","jobs":[]}`:                                      `status 500: "An internal error occurred"`,
		`{"totalCount":0,"jobs":[],"message":"The tenant could not be resolved"}`:                              `"The tenant could not be resolved"`,
		`{"totalCount":0,"jobs":null,"error":"no license","requestId":"r-1"}`:                                  `"no license" (`,
		`{"traceId":"t-1","error":{"code":"x","message":"denied"},"statusCode":"Forbidden"}`:                   `status Forbidden: "denied"`,
		`{"totalCount":0,"jobs":[],"success":false,"traceId":"t-1"}`:                                           `request id t-1`,
		`{"totalCount":0,"jobs":[],"errors":[{"code":"c","field":"type","message":"m"}],"traceId":"t-1"}`:      `"type: m"`,
		`{"statusCode":500,"message":"m","errors":[],"data":null,"requestId":"r-1","traceId":"t-1","jobs":[]}`: `request id r-1`,
	} {
		env := servePayload(t, body)
		for _, format := range []string{"table", "json"} {
			got := run(t, env, "jobs", "-o", format)
			if got.code != 1 || got.stdout != "" || !strings.Contains(got.stderr, want) || !strings.Contains(got.stderr, "response is no job list") {
				t.Errorf("%s: got %+v, want %s", body, got, want)
			}
		}
	}
}
