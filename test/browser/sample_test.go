package browser

import (
	"io"
	"iter"
	"path/filepath"
	"testing"
	"time"

	"github.com/d365backup/d365backup/health"
	"github.com/d365backup/d365backup/internal/report"
	"github.com/d365backup/d365backup/sandbox"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// anchor is when the reports are made. With it they are the same on every run.
var anchor = time.Date(2026, 11, 23, 6, 30, 0, 0, time.UTC)

// sampleFile writes a report on the sandbox's last 30 days and returns its path.
func sampleFile(t *testing.T) string {
	t.Helper()
	service, err := sandbox.Start(sandbox.WithAnchor(anchor))
	if err != nil {
		t.Fatal(err)
	}
	defer service.Close()
	client, err := d365backup.New(
		d365backup.WithBaseURL(service.URL()),
		d365backup.WithTokenURL(service.TokenURL()),
		d365backup.WithLoopbackHTTP(),
		d365backup.WithClientSecret(service.ClientID(), service.ClientSecret()),
	)
	if err != nil {
		t.Fatal(err)
	}
	start := anchor.Add(-health.DefaultLookBack)
	return reportFile(t, client.Jobs(t.Context(), d365backup.Query{Start: start, End: anchor}), start, anchor.AddDate(0, 0, -30))
}

// reportFile writes a report on jobs and returns its path.
func reportFile(t *testing.T, jobs iter.Seq2[d365backup.Job, error], start, windowStart time.Time) string {
	t.Helper()
	summary, err := health.Assess(jobs, health.Policy{Start: start, WindowStart: windowStart, End: anchor, Now: anchor})
	if err != nil {
		t.Fatal(err)
	}
	r := &report.Report{Version: "v1.0.0", Now: anchor, Tenants: []report.Tenant{{
		Profile: "sandbox", Address: "http://127.0.0.1:8080", Operation: "GET /dynamicsbackup/jobs", Sandbox: true, Summary: summary,
	}}}
	path := filepath.Join(t.TempDir(), "report.html")
	if err := report.WriteFile(path, func(w io.Writer) error { return r.Write(w, report.HTML) }); err != nil {
		t.Fatal(err)
	}
	return path
}
