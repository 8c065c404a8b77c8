package browser

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/d365backup/d365backup/internal/report"
	"github.com/d365backup/d365backup/sandbox"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// anchor is when the sample report is made. With it the report is the same on every run.
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
	start := anchor.AddDate(0, 0, -30)
	summary, err := report.Collect(
		client.Jobs(t.Context(), d365backup.Query{Start: start, End: anchor}),
		report.Options{Start: start, End: anchor, Now: anchor},
	)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "report.html")
	if err := summary.Save(path); err != nil {
		t.Fatal(err)
	}
	return path
}
