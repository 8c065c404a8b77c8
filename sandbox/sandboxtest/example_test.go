package sandboxtest_test

import (
	"context"
	"fmt"
	"time"

	"github.com/d365backup/d365backup/sandbox/sandboxtest"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// failures is the program under test: it names the organizations whose last backup failed.
func failures(ctx context.Context, client *d365backup.Client, since time.Time) (names []string, err error) {
	for job, err := range client.Jobs(ctx, d365backup.Query{Status: d365backup.JobStatusFailed, Start: since}) {
		if err != nil {
			return nil, err
		}
		names = append(names, job.OrganizationName)
	}
	return names, nil
}

// A test describes a history and runs a program against it.
func Example() {
	t := new(recorder) // in a test, this is its *testing.T
	defer t.end()

	night := time.Date(2026, 11, 2, 3, 0, 0, 0, time.UTC)
	client, service := sandboxtest.New(t, sandboxtest.WithHistory(
		d365backup.Job{
			JobID: "1", Type: d365backup.JobTypeBackup, Status: d365backup.JobStatusFinished,
			StartTime: night, OrganizationName: "Contoso Sales",
		},
		d365backup.Job{
			JobID: "2", Type: d365backup.JobTypeBackup, Status: d365backup.JobStatusFailed,
			StartTime: night, OrganizationName: "Contoso Service",
		},
	))
	fmt.Println(failures(t.Context(), client, night))

	sandboxtest.Put(service, d365backup.Job{
		JobID: "3", Type: d365backup.JobTypeBackup, Status: d365backup.JobStatusFailed,
		StartTime: night.Add(time.Hour), OrganizationName: "Contoso Sales",
	})
	fmt.Println(failures(t.Context(), client, night))

	// Output:
	// [Contoso Service] <nil>
	// [Contoso Sales Contoso Service] <nil>
}
