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

	"github.com/d365backup/d365backup/internal/paging"
)

// Progress is how far a loop over Jobs has come.
type Progress struct {
	// Pages counts the pages read. It starts again when the list is read again because it changed.
	Pages int
	// Jobs counts the jobs returned.
	Jobs int64
	// TotalCount is how many jobs the service has in all; -1 if it does not say.
	TotalCount int64
}

// Jobs returns an iterator over every job that matches the query, each once. Nothing is requested
// before the loop begins, every loop reads the list again, and breaking out of one cancels its requests and
// waits for them. Pages are requested ahead, as many at a time as WithPrefetch allows. The time range
// is fixed when the loop begins.
//
// Jobs come in the service's order. If the list changes while it is read, Jobs reads it again, and
// what it finds only then comes last.
//
// An error ends the loop. It is an *Error, comes after all the jobs that could be read, and the job
// beside it is empty. ErrIncomplete means that there may be more jobs; the package comment says what
// is promised.
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

// list describes the list of a filter's jobs to package paging.
func (c *Client) list(filter filter) paging.List {
	var begun atomic.Bool // a page was read: page 1 may be read again, and not by another API
	return paging.List{
		PageSize: c.config.pageSize,
		Prefetch: c.config.prefetch,
		Fetch: func(ctx context.Context, number, size int) (paging.Page, error) {
			response, err := c.fetch(ctx, filter, number, size, !begun.Load())
			if err == nil {
				begun.Store(true)
			}
			if stated := response.pageIndex; stated != 0 && stated != int64(number) {
				c.pagingDrift("pageIndex", fmt.Sprintf("%d on page %d", stated, number), 1)
			}
			return paging.Page{
				IDs:     identify(response.jobs),
				Items:   response.jobs,
				Total:   response.total,
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
		c.config.onDrift(Drift{Kind: DriftPaging, Field: field, Value: excerpt(value, maxDriftText), Count: count})
	}
}

var identitySeed = maphash.MakeSeed()

// identify tells jobs apart by id, organization, module and start, since the vendor's own sample has one id
// on several jobs. Without an id, only jobs that are equal in everything look the same.
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
