package exporter

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/d365backup/d365backup/health"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

const (
	// windowLength is how far back jobs are counted.
	windowLength = 7 * 24 * time.Hour
	// minOverlap and maxOverlap bound the age of the jobs that every probe reads. The oldest is older than every job in
	// progress, and at least minOverlap old, since jobs may arrive late. If a job ran longer than maxOverlap, its end is noticed
	// only when the settled jobs are reread; by then its backup is overdue anyway.
	minOverlap = 24 * time.Hour
	maxOverlap = windowLength
	// keepSettled is how long settled jobs are kept at most. A random part of it is left out, so that tenants do not read
	// them at the same time.
	keepSettled = 6 * time.Hour
	// margin is added to the time range of recent jobs, in case the service excludes its start.
	margin = time.Minute
)

// settled is the part of a tenant's jobs that does not change any more. It is never changed itself.
type settled struct {
	jobs  *health.Accumulator
	until time.Time // they started before this, and have ended
	due   time.Time // when to read them again
}

// accumulator returns an empty one for the time range that ends now.
func (p *Profile) accumulator(now time.Time) (*health.Accumulator, error) {
	policy := p.Policy
	policy.Start, policy.WindowStart = now.Add(-policy.LookBack(0)), now.Add(-windowLength)
	return health.NewAccumulator(policy)
}

// summarize returns the verdict. A list that may be incomplete is an error.
func summarize(jobs *health.Accumulator) (health.Summary, error) {
	summary, err := jobs.Summary(time.Now())
	if err == nil && summary.Incomplete != "" {
		err = &d365backup.Error{Kind: d365backup.ErrIncomplete, Message: summary.Incomplete}
	}
	return summary, err
}

// readAll reads the jobs of the whole look-back. It also returns those that have settled.
func readAll(ctx context.Context, client *d365backup.Client, p Profile) (*settled, health.Summary, error) {
	now := time.Now()
	all, err := p.accumulator(now)
	if err != nil {
		return nil, health.Summary{}, err
	}
	known := new(settled)
	if known.jobs, err = p.accumulator(now); err != nil {
		return nil, health.Summary{}, err
	}
	older := make(map[kind]d365backup.Job)
	var recent []d365backup.Job
	for job, err := range client.Jobs(ctx, d365backup.Query{Start: now.Add(-p.Policy.LookBack(0))}) {
		if err != nil {
			return nil, health.Summary{}, err
		}
		if isSettled(&job, now.Add(-maxOverlap-24*time.Hour)) { // the window begins with a day
			keepNewest(older, job)
		} else {
			recent = append(recent, job)
		}
	}
	known.until = settledUntil(recent, now)
	for _, job := range older {
		known.jobs.Add(job)
	}
	for _, job := range recent {
		if isSettled(&job, known.until) {
			known.jobs.Add(job)
		} else {
			all.Add(job)
		}
	}
	all.Merge(known.jobs)
	known.due = now.Add(keepSettled - rand.N(keepSettled/3))
	summary, err := summarize(all)
	return known, summary, err
}

// readRecent reads the jobs that may have changed since the settled ones were read. It does not matter whether the service
// selects jobs by their start or by their finish: all that are not settled are in both lists, and the others are left out.
func readRecent(ctx context.Context, client *d365backup.Client, p Profile, known *settled) (health.Summary, error) {
	all, err := p.accumulator(time.Now())
	if err != nil {
		return health.Summary{}, err
	}
	for job, err := range client.Jobs(ctx, d365backup.Query{Start: known.until.Add(-margin)}) {
		if err != nil {
			return health.Summary{}, err
		}
		if !isSettled(&job, known.until) {
			all.Add(job)
		}
	}
	all.Merge(known.jobs)
	return summarize(all)
}

// kind is what a verdict distinguishes jobs by. Of the jobs before the window that are of one kind, only the newest matters,
// except that every job in progress does.
type kind struct {
	organizationID, organization, module string
	typ                                  d365backup.JobType
	status                               d365backup.JobStatus
	isDated                              bool
	running                              time.Time // start of a job in progress
}

// keepNewest adds a job unless a newer one of its kind is known.
func keepNewest(jobs map[kind]d365backup.Job, job d365backup.Job) {
	k := kind{job.OrganizationID, job.OrganizationName, job.Module, job.Type, job.Status, !job.StartTime.IsZero(), time.Time{}}
	if job.Status == d365backup.JobStatusInProgress {
		k.running = job.StartTime
	}
	if known, ok := jobs[k]; !ok || known.StartTime.Before(job.StartTime) {
		jobs[k] = job
	}
}

// settledUntil returns a time before which all jobs that started have ended, except those that run for very long.
func settledUntil(jobs []d365backup.Job, now time.Time) time.Time {
	until := now.Add(-minOverlap)
	for i := range jobs {
		if start := timeOf(&jobs[i]); start.Before(until) && !start.Before(now.Add(-maxOverlap)) && jobs[i].Running() {
			until = start
		}
	}
	return until
}

// isSettled reports whether a job belongs to the settled ones: it started before until. A job without any time does once it
// has ended.
func isSettled(job *d365backup.Job, until time.Time) bool {
	start := timeOf(job)
	return start.Before(until) && (!start.IsZero() || !job.Running())
}

// timeOf returns when a job started; if that is unknown, when it finished.
func timeOf(job *d365backup.Job) time.Time {
	if job.StartTime.IsZero() {
		return job.FinishTime
	}
	return job.StartTime
}
