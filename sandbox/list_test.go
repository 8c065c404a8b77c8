package sandbox_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/d365backup/d365backup/api"
	"github.com/d365backup/d365backup/generated"
	"github.com/d365backup/d365backup/sandbox"
)

const (
	listJobsPath = "/dynamicsbackup/jobs"
	allTime      = "type=0&startTime=2000-01-01T00:00:00Z&finishTime=2100-01-01T00:00:00Z"
)

// list sends a query to the successor.
func list(t *testing.T, srv *sandbox.Server, token, query string) response {
	t.Helper()
	return do(t, request(t, http.MethodGet, srv.URL()+listJobsPath+"?"+query, "", "Authorization", "Bearer "+token))
}

// TestBothOperationsSendTheSamePages follows the successor's nextLink, whose path lacks its first segment.
func TestBothOperationsSendTheSamePages(t *testing.T) {
	srv := start(t, sandbox.WithJobs(2000))
	shared := token(t, srv)
	from, to := anchor.AddDate(-1, 0, 0).Truncate(time.Second), anchor
	org := uuid.MustParse(srv.Jobs(sandbox.Filter{})[0].OrganizationID)
	filter := generated.JobFilterModel{
		Type: new(generated.BackupRestoreTypeBackup), Status: new(generated.JobStatusFinished),
		StartTime: &from, EndTime: &to, OrganizationID: &org,
	}
	link := "/jobs?" + url.Values{
		"type": {"1"}, "status": {"3"}, "organizationId": {org.String()}, "pageSize": {"40"},
		"startTime": {from.Format(time.RFC3339)}, "finishTime": {to.Format(time.RFC3339)},
	}.Encode()
	pages := int32(0)
	for ; link != ""; pages++ {
		query, relative := strings.CutPrefix(link, "/jobs?")
		if !relative {
			t.Fatalf("nextLink %q", link)
		}
		resp := list(t, srv, shared, query)
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s", resp.Status, resp.body)
		}
		got := decode[generated.JobPage](t, resp)
		filter.PageInfo = generated.PageModel{CurrentPage: new(pages + 1), PageSize: new(int32(40))}
		if diff := cmp.Diff(page(t, srv, shared, filter), got); diff != "" {
			t.Fatal(diff)
		}
		link = *got.NextLink
	}
	total := srv.Count(sandbox.Filter{Type: 1, Status: 3, Start: from, End: to, OrganizationID: org.String()})
	if want := int32(total+39) / 40; pages != want || pages < 2 {
		t.Errorf("%d pages, want %d", pages, want)
	}
}

func TestListDefaults(t *testing.T) {
	srv := start(t, sandbox.WithJobs(23))
	got := decode[generated.JobPage](t, list(t, srv, token(t, srv), allTime))
	all := srv.Jobs(sandbox.Filter{})
	if *got.PageIndex != 1 || *got.PageSize != 10 || got.TotalCount != 23 {
		t.Errorf("page %d of size %d, total %d", *got.PageIndex, *got.PageSize, got.TotalCount)
	}
	if diff := cmp.Diff(ids(all[:10]), wireIDs(got.Jobs)); diff != "" {
		t.Error(diff)
	}
}

func TestInvalidQueriesAreRefused(t *testing.T) {
	srv := start(t, sandbox.WithJobs(1))
	shared := token(t, srv)
	for name, test := range map[string]struct{ query, pointers string }{
		"empty":               {"", "/finishTime /startTime /type"},
		"invalid query":       {"%zz", ""},
		"page 0":              {allTime + "&pageIndex=0", "/pageIndex"},
		"page size 0":         {allTime + "&pageSize=0", "/pageSize"},
		"page as word":        {allTime + "&pageIndex=one", "/pageIndex"},
		"page beyond 32 bits": {allTime + "&pageIndex=2147483648", "/pageIndex"},
		"page as 1e1":         {allTime + "&pageIndex=1e1", "/pageIndex"},
		"empty page":          {allTime + "&pageIndex=", "/pageIndex"},
		"unknown type":        {strings.Replace(allTime, "type=0", "type=3", 1), "/type"},
		"type as word":        {strings.Replace(allTime, "type=0", "type=Backup", 1), "/type"},
		"unknown status":      {allTime + "&status=0", "/status"},
		"invalid time":        {strings.Replace(allTime, "2000-01-01T00:00:00Z", "yesterday", 1), "/startTime"},
		"invalid GUID":        {allTime + "&organizationId=x", "/organizationId"},
		"v1's name":           {allTime + "&endTime=2026-11-01T00:00:00Z", "/endTime"},
		"v1's object type":    {allTime + "&objectType=1", "/objectType"},
		"repeated":            {allTime + "&status=3&status=4", "/status"},
		"two violations":      {allTime + "&status=0&pageSize=0", "/pageSize /status"},
		"start after end":     {"type=0&startTime=2026-11-02T00:00:00Z&finishTime=2026-11-01T00:00:00Z", "/finishTime"},
	} {
		t.Run(name, func(t *testing.T) {
			resp := list(t, srv, shared, test.query)
			if resp.StatusCode != http.StatusBadRequest {
				t.Fatalf("%s: %s", resp.Status, resp.body)
			}
			if err := api.ValidateResponse("listJobs", 400, resp.Header.Get("Content-Type"), resp.body); err != nil {
				t.Error(err)
			}
			problem := decode[struct {
				Errors []struct{ In, Pointer string }
			}](t, resp)
			var pointers []string
			for _, violation := range problem.Errors {
				if violation.In != "query" {
					t.Errorf("violation in %q, want query", violation.In)
				}
				pointers = append(pointers, violation.Pointer)
			}
			if got := strings.Join(pointers, " "); got != test.pointers {
				t.Errorf("violations at %q, want %q: %s", got, test.pointers, resp.body)
			}
		})
	}
}

func TestListRequiresTokenAndGET(t *testing.T) {
	srv := start(t, sandbox.WithJobs(1))
	if resp := list(t, srv, "unknown", allTime); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("%s without a valid token", resp.Status)
	}
	resp := do(t, request(t, http.MethodPost, srv.URL()+listJobsPath+"?"+allTime, "", "Authorization", "Bearer "+token(t, srv)))
	if resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") != http.MethodGet {
		t.Errorf("POST: %s, Allow %q", resp.Status, resp.Header.Get("Allow"))
	}
}

func TestSuccessorWorksIfV1IsReplaced(t *testing.T) {
	srv := start(t, sandbox.WithJobs(1), sandbox.WithFault(sandbox.V1Replaced()))
	shared := token(t, srv)
	if resp := post(t, srv, shared, `{"pageInfo":{}}`); resp.StatusCode != http.StatusNotFound {
		t.Errorf("version v1: %s", resp.Status)
	}
	resp := list(t, srv, shared, allTime)
	if resp.StatusCode != http.StatusOK || decode[generated.JobPage](t, resp).TotalCount != 1 {
		t.Errorf("the successor: %s: %s", resp.Status, resp.body)
	}
}
