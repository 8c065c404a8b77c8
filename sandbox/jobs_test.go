package sandbox_test

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"math"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/d365backup/d365backup/api"
	"github.com/d365backup/d365backup/generated"
	"github.com/d365backup/d365backup/sandbox"
)

func ids(jobs []sandbox.Job) (ids []string) {
	for _, job := range jobs {
		ids = append(ids, job.JobID)
	}
	return ids
}

func wireIDs(jobs []generated.Job) (ids []string) {
	for _, job := range jobs {
		ids = append(ids, job.JobID)
	}
	return ids
}

// readAll requests all pages by number and returns the ids of the jobs.
func readAll(t *testing.T, srv *sandbox.Server, filter generated.JobFilterModel, size int32) (ids []string) {
	t.Helper()
	shared := token(t, srv)
	for number := int32(1); ; number++ {
		filter.PageInfo = generated.PageModel{CurrentPage: &number, PageSize: &size}
		got := page(t, srv, shared, filter)
		ids = append(ids, wireIDs(got.Jobs)...)
		if *got.PageIndex != number || *got.PageSize != size {
			t.Fatalf("page %d of size %d, want page %d of size %d", *got.PageIndex, *got.PageSize, number, size)
		}
		if last := len(ids) >= int(got.TotalCount); last != (*got.NextLink == "") {
			t.Fatalf("page %d: %d of %d jobs, nextLink %q", number, len(ids), got.TotalCount, *got.NextLink)
		} else if last {
			return ids
		}
	}
}

// wireFilter returns the filter that version v1 expects.
func wireFilter(f sandbox.Filter) generated.JobFilterModel {
	wire := generated.JobFilterModel{Type: new(generated.BackupRestoreType(f.Type))}
	if f.Status != 0 {
		wire.Status = new(generated.JobStatus(f.Status))
	}
	if !f.Start.IsZero() {
		wire.StartTime = &f.Start
	}
	if !f.End.IsZero() {
		wire.EndTime = &f.End
	}
	if f.OrganizationID != "" {
		wire.OrganizationID = new(uuid.MustParse(f.OrganizationID))
	}
	return wire
}

func TestFilters(t *testing.T) {
	srv := start(t, sandbox.WithJobs(2000))
	all := srv.Jobs(sandbox.Filter{})
	org, year, week := all[0].OrganizationID, anchor.AddDate(-1, 0, 0), anchor.AddDate(0, 0, -7)
	for name, test := range map[string]struct {
		filter sandbox.Filter
		match  func(sandbox.Job) bool
	}{
		"zero":         {sandbox.Filter{}, func(sandbox.Job) bool { return true }},
		"type":         {sandbox.Filter{Type: 2}, func(j sandbox.Job) bool { return j.Type == 2 }},
		"status":       {sandbox.Filter{Status: 7}, func(j sandbox.Job) bool { return j.Status == 7 }},
		"organization": {sandbox.Filter{OrganizationID: org}, func(j sandbox.Job) bool { return j.OrganizationName == all[0].OrganizationName }},
		"upper case": {sandbox.Filter{OrganizationID: strings.ToUpper(org)}, func(j sandbox.Job) bool {
			return j.OrganizationName == all[0].OrganizationName
		}},
		"unknown organization": {sandbox.Filter{OrganizationID: uuid.Nil.String()}, func(sandbox.Job) bool { return false }},
		"start":                {sandbox.Filter{Start: week}, func(j sandbox.Job) bool { return !j.StartTime.Before(week) }},
		"end":                  {sandbox.Filter{End: week}, func(j sandbox.Job) bool { return j.StartTime.Before(week) }},
		"everything": {sandbox.Filter{Type: 1, Status: 4, Start: year, End: week, OrganizationID: org}, func(j sandbox.Job) bool {
			return j.Type == 1 && j.Status == 4 && !j.StartTime.Before(year) && j.StartTime.Before(week) && j.OrganizationID == org
		}},
	} {
		t.Run(name, func(t *testing.T) {
			want := ids(slices.DeleteFunc(slices.Clone(all), func(j sandbox.Job) bool { return !test.match(j) }))
			if len(want) == 0 && name != "unknown organization" {
				t.Fatal("the history has no such job")
			}
			if diff := cmp.Diff(want, ids(srv.Jobs(test.filter))); diff != "" {
				t.Errorf("Jobs: %s", diff)
			}
			if diff := cmp.Diff(want, readAll(t, srv, wireFilter(test.filter), 999)); diff != "" {
				t.Errorf("pages: %s", diff)
			}
			if got := srv.Count(test.filter); got != len(want) {
				t.Errorf("Count %d, want %d", got, len(want))
			}
		})
	}
}

