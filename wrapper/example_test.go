package d365backup_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/d365backup/d365backup/sandbox"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// startSandbox runs a sandbox whose history does not depend on the present.
func startSandbox() (*sandbox.Server, []d365backup.Option) {
	service, err := sandbox.Start(sandbox.WithAnchor(time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)))
	if err != nil {
		log.Fatal(err)
	}
	return service, []d365backup.Option{
		d365backup.WithBaseURL(service.URL()),
		d365backup.WithTokenURL(service.TokenURL()),
		d365backup.WithLoopbackHTTP(),
		d365backup.WithClientSecret(service.ClientID(), service.ClientSecret()),
	}
}

// A client of the real service needs a data centre and credentials.
func ExampleNew() {
	client, err := d365backup.New(
		d365backup.WithDataCenter("us"),
		d365backup.WithClientSecret("5f0c…", "the secret"),
	)
	fmt.Println(client, err)
	// Output: d365backup.Client(https://graph-us.avepointonlineservices.com) <nil>
}

// What New does not accept it names, with what there is to choose from.
func ExampleNew_invalid() {
	_, err := d365backup.New(d365backup.WithClientSecret("5f0c…", os.Getenv("SECRET_THAT_IS_NOT_SET")), d365backup.WithDataCenter("us"))
	fmt.Println(errors.Is(err, d365backup.ErrConfig), err)
	// Output: true d365backup: invalid configuration: WithClientSecret got an empty client secret
}

// Which backups failed last night, and how many records were lost.
func ExampleClient_Jobs() {
	service, options := startSandbox()
	defer service.Close()
	client, err := d365backup.New(options...)
	if err != nil {
		log.Fatal(err)
	}
	night := d365backup.Query{
		Type:   d365backup.JobTypeBackup,
		Status: d365backup.JobStatusFailed,
		Start:  time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC),
		End:    time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC),
	}
	for job, err := range client.Jobs(context.Background(), night) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(job.StartTime.Format(time.DateTime), job.OrganizationName, job.FailedRecord)
	}
	// Output:
	// 2026-11-02 04:06:42 Larkfield Training 1330
	// 2026-11-01 22:05:03 Larkfield Training 32025
	// 2026-11-01 16:05:22 Larkfield Training 1000
	// 2026-11-01 10:05:35 Larkfield Training 1816
}

// The total without the jobs: how many backups finished in October.
func ExampleClient_Page() {
	service, options := startSandbox()
	defer service.Close()
	client, err := d365backup.New(append(options, d365backup.WithPageSize(1))...)
	if err != nil {
		log.Fatal(err)
	}
	page, err := client.Page(context.Background(), d365backup.Query{
		Type:   d365backup.JobTypeBackup,
		Status: d365backup.JobStatusFinished,
		Start:  time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC),
		End:    time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
	}, 1)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(page.TotalCount, "jobs,", len(page.Jobs), "of them here")
	// Output:
	// 659 jobs, 1 of them here
}

// An error says what kind it is, and what is known about the request.
func ExampleError() {
	service, options := startSandbox()
	defer service.Close()
	service.SetFaults(sandbox.MissingPermission())
	client, err := d365backup.New(options...)
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.Page(context.Background(), d365backup.Query{Start: time.Now().AddDate(0, 0, -1)}, 1)
	if e, ok := errors.AsType[*d365backup.Error](err); ok && errors.Is(err, d365backup.ErrForbidden) {
		fmt.Println(e.StatusCode, e.Attempts, e.Message)
	}
	// Output:
	// 403 1 the app may not read jobs: grant it the permission Dynamics.ReadWrite.All: the service says "The app lacks a permission that this operation needs."
}

// Drift shows how answers differ from the contract before it hurts.
func ExampleWithDriftHandler() {
	service, options := startSandbox()
	defer service.Close()
	client, err := d365backup.New(append(options, d365backup.WithDriftHandler(func(d d365backup.Drift) {
		log.Printf("%s at %s: %q, %d times", d.Kind, d.Field, d.Value, d.Count)
	}))...)
	if err != nil {
		log.Fatal(err)
	}
	page, err := client.Page(context.Background(), d365backup.Query{Start: time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC)}, 1)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(page.Number, page.Size)
	// Output: 1 100
}

func ExampleParseJobStatus() {
	status, err := d365backup.ParseJobStatus("finished with exception")
	fmt.Println(status, int(status), err)
	_, err = d365backup.ParseJobStatus("done")
	fmt.Println(err)
	// Output:
	// FinishedWithException 7 <nil>
	// d365backup: invalid configuration: job status "done" does not exist: use one of Any, InProgress, Finished, Failed, FinishedWithException
}
