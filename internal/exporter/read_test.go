package exporter

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/d365backup/d365backup/health"
	"github.com/d365backup/d365backup/sandbox"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// TestQuietTenantCostsOneRequest: the second probe of a tenant is one request, and a result is used again for a few seconds.
func TestQuietTenantCostsOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		for i := range 35 * 24 { // nine pages
			s.jobs["a"] = append(s.jobs["a"], backup(fmt.Sprint(i), time.Now().Add(-time.Duration(i)*time.Hour), 3))
		}
		e := virtual(t, s, 64, "a")
		if r := e.target("a").probe(t.Context()); r.err != nil || r.requests != int64(s.requestsOf("a"))+1 || r.requests < 10 {
			t.Fatalf("first probe: %d requests, %v", r.requests, r.err)
		}
		before := s.requestsOf("a")
		time.Sleep(reuse - time.Millisecond)
		e.target("a").probe(t.Context())
		if n := s.requestsOf("a") - before; n != 0 {
			t.Errorf("%d requests for a result that is reused", n)
		}
		time.Sleep(2 * time.Millisecond)
		if r := e.target("a").probe(t.Context()); r.requests != 1 || s.requestsOf("a") != before+1 {
			t.Errorf("later probe: %d requests, %d at the service", r.requests, s.requestsOf("a")-before)
		}
	})
}

// TestFirstReadOutlivesItsScrape: probes that end while the first read is in progress do not end it, and join it.
func TestFirstReadOutlivesItsScrape(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		s.set(backup("1", time.Now().Add(-time.Hour), 3))
		s.setIntercept(func(_ string, _ http.ResponseWriter, r *http.Request) bool { return !pause(r, 12*time.Second) })
		e := virtual(t, s, 64, "a")
		for range 2 { // the token and the page take 24 s
			if r := e.target("a").probe(timeout(t, 10*time.Second)); r != nil {
				t.Fatalf("a result before there can be one: %+v", r)
			}
		}
		r := e.target("a").probe(timeout(t, 10*time.Second))
		if r == nil || r.err != nil || len(r.summary.Organizations) != 1 || s.requestsOf("a") != 1 {
			t.Errorf("got %+v after %d requests", r, s.requestsOf("a"))
		}
	})
}

// TestRereadsSettledJobs: they are read again after some hours, while probes go on with one request each, and what changed in
// them is noticed.
func TestRereadsSettledJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		old := backup("old", time.Now().Add(-30*time.Hour), 3)
		s.set(old, backup("older", time.Now().Add(-20*24*time.Hour), 3))
		e := virtual(t, s, 64, "a")
		state := func() (health.State, int64) {
			r := e.target("a").probe(t.Context())
			if r == nil || r.err != nil || len(r.summary.Organizations) != 1 {
				t.Fatalf("got %+v", r)
			}
			time.Sleep(2 * reuse) // the settled jobs may be read again after the result
			return r.summary.Organizations[0].State, r.requests
		}
		if got, _ := state(); got != health.OK {
			t.Fatalf("got %v", got)
		}
		s.set(backup("older", time.Now().Add(-20*24*time.Hour), 3)) // the old one is deleted
		if got, _ := state(); got != health.OK {
			t.Fatalf("got %v: settled jobs are read by each probe", got)
		}
		time.Sleep(keepSettled)
		before := s.requestsOf("a")
		if got, requests := state(); requests != 2 || s.requestsOf("a") != before+2 {
			t.Errorf("got %v with %d requests, one for a token, and %d for jobs", got, requests, s.requestsOf("a")-before)
		}
		if got, _ := state(); got != health.Overdue {
			t.Errorf("got %v after the settled jobs were read again", got)
		}
	})
}

// TestFailedRereadKeepsSettledJobs: probes go on if settled jobs cannot be read again, which is tried again later.
func TestFailedRereadKeepsSettledJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		s.set(backup("1", time.Now().Add(-30*time.Hour), 3))
		e := virtual(t, s, 64, "a")
		probe := func() {
			t.Helper()
			if r := e.target("a").probe(t.Context()); r == nil || r.err != nil || len(r.summary.Organizations) != 1 {
				t.Fatalf("got %+v", r)
			}
			time.Sleep(2 * reuse)
		}
		probe()
		time.Sleep(keepSettled)
		first := s.requestsOf("a")
		s.setIntercept(func(tenant string, w http.ResponseWriter, _ *http.Request) bool {
			if s.requestsOf(tenant) > first+1 {
				w.WriteHeader(http.StatusForbidden)
			}
			return s.requestsOf(tenant) > first+1
		})
		probe()
		s.setIntercept(nil)
		probe()
		if n := s.requestsOf("a") - first; n != 3 {
			t.Errorf("%d requests instead of one, a failed one and one", n)
		}
		time.Sleep(retryReread)
		probe()
		if n := s.requestsOf("a") - first; n != 5 {
			t.Errorf("%d requests, want 5: the settled jobs are not read again", n)
		}
	})
}

