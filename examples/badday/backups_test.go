// Package backups_test shows how to test a program against the sandbox. docs/guide.md shows it.
package backups_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/d365backup/d365backup/sandbox"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

func TestFailedJobsAreFoundOnABadDay(t *testing.T) {
	present := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	service, err := sandbox.Start(
		sandbox.WithAnchor(present),
		sandbox.WithFault(sandbox.ServerError(2, http.StatusServiceUnavailable)),
	)
	if err != nil {
		t.Fatal(err)
	}
	defer service.Close()
	client, err := d365backup.New(
		d365backup.WithBaseURL(service.URL()),
		d365backup.WithTokenURL(service.TokenURL()),
		d365backup.WithLoopbackHTTP(),
		d365backup.WithClientSecret(service.ClientID(), service.ClientSecret()),
		d365backup.WithRetry(d365backup.RetryPolicy{BaseDelay: time.Millisecond}),
	)
	if err != nil {
		t.Fatal(err)
	}

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
