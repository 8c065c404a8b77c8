// Package health answers whether every organization is backed up. It reads jobs, does no I/O, and knows no configuration.
//
// Only jobs of type Backup decide the state of an organization; the others are counted. The age of a backup counts from its
// start, because that is the point in time that can be restored. A backup without a start time never makes anything ok.
//
// An organization is identified by its id, so it stays one if it is renamed. Jobs without an id, or with the GUID of zeros,
// are identified by the organization's name. They make an organization of their own and never join one with an id, even if
// it has that name: a success of one must not hide that another has none.
package health

import (
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	d365backup "github.com/d365backup/d365backup/wrapper"
)

// The bounds on what an Accumulator keeps, so that a service that makes up names cannot fill the memory. If one is reached, the
// summary is incomplete.
const (
	maxModules = 10_000  // of all organizations
	maxNames   = 50      // of an organization
	maxCells   = 1 << 20 // numbers of a module for a day, and running backups
)

// Assess reads jobs to the end, or to the first error, and summarizes them. They may come in any order, but must be all jobs of
// the policy's time range: without the jobs of one status or type, organizations look better or worse than they are.
//
// If the jobs end in an error, Assess returns it together with the summary of the jobs before it, whose state is Unknown. An
// invalid policy is an error that matches d365backup.ErrConfig, and no job is read. A name in the policy that matches two
// organizations is such an error, too; it lists their ids.
func Assess(jobs iter.Seq2[d365backup.Job, error], policy Policy) (Summary, error) {
	a, err := NewAccumulator(policy)
	if err != nil {
		return Summary{}, err
	}
	var incomplete error
	for job, err := range jobs {
		if err != nil {
			incomplete = err
			a.Fail(err)
			break
		}
		a.Add(job)
	}
	summary, err := a.Summary(a.policy.Now)
	return summary, errors.Join(incomplete, err)
}

// Accumulator adds up jobs. Its memory grows with the number of organizations, modules and days, not of jobs, and is bounded:
// if there are more than 10,000 modules, 50 names of an organization, or about a million daily numbers, the rest is left out
// and the summary is incomplete. It is not safe for concurrent use.
type Accumulator struct {
	policy        Policy        // with defaults
	from          time.Time     // start of the day of policy.Start; earlier jobs are left out
	width         time.Duration // the shortest maximum age; see cellKey
	organizations map[key]*organization
	modules       int // of all organizations
	cellsLeft     int // of maxCells
	incomplete    string
}

// NewAccumulator returns an empty accumulator. An invalid policy is an error that matches d365backup.ErrConfig.
func NewAccumulator(policy Policy) (*Accumulator, error) {
	policy = policy.withDefaults()
	if err := policy.validate(); err != nil {
		return nil, err
	}
	return &Accumulator{
		policy:        policy,
		from:          startOfDay(dayOf(policy.Start, policy.Location), policy.Location),
		width:         policy.shortestMaxAge(),
		organizations: make(map[key]*organization),
		cellsLeft:     maxCells,
	}, nil
}

// Add adds a job, in any order. Each job must be added once. A job that started before the local day of Policy.Start is left
// out.
func (a *Accumulator) Add(job d365backup.Job) {
	if !job.StartTime.IsZero() && job.StartTime.Before(a.from) {
		return
	}
	o := a.organization(keyOf(&job))
	o.addName(a, bounded(job.OrganizationName), job.StartTime)
	if m := a.module(o, bounded(job.Module)); m != nil {
		m.add(a, &job)
	}
}

// Fail notes that jobs are missing from the list, and why. Of several reasons the first one counts.
func (a *Accumulator) Fail(err error) {
	if a.incomplete != "" {
		return
	}
	a.incomplete = "jobs are missing"
	if own, ok := errors.AsType[*d365backup.Error](err); ok {
		a.incomplete = strings.TrimPrefix(own.Facts(), d365backup.ErrIncomplete.Error()+": ")
	} else if err != nil {
		a.incomplete = err.Error()
	}
}

// Merge adds the jobs of another accumulator, and leaves that one unchanged. Both must have the same policy, except for Start,
// End, WindowStart and Now; those of the receiver count. So a program that repeats its summary can keep the jobs that will not
// change, and merge them and the recent ones into a new accumulator, whose time range has moved on, each time.
func (a *Accumulator) Merge(other *Accumulator) {
	for k, from := range other.organizations {
		o := a.organization(k)
		for name, newest := range from.names {
			o.addName(a, name, *newest)
		}
		for name, module := range from.modules {
			if m := a.module(o, name); m != nil {
				m.merge(a, module)
			}
		}
	}
	if a.incomplete == "" {
		a.incomplete = other.incomplete
	}
}

// Summary returns the verdict at a time, and leaves the accumulator unchanged. Ages are counted to that time or Policy.End,
// whichever is earlier. The error is for names in the policy that match two organizations, and for expected targets that are
// also ignored; it matches d365backup.ErrConfig.
func (a *Accumulator) Summary(now time.Time) (Summary, error) {
	return a.summarize(now)
}

// spend reports whether there may be one more cell.
func (a *Accumulator) spend() bool {
	if a.cellsLeft == 0 {
		a.overflow("daily numbers", maxCells)
		return false
	}
	a.cellsLeft--
	return true
}

func (a *Accumulator) overflow(what string, limit int) {
	a.Fail(fmt.Errorf("more than %d %s", limit, what))
}