func TestObjectTypeIsIgnored(t *testing.T) {
	srv := start(t, sandbox.WithJobs(20))
	if got := page(t, srv, token(t, srv), generated.JobFilterModel{ObjectType: new(int32(3))}); got.TotalCount != 20 {
		t.Errorf("%d jobs, want 20", got.TotalCount)
	}
}

// TestJobsHaveTheProperties compares the properties sent with those of the contract, so that a new one is
// not forgotten in Job.
func TestJobsHaveTheProperties(t *testing.T) {
	doc, err := api.Load()
	if err != nil {
		t.Fatal(err)
	}
	want := map[bool][]string{
		true:  slices.Sorted(maps.Keys(doc.Components.Schemas["Job"].Value.Properties)),
		false: {"jobId", "module", "organizationId", "organizationName", "startTime", "status", "type"},
	}
	srv := start(t)
	jobs := decode[struct{ Jobs []map[string]any }](t, post(t, srv, token(t, srv), `{"pageInfo":{}}`)).Jobs
	for _, job := range jobs {
		ended := job["status"] != 2.0
		if diff := cmp.Diff(want[ended], slices.Sorted(maps.Keys(job))); diff != "" {
			t.Fatalf("properties of a job of the sandbox, ended %t (-contract +sandbox): add a field to Job in sandbox/job.go and a value in "+
				"sandbox/generate.go:\n%s", ended, diff)
		}
	}
}

func TestNullMeansAbsent(t *testing.T) {
	srv := start(t)
	shared := token(t, srv)
	want := post(t, srv, shared, `{"pageInfo":{}}`)
	got := post(t, srv, shared, `{"pageInfo":{},"startTime":null,"endTime":null,"status":null,"organizationId":null,"objectType":null}`)
	if got.StatusCode != 200 || string(got.body) != string(want.body) {
		t.Errorf("%s: %s", got.Status, got.body)
	}
}

// TestRangeExcludesItsEnd: a time range includes its start and excludes its end, so adjacent ranges return each job once.
func TestRangeExcludesItsEnd(t *testing.T) {
	srv := start(t)
	job := srv.Jobs(sandbox.Filter{})[100]
	at := job.StartTime
	for _, test := range []struct {
		start, end time.Time
		want       int
	}{
		{at, at.Add(1), 1},
		{at.Add(-1), at, 0},
		{at.Add(1), at.Add(2), 0},
		{at, at, 0},
	} {
		got := page(t, srv, token(t, srv), generated.JobFilterModel{StartTime: &test.start, EndTime: &test.end})
		if len(got.Jobs) != test.want {
			t.Errorf("%v to %v: %d jobs, want %d", test.start, test.end, len(got.Jobs), test.want)
		}
	}
}

