package d365backup

import (
	"context"
	"errors"
	"hash/maphash"
	"iter"
	"time"

	"github.com/d365backup/d365backup/internal/sweep"
)

// Progress is how far a loop over Jobs has come.
type Progress struct {
	// Pages counts the pages got through. It may go back where the list moved and is looked at again.
	Pages int
	// Jobs counts the jobs got; not those that were dropped, having come before.
	Jobs int64
	// TotalCount is how many jobs the service promises; -1 where it does not say.
	TotalCount int64
}

// Jobs goes through every job that matches, once each, in the service's order. Nothing is sent before
// the loop begins, every loop begins anew, and breaking out of one ends its requests. Pages are asked for
// ahead, as many at a time as WithPrefetch allows; the time range is fixed when the loop begins.
//
// An error ends the loop; it is an *Error, and the job beside it is empty. It comes after all the jobs
// that were got before it. ErrIncomplete is that of a loop that cannot vouch for having seen every job;
// the package comment says what is promised.
func (c *Client) Jobs(ctx context.Context, query Query) iter.Seq2[Job, error] {
	return func(yield func(Job, error) bool) {
		filter, err := query.filter(time.Now())
		if err != nil {
			yield(Job{}, err)
			return
		}
		for job, err := range sweep.All(ctx, c.source(filter), c.sweepOptions()) {
			if incomplete, ok := errors.AsType[*sweep.Incomplete](err); ok {
				err = &Error{Kind: ErrIncomplete, Message: incomplete.Error(), Host: c.endpoints.base.Host}
			}
			if !yield(job, err) {
				return
			}
		}
	}
}

// source gives the sweep its pages.
func (c *Client) source(filter filter) sweep.Source[Job] {
	return sweep.Source[Job]{
		ID: func(job *Job) string { return job.JobID },
		// The vendor's own sample has one id on several jobs.
		Write: func(hash *maphash.Hash, job *Job) {
			maphash.WriteComparable(hash, [2]string{job.JobID, job.OrganizationID})
			maphash.WriteComparable(hash, job.StartTime.UnixNano())
		},
		Fetch: func(ctx context.Context, number, size int) (sweep.Page[Job], error) {
			answer, err := c.fetch(ctx, filter, number, size)
			return sweep.Page[Job]{
				Items:    answer.jobs,
				Total:    answer.total,
				Number:   int(answer.pageIndex),
				NextLink: answer.nextLink,
			}, err
		},
		// Some services refuse a page that they do not have.
		IsEnd: func(err error) bool { return errors.Is(err, ErrBadRequest) || errors.Is(err, ErrNotFound) },
	}
}

func (c *Client) sweepOptions() sweep.Options {
	options := sweep.Options{PageSize: c.config.pageSize, Prefetch: c.config.prefetch}
	if handler := c.config.onProgress; handler != nil {
		options.OnPage = func(p sweep.Progress) {
			handler(Progress{Pages: p.Pages, Jobs: p.Items, TotalCount: p.Total})
		}
	}
	if handler := c.config.onDrift; handler != nil {
		options.OnDrift = func(d sweep.Drift) {
			handler(Drift{Kind: DriftPaging, Field: d.Field, Value: excerpt(d.Value, maxDriftText), Count: d.Count})
		}
	}
	return options
}
