package d365backup

import (
	"context"
	"iter"
	"time"
)

// Progress is how far a loop over Jobs has come.
type Progress struct {
	// Pages counts the pages got through.
	Pages int
	// Jobs counts the jobs got.
	Jobs int64
	// TotalCount is how many jobs the service promises; -1 where it does not say.
	TotalCount int64
}

// Jobs goes through every job that matches, page by page. Nothing is sent before the loop begins, every
// loop begins anew, and breaking out of one is safe. An error ends the loop; it is an *Error, and the
// job beside it is empty.
func (c *Client) Jobs(ctx context.Context, query Query) iter.Seq2[Job, error] {
	return func(yield func(Job, error) bool) {
		filter, err := query.filter(time.Now(), c.config.pageSize)
		if err != nil {
			yield(Job{}, err)
			return
		}
		var progress Progress
		for {
			answer, err := c.fetch(ctx, filter, progress.Pages+1)
			if err != nil {
				yield(Job{}, err)
				return
			}
			for _, job := range answer.jobs {
				if !yield(job, nil) {
					return
				}
			}
			progress.Pages++
			progress.Jobs += int64(len(answer.jobs))
			progress.TotalCount = answer.total
			if c.config.onProgress != nil {
				c.config.onProgress(progress)
			}
			if len(answer.jobs) == 0 || answer.total >= 0 && progress.Jobs >= answer.total {
				return
			}
		}
	}
}
