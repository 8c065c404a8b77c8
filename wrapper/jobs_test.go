package d365backup_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/d365backup/d365backup/generated"
	"github.com/d365backup/d365backup/sandbox"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// connect returns a sandbox and a client of it.
func connect(t *testing.T, options []sandbox.Option, more ...d365backup.Option) (*sandbox.Server, *d365backup.Client) {
	t.Helper()
	service, err := sandbox.Start(options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := service.Close(); err != nil {
			t.Errorf("the sandbox: %v", err)
		}
	})
	return service, connectTo(t, service, more...)
}

// connectTo returns a client of a sandbox.
func connectTo(t *testing.T, service *sandbox.Server, more ...d365backup.Option) *d365backup.Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	client, err := d365backup.New(append([]d365backup.Option{
		d365backup.WithBaseURL(service.URL()),
		d365backup.WithTokenURL(service.TokenURL()),
		d365backup.WithLoopbackHTTP(),
		d365backup.WithClientSecret(service.ClientID(), service.ClientSecret()),
		d365backup.WithHTTPClient(&http.Client{Transport: transport}),
	}, more...)...)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// TestJobsOfTheSandbox: every matching job is returned once, with all its fields.
func TestJobsOfTheSandbox(t *testing.T) {
	service, client := connect(t, nil, d365backup.WithDriftHandler(func(d d365backup.Drift) { t.Errorf("drift: %+v", d) }))
	now := time.Now()
	for name, query := range map[string]d365backup.Query{
		"all":    {Start: now.AddDate(-5, 0, 0)},
		"failed": {Start: now.AddDate(-1, 0, 0), Type: d365backup.JobTypeBackup, Status: d365backup.JobStatusFailed},
		"none":   {Start: now.AddDate(-50, 0, 0), End: now.AddDate(-49, 0, 0)},
		"organization": {Start: now.AddDate(-1, 0, 0), End: now.AddDate(0, -1, 0),
			OrganizationID: "69cb1ecc-f8e8-439b-8077-a4b7fd45e87f", ObjectType: new(int32(1))},
	} {
		t.Run(name, func(t *testing.T) {
			if query.End.IsZero() {
				query.End = now.Truncate(time.Second)
			}
			var got []d365backup.Job
			for job, err := range client.Jobs(t.Context(), query) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, job)
			}
			want := service.Jobs(filterOf(query))
			if len(got) != len(want) || len(want) == 0 && name != "none" {
				t.Fatalf("got %d jobs, want %d", len(got), len(want))
			}
			for i := range want {
				if diff := differs(got[i], want[i]); diff != "" {
					t.Fatalf("job %d: %s", i, diff)
				}
			}
		})
	}
}

func filterOf(q d365backup.Query) sandbox.Filter {
	filter := sandbox.Filter{
		Type:           int(q.Type),
		Status:         int(q.Status),
		Start:          q.Start.UTC().Truncate(time.Second),
		End:            q.End.UTC().Truncate(time.Second),
		OrganizationID: q.OrganizationID,
	}
	if !q.End.Equal(filter.End) {
		filter.End = filter.End.Add(time.Second)
	}
	return filter
}

// differs compares a job with the sandbox's, by their JSON: both use the contract's names.
func differs(got d365backup.Job, want sandbox.Job) string {
	flat := func(value any) map[string]any {
		text, err := json.Marshal(value)
		if err != nil {
			return map[string]any{"error": err.Error()}
		}
		fields := make(map[string]any)
		_ = json.Unmarshal(text, &fields)
		return fields
	}
	g, w := flat(got), flat(want)
	w["type"], w["status"] = got.Type.String(), got.Status.String()
	if int32(got.Type) != int32(want.Type) || int32(got.Status) != int32(want.Status) {
		return fmt.Sprintf("type %v and status %v, want %v and %v", got.Type, got.Status, want.Type, want.Status)
	}
	for name, value := range w {
		if g[name] != value {
			return fmt.Sprintf("%s: got %v, want %v", name, g[name], value)
		}
	}
	return ""
}

