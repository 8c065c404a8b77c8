package cli_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
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
		`{"status":500,"message":"An internal error occurred","jobs":[]}`:                                      `status 500: the service says "An internal error occurred"`,
		`{"totalCount":0,"jobs":[],"message":"The tenant could not be resolved"}`:                              `"The tenant could not be resolved"`,
		`{"totalCount":0,"jobs":null,"error":"no license","requestId":"r-1"}`:                                  `"no license" (`,
		`{"traceId":"t-1","error":{"code":"x","message":"denied"},"statusCode":"Forbidden"}`:                   `status Forbidden: the service says "denied"`,
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
			if strings.Contains(got.stderr, "the service says") && strings.Contains(got.stderr, "check D365BACKUP_BASE_URL") {
				t.Errorf("it blames the address of a service that responded: %s", got.stderr)
			}
		}
	}
}

const driftPayload = `{"totalCount":4,"message":"Next month \u001b[31mthis API changes","jobs":[
{"type":1,"jobId":"A","startTime":"2026-11-01T03:00:00z","status":"Partially Failed","failedRecord":1},
{"type":"Migration","jobId":"B","startTime":"2016-12-31T23:59:60Z","status":"Partially Failed"},
{"type":1,"jobId":"C","startTime":"2026-11-01T03:00:00Z","finishTime":"1900-01-01T00:00:00Z","status":2},
{"type":1,"jobId":"D","startTime":"2026-11-01T04:00:00Z","status":"Partially Failed"}]}`

// TestDriftIsVisible: what was tolerated is noted in one line, and the service's own words are kept.
func TestDriftIsVisible(t *testing.T) {
	env := servePayload(t, driftPayload)
	const note = `d365backup: responses differ from the contract: status "Partially Failed" not understood in 3 jobs; ` +
		`type "Migration" not understood in 1 job; message: unknown field ("Next month \u001b[31mthis API changes"); ` +
		`jobs.finishTime: placeholder time ("1900-01-01T00:00:00Z")` + "\n"
	for _, format := range []string{"table", "json", "ndjson", "csv"} {
		got := run(t, env, "jobs", "--utc", "-o", format)
		if got.code != 0 || got.stderr != note {
			t.Errorf("%s: code %d, stderr %s", format, got.code, got.stderr)
		}
		if strings.Count(got.stdout, "Partially Failed") != 3 || format != "table" && !strings.Contains(got.stdout, "Migration") {
			t.Errorf("%s: the words are lost: %s", format, got.stdout)
		}
		if strings.Contains(got.stdout, "Unknown") || strings.Contains(got.stdout, "1900") {
			t.Errorf("%s: got %s", format, got.stdout)
		}
		if format != "table" && (!strings.Contains(got.stdout, "2026-11-01T03:00:00Z") || !strings.Contains(got.stdout, "2017-01-01T00:00:00Z")) {
			t.Errorf("%s: a time is lost: %s", format, got.stdout)
		}
	}
	got := run(t, env, "report", "--utc", "--start", "2026-10-20", "--end", "2026-11-02")
	if got.code != 0 || got.stderr != note || !strings.Contains(got.stdout, "Partially Failed") {
		t.Errorf("report: %+v", got)
	}
}

// TestDriftIsBounded: a service cannot flood the screen.
func TestDriftIsBounded(t *testing.T) {
	var body strings.Builder
	body.WriteString(`{"totalCount":200,"jobs":[`)
	for i := range 200 {
		fmt.Fprintf(&body, `%s{"type":1,"jobId":"%d","startTime":"2026-11-01T03:00:00Z","status":"%d%s"}`, ","[:min(i, 1)], i, i, strings.Repeat("x", 1000))
	}
	body.WriteString(`]}`)
	got := run(t, servePayload(t, body.String()), "jobs", "-o", "json", "--page-size", "500")
	if got.code != 0 || strings.Count(got.stderr, "\n") != 1 || !strings.HasSuffix(got.stderr, "; and 95 more\n") || len(got.stderr) > 1000 {
		t.Errorf("code %d, %s", got.code, got.stderr)
	}
}

// TestValidateOwnOutput: the command's own format is recognized, and nothing else is taken for it.
func TestValidateOwnOutput(t *testing.T) {
	server, env := serve(t, sandbox.WithJobs(0))
	server.Put(fewJobs()...)
	own := func(args ...string) string {
		return run(t, env, append(append([]string{"jobs"}, dayFlags...), args...)...).stdout
	}
	response := `{"totalCount":1,"jobs":[{"type":1,"jobId":"A","startTime":"2026-11-01T03:00:00Z","status":3}]}`
	for name, test := range map[string]struct {
		payload string
		own     bool
	}{
		"json":         {own("-o", "json"), true},
		"ndjson":       {own("-o", "ndjson"), true},
		"one job":      {own("-o", "json", "--limit", "1"), true},
		"unknown word": {strings.ReplaceAll(own("-o", "json"), `"Failed"`, `"Partially Failed"`), true},
		"no jobs":      {"[]\n", false},
		"csv":          {own("-o", "csv"), false},
		"response":     {response, false},
		"October 2024": {`{"totalNumber":1,"result":[{"type":"Backup","jobId":"A","startTime":"2026-11-01T03:00:00Z","status":"Finished"}]}`, false},
		"bare words":   {`[{"type":"Backup","jobId":"A","startTime":"2026-11-01T03:00:00Z","status":"Finished"}]`, false},
		"numbers":      {strings.ReplaceAll(own("-o", "ndjson", "--limit", "1"), `"type":"Restore"`, `"type":2`), false},
	} {
		path := filepath.Join(t.TempDir(), "payload")
		if err := os.WriteFile(path, []byte(test.payload), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, format := range []string{"text", "json"} {
			got := run(t, nil, "validate", "response", path, "-o", format)
			said := got.code == 2 && got.stdout == "" && strings.Contains(got.stderr, "this is output of d365backup jobs")
			if said != test.own || got.code == 2 && !test.own {
				t.Errorf("%s, %s: %+v", name, format, got)
			}
		}
	}
}
