package sandbox_test

import (
	"bufio"
	"context"
	"fmt"
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

	"github.com/d365backup/d365backup/generated"
	"github.com/d365backup/d365backup/sandbox"
)

func ids(jobs []generated.Job) []string {
	var ids []string
	for _, job := range jobs {
		ids = append(ids, job.JobID)
	}
	return ids
}

// sweep asks for all pages, by number.
func sweep(t *testing.T, srv *sandbox.Server, filter generated.JobFilterModel, size int32) []generated.Job {
	t.Helper()
	shared := token(t, srv)
	var jobs []generated.Job
	for number := int32(1); ; number++ {
		filter.PageInfo = generated.PageModel{CurrentPage: &number, PageSize: &size}
		page := askPage(t, srv, shared, filter)
		jobs = append(jobs, page.Jobs...)
		if *page.PageIndex != number || *page.PageSize != size {
			t.Fatalf("page %d of %d came as page %d of %d", number, size, *page.PageIndex, *page.PageSize)
		}
		if last := len(jobs) >= int(page.TotalCount); last != (*page.NextLink == "") {
			t.Fatalf("page %d: %d of %d jobs, nextLink %q", number, len(jobs), page.TotalCount, *page.NextLink)
		} else if last {
			return jobs
		}
	}
}

func TestFilters(t *testing.T) {
	srv := start(t, sandbox.WithJobs(2000))
	all := srv.Jobs(generated.JobFilterModel{})
	year, week := anchor.AddDate(-1, 0, 0), anchor.AddDate(0, 0, -7)
	type filter = generated.JobFilterModel
	for name, test := range map[string]struct {
		filter filter
		match  func(generated.Job) bool
	}{
		"none":      {filter{}, func(generated.Job) bool { return true }},
		"all types": {filter{Type: new(generated.BackupRestoreTypeAll)}, func(generated.Job) bool { return true }},
		"one type": {filter{Type: new(generated.BackupRestoreTypeRestore)}, func(j generated.Job) bool {
			return j.Type == 2
		}},
		"one status": {filter{Status: new(generated.JobStatusFinishedWithException)}, func(j generated.Job) bool {
			return j.Status == 7
		}},
		"one organization": {filter{OrganizationID: all[0].OrganizationID}, func(j generated.Job) bool {
			return *j.OrganizationName == *all[0].OrganizationName
		}},
		"no such organization": {filter{OrganizationID: new(uuid.Nil)}, func(generated.Job) bool { return false }},
		"a start":              {filter{StartTime: &week}, func(j generated.Job) bool { return !j.StartTime.Before(week) }},
		"an end":               {filter{EndTime: &week}, func(j generated.Job) bool { return j.StartTime.Before(week) }},
		"an object type":       {filter{ObjectType: new(int32(3))}, func(generated.Job) bool { return true }},
		"all at once": {filter{
			Type: new(generated.BackupRestoreTypeBackup), Status: new(generated.JobStatusFailed),
			StartTime: &year, EndTime: &week, OrganizationID: all[0].OrganizationID,
		}, func(j generated.Job) bool {
			return j.Type == 1 && j.Status == 4 && !j.StartTime.Before(year) && j.StartTime.Before(week) &&
				*j.OrganizationID == *all[0].OrganizationID
		}},
	} {
		t.Run(name, func(t *testing.T) {
			want := ids(slices.DeleteFunc(slices.Clone(all), func(j generated.Job) bool { return !test.match(j) }))
			if len(want) == 0 && name != "no such organization" {
				t.Fatal("the history has no such job")
			}
			if diff := cmp.Diff(want, ids(sweep(t, srv, test.filter, 999))); diff != "" {
				t.Error(diff)
			}
			if got := srv.Count(test.filter); got != len(want) {
				t.Errorf("Count %d, want %d", got, len(want))
			}
		})
	}
}