// TestRawInAllMediaTypes: the raw client is authenticated and works in each media type of the contract.
func TestRawInAllMediaTypes(t *testing.T) {
	service, client := connect(t, nil)
	start := time.Now().AddDate(0, 0, -7).UTC()
	filter := generated.JobFilterModel{StartTime: &start}
	body, err := json.Marshal(filter)
	if err != nil {
		t.Fatal(err)
	}
	for _, mediaType := range []string{"application/json", "text/json", "application/vnd.example+json"} {
		resp, err := client.Raw().GetJobsWithBodyWithResponse(t.Context(), mediaType, bytes.NewReader(body))
		if err != nil || resp.JSON200 == nil || int(resp.JSON200.TotalCount) != service.Count(sandbox.Filter{Start: start}) {
			t.Errorf("%s: %v, %s", mediaType, err, resp.Body)
		}
	}
	resp, err := client.Raw().GetJobsWithResponse(t.Context(), filter)
	if err != nil || resp.JSON200 == nil || len(resp.JSON200.Jobs) != 10 {
		t.Errorf("typed method: %v, %s", err, resp.Body)
	}
}

// TestDeletionsWhilePaging: deleting jobs while pages are read loses no other job.
func TestDeletionsWhilePaging(t *testing.T) {
	for _, prefetch := range []int{1, 4} {
		service, client := connect(t, []sandbox.Option{sandbox.WithJobs(2000)}, d365backup.WithPageSize(50), d365backup.WithPrefetch(prefetch))
		query := d365backup.Query{Start: time.Now().AddDate(-5, 0, 0), End: time.Now()}
		all := service.Jobs(filterOf(query))
		seen := make(map[string]int)
		i := 0
		for job, err := range client.Jobs(t.Context(), query) {
			if err != nil {
				t.Fatal(err)
			}
			seen[job.JobID]++
			if i++; i == 75 || i == 900 {
				service.Delete(all[i-60].JobID, all[i+500].JobID) // one that was read, and one to come
			}
		}
		for _, job := range service.Jobs(filterOf(query)) {
			if seen[job.JobID] != 1 {
				t.Errorf("%d ahead: %s came %d times", prefetch, job.JobID, seen[job.JobID])
			}
		}
	}
}

// TestSimilarJobs: a job is dropped as a duplicate only if it cannot be distinguished from an earlier one.
func TestSimilarJobs(t *testing.T) {
	for name, second := range map[string]string{
		"no id":                `{"type":1,"status":4,"startTime":"2026-11-01T00:00:01Z"}`,
		"id of another day":    `{"jobId":"A","type":1,"status":4,"startTime":"2026-11-02T00:00:00Z"}`,
		"id of another tenant": `{"jobId":"A","type":1,"status":4,"startTime":"2026-11-01T00:00:00Z","organizationId":"2f8a6d10-94c3-4b7b-8d52-6e0f3c1a7b95"}`,
	} {
		first := `{"jobId":"A","type":1,"status":3,"startTime":"2026-11-01T00:00:00Z"}`
		if name == "no id" {
			first = `{"type":1,"status":3,"startTime":"2026-11-01T00:00:00Z"}`
		}
		client := serve(t, func(w http.ResponseWriter, r *http.Request) {
			var filter generated.JobFilterModel
			_ = json.NewDecoder(r.Body).Decode(&filter)
			page := map[int32]string{1: first, 2: second}[*filter.PageInfo.CurrentPage]
			respond(200, "application/json", `{"totalCount":2,"jobs":[`+page+`]}`)(w, r)
		}, d365backup.WithPageSize(1))
		var got []d365backup.JobStatus
		for job, err := range client.Jobs(t.Context(), valid) {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			got = append(got, job.Status)
		}
		if !slices.Equal(got, []d365backup.JobStatus{d365backup.JobStatusFinished, d365backup.JobStatusFailed}) {
			t.Errorf("%s: got jobs that are %v", name, got)
		}
	}
}

// TestQueryFromNow: a query that starts now is valid, although its end is rounded down.
func TestQueryFromNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := servePipe(t, respond(200, "application/json", emptyPage))
		time.Sleep(1500 * time.Millisecond)
		if _, err := client.Page(t.Context(), d365backup.Query{Start: time.Now()}, 1); err != nil {
			t.Error(err)
		}
	})
}

