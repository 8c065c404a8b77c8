package health_test

import (
	xcmp "cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/d365backup/d365backup/health"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// randomJobs returns jobs of few organizations and modules, some with the same times and ids and some damaged.
func randomJobs(r *rand.Rand, n int) jobs {
	pick := func(values ...string) string { return values[r.IntN(len(values))] }
	list := make(jobs, n)
	for i := range list {
		list[i] = job(float64(r.IntN(2*36*24))/2-1, []d365backup.JobStatus{finished, finished, failed, exception, running, newStatus, -1}[r.IntN(7)],
			org(pick(salesID, financeID, otherID, "malformed", ""), pick("Sales", "sales", "Finance", "New", "")), module(pick(ce, ce, "Operations", "")))
		j := &list[i]
		j.JobID = pick("A", "B", "C")
		j.UnknownStatus = pick("", "Odd", "Odder")
		j.Type = []d365backup.JobType{1, 1, 1, 1, 2, 8, 1 << 30, -1}[r.IntN(8)]
		j.BackupSize, j.FailedRecord, j.TotalRecord = r.Int64N(4)-1, r.Int64N(3)-1, math.MaxInt64/4
		j.DurationHours = r.Float64()
		if r.IntN(20) == 0 {
			j.StartTime = time.Time{}
		}
		if r.IntN(20) == 0 {
			j.FinishTime = time.Time{}
		}
	}
	return list
}

func randomPolicy(r *rand.Rand) health.Policy {
	return policy(func(p *health.Policy) {
		p.TolerateExceptions = r.IntN(2) == 0
		p.MaxAge = []time.Duration{0, time.Hour, 5 * time.Hour, 100 * time.Hour}[r.IntN(4)]
		p.WindowStart = now.Add(-time.Duration(r.IntN(40*24)) * time.Hour)
		p.Expected = []health.Target{{Organization: salesID}, {Organization: "Gone", Module: "X"}}
		p.Ignored = []health.Target{{Organization: financeID, Module: "Operations"}}
	})
}

func accumulate(t *testing.T, p health.Policy, list jobs) *health.Accumulator {
	t.Helper()
	a, err := health.NewAccumulator(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, j := range list {
		a.Add(j)
	}
	return a
}

func summary(t *testing.T, a *health.Accumulator) health.Summary {
	t.Helper()
	s, err := a.Summary(now)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestOrderAndMerge adds the same jobs in another order, and to several accumulators that are merged: the summary is the same.
func TestOrderAndMerge(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		p, list := randomPolicy(r), randomJobs(r, 1+r.IntN(200))
		want := summary(t, accumulate(t, p, list))

		r.Shuffle(len(list), func(i, k int) { list[i], list[k] = list[k], list[i] })
		if diff := cmp.Diff(want, summary(t, accumulate(t, p, list))); diff != "" {
			t.Fatalf("seed %d, other order:\n%s", seed, diff)
		}

		merged := accumulate(t, p, nil)
		for rest := list; len(rest) > 0; {
			n := 1 + r.IntN(len(rest))
			part := accumulate(t, p, rest[:n])
			before := summary(t, part)
			merged.Merge(part)
			merged.Merge(accumulate(t, p, nil))
			if diff := cmp.Diff(before, summary(t, part)); diff != "" {
				t.Fatalf("seed %d: Merge changed its argument:\n%s", seed, diff)
			}
			rest = rest[n:]
		}
		if diff := cmp.Diff(want, summary(t, merged)); diff != "" {
			t.Fatalf("seed %d, merged:\n%s", seed, diff)
		}
	}
}

// TestTies has backups that differ in one thing only: in every order the same one is the last.
func TestTies(t *testing.T) {
	for i, change := range []func(*d365backup.Job){
		func(j *d365backup.Job) { j.JobID = "other" },
		func(j *d365backup.Job) { j.FinishTime = j.FinishTime.Add(1) },
		func(j *d365backup.Job) { j.FinishTime, j.DurationHours = time.Time{}, 1 },
		func(j *d365backup.Job) { j.BackupSize = 1 },
		func(j *d365backup.Job) { j.FailedRecord = 1 },
		func(j *d365backup.Job) { j.WarningRecord = 1 },
		func(j *d365backup.Job) { j.SkippedRecord = 1 },
		func(j *d365backup.Job) { j.SuccessfulRecord = 1 },
		func(j *d365backup.Job) { j.TotalEntity = 1 },
	} {
		a, b := job(3, failed), job(3, failed, change)
		if diff := cmp.Diff(assess(t, policy(), a, b), assess(t, policy(), b, a)); diff != "" {
			t.Errorf("%d:\n%s", i, diff)
		}
	}
	a, b := job(3, newStatus), job(3, newStatus+1)
	if diff := cmp.Diff(assess(t, policy(), a, b), assess(t, policy(), b, a)); diff != "" {
		t.Errorf("status:\n%s", diff)
	}
}

// TestMovingWindow keeps jobs in an accumulator whose time range began earlier, and merges it into new ones. The summary is that
// of the jobs since the local day of the new start.
func TestMovingWindow(t *testing.T) {
	zone := location(t, "America/Santiago")
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 2))
		p, list := randomPolicy(r), randomJobs(r, 1+r.IntN(200))
		p.Location, p.Expected = zone, nil
		list = slices.DeleteFunc(list, func(j d365backup.Job) bool { return j.StartTime.IsZero() }) // would be in every window
		for i := range list {
			list[i].OrganizationName = xcmp.Or(list[i].OrganizationName, "Sales") // an older name is better than none
		}
		kept := accumulate(t, p, list)

		p.Start = p.Start.Add(time.Duration(r.IntN(34*24)) * time.Hour)
		y, m, d := p.Start.In(zone).Date()
		p.Start = time.Date(y, m, d, 0, 0, 0, 0, zone)
		want := summary(t, accumulate(t, p, list))
		moved := accumulate(t, p, nil)
		moved.Merge(kept)
		got := summary(t, moved)
		for _, s := range []*health.Summary{&want, &got} { // these may be older jobs
			for i := range s.Organizations {
				for k := range s.Organizations[i].Modules {
					module := &s.Organizations[i].Modules[k]
					module.FirstSeen, module.Gaps, module.DaysWithoutSuccess = time.Time{}, nil, 0
				}
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("seed %d:\n%s", seed, diff)
		}
	}
}