// TestNulls: a null means the same as leaving the property out.
func TestNulls(t *testing.T) {
	srv := start(t)
	shared := token(t, srv)
	want := ask(t, srv, shared, `{"pageInfo":{}}`)
	got := ask(t, srv, shared, `{"pageInfo":{},"startTime":null,"endTime":null,"status":null,"organizationId":null,"objectType":null}`)
	if got.StatusCode != 200 || string(got.body) != string(want.body) {
		t.Errorf("%s: %s", got.Status, got.body)
	}
}

// Windows that touch have each job once: the start belongs to a window and the end does not.
func TestRangeIsHalfOpen(t *testing.T) {
	srv := start(t)
	job := srv.Jobs(generated.JobFilterModel{})[100]
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
		page := askPage(t, srv, token(t, srv), generated.JobFilterModel{StartTime: &test.start, EndTime: &test.end})
		if len(page.Jobs) != test.want {
			t.Errorf("%v to %v: %d jobs, want %d", test.start, test.end, len(page.Jobs), test.want)
		}
	}
}

func TestPages(t *testing.T) {
	srv := start(t, sandbox.WithJobs(23))
	shared := token(t, srv)
	all := ids(srv.Jobs(generated.JobFilterModel{}))
	for name, test := range map[string]struct {
		pageInfo     string
		number, size int32
		begin, end   int
		next         string
	}{
		"defaults":         {`{}`, 1, 10, 0, 10, "2"},
		"the second":       {`{"currentPage":2}`, 2, 10, 10, 20, "3"},
		"the last":         {`{"currentPage":3}`, 3, 10, 20, 23, ""},
		"one that is full": {`{"pageSize":23}`, 1, 23, 0, 23, ""},
		"behind the end":   {`{"currentPage":4}`, 4, 10, 23, 23, ""},
		"far behind it":    {`{"currentPage":2147483647,"pageSize":2147483647}`, math.MaxInt32, math.MaxInt32, 23, 23, ""},
		"more than all":    {`{"pageSize":2147483647}`, 1, math.MaxInt32, 0, 23, ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := ask(t, srv, shared, `{"type":0,"pageInfo":`+test.pageInfo+`}`)
			if a.StatusCode != 200 {
				t.Fatalf("%s: %s", a.Status, a.body)
			}
			page := decode[generated.JobPage](t, a)
			if page.TotalCount != 23 || *page.PageIndex != test.number || *page.PageSize != test.size {
				t.Errorf("%s", a.body)
			}
			if diff := cmp.Diff(all[test.begin:test.end], append([]string{}, ids(page.Jobs)...)); diff != "" {
				t.Error(diff)
			}
			next, err := url.Parse(*page.NextLink)
			if err != nil || next.Query().Get("pageIndex") != test.next {
				t.Errorf("nextLink %q, want page %q", *page.NextLink, test.next)
			}
			if strings.Contains(string(a.body), `"jobs":null`) {
				t.Error("jobs is null")
			}
		})
	}
}