func TestIncomplete(t *testing.T) {
	client := serve(t, respond(200, "application/json", `{"totalCount":3,"jobs":[{"jobId":"A","type":1,"status":3,"startTime":"2026-11-01T00:00:00Z"}]}`),
		d365backup.WithPageSize(1))
	var jobs int
	var last error
	for _, err := range client.Jobs(t.Context(), valid) {
		if last = err; err == nil {
			jobs++
		}
	}
	e, ok := errors.AsType[*d365backup.Error](last)
	if !ok || !errors.Is(last, d365backup.ErrIncomplete) || e.Host == "" || !e.Retryable() || jobs != 1 {
		t.Errorf("got %d jobs and %v, want 1 and ErrIncomplete", jobs, last)
	}
}

// TestProgress: the handler is called for every page, with the total.
func TestProgress(t *testing.T) {
	var heard []d365backup.Progress
	service, client := connect(t, []sandbox.Option{sandbox.WithJobs(250)},
		d365backup.WithProgress(func(p d365backup.Progress) { heard = append(heard, p) }))
	query := d365backup.Query{Start: time.Now().AddDate(-5, 0, 0), End: time.Now()}
	for _, err := range client.Jobs(t.Context(), query) {
		if err != nil {
			t.Fatal(err)
		}
	}
	want := []d365backup.Progress{{Pages: 1, Jobs: 100, TotalCount: 250}, {Pages: 2, Jobs: 200, TotalCount: 250}, {Pages: 3, Jobs: 250, TotalCount: 250}}
	if !slices.Equal(heard, want) || service.Count(filterOf(query)) != 250 {
		t.Errorf("got %v, want %v", heard, want)
	}
}

// TestConcurrentUse: many goroutines use one client.
func TestConcurrentUse(t *testing.T) {
	service, client := connect(t, []sandbox.Option{sandbox.WithJobs(300)})
	query := d365backup.Query{Start: time.Now().AddDate(-5, 0, 0), End: time.Now()}
	want := service.Count(filterOf(query))
	var group sync.WaitGroup
	for range 100 {
		group.Go(func() {
			n := 0
			for _, err := range client.Jobs(t.Context(), query) {
				if err != nil {
					t.Error(err)
					return
				}
				n++
			}
			if n != want {
				t.Errorf("got %d jobs, want %d", n, want)
			}
		})
	}
	group.Wait()
}

// TestShortTokens: a loop of a minute works with tokens of 20 seconds.
func TestShortTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{}
		var expiry atomic.Int64
		s.tokens = func(w http.ResponseWriter, _ *http.Request) {
			expiry.Store(time.Now().Add(20 * time.Second).UnixNano())
			_, _ = fmt.Fprintf(w, `{"access_token":"token-%d","expires_in":20}`, s.granted.Load())
		}
		refused := 0
		s.jobs = func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != fmt.Sprintf("Bearer token-%d", s.granted.Load()) && time.Now().UnixNano() > expiry.Load()-int64(16*time.Second) {
				refused++
				respond(401, "", "")(w, r)
				return
			}
			body, _ := io.ReadAll(r.Body)
			var filter generated.JobFilterModel
			_ = json.Unmarshal(body, &filter)
			time.Sleep(2 * time.Second) // of the test's clock
			if *filter.PageInfo.CurrentPage > 30 {
				respond(200, "application/json", `{"totalCount":30,"jobs":[]}`)(w, r)
				return
			}
			respond(200, "application/json", fmt.Sprintf(
				`{"totalCount":30,"jobs":[{"jobId":"job%d","type":1,"status":3,"startTime":"2026-11-01T00:00:00Z"}]}`, *filter.PageInfo.CurrentPage))(w, r)
		}
		client := s.client(t, "http://127.0.0.1", pipe(t, s), d365backup.WithPageSize(1), d365backup.WithPrefetch(1))
		started, jobs := time.Now(), 0
		for _, err := range client.Jobs(t.Context(), valid) {
			if err != nil {
				t.Fatal(err)
			}
			jobs++
		}
		if took := time.Since(started); jobs != 30 || took < time.Minute || refused != 0 || s.granted.Load() < 3 {
			t.Errorf("%d jobs in %s with %d tokens and %d refusals, want 30 in a minute or more with several tokens and none",
				jobs, took, s.granted.Load(), refused)
		}
	})
}
