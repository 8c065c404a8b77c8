package jobs

import (
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"github.com/d365backup/d365backup/internal/cli/cmdutil"
	"github.com/d365backup/d365backup/internal/human"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// follower reads jobs again and again, and writes those that are new or have another status.
type follower struct {
	app      *cmdutil.App
	drift    *cmdutil.Drift
	list     func(context.Context, d365backup.Query) iter.Seq2[job, error]
	filter   d365backup.Query // without times
	window   time.Duration    // how far back each poll reaches
	interval time.Duration
	limit    int // 0: none
	progress *cmdutil.Progress
	printer  printer

	seen      map[identity]string // the status
	written   int
	outage    time.Time // when it began
	failures  int       // failed polls since then
	succeeded bool      // some poll
}

// identity tells jobs apart. The documents do not say that the id alone does.
type identity struct {
	id, organization string
	start            time.Time
}

const (
	// maxBackoff limits the pause during an outage, unless the interval is longer.
	maxBackoff = 10 * time.Minute
	// maxRetryAfter limits the pause that a service can request, so that it cannot stop the monitoring.
	maxRetryAfter = time.Hour
)

// run polls until the context ends, which is not an error.
func (f *follower) run(ctx context.Context) error {
	defer f.progress.Clear()
	f.seen = make(map[identity]string)
	for {
		jobs, err := f.poll(ctx)
		if ctx.Err() != nil {
			return nil
		}
		pause := f.interval
		switch {
		case err == nil:
			f.recovered()
			if done, err := f.write(jobs); err != nil || done {
				return err
			}
		case f.isFatal(err):
			return err
		default:
			pause = f.failed(err)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil
		}
	}
}

// poll reads the jobs of the window and returns those that are new or have another status, the oldest first. It reads jobs
// of every status: one hidden by the filter could leave the window before it gets the status of the filter.
func (f *follower) poll(ctx context.Context) ([]job, error) {
	query := f.filter
	query.Statuses = nil
	query.End = time.Now()
	query.Start = f.start(query.End)
	present := make(map[identity]string)
	var changed []job
	for j, err := range f.drift.Watch(bounded(f.list(ctx, query), "--follow")) {
		if err != nil {
			return nil, err
		}
		id := identity{j.JobID, j.OrganizationID, j.StartTime}
		if _, duplicate := present[id]; duplicate {
			continue
		}
		present[id] = j.StatusText()
		if before, known := f.seen[id]; !known || before != present[id] {
			changed = append(changed, j)
		}
	}
	f.progress.Clear()
	f.drift.Report()
	f.seen = present
	slices.SortStableFunc(changed, func(a, b job) int { return a.StartTime.Compare(b.StartTime) })
	return changed, nil
}

// start returns the start of the time range: that of the window or, if it is earlier, of a job that was still running.
func (f *follower) start(now time.Time) time.Time {
	start, running := now.Add(-f.window), d365backup.JobStatusInProgress.String()
	for id, status := range f.seen {
		if status == running && !id.start.IsZero() && id.start.Before(start) {
			start = id.start
		}
	}
	return start
}

// write writes the jobs that match the filter, and reports whether the limit is reached.
func (f *follower) write(jobs []job) (done bool, err error) {
	for _, j := range jobs {
		if !hasStatus(f.filter, j) {
			continue
		}
		if err := f.printer.print(j); err != nil {
			return false, err
		}
		if f.written++; f.limit > 0 && f.written == f.limit {
			return true, f.printer.flush()
		}
	}
	return false, f.printer.flush()
}

// isFatal reports whether retrying is pointless. A wrong address fails in the first poll; later the same response is an
// outage.
func (f *follower) isFatal(err error) bool {
	fatal := []error{errTooMany, d365backup.ErrConfig, d365backup.ErrAuth, d365backup.ErrForbidden, d365backup.ErrBadRequest, d365backup.ErrTooLarge}
	if !f.succeeded {
		fatal = append(fatal, d365backup.ErrNotFound, d365backup.ErrRedirect, d365backup.ErrNotJobs)
	}
	return slices.ContainsFunc(fatal, func(kind error) bool { return errors.Is(err, kind) })
}

// failed reports the beginning of an outage, and returns the pause before the next poll.
func (f *follower) failed(err error) time.Duration {
	f.progress.Clear()
	if f.failures == 0 {
		f.outage = time.Now()
		f.app.Notef("d365backup: cannot read jobs; retrying: %s", f.app.Explain(err))
	}
	pause := f.interval
	for range min(f.failures, 30) {
		pause = min(2*pause, max(maxBackoff, f.interval))
	}
	f.failures++
	if clientErr, ok := errors.AsType[*d365backup.Error](err); ok {
		pause = max(pause, min(clientErr.RetryAfter, maxRetryAfter))
	}
	return pause
}

func (f *follower) recovered() {
	f.succeeded = true
	if f.failures > 0 {
		f.app.Notef("d365backup: reading jobs again after %s", human.Duration(time.Since(f.outage)))
		f.failures = 0
	}
}
