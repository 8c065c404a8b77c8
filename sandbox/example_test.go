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

// A test starts a sandbox, connects a client to it, and compares the results.
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
	failed := sandbox.Filter{Status: 4, Start: present.Add(-24 * time.Hour), End: present}
	resp, err := client.GetJobsWithResponse(ctx, generated.JobFilterModel{
		Status:    new(generated.JobStatusFailed),
		StartTime: &failed.Start,
		EndTime:   &failed.End,
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, job := range resp.JSON200.Jobs {
		fmt.Println(job.JobID, *job.OrganizationName, *job.FailedRecord, "records failed")
	}
	fmt.Println(resp.JSON200.TotalCount, "failed; the sandbox counts", srv.Count(failed))

	// Output:
	// DCIB2026110205064288202819 Larkfield Training 1330 records failed
	// DCIB2026110123050331906998 Larkfield Training 32025 records failed
	// DCIB2026110117052211041661 Larkfield Training 1000 records failed
	// DCIB2026110111053513079833 Larkfield Training 1816 records failed
	// 4 failed; the sandbox counts 4
}

// The service throttles two requests.
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

// A job is in progress, and later it fails.
func ExampleServer_Put() {
	srv, err := sandbox.Start(sandbox.WithJobs(0))
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()

	job := sandbox.Job{
		JobID:     "DCIB2026110203000000000001",
		Type:      1, // backup
		Status:    2, // in progress
		StartTime: time.Date(2026, 11, 2, 3, 0, 0, 0, time.UTC),
	}
	srv.Put(job)
	job.Status = 4 // failed
	srv.Put(job)   // replaces the job with the same id
	for _, job := range srv.Jobs(sandbox.Filter{}) {
		fmt.Println(job.JobID, job.Status)
	}

	// Output:
	// DCIB2026110203000000000001 4
}

// A job disappears, as it does when its retention ends.
func ExampleServer_Delete() {
	srv, err := sandbox.Start(sandbox.WithJobs(10))
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()

	all := sandbox.Filter{}
	newest := srv.Jobs(all)[0]
	srv.Delete(newest.JobID, "unknown id")
	fmt.Println(srv.Count(all), "jobs are left")

	// Output:
	// 9 jobs are left
}

// A custom fault counts requests and deletes a job before the second one.
func ExampleFault() {
	srv, err := sandbox.Start(sandbox.WithJobs(10))
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()

	var requests atomic.Int64
	newest := srv.Jobs(sandbox.Filter{})[0]
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
		fmt.Println(resp.Header.Get("Sandbox-Faults"), srv.Count(sandbox.Filter{}))
	}

	// Output:
	// shrinking 10
	// shrinking 9
	// shrinking 9
}