func TestPages(t *testing.T) {
	srv := start(t, sandbox.WithJobs(23))
	shared := token(t, srv)
	all := ids(srv.Jobs(sandbox.Filter{}))
	for name, test := range map[string]struct {
		pageInfo     string
		number, size int32
		begin, end   int
		next         string
	}{
		"defaults":           {`{}`, 1, 10, 0, 10, "2"},
		"second":             {`{"currentPage":2}`, 2, 10, 10, 20, "3"},
		"last":               {`{"currentPage":3}`, 3, 10, 20, 23, ""},
		"exactly full":       {`{"pageSize":23}`, 1, 23, 0, 23, ""},
		"after the last":     {`{"currentPage":4}`, 4, 10, 23, 23, ""},
		"far after the last": {`{"currentPage":2147483647,"pageSize":2147483647}`, math.MaxInt32, math.MaxInt32, 23, 23, ""},
		"larger than all":    {`{"pageSize":2147483647}`, 1, math.MaxInt32, 0, 23, ""},
	} {
		t.Run(name, func(t *testing.T) {
			resp := post(t, srv, shared, `{"type":0,"pageInfo":`+test.pageInfo+`}`)
			if resp.StatusCode != 200 {
				t.Fatalf("%s: %s", resp.Status, resp.body)
			}
			got := decode[generated.JobPage](t, resp)
			if got.TotalCount != 23 || *got.PageIndex != test.number || *got.PageSize != test.size {
				t.Errorf("%s", resp.body)
			}
			if diff := cmp.Diff(all[test.begin:test.end], append([]string{}, wireIDs(got.Jobs)...)); diff != "" {
				t.Error(diff)
			}
			next, err := url.Parse(*got.NextLink)
			if err != nil || next.Query().Get("pageIndex") != test.next {
				t.Errorf("nextLink %q, want page %q", *got.NextLink, test.next)
			}
			if strings.Contains(string(resp.body), `"jobs":null`) {
				t.Error("jobs is null")
			}
		})
	}
}

func TestNextLinkHasTheFilter(t *testing.T) {
	srv := start(t)
	start, end := anchor.AddDate(-1, 0, 0), anchor
	org := srv.Jobs(sandbox.Filter{})[0].OrganizationID
	filter := wireFilter(sandbox.Filter{Type: 1, Status: 3, Start: start, End: end, OrganizationID: org})
	filter.PageInfo.PageSize = new(int32(5))
	got := *page(t, srv, token(t, srv), filter).NextLink
	want := "/jobs?finishTime=2026-11-02T09%3A00%3A00Z&organizationId=" + org +
		"&pageIndex=2&pageSize=5&startTime=2025-11-02T09%3A00%3A00Z&status=3&type=1"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestMediaTypes(t *testing.T) {
	srv := start(t)
	shared := token(t, srv)
	for contentType, want := range map[string]int{
		"application/json":                  200,
		"application/json; charset=utf-8":   200,
		"Application/JSON":                  200,
		"text/json":                         200,
		"application/x+json":                200,
		"application/vnd.example+json":      200,
		"application/xml":                   415,
		"text/plain":                        415,
		"text/x+json":                       415,
		"application/x-www-form-urlencoded": 415,
		";":                                 415,
		"":                                  415,
	} {
		req := request(t, "POST", srv.URL()+getJobsPath, `{"pageInfo":{}}`, "Authorization", "Bearer "+shared)
		req.Header["Content-Type"] = []string{contentType}
		resp := do(t, req)
		if resp.StatusCode != want || resp.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%q: %s, %s", contentType, resp.Status, resp.Header.Get("Content-Type"))
		}
	}
}

func TestRawClient(t *testing.T) {
	srv := start(t, sandbox.WithJobs(25))
	authorize := func(_ context.Context, req *http.Request) error {
		req.Header.Set("Authorization", "Bearer "+token(t, srv))
		return nil
	}
	raw, err := generated.NewClientWithResponses(srv.URL(), generated.WithHTTPClient(client), generated.WithRequestEditorFn(authorize))
	if err != nil {
		t.Fatal(err)
	}
	for _, contentType := range []string{"application/json", "text/json", "application/x+json"} {
		body := strings.NewReader(`{"pageInfo":{"currentPage":3}}`)
		resp, err := raw.GetJobsWithBodyWithResponse(t.Context(), contentType, body)
		if err != nil {
			t.Fatal(err)
		}
		if page := resp.JSON200; page == nil || len(page.Jobs) != 5 || page.TotalCount != 25 {
			t.Errorf("%s: %s: %s", contentType, resp.Status(), resp.Body)
		}
	}
}

