package sandbox

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/d365backup/d365backup/api"
)

const maxBodyBytes = 64 << 10

// operation is an operation of the contract.
type operation struct{ id, path string }

var (
	getJobs  = operation{"getJobs", "/api/OpenApi/GetJobs"}  // version v1, by POST
	listJobs = operation{"listJobs", "/dynamicsbackup/jobs"} // its successor, by GET
)

// page is the contract's JobPage.
type page struct {
	TotalCount int64  `json:"totalCount"`
	NextLink   string `json:"nextLink"`
	PageIndex  int64  `json:"pageIndex"`
	PageSize   int64  `json:"pageSize"`
	Jobs       []Job  `json:"jobs"`
}

func (s *Server) getJobs(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBodyBytes))
	if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
		refuse(w, http.StatusRequestEntityTooLarge, "The body is too long for a filter.", nil)
		return
	}
	if err == nil {
		err = api.ValidateRequestAs(getJobs.id, r.Header.Get("Content-Type"), body)
	}
	if violations, ok := errors.AsType[api.Violations](err); ok && violations[0].Keyword == api.KeywordContent {
		refuse(w, http.StatusUnsupportedMediaType, "The body must be "+violations[0].Want+".", nil)
		return
	}
	s.sendPage(w, getJobs, toQuery(body), err)
}

func (s *Server) listJobs(w http.ResponseWriter, r *http.Request) {
	err := api.ValidateQuery(listJobs.id, r.URL.RawQuery)
	s.sendPage(w, listJobs, r.URL.Query(), err)
}

// toQuery returns the query of the successor that selects the same jobs as a valid body of version v1.
func toQuery(body []byte) url.Values {
	var filter struct {
		PageInfo                           struct{ CurrentPage, PageSize json.Number }
		Type, Status                       json.Number
		StartTime, EndTime, OrganizationID string
	}
	_ = json.Unmarshal(body, &filter) // cannot fail: the contract allows nothing that does not fit
	values := make(url.Values)
	for name, value := range map[string]string{
		"pageIndex":      filter.PageInfo.CurrentPage.String(),
		"pageSize":       filter.PageInfo.PageSize.String(),
		"type":           cmp.Or(filter.Type.String(), "0"), // which the successor requires
		"startTime":      filter.StartTime,
		"finishTime":     filter.EndTime,
		"status":         filter.Status.String(),
		"organizationId": filter.OrganizationID,
	} {
		if value != "" {
			values.Set(name, value)
		}
	}
	return values
}

// sendPage sends the page that a query selects. If err is not nil, or a value is invalid, it sends status 400.
func (s *Server) sendPage(w http.ResponseWriter, op operation, values url.Values, err error) {
	q := query{op: op, values: values}
	p := page{PageIndex: q.integer("pageIndex", "1"), PageSize: q.integer("pageSize", "10")}
	filter := Filter{
		Type:           int(q.integer("type", "0")),
		Status:         int(q.integer("status", "0")),
		Start:          q.time("startTime"),
		End:            q.time("finishTime"),
		OrganizationID: values.Get("organizationId"),
	}
	if !filter.End.IsZero() && filter.Start.After(filter.End) {
		q.refuse("finishTime", "minimum", "a time not before startTime")
	}
	if err == nil && len(q.violations) > 0 {
		err = q.violations
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, "The request violates the contract: "+strings.ReplaceAll(err.Error(), "\n", "; "), err)
		return
	}
	end := p.PageIndex * p.PageSize
	p.Jobs, p.TotalCount = s.history.find(filter, end-p.PageSize, end)
	if end < p.TotalCount {
		p.NextLink = q.nextLink(p.PageIndex+1, p.PageSize)
	}
	s.respond(w, op, p)
}

// query reads the values of a query. The contract allows some that Go cannot read, such as the integer 1e1.
type query struct {
	op         operation
	values     url.Values
	violations api.Violations
}

func (q *query) integer(name, missing string) int64 {
	n, err := strconv.ParseInt(cmp.Or(q.values.Get(name), missing), 10, 64)
	if err != nil {
		q.refuse(name, "format", "an integer in digits only")
	}
	return n
}

func (q *query) time(name string) time.Time {
	t, err := time.Parse(time.RFC3339, q.values.Get(name))
	if err != nil && q.values.Has(name) {
		q.refuse(name, "format", "a time without a leap second, in capital letters")
	}
	return t
}

// bodyPointers are the pointers to values whose name in the body of version v1 differs.
var bodyPointers = map[string]string{
	"pageIndex": "/pageInfo/currentPage", "pageSize": "/pageInfo/pageSize", "finishTime": "/endTime",
}

func (q *query) refuse(name, keyword, want string) {
	v := api.Violation{In: api.InQuery, Pointer: "/" + name, Keyword: keyword, Found: strconv.Quote(q.values.Get(name)), Want: want}
	if q.op == getJobs {
		v.In, v.Pointer = api.InBody, cmp.Or(bodyPointers[name], v.Pointer)
	}
	q.violations = append(q.violations, v)
}

// nextLink returns a reference in the form seen from the successor: relative, and without the first segment
// of the path. Version v1 documents no response body; here it has the same.
func (q *query) nextLink(number, size int64) string {
	values := maps.Clone(q.values)
	values.Set("pageIndex", strconv.FormatInt(number, 10))
	values.Set("pageSize", strconv.FormatInt(size, 10))
	return "/jobs?" + values.Encode()
}