// TestJobsAreCountedOnce: after each probe, what is known equals what a complete read finds, whatever happened meanwhile and
// whichever time the service selects jobs by.
func TestJobsAreCountedOnce(t *testing.T) {
	for seed := range uint64(20) {
		for _, byFinish := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) { compareWithComplete(t, seed, byFinish) })
		}
	}
}

func compareWithComplete(t *testing.T, seed uint64, byFinish bool) {
	rnd := rand.New(rand.NewPCG(seed, 0))
	s := newService()
	s.byFinish = byFinish
	begin := time.Now()
	for i := range 150 {
		s.jobs["a"] = append(s.jobs["a"], randomJob(rnd, i, begin.Add(-time.Duration(rnd.Int64N(int64(34*24*time.Hour))))))
	}
	e := virtual(t, s, 64, "a")
	for i := range 12 {
		r := e.target("a").probe(t.Context())
		if r == nil || r.err != nil {
			t.Fatalf("seed %d: %+v", seed, r)
		}
		want := complete(t, e.target("a").profile, s.jobs["a"])
		if diff := cmp.Diff(facts(want), facts(r.summary)); diff != "" {
			t.Fatalf("seed %d, by finish %v, probe %d: a complete read (-) and a later probe (+) differ:\n%s", seed, byFinish, i, diff)
		}
		time.Sleep(reuse + time.Duration(rnd.Int64N(int64(3*time.Hour))))
		s.mu.Lock()
		for j := range s.jobs["a"] { // some that are running end
			if job := &s.jobs["a"][j]; job.Status == 2 && time.Since(job.StartTime) < maxOverlap-4*time.Hour && rnd.IntN(3) == 0 {
				job.Status, job.FinishTime = []int{3, 4, 7}[rnd.IntN(3)], time.Now().Add(-time.Second).UTC()
			}
		}
		for range rnd.IntN(4) {
			job := randomJob(rnd, len(s.jobs["a"]), time.Now().Add(-time.Duration(rnd.Int64N(int64(time.Hour)))))
			s.jobs["a"] = slices.Insert(s.jobs["a"], 0, job)
		}
		s.mu.Unlock()
	}
}

// randomJob returns a job that has ended by now or, if it is recent, may be running.
func randomJob(rnd *rand.Rand, i int, start time.Time) sandbox.Job {
	job := backup(fmt.Sprintf("job%d", i), start, []int{3, 3, 3, 4, 7}[rnd.IntN(5)])
	job.Type = []int{1, 1, 1, 8, 32}[rnd.IntN(5)]
	org := rnd.IntN(3)
	job.OrganizationID, job.OrganizationName = fmt.Sprintf("69cb1ecc-f8e8-439b-8077-a4b7fd45e87%d", org), fmt.Sprint("Org", org)
	job.Module = []string{"Customer Engagement", "Operations"}[rnd.IntN(2)]
	length := time.Duration(rnd.Int64N(int64(36 * time.Hour)))
	job.FinishTime = job.StartTime.Add(length)
	if !job.FinishTime.Before(time.Now()) {
		job.Status, job.FinishTime = 2, time.Time{}
	}
	return job
}

// complete returns the verdict about all jobs.
func complete(t *testing.T, p Profile, jobs []sandbox.Job) health.Summary {
	t.Helper()
	all, err := p.accumulator(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for _, j := range jobs {
		all.Add(d365backup.Job{
			Module: j.Module, Type: d365backup.JobType(j.Type), JobID: j.JobID, StartTime: j.StartTime, FinishTime: j.FinishTime,
			Status: d365backup.JobStatus(j.Status), OrganizationID: j.OrganizationID, OrganizationName: j.OrganizationName,
		})
	}
	summary, err := all.Summary(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return summary
}

// facts returns what the metrics show.
func facts(s health.Summary) (lines []string) {
	for _, o := range s.Organizations {
		lines = append(lines, fmt.Sprint(o.ID, o.Name, o.State, o.Reason))
		for _, m := range o.Modules {
			lines = append(lines, fmt.Sprint(o.ID, m.Name, m.State, m.Reason, m.LastSuccess.Start, m.LastException.Start, m.LastFailure.Start,
				m.LastSuccess.Duration, m.Running, m.RunningSince, m.Jobs))
		}
	}
	return lines
}

// TestClose: Close ends reads in progress and waits for them; later probes have no result.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		s.setIntercept(func(_ string, _ http.ResponseWriter, r *http.Request) bool {
			return !strings.HasSuffix(r.URL.Path, "/token") && !pause(r, time.Hour)
		})
		e := virtual(t, s, 64, "a")
		results := make(chan *result, 1)
		go func() { results <- e.target("a").probe(t.Context()) }()
		synctest.Wait()
		if n := e.bound.inFlight(); n != 1 {
			t.Errorf("%d requests in flight", n)
		}
		e.Close()
		if n := e.bound.inFlight(); n != 0 {
			t.Errorf("%d requests in flight after Close", n)
		}
		if r := <-results; r == nil || kindOf(r.err) != "timeout" {
			t.Errorf("got %v", r)
		}
		time.Sleep(2 * reuse)
		if r := e.target("a").probe(t.Context()); r != nil {
			t.Errorf("a result after Close: %v", r)
		}
	})
}
