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

// follower asks for jobs again and again, and writes those that are new or have another status.
type follower struct {
	app      *cmdutil.App
	drift    *cmdutil.Drift
	list     func(context.Context, d365backup.Query) iter.Seq2[job, error]
	filter   d365backup.Query // its times are those of the first look
	window   time.Duration    // how far each look reaches back
	interval time.Duration
	limit    int // 0: none
	progress *cmdutil.Progress
	printer  printer

	seen    map[identity]string // the status
	written int
	outage  time.Time // since when; zero: none
	failed  int       // looks that failed since then
	worked  bool      // a look has worked before
}

// identity tells jobs apart. The id alone is not proven to.
type identity struct {
	id, organization string
	start            time.Time
}

func identityOf(j job) identity { return identity{j.JobID, j.OrganizationID, j.StartTime} }

// maxBackoff bounds the pause in an outage, for intervals that are shorter.
const maxBackoff = 10 * time.Minute

// maxRetryAfter bounds the pause that a service can ask for: a watch that ends for longer misses what it is
// there for.
const maxRetryAfter = time.Hour

// run follows until the context ends, which is how it is meant to end.
func (f *follower) run(ctx context.Context) error {
	defer f.progress.Clear()
	if f.app.StderrScreen.Terminal {
		every := cmdutil.Span(f.interval)
		f.app.Notef("Watching for jobs every %s. Stop with Ctrl-C.", every.String())
	}
	f.seen = make(map[identity]string)
	for {
		jobs, err := f.look(ctx)
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
			pause = f.broken(err)
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil
		}
	}
}

// look reads the jobs of the window and returns those that are new or have another status, the oldest
// first. It asks for jobs of every status: one that a filter by status hides could leave the window
// before it gets the status that is waited for.
func (f *follower) look(ctx context.Context) ([]job, error) {
	query := f.filter
	query.Status = d365backup.JobStatusAny
	query.End = time.Now()
	query.Start = f.reach(query.End)
	present := make(map[identity]string)
	var changed []job
	for j, err := range f.drift.Watch(bounded(f.list(ctx, query), "--follow")) {
		if err != nil {
			return nil, err
		}
		id := identityOf(j)
		if _, twice := present[id]; twice {
			continue
		}
		present[id] = j.StatusText()
		if before, known := f.seen[id]; !known || before != present[id] {
			changed = append(changed, j)
		}
	}
	f.progress.Clear()
	f.drift.Note()
	f.seen = present
	slices.SortStableFunc(changed, func(a, b job) int { return a.StartTime.Compare(b.StartTime) })
	return changed, nil
}

// reach returns how far to look back: over the window, and over every job that was still running.
func (f *follower) reach(now time.Time) time.Time {
	start, running := now.Add(-f.window), d365backup.JobStatusInProgress.String()
	for id, status := range f.seen {
		if status == running && !id.start.IsZero() && id.start.Before(start) {
			start = id.start
		}
	}
	return start
}

// write writes the jobs that the filter lets through, and says whether that was enough.
func (f *follower) write(jobs []job) (done bool, err error) {
	for _, j := range jobs {
		if f.filter.Status != d365backup.JobStatusAny && j.Status != f.filter.Status {
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

// isFatal tells errors that waiting does not mend. A fault of the address shows at the first look; later
// the same answer is an outage.
func (f *follower) isFatal(err error) bool {
	for _, kind := range []error{errTooMany, d365backup.ErrConfig, d365backup.ErrAuth, d365backup.ErrForbidden, d365backup.ErrBadRequest, d365backup.ErrTooLarge} {
		if errors.Is(err, kind) {
			return true
		}
	}
	for _, kind := range []error{d365backup.ErrNotFound, d365backup.ErrRedirect, d365backup.ErrNotJobs} {
		if errors.Is(err, kind) && !f.worked {
			return true
		}
	}
	return false
}

// broken says once that there is an outage, and returns how long to wait.
func (f *follower) broken(err error) time.Duration {
	f.progress.Clear()
	if f.failed == 0 {
		f.outage = time.Now()
		f.app.Notef("d365backup: cannot read jobs; retrying: %s", f.app.Explain(err))
	}
	pause := f.interval
	for range min(f.failed, 30) {
		pause = min(2*pause, max(maxBackoff, f.interval))
	}
	f.failed++
	if own, ok := errors.AsType[*d365backup.Error](err); ok {
		pause = max(pause, min(own.RetryAfter, maxRetryAfter))
	}
	return pause
}

func (f *follower) recovered() {
	f.worked = true
	if f.failed > 0 {
		f.app.Notef("d365backup: back after %s", human.Duration(time.Since(f.outage)))
		f.failed = 0
	}
}
