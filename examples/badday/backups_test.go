// Package backups_test shows how to test a program against the sandbox. docs/guide/go.md shows it.
package backups_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/d365backup/d365backup/sandbox"
	"github.com/d365backup/d365backup/sandbox/sandboxtest"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

func TestFailedJobsAreFoundOnABadDay(t *testing.T) {
	present := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	client, service := sandboxtest.New(t,
		sandbox.WithAnchor(present),
		sandbox.WithFault(sandbox.ServerError(2, http.StatusServiceUnavailable)),
	)

	query := d365backup.Query{Status: d365backup.JobStatusFailed, Start: present.AddDate(0, 0, -7), End: present}
	got := 0
	for _, err := range client.Jobs(t.Context(), query) {
		if err != nil {
			t.Fatal(err)
		}
		got++
	}
	want := service.Count(sandbox.Filter{Status: int(query.Status), Start: query.Start, End: query.End})
	if got != want || got == 0 {
		t.Errorf("%d failed jobs were found, the service has %d", got, want)
	}
}
