package d365backup

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/d365backup/d365backup/internal/lenient"
	"github.com/d365backup/d365backup/internal/paging"
)

// Progress is the progress of a loop over Jobs.
type Progress struct {
	// Pages is the number of pages read. It starts again at 0 when a changed list is read again.
	Pages int
	// Jobs is the number of jobs returned.
	Jobs int64
	// TotalCount is the number of jobs on all pages; -1 if the service does not state it.
	TotalCount int64
}

// Jobs returns an iterator over every job that matches the query, each once. Every loop requests the list again from its
// start, with WithPrefetch requests in flight; a missing Query.End is fixed when the loop starts. Breaking out of the loop cancels
// the requests in flight and waits for them.
//
// Jobs come in the service's order. If the list changes meanwhile, Jobs reads it again, and jobs found only then come last.
//
// An error ends the loop, after all jobs that could be read, and comes with an empty job. It is an *Error. ErrIncomplete means
// that there may be more jobs; see Completeness in the package comment.
func (c *Client) Jobs(ctx context.Context, query Query) iter.Seq2[Job, error] {
	return func(yield func(Job, error) bool) {
		filter, err := query.filter(time.Now())
		if err == nil {
			err = paging.Read(ctx, c.list(filter), func(page *paging.Page, i int) bool {
				return yield(page.Items.([]Job)[i], nil)
			})
		}
		if incomplete, ok := errors.AsType[*paging.Incomplete](err); ok {
			err = &Error{
				Kind:    ErrIncomplete,
				Message: "the list changed or contradicted itself each time it was read: " + incomplete.Reason,
				Host:    c.endpoints.base.Host,
				cause:   incomplete.Refusal,
			}
		}
		if err != nil {
			yield(Job{}, err)
		}
	}
}

// list describes the list of the filter's jobs to package paging.
func (c *Client) list(filter filter) paging.List {
	var started atomic.Bool // page 1 is read again later, which must not change the API
	return paging.List{
		PageSize: c.config.pageSize,
		Prefetch: c.config.prefetch,
		Fetch: func(ctx context.Context, number, size int) (paging.Page, error) {
			response, err := c.fetch(ctx, filter, number, size, !started.Load())
			if err == nil {
				started.Store(true)
			}
			if stated := response.Number; stated != 0 && stated != number {
				c.pagingDrift("pageIndex", fmt.Sprintf("%d on page %d", stated, number), 1)
			}
			return paging.Page{
				IDs:     identify(response.Jobs),
				Items:   response.Jobs,
				Total:   response.TotalCount,
				HasNext: response.nextLink != "",
			}, err
		},
		IsEnd: func(err error) bool {
			refusal, ok := errors.AsType[*Error](err)
			return ok && (refusal.StatusCode == http.StatusBadRequest || refusal.StatusCode == http.StatusNotFound)
		},
		OnPage: func(pages int, jobs, total int64) {
			if c.config.onProgress != nil {
				c.config.onProgress(Progress{Pages: pages, Jobs: jobs, TotalCount: total})
			}
		},
		OnDrift: c.pagingDrift,
	}
}

func (c *Client) pagingDrift(field, value string, count int) {
	if c.config.onDrift != nil {
		c.config.onDrift(Drift{Kind: DriftPaging, Field: field, Value: excerpt(value, lenient.MaxText), Count: count})
	}
}

var identitySeed = maphash.MakeSeed()

// identify distinguishes jobs by id, organization, module and start, since the vendor's own sample has one id on several jobs.
// Without an id, only jobs that are equal in every field are the same.
func identify(jobs []Job) []paging.ID {
	type identity struct {
		id, organization, module string
		start                    int64
	}
	ids := make([]paging.ID, len(jobs))
	for i := range jobs {
		job := &jobs[i]
		if job.JobID == "" {
			ids[i] = paging.ID{Hash: maphash.Comparable(identitySeed, *job), Unnamed: true}
		} else {
			ids[i].Hash = maphash.Comparable(identitySeed, identity{job.JobID, job.OrganizationID, job.Module, job.StartTime.UnixNano()})
		}
	}
	return ids
}