func TestNextLinkCarriesTheFilter(t *testing.T) {
	srv := start(t)
	start, end := anchor.AddDate(-1, 0, 0), anchor
	org := srv.Jobs(generated.JobFilterModel{})[0].OrganizationID
	page := askPage(t, srv, token(t, srv), generated.JobFilterModel{
		Type: new(generated.BackupRestoreTypeBackup), Status: new(generated.JobStatusFinished),
		StartTime: &start, EndTime: &end, OrganizationID: org,
		PageInfo: generated.PageModel{PageSize: new(int32(5))},
	})
	want := "/jobs?finishTime=2026-11-02T09%3A00%3A00Z&organizationId=" + org.String() +
		"&pageIndex=2&pageSize=5&startTime=2025-11-02T09%3A00%3A00Z&status=3&type=1"
	if *page.NextLink != want {
		t.Errorf("got  %s\nwant %s", *page.NextLink, want)
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
		a := do(t, req)
		if a.StatusCode != want || a.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%q: %s, %s", contentType, a.Status, a.Header.Get("Content-Type"))
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

func TestBadRequests(t *testing.T) {
	srv := start(t)
	shared := token(t, srv)
	for name, test := range map[string]struct{ body, pointer string }{
		"nothing":               {``, ""},
		"no JSON":               {`{"pageInfo":`, ""},
		"something behind":      {`{"pageInfo":{}} {}`, ""},
		"a list":                {`[]`, ""},
		"no page":               {`{"type":1}`, "/pageInfo"},
		"page 0":                {`{"pageInfo":{"currentPage":0}}`, "/pageInfo/currentPage"},
		"page size 0":           {`{"pageInfo":{"pageSize":0}}`, "/pageInfo/pageSize"},
		"page as a word":        {`{"pageInfo":{"currentPage":"1"}}`, "/pageInfo/currentPage"},
		"page beyond 32 bits":   {`{"pageInfo":{"currentPage":2147483648}}`, "/pageInfo/currentPage"},
		"page as 1e1":           {`{"pageInfo":{"currentPage":1e1}}`, "/pageInfo/currentPage"},
		"unknown type":          {`{"pageInfo":{},"type":3}`, "/type"},
		"unknown status":        {`{"pageInfo":{},"status":0}`, "/status"},
		"null type":             {`{"pageInfo":{},"type":null}`, "/type"},
		"no date":               {`{"pageInfo":{},"startTime":"yesterday"}`, "/startTime"},
		"no GUID":               {`{"pageInfo":{},"organizationId":"x"}`, "/organizationId"},
		"the successor's name":  {`{"pageInfo":{},"finishTime":"2026-11-01T00:00:00Z"}`, "/finishTime"},
		"the same twice":        {`{"pageInfo":{},"type":1,"type":2}`, "/type"},
		"a start after the end": {`{"pageInfo":{},"startTime":"2026-11-02T00:00:00Z","endTime":"2026-11-01T00:00:00Z"}`, "/endTime"},
	} {
		t.Run(name, func(t *testing.T) {
			a := ask(t, srv, shared, test.body)
			if a.StatusCode != 400 {
				t.Fatalf("%s: %s", a.Status, a.body)
			}
			problem := decode[struct {
				Errors []struct{ Pointer *string }
			}](t, a)
			if len(problem.Errors) != 1 || problem.Errors[0].Pointer == nil || *problem.Errors[0].Pointer != test.pointer {
				t.Errorf("want a fault at %q: %s", test.pointer, a.body)
			}
		})
	}
}

func TestLongBody(t *testing.T) {
	srv := start(t)
	body := `{"pageInfo":{}` + strings.Repeat(" ", 1<<20) + `}`
	if a := ask(t, srv, token(t, srv), body); a.StatusCode != 413 {
		t.Errorf("%s", a.Status)
	}
}

// A body that breaks off is a bad request, even if what came is a whole filter.
func TestBrokenBody(t *testing.T) {
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
	if got := askPage(t, srv, token(t, srv), generated.JobFilterModel{}); len(got.Jobs) != 0 || got.TotalCount != 0 {
		t.Fatalf("an empty history answers %v", got)
	}
	job := func(i int, status generated.JobStatus) generated.Job {
		return generated.Job{
			JobID: fmt.Sprint("job", i), Type: generated.BackupRestoreTypeBackup, Status: status,
			StartTime: anchor.Add(time.Duration(i) * time.Hour),
		}
	}
	srv.Put(job(1, 2), job(3, 3), job(2, 3))
	srv.Put(job(1, 4))
	srv.Delete("job2", "no such job")
	page := askPage(t, srv, token(t, srv), generated.JobFilterModel{})
	if diff := cmp.Diff([]generated.Job{job(3, 3), job(1, 4)}, page.Jobs); diff != "" {
		t.Error(diff)
	}
}
