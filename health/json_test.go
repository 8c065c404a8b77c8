package health_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/d365backup/d365backup/health"
	"github.com/d365backup/d365backup/internal/golden"
)

// TestJSON compares the JSON of a summary that has every field with a golden file. Programs depend on it.
func TestJSON(t *testing.T) {
	p := policy(func(p *health.Policy) {
		p.Location = location(t, "Europe/Berlin")
		p.WindowStart = now.Add(-3 * 24 * time.Hour)
		p.Expected = []health.Target{{Organization: "Sales"}, {Organization: "Gone"}}
		p.Ignored = []health.Target{{Organization: financeID}}
		p.Overrides = []health.Override{{Target: health.Target{Organization: "Sales"}, TolerateExceptions: new(true), MaxAge: 26 * time.Hour}}
	})
	full := func(j *d365Job) {
		j.BackupSize = 1 << 30
		j.SuccessfulRecord, j.FailedRecord, j.SkippedRecord, j.WarningRecord, j.TotalRecord = 90, 5, 3, 2, 100
		j.SuccessfulEntity, j.FailedEntity, j.SkippedEntity, j.WarningEntity, j.TotalEntity = 9, 4, 2, 1, 16
	}
	a := accumulate(t, p, jobs{
		job(400, finished, org(salesID, "Old name")), job(60, finished, full), job(30, exception, full), job(20, failed), job(10, newStatus), job(1, running),
		job(5, failed, module("Operations")), job(5, finished, ofType(8)), job(5, finished, org(financeID, "Finance")), job(5, finished, org("", "")),
	})
	a.Fail(os.ErrDeadlineExceeded)
	got, err := json.MarshalIndent(summary(t, a), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(got, []byte("null")) {
		t.Error("the JSON has a null")
	}
	golden.Equal(t, filepath.Join("testdata", "summary.json"), string(got)+"\n")
}
