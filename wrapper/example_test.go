package d365backup_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/d365backup/d365backup/generated"
	"github.com/d365backup/d365backup/sandbox"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// startSandbox runs a sandbox whose history does not depend on the current time.
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

// respondingWith makes the service respond to every request for jobs with this body.
func respondingWith(body string) sandbox.Fault {
	return sandbox.Fault{Name: "responding", Middleware: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/api/OpenApi/GetJobs" {
				next.ServeHTTP(w, r) // tokens
				return
			}
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, body)
		})
	}}
}

// A client of the real service needs a data center and credentials.
func ExampleNew() {
	client, err := d365backup.New(
		d365backup.WithDataCenter("us"),
		d365backup.WithClientSecret("5f0c…", "the secret"),
	)
	fmt.Println(client, err)
	// Output: d365backup.Client(https://graph-us.avepointonlineservices.com) <nil>
}

// New names what it does not accept, and lists the valid values.
func ExampleNew_invalid() {
	_, err := d365backup.New(d365backup.WithClientSecret("5f0c…", os.Getenv("SECRET_THAT_IS_NOT_SET")), d365backup.WithDataCenter("us"))
	fmt.Println(errors.Is(err, d365backup.ErrConfig), err)
	// Output: true d365backup: invalid configuration: WithClientSecret: the client secret is empty
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

// All jobs of a short list as a slice.
func ExampleCollect() {
	service, options := startSandbox()
	defer service.Close()
	client, err := d365backup.New(options...)
	if err != nil {
		log.Fatal(err)
	}
	jobs, err := d365backup.Collect(client.Jobs(context.Background(), d365backup.Query{
		Start: time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC),
		End:   time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC),
	}))
	fmt.Println(len(jobs), err)
	// Output: 32 <nil>
}

// Backups and audit backups that did not succeed. The service selects by one type and one status, so these are four lists.
func ExampleQuery() {
	service, options := startSandbox()
	defer service.Close()
	client, err := d365backup.New(options...)
	if err != nil {
		log.Fatal(err)
	}
	query := d365backup.Query{
		Types:    []d365backup.JobType{d365backup.JobTypeBackup, d365backup.JobTypeAuditBackup},
		Statuses: []d365backup.JobStatus{d365backup.JobStatusFailed, d365backup.JobStatusFinishedWithException},
		Start:    time.Date(2026, 10, 31, 23, 0, 0, 0, time.UTC),
		End:      time.Date(2026, 11, 1, 5, 0, 0, 0, time.UTC),
	}
	for job, err := range client.Jobs(context.Background(), query) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(job.Type, job.StartTime.Format(time.DateTime), job.Status)
	}
	// Output:
	// Backup 2026-11-01 04:05:00 Failed
	// Backup 2026-11-01 04:38:43 FinishedWithException
	// AuditBackup 2026-11-01 00:50:45 FinishedWithException
}

// A finished job has a duration; one in progress has run since its start.
func ExampleJob_Duration() {
	start := time.Date(2026, 11, 1, 3, 0, 0, 0, time.UTC)
	for _, job := range []d365backup.Job{
		{Status: d365backup.JobStatusFinished, StartTime: start, FinishTime: start.Add(40 * time.Minute)},
		{Status: d365backup.JobStatusFinished, StartTime: start, DurationHours: 0.5},
		{Status: d365backup.JobStatusInProgress, StartTime: start},
	} {
		if job.Running() {
			fmt.Println("running since", job.StartTime.Format(time.TimeOnly))
			continue
		}
		fmt.Println(job.Duration())
	}
	// Output:
	// 40m0s
	// 30m0s
	// running since 03:00:00
}

// A program that reads jobs every hour can tell an outage from a fault that someone has to fix.
func ExampleError_Retryable() {
	service, options := startSandbox()
	defer service.Close()
	client, err := d365backup.New(append(options, d365backup.WithRetry(d365backup.RetryPolicy{Attempts: 1}))...)
	if err != nil {
		log.Fatal(err)
	}
	for _, fault := range []sandbox.Fault{sandbox.ServerError(1, http.StatusServiceUnavailable), sandbox.MissingPermission()} {
		service.SetFaults(fault)
		_, err := client.Page(context.Background(), d365backup.Query{Start: time.Now().AddDate(0, 0, -1)}, 1)
		if e, ok := errors.AsType[*d365backup.Error](err); ok {
			fmt.Println(e.Kind, e.Retryable())
		}
	}
	// Output:
	// server error true
	// permission denied false
}

// A database shows words, and gives them back. A word that this package does not know needs a string beside its status.
func ExampleJobStatus_Scan() {
	column, err := d365backup.JobStatusFinishedWithException.Value()
	fmt.Printf("%q %v\n", column, err)
	var status d365backup.JobStatus
	for _, column := range []any{"FinishedWithException", int64(7), "64", "Partially Failed"} {
		err := status.Scan(column)
		fmt.Println(int(status), status, err)
	}
	// Output:
	// "FinishedWithException" <nil>
	// 7 FinishedWithException <nil>
	// 7 FinishedWithException <nil>
	// 64 64 <nil>
	// -1 Unknown <nil>
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
	fmt.Println(page.TotalCount, "jobs,", len(page.Jobs), "on this page")
	// Output:
	// 659 jobs, 1 on this page
}

