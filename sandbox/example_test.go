package sandbox_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/d365backup/d365backup/generated"
	"github.com/d365backup/d365backup/sandbox"
)

// A test starts a sandbox, points its program at it, and compares with what the sandbox knows.
func Example() {
	present := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	srv, err := sandbox.Start(sandbox.WithAnchor(present))
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()

	auth := clientcredentials.Config{
		ClientID:     srv.ClientID(),
		ClientSecret: srv.ClientSecret(),
		TokenURL:     srv.TokenURL(),
		Scopes:       []string{"Dynamics.ReadWrite.All"},
		AuthStyle:    oauth2.AuthStyleInParams,
	}
	ctx := context.Background()
	client, err := generated.NewClientWithResponses(srv.URL(), generated.WithHTTPClient(auth.Client(ctx)))
	if err != nil {
		log.Fatal(err)
	}
	failed := generated.JobFilterModel{
		Status:    new(generated.JobStatusFailed),
		StartTime: new(present.Add(-24 * time.Hour)),
		EndTime:   &present,
	}
	resp, err := client.GetJobsWithResponse(ctx, failed)
	if err != nil {
		log.Fatal(err)
	}
	for _, job := range resp.JSON200.Jobs {
		fmt.Println(job.JobID, *job.OrganizationName, *job.FailedRecord, "records lost")
	}
	fmt.Println(resp.JSON200.TotalCount, "failed; the sandbox counts", srv.Count(failed))

	// Output:
	// DCIB2026110205064288202819 Larkfield Training 1330 records lost
	// DCIB2026110123050331906998 Larkfield Training 32025 records lost
	// DCIB2026110117052211041661 Larkfield Training 1000 records lost
	// DCIB2026110111053513079833 Larkfield Training 1816 records lost
	// 4 failed; the sandbox counts 4
}

// A service that throttles for a while.
func ExampleServer_SetFaults() {
	srv, err := sandbox.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()

	srv.SetFaults(sandbox.Throttled(2, 30*time.Second))
	for range 3 {
		resp, err := client.PostForm(srv.URL()+"/api/OpenApi/GetJobs", url.Values{})
		if err != nil {
			log.Fatal(err)
		}
		resp.Body.Close()
		fmt.Println(resp.Status, resp.Header.Get("Retry-After"))
	}

	// Output:
	// 429 Too Many Requests 30
	// 429 Too Many Requests 30
	// 401 Unauthorized
}

// A history of one's own: a job that is running, and then has failed.
func ExampleServer_Put() {
	srv, err := sandbox.Start(sandbox.WithJobs(0))
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()

	job := generated.Job{
		JobID:     "DCIB2026110203000000000001",
		Type:      generated.BackupRestoreTypeBackup,
		Status:    generated.JobStatusInProgress,
		StartTime: time.Date(2026, 11, 2, 3, 0, 0, 0, time.UTC),
	}
	srv.Put(job)
	job.Status = generated.JobStatusFailed
	srv.Put(job) // in the place of the one before
	for _, job := range srv.Jobs(generated.JobFilterModel{}) {
		fmt.Println(job.JobID, job.Status)
	}

	// Output:
	// DCIB2026110203000000000001 4
}

// What a program does when jobs disappear, as they do by retention.
func ExampleServer_Delete() {
	srv, err := sandbox.Start(sandbox.WithJobs(10))
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()

	all := generated.JobFilterModel{}
	newest := srv.Jobs(all)[0]
	srv.Delete(newest.JobID, "no such job")
	fmt.Println(srv.Count(all), "jobs are left")

	// Output:
	// 9 jobs are left
}

// A fault of one's own counts requests and deletes a job while the history is read.
func ExampleFault() {
	srv, err := sandbox.Start(sandbox.WithJobs(10))
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()

	var requests atomic.Int64
	newest := srv.Jobs(generated.JobFilterModel{})[0]
	srv.SetFaults(sandbox.Fault{Name: "shrinking", Middleware: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if requests.Add(1) == 2 {
				srv.Delete(newest.JobID)
			}
			next.ServeHTTP(w, r)
		})
	}})
	for range 3 {
		resp, err := client.Get(srv.URL() + "/dynamicsbackup/jobs")
		if err != nil {
			log.Fatal(err)
		}
		resp.Body.Close()
		fmt.Println(resp.Header.Get("Sandbox-Faults"), srv.Count(generated.JobFilterModel{}))
	}

	// Output:
	// shrinking 10
	// shrinking 9
	// shrinking 9
}
