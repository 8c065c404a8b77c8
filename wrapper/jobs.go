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
	// Pages is the number of pages read. When a changed list is read again, its pages no longer count.
	Pages int
	// Jobs is the number of jobs returned.
	Jobs int64
	// TotalCount is the number of jobs on all pages; -1 if the service does not state it, or if the Query has several types or
	// statuses.
	TotalCount int64
}

// Jobs returns an iterator over every job that matches the query, each once. Every loop requests the list again from its
// start, with WithPrefetch requests in flight; a missing Query.End is fixed when the loop starts. Breaking out of the loop cancels
// the requests in flight and waits for them.
//
// Jobs come in the service's order; those of several types or statuses list by list, as Query describes. If the list changes meanwhile, Jobs reads it again, and jobs found only then come last.
//
// An error ends the loop, after all jobs that could be read, and comes with an empty job. It is an *Error. ErrIncomplete means
// that there may be more jobs; see Completeness in the package comment. It comes after the lists of all types and statuses.
func (c *Client) Jobs(ctx context.Context, query Query) iter.Seq2[Job, error] {
	return func(yield func(Job, error) bool) {
		filters, err := query.filters(time.Now())
		if err == nil {
			err = c.readLists(ctx, filters, func(job *Job) bool { return yield(*job, nil) })
		}
		if err != nil {
			yield(Job{}, err)
		}
	}
}

// Collect reads a sequence, such as that of Client.Jobs, to its end or its first error. It returns the jobs before the error,
// together with the error; nil if there are none. All of them are in memory, about 1 KB each.
func Collect(jobs iter.Seq2[Job, error]) ([]Job, error) {
	var all []Job
	for job, err := range jobs {
		if err != nil {
			return all, err
		}
		all = append(all, job)
	}
	return all, nil
}

// readLists reads the list of each filter. After one that is incomplete it reads the others, too.
func (c *Client) readLists(ctx context.Context, filters []filter, yield func(*Job) bool) (incomplete error) {
	var progress Progress
	before := 0 // pages of the lists before
	stopped := false
	listOf := make(map[uint64]int) // where a job came first; after a change of its status it is in a later list, too
	for i, filter := range filters {
		list := c.list(filter)
		list.OnPage = func(pages int, total int64) {
			progress.Pages, progress.TotalCount = before+pages, total
			if len(filters) > 1 {
				progress.TotalCount = -1
			}
			if c.config.onProgress != nil {
				c.config.onProgress(progress)
			}
		}
		err := paging.Read(ctx, list, func(page *paging.Page, at int) bool {
			if id := page.IDs[at]; len(filters) > 1 && !id.Unnamed {
				if first, known := listOf[id.Hash]; known && first != i {
					return true
				}
				listOf[id.Hash] = i
			}
			progress.Jobs++
			stopped = !yield(&page.Items.([]Job)[at])
			return !stopped
		})
		if contradiction, ok := errors.AsType[*paging.Incomplete](err); ok {
			incomplete = &Error{
				Kind:    ErrIncomplete,
				Message: "the list changed or contradicted itself each time it was read: " + contradiction.Reason,
				Host:    c.endpoints.base.Host,
				cause:   contradiction.Refusal,
			}
		} else if err != nil || stopped {
			return err
		}
		before = progress.Pages
	}
	return incomplete
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