// An error has a kind and the facts about the request.
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
		fmt.Println(e.StatusCode, e.Reason, e.Message)
		fmt.Println(e.ServiceMessage)
	}
	// Output:
	// 403 missing-permission the app may not read jobs
	// The app lacks a permission that this operation needs.
}

// Drift shows how responses differ from the contract before that causes failures. Here the service responds like its
// release of October 2024 did.
func ExampleWithDriftHandler() {
	service, options := startSandbox()
	defer service.Close()
	service.SetFaults(respondingWith(`{"totalNumber":1,"result":[{"type":"Backup","jobId":"DCIB2026110104000012345601",
		"startTime":"2026-11-01T04:00:00Z","status":"Finished"}]}`))
	client, err := d365backup.New(append(options, d365backup.WithDriftHandler(func(d d365backup.Drift) {
		fmt.Printf("%s at %s: %q, %d times\n", d.Kind, d.Field, d.Value, d.Count)
	}))...)
	if err != nil {
		log.Fatal(err)
	}
	page, err := client.Page(context.Background(), d365backup.Query{Start: time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC)}, 1)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(page.Jobs[0].JobID, page.Jobs[0].Status)
	// Output:
	// other envelope at totalNumber: "", 1 times
	// other envelope at result: "", 1 times
	// word for a number at jobs.type: "Backup", 1 times
	// word for a number at jobs.status: "Finished", 1 times
	// DCIB2026110104000012345601 Finished
}

// A loop that may have missed jobs ends in ErrIncomplete. Here the service
// counts a job that it does not have.
func ExampleErrIncomplete() {
	service, options := startSandbox()
	defer service.Close()
	service.SetFaults(respondingWith(`{"totalCount":2,"jobs":[{"type":1,"jobId":"DCIB2026110104000012345601",
		"startTime":"2026-11-01T04:00:00Z","status":3}]}`))
	client, err := d365backup.New(options...)
	if err != nil {
		log.Fatal(err)
	}
	for job, err := range client.Jobs(context.Background(), d365backup.Query{Start: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}) {
		switch {
		case errors.Is(err, d365backup.ErrIncomplete):
			fmt.Println("there may be more: request a shorter time range")
		case err != nil:
			log.Fatal(err)
		default:
			fmt.Println(job.JobID)
		}
	}
	// Output:
	// DCIB2026110104000012345601
	// there may be more: request a shorter time range
}

// The successor of version v1 accepts the same queries.
func ExampleWithAPI() {
	service, options := startSandbox()
	defer service.Close()
	service.SetFaults(sandbox.V1Replaced())
	for _, api := range []d365backup.API{d365backup.APIv1, d365backup.APIGraph} {
		client, err := d365backup.New(append(options, d365backup.WithAPI(api))...)
		if err != nil {
			log.Fatal(err)
		}
		page, err := client.Page(context.Background(), d365backup.Query{
			Start: time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC),
			End:   time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
		}, 1)
		if err != nil {
			fmt.Println(api, errors.Is(err, d365backup.ErrNotFound))
			continue
		}
		fmt.Println(api, len(page.Jobs))
	}
	// Output:
	// v1 true
	// graph 100
}

// The generated client has what this package lacks. Its requests carry the token.
func ExampleClient_Raw() {
	service, options := startSandbox()
	defer service.Close()
	client, err := d365backup.New(options...)
	if err != nil {
		log.Fatal(err)
	}
	response, err := client.Raw().GetJobsWithResponse(context.Background(), generated.JobFilterModel{
		PageInfo:  generated.PageModel{CurrentPage: new(int32(1)), PageSize: new(int32(5))},
		StartTime: new(time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(response.StatusCode(), len(response.JSON200.Jobs))
	// Output: 200 5
}

// A program with its own retries turns off those of the client.
func ExampleWithRetry() {
	service, options := startSandbox()
	defer service.Close()
	service.SetFaults(sandbox.ServerError(1, http.StatusServiceUnavailable))
	client, err := d365backup.New(append(options, d365backup.WithRetry(d365backup.RetryPolicy{Attempts: 1}))...)
	if err != nil {
		log.Fatal(err)
	}
	_, err = client.Page(context.Background(), d365backup.Query{Start: time.Now().AddDate(0, 0, -1)}, 1)
	if e, ok := errors.AsType[*d365backup.Error](err); ok {
		fmt.Println(e.Kind, "after", e.Attempts, "attempt")
	}
	// Output: server error after 1 attempt
}

// The progress of a loop.
func ExampleWithProgress() {
	service, options := startSandbox()
	defer service.Close()
	client, err := d365backup.New(append(options, d365backup.WithPageSize(500), d365backup.WithProgress(func(p d365backup.Progress) {
		fmt.Printf("page %d: %d of %d jobs\n", p.Pages, p.Jobs, p.TotalCount)
	}))...)
	if err != nil {
		log.Fatal(err)
	}
	october := d365backup.Query{
		Start: time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC),
		End:   time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
	}
	for _, err := range client.Jobs(context.Background(), october) {
		if err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// page 1: 500 of 807 jobs
	// page 2: 807 of 807 jobs
}

// The data centers that WithDataCenter accepts.
func ExampleDataCenters() {
	for _, center := range d365backup.DataCenters()[:3] {
		fmt.Println(center.Code, center.Name, center.URL)
	}
	// Output:
	// au Australia https://graph-au.avepointonlineservices.com
	// sg Singapore https://graph-sg.avepointonlineservices.com
	// ca Canada Central https://graph-ca.avepointonlineservices.com
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
