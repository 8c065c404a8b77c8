package sandbox

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/d365backup/d365backup/generated"
)

// history holds the jobs, newest first. The zero value is empty and ready.
type history struct {
	mu   sync.RWMutex
	jobs []generated.Job
}

// Jobs returns the jobs that match a filter, newest first. The zero filter matches all. As in the service,
// the range of time is one of when jobs started, which includes StartTime and excludes EndTime, and
// ObjectType selects nothing; PageInfo is passed over. What the jobs point at is the sandbox's own: do not
// change it.
func (s *Server) Jobs(filter generated.JobFilterModel) []generated.Job {
	jobs, _ := s.history.slice(filter, 0, math.MaxInt64)
	return jobs
}

// Count returns how many jobs match a filter, as [Server.Jobs] takes it: the total that the service answers
// to it.
func (s *Server) Count(filter generated.JobFilterModel) int {
	_, total := s.history.slice(filter, 0, 0)
	return int(total)
}

// Put adds jobs to the history, in the place of those that have the same JobID. Two jobs of one call
// may share a JobID, as they do in the vendor's sample. The sandbox answers with the jobs as they
// are: one that breaks the contract makes the answer fail.
func (s *Server) Put(jobs ...generated.Job) { s.history.put(jobs) }

// Delete takes the jobs with these ids out of the history. Ids that are not there are passed over.
func (s *Server) Delete(ids ...string) { s.history.delete(ids) }

// slice returns the jobs that match from begin to before end, and how many match in all.
func (h *history) slice(filter generated.JobFilterModel, begin, end int64) (jobs []generated.Job, total int64) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	jobs = []generated.Job{} // an empty list is [] on the wire, never null
	for i := range h.jobs {
		if !matches(&h.jobs[i], &filter) {
			continue
		}
		if begin <= total && total < end {
			jobs = append(jobs, h.jobs[i])
		}
		total++
	}
	return jobs, total
}

// matches says whether a job is in the filter's time range, start included and end excluded, and is
// what the filter's other parts ask for.
func matches(job *generated.Job, filter *generated.JobFilterModel) bool {
	switch {
	case filter.Type != nil && *filter.Type != generated.BackupRestoreTypeAll && job.Type != *filter.Type,
		filter.Status != nil && job.Status != *filter.Status,
		filter.StartTime != nil && job.StartTime.Before(*filter.StartTime),
		filter.EndTime != nil && !job.StartTime.Before(*filter.EndTime),
		filter.OrganizationID != nil && (job.OrganizationID == nil || *job.OrganizationID != *filter.OrganizationID):
		return false
	}
	return true
}

func (h *history) put(jobs []generated.Job) {
	h.mu.Lock()
	defer h.mu.Unlock()
	ids := make(map[string]bool, len(jobs))
	for _, job := range jobs {
		ids[job.JobID] = true
	}
	h.remove(ids)
	h.jobs = append(h.jobs, jobs...)
	sortNewestFirst(h.jobs)
}

func (h *history) delete(ids []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	gone := make(map[string]bool, len(ids))
	for _, id := range ids {
		gone[id] = true
	}
	h.remove(gone)
}

func (h *history) remove(ids map[string]bool) {
	h.jobs = slices.DeleteFunc(h.jobs, func(job generated.Job) bool { return ids[job.JobID] })
}

func sortNewestFirst(jobs []generated.Job) {
	slices.SortFunc(jobs, func(a, b generated.Job) int {
		return cmp.Or(b.StartTime.Compare(a.StartTime), strings.Compare(a.JobID, b.JobID))
	})
}
