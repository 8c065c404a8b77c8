package sandbox

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/d365backup/d365backup/api"
	"github.com/d365backup/d365backup/generated"
)

const (
	maxFilterBytes = 64 << 10

	// The page that the contract gives to whoever does not say.
	defaultPage     = 1
	defaultPageSize = 10
)

// getJobs is the operation of version v1.
var getJobs = operation{id: "getJobs", method: http.MethodPost, path: "/api/OpenApi/GetJobs"}

func (s *Server) getJobs(w http.ResponseWriter, r *http.Request) {
	if !isJSON(r.Header.Get("Content-Type")) {
		refuse(w, http.StatusUnsupportedMediaType, "The body must be application/json, text/json or application/*+json.")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxFilterBytes))
	if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
		refuse(w, http.StatusRequestEntityTooLarge, "The body is longer than any filter.")
		return
	}
	var filter generated.JobFilterModel
	if err == nil {
		filter, err = readFilter(body)
	}
	if err != nil {
		s.refuseBadRequest(w, getJobs, err)
		return
	}
	s.answer(w, getJobs, http.StatusOK, s.page(filter))
}

// readFilter reads what the contract allows.
func readFilter(body []byte) (generated.JobFilterModel, error) {
	var filter generated.JobFilterModel
	if err := api.ValidateRequest(getJobs.id, body); err != nil {
		return filter, err
	}
	if err := json.Unmarshal(body, &filter); err != nil {
		return filter, pointed(err)
	}
	return filter, checkRange(filter, api.InBody, "endTime")
}

// checkRange refuses a range that starts after it ends, by the name that its end has.
func checkRange(filter generated.JobFilterModel, in, end string) error {
	if filter.StartTime == nil || filter.EndTime == nil || !filter.StartTime.After(*filter.EndTime) {
		return nil
	}
	return api.Violations{{
		In: in, Pointer: "/" + end, Keyword: "minimum",
		Found: strconv.Quote(filter.EndTime.Format(time.RFC3339Nano)),
		Want:  "a time that is not before startTime",
	}}
}

// pointed points at what the contract allows and Go does not read, such as 1e1 for an integer.
func pointed(err error) error {
	wrong, ok := errors.AsType[*json.UnmarshalTypeError](err)
	if !ok {
		return err
	}
	return api.Violations{{
		In: api.InBody, Pointer: "/" + strings.ReplaceAll(wrong.Field, ".", "/"), Keyword: "type",
		Found: wrong.Value, Want: wrong.Type.String(),
	}}
}

// page makes the page that a filter asks for.
func (s *Server) page(filter generated.JobFilterModel) generated.JobPage {
	number := valueOr(filter.PageInfo.CurrentPage, defaultPage)
	size := valueOr(filter.PageInfo.PageSize, defaultPageSize)
	begin := (int64(number) - 1) * int64(size)
	jobs, total := s.history.slice(filter, begin, begin+int64(size))
	var next string
	if begin+int64(size) < total {
		next = nextLink(filter, number+1, size)
	}
	return generated.JobPage{TotalCount: total, NextLink: &next, PageIndex: &number, PageSize: &size, Jobs: jobs}
}

// nextLink has the form that the successor was seen to send: relative, and without the first part
// of its path. Version v1 documents no answer; here it sends the same.
func nextLink(filter generated.JobFilterModel, number, size int32) string {
	query := url.Values{}
	query.Set("pageIndex", strconv.Itoa(int(number)))
	query.Set("pageSize", strconv.Itoa(int(size)))
	query.Set("type", strconv.Itoa(int(valueOr(filter.Type, generated.BackupRestoreTypeAll))))
	if filter.StartTime != nil {
		query.Set("startTime", filter.StartTime.UTC().Format(time.RFC3339))
	}
	if filter.EndTime != nil {
		query.Set("finishTime", filter.EndTime.UTC().Format(time.RFC3339))
	}
	if filter.Status != nil {
		query.Set("status", strconv.Itoa(int(*filter.Status)))
	}
	if filter.OrganizationID != nil {
		query.Set("organizationId", filter.OrganizationID.String())
	}
	return "/jobs?" + query.Encode()
}

// valueOr returns what p points at, or the default without one.
func valueOr[T any](p *T, def T) T {
	if p == nil {
		return def
	}
	return *p
}
