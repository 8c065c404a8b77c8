package sandbox

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"sync"
)

// history holds the jobs, newest first. The zero value is empty.
type history struct {
	mu   sync.RWMutex
	jobs []Job
}

// Jobs returns the jobs that match a filter, newest first.
func (s *Server) Jobs(filter Filter) []Job {
	jobs, _ := s.history.find(filter, 0, math.MaxInt64)
	return jobs
}

// Count returns how many jobs match a filter: the total in the responses to the same filter.
func (s *Server) Count(filter Filter) int { return len(s.Jobs(filter)) }

// Put adds jobs to the history and replaces those with the same JobID. Two jobs of one call may share a
// JobID, as in the vendor's sample. A job that violates the contract makes each response with it fail.
func (s *Server) Put(jobs ...Job) {
	var ids []string
	for _, job := range jobs {
		ids = append(ids, job.JobID)
	}
	s.history.replace(ids, jobs)
}

// Delete removes the jobs with these ids from the history. It ignores unknown ids.
func (s *Server) Delete(ids ...string) { s.history.replace(ids, nil) }

// find returns those jobs that match from index begin up to index end, and how many match in all.
func (h *history) find(filter Filter, begin, end int64) (jobs []Job, total int64) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	jobs = []Job{} // marshals to [], not to null
	for i := range h.jobs {
		if !filter.matches(&h.jobs[i]) {
			continue
		}
		if begin <= total && total < end {
			jobs = append(jobs, h.jobs[i])
		}
		total++
	}
	return jobs, total
}

// replace removes the jobs with these ids, then adds jobs.
func (h *history) replace(ids []string, jobs []Job) {
	remove := make(map[string]bool)
	for _, id := range ids {
		remove[id] = true
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.jobs = slices.DeleteFunc(h.jobs, func(job Job) bool { return remove[job.JobID] })
	h.jobs = append(h.jobs, jobs...)
	sortNewestFirst(h.jobs)
}

func sortNewestFirst(jobs []Job) {
	slices.SortFunc(jobs, func(a, b Job) int {
		return cmp.Or(b.StartTime.Compare(a.StartTime), strings.Compare(a.JobID, b.JobID))
	})
}
