// Package health answers whether every organization is backed up. It reads jobs, does no I/O, and knows no configuration.
//
// Only jobs of type Backup decide the state of an organization; the others are counted. The age of a backup counts from its
// start, because that is the point in time that can be restored.
package health

import (
	"errors"
	"iter"
	"time"

	d365backup "github.com/d365backup/d365backup/wrapper"
)

// Assess reads jobs to the end, or to the first error, and sums them up. They may come in any order, but must be all jobs of
// the policy's time range: without the jobs of one status or type, organizations look better or worse than they are.
//
// If the jobs end in an error, Assess returns it together with the summary of the jobs before it, whose state is Unknown. An
// invalid policy is an error that matches d365backup.ErrConfig, and no job is read. So is a name in the policy that matches
// two organizations; the error lists their ids.
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

// Accumulator sums up jobs. Its memory grows with the number of organizations and days, not of jobs. It is not safe for
// concurrent use.
type Accumulator struct {
	policy Policy
}

// NewAccumulator returns an empty accumulator. An invalid policy is an error that matches d365backup.ErrConfig.
func NewAccumulator(policy Policy) (*Accumulator, error) { panic("todo") }

// Add adds a job. Each job must be added once.
func (a *Accumulator) Add(job d365backup.Job) { panic("todo") }

// Fail notes that jobs are missing from the list, and why.
func (a *Accumulator) Fail(err error) { panic("todo") }

// Merge adds the jobs of another accumulator for the same policy, and leaves that one unchanged.
func (a *Accumulator) Merge(other *Accumulator) { panic("todo") }

// Summary returns the verdict at a time, and leaves the accumulator unchanged. The policy's End, if it was zero, is that time.
// The error is for a name in the policy that matches two organizations.
func (a *Accumulator) Summary(now time.Time) (Summary, error) { panic("todo") }