// TestOldJobs leaves out jobs that started before the time range: they take no memory.
func TestOldJobs(t *testing.T) {
	a := accumulate(t, policy(), nil)
	health.SetCellsLeft(a, 1)
	for i := range 10 {
		a.Add(job(float64(36*24+24*i), finished))
	}
	a.Add(job(3, finished))
	if s := summary(t, a); s.State != health.OK || len(s.Organizations) != 1 {
		t.Errorf("%v: %s", s.State, s.Reason)
	}
}

// TestFailIsMerged keeps the reason why jobs are missing.
func TestFailIsMerged(t *testing.T) {
	a, b := accumulate(t, policy(), jobs{job(3, finished)}), accumulate(t, policy(), nil)
	a.Fail(&d365backup.Error{Kind: d365backup.ErrServer, StatusCode: 500, Message: "x"})
	a.Fail(errors.New("second"))
	b.Merge(a)
	if s := summary(t, b); s.Incomplete != "server error: x (status 500)" || s.State != health.Unknown {
		t.Errorf("%v, %q", s.State, s.Incomplete)
	}
	b = accumulate(t, policy(), jobs{job(3, finished)})
	b.Fail(nil)
	if s := summary(t, b); s.Incomplete == "" || s.State != health.Unknown {
		t.Errorf("Fail(nil): %v, %q", s.State, s.Incomplete)
	}
}

// TestHostile bounds what a service can make up. Then the summary is incomplete, in every order.
func TestHostile(t *testing.T) {
	const most = 1000
	for _, test := range []struct {
		name string
		n    int
		make func(i int) d365backup.Job
	}{
		{"organizations", 10_001, func(i int) d365backup.Job { return job(3, finished, org(fmt.Sprint(i), "")) }},
		{"modules", 10_001, func(i int) d365backup.Job { return job(3, finished, module(fmt.Sprint(i))) }},
		{"names", 51, func(i int) d365backup.Job { return job(3, finished, org(salesID, fmt.Sprint(i))) }},
		{"types", most + 10, func(i int) d365backup.Job { return job(3, finished, ofType(d365backup.JobType(1<<30+i))) }},
		{"statuses", most + 10, func(i int) d365backup.Job { return job(3, d365backup.JobStatus(1<<30+i)) }},
		{"days", most + 10, func(i int) d365backup.Job {
			j := job(0, failed)
			j.StartTime = j.StartTime.AddDate(0, 0, i)
			return j
		}},
		{"running", most + 10, func(int) d365backup.Job { return job(3, running) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := accumulate(t, policy(), jobs{job(2, finished, org(financeID, "Finance"))})
			if test.n == most+10 {
				health.SetCellsLeft(a, most)
			}
			for i := range test.n {
				a.Add(test.make(i))
			}
			s := summary(t, a)
			if s.State != health.Unknown || s.Incomplete == "" || !strings.HasPrefix(s.Reason, "The list of jobs is incomplete (more than ") {
				t.Errorf("%v, %q: %s", s.State, s.Incomplete, s.Reason)
			}
			if len(s.Jobs) > most+1 {
				t.Errorf("%d kinds of jobs", len(s.Jobs))
			}
			found := slices.IndexFunc(s.Organizations, func(o health.Organization) bool { return o.ID == financeID && o.State == health.OK })
			if found < 0 {
				t.Error("the first organization is gone")
			}
		})
	}
}
