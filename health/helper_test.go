package health_test

import (
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/d365backup/d365backup/health"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// now is when the verdicts of the tests are made.
var now = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

const (
	finished  = d365backup.JobStatusFinished
	exception = d365backup.JobStatusFinishedWithException
	failed    = d365backup.JobStatusFailed
	running   = d365backup.JobStatusInProgress

	salesID   = "11111111-1111-1111-1111-111111111111"
	financeID = "22222222-2222-2222-2222-222222222222"
	ce        = "Customer Engagement"
)

// job returns a backup of Sales that started some hours ago; change what differs.
func job(hoursAgo float64, status d365backup.JobStatus, changes ...func(*d365backup.Job)) d365backup.Job {
	start := now.Add(-time.Duration(hoursAgo * float64(time.Hour)))
	j := d365backup.Job{
		Module: ce, Type: d365backup.JobTypeBackup, Status: status,
		JobID: fmt.Sprintf("J%g", hoursAgo), StartTime: start,
		OrganizationID: salesID, OrganizationName: "Sales",
	}
	if status != running {
		j.FinishTime = start.Add(30 * time.Minute)
	}
	for _, change := range changes {
		change(&j)
	}
	return j
}

func org(id, name string) func(*d365backup.Job) {
	return func(j *d365backup.Job) { j.OrganizationID, j.OrganizationName = id, name }
}

func module(name string) func(*d365backup.Job) { return func(j *d365backup.Job) { j.Module = name } }

func ofType(t d365backup.JobType) func(*d365backup.Job) {
	return func(j *d365backup.Job) { j.Type = t }
}

func undated(j *d365backup.Job) { j.StartTime = time.Time{} }

// policy returns that of the tests with changes.
func policy(changes ...func(*health.Policy)) health.Policy {
	p := health.Policy{Start: now.Add(-health.DefaultLookBack), Now: now}
	for _, change := range changes {
		change(&p)
	}
	return p
}

func tolerant(p *health.Policy) { p.TolerateExceptions = true }

func since(hoursAgo int) func(*health.Policy) {
	return func(p *health.Policy) { p.Start = now.Add(-time.Duration(hoursAgo) * time.Hour) }
}

func expecting(organizations ...string) func(*health.Policy) {
	return func(p *health.Policy) {
		for _, o := range organizations {
			p.Expected = append(p.Expected, health.Target{Organization: o})
		}
	}
}

// all returns jobs as a client does, and an error after them if it is not nil.
func all(jobs []d365backup.Job, err error) iter.Seq2[d365backup.Job, error] {
	return func(yield func(d365backup.Job, error) bool) {
		for _, j := range jobs {
			if !yield(j, nil) {
				return
			}
		}
		if err != nil {
			yield(d365backup.Job{}, err)
		}
	}
}

// assess returns the summary of a complete list.
func assess(t *testing.T, p health.Policy, jobs ...d365backup.Job) health.Summary {
	t.Helper()
	s, err := health.Assess(all(jobs, nil), p)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