func TestInvalidBodiesAreRefused(t *testing.T) {
	srv := start(t)
	shared := token(t, srv)
	for name, test := range map[string]struct{ body, pointer string }{
		"empty":               {``, ""},
		"cut JSON":            {`{"pageInfo":`, ""},
		"trailing text":       {`{"pageInfo":{}} {}`, ""},
		"array":               {`[]`, ""},
		"no page":             {`{"type":1}`, "/pageInfo"},
		"page 0":              {`{"pageInfo":{"currentPage":0}}`, "/pageInfo/currentPage"},
		"page size 0":         {`{"pageInfo":{"pageSize":0}}`, "/pageInfo/pageSize"},
		"page as word":        {`{"pageInfo":{"currentPage":"1"}}`, "/pageInfo/currentPage"},
		"page beyond 32 bits": {`{"pageInfo":{"currentPage":2147483648}}`, "/pageInfo/currentPage"},
		"page as 1e1":         {`{"pageInfo":{"currentPage":1e1}}`, "/pageInfo/currentPage"},
		"unknown type":        {`{"pageInfo":{},"type":3}`, "/type"},
		"unknown status":      {`{"pageInfo":{},"status":0}`, "/status"},
		"null type":           {`{"pageInfo":{},"type":null}`, "/type"},
		"invalid time":        {`{"pageInfo":{},"startTime":"yesterday"}`, "/startTime"},
		"invalid GUID":        {`{"pageInfo":{},"organizationId":"x"}`, "/organizationId"},
		"successor's name":    {`{"pageInfo":{},"finishTime":"2026-11-01T00:00:00Z"}`, "/finishTime"},
		"repeated key":        {`{"pageInfo":{},"type":1,"type":2}`, "/type"},
		"start after end":     {`{"pageInfo":{},"startTime":"2026-11-02T00:00:00Z","endTime":"2026-11-01T00:00:00Z"}`, "/endTime"},
	} {
		t.Run(name, func(t *testing.T) {
			resp := post(t, srv, shared, test.body)
			if resp.StatusCode != 400 {
				t.Fatalf("%s: %s", resp.Status, resp.body)
			}
			if err := api.ValidateResponse("getJobs", 400, resp.Header.Get("Content-Type"), resp.body); err != nil {
				t.Error(err)
			}
			problem := decode[struct {
				Errors []struct{ Pointer *string }
			}](t, resp)
			if len(problem.Errors) != 1 || problem.Errors[0].Pointer == nil || *problem.Errors[0].Pointer != test.pointer {
				t.Errorf("want a violation at %q: %s", test.pointer, resp.body)
			}
		})
	}
}

func TestLongBodyIsRefused(t *testing.T) {
	srv := start(t)
	body := `{"pageInfo":{}` + strings.Repeat(" ", 1<<20) + `}`
	if resp := post(t, srv, token(t, srv), body); resp.StatusCode != 413 {
		t.Errorf("%s", resp.Status)
	}
}

// TestTruncatedBodyIsRefused sends a complete filter, but not the end of the body.
func TestTruncatedBodyIsRefused(t *testing.T) {
	srv := start(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(srv.URL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"+
		"Transfer-Encoding: chunked\r\n\r\nf\r\n{\"pageInfo\":{}}\r\nno length\r\n", getJobsPath, token(t, srv))
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 400 {
		t.Errorf("%s", resp.Status)
	}
}

func TestPutAndDelete(t *testing.T) {
	srv := start(t, sandbox.WithJobs(0))
	if got := page(t, srv, token(t, srv), generated.JobFilterModel{}); len(got.Jobs) != 0 || got.TotalCount != 0 {
		t.Fatalf("the empty history has %v", got)
	}
	job := func(i, status int) sandbox.Job {
		return sandbox.Job{JobID: fmt.Sprint("job", i), Type: 1, Status: status, StartTime: anchor.Add(time.Duration(i) * time.Hour)}
	}
	srv.Put(job(1, 2), job(3, 3), job(2, 3))
	srv.Put(job(1, 4))
	srv.Delete("job2", "unknown")
	want := []sandbox.Job{job(3, 3), job(1, 4)}
	if diff := cmp.Diff(want, srv.Jobs(sandbox.Filter{})); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(ids(want), readAll(t, srv, generated.JobFilterModel{}, 10)); diff != "" {
		t.Error(diff)
	}
}
