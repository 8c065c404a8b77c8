package sandbox

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/d365backup/d365backup/api"
	"github.com/d365backup/d365backup/generated"
)

// listJobs is the successor of the operation of version v1. It answers from the same history: its
// query is another way to write the filter.
var listJobs = operation{id: "listJobs", method: http.MethodGet, path: "/dynamicsbackup/jobs"}

func (s *Server) listJobs(w http.ResponseWriter, r *http.Request) {
	filter, err := readQuery(r.URL.RawQuery)
	if err != nil {
		s.refuseBadRequest(w, listJobs, err)
		return
	}
	s.answer(w, listJobs, http.StatusOK, s.page(filter))
}

// readQuery reads what the contract allows.
func readQuery(raw string) (generated.JobFilterModel, error) {
	var filter generated.JobFilterModel
	if err := api.ValidateQuery(listJobs.id, raw); err != nil {
		return filter, err
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return filter, err
	}
	q := query{values: values}
	filter.PageInfo.CurrentPage = parameter(&q, "pageIndex", parseInt32[int32])
	filter.PageInfo.PageSize = parameter(&q, "pageSize", parseInt32[int32])
	filter.Type = parameter(&q, "type", parseInt32[generated.BackupRestoreType])
	filter.StartTime = parameter(&q, "startTime", parseTime)
	filter.EndTime = parameter(&q, "finishTime", parseTime)
	filter.Status = parameter(&q, "status", parseInt32[generated.JobStatus])
	filter.OrganizationID = parameter(&q, "organizationId", uuid.Parse)
	if len(q.unread) > 0 {
		return filter, q.unread
	}
	return filter, checkRange(filter, api.InQuery, "finishTime")
}

// query is a query that keeps to the contract, and what of it Go does not read all the same, such
// as 1e1 for an integer.
type query struct {
	values url.Values
	unread api.Violations
}

// parameter reads one parameter; nil if it is not there.
func parameter[T any](q *query, name string, parse func(string) (T, error)) *T {
	if !q.values.Has(name) {
		return nil
	}
	text := q.values.Get(name)
	value, err := parse(text)
	if err != nil {
		q.unread = append(q.unread, api.Violation{
			In: api.InQuery, Pointer: "/" + name, Keyword: "format", Found: strconv.Quote(text), Want: err.Error(),
		})
	}
	return &value
}

func parseInt32[T ~int32](text string) (T, error) {
	n, err := strconv.ParseInt(text, 10, 32)
	return T(n), err
}

func parseTime(text string) (time.Time, error) { return time.Parse(time.RFC3339, text) }
