package d365backup_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/d365backup/d365backup/generated"
	"github.com/d365backup/d365backup/sandbox"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

const (
	inProgress = d365backup.JobStatusInProgress
	finished   = d365backup.JobStatusFinished
	failed     = d365backup.JobStatusFailed
	exception  = d365backup.JobStatusFinishedWithException
)

// TestSeveralOfTheSandbox: the lists of all combinations come one after the other, each as the service orders it, by either API.
func TestSeveralOfTheSandbox(t *testing.T) {
	for _, api := range []d365backup.API{d365backup.APIv1, d365backup.APIGraph} {
		service, client := connect(t, nil, d365backup.WithAPI(api))
		query := d365backup.Query{Start: time.Now().AddDate(-1, 0, 0), End: time.Now()}
		for name, tt := range map[string]struct {
			types    []d365backup.JobType
			statuses []d365backup.JobStatus
			lists    [][2]int // type and status
		}{
			"types":    {[]d365backup.JobType{d365backup.JobTypeRestore, d365backup.JobTypeBackup}, nil, [][2]int{{1, 0}, {2, 0}}},
			"statuses": {nil, []d365backup.JobStatus{exception, failed, exception}, [][2]int{{0, 4}, {0, 7}}},
			"both": {[]d365backup.JobType{d365backup.JobTypeAuditBackup, d365backup.JobTypeBackup}, []d365backup.JobStatus{failed, inProgress},
				[][2]int{{1, 2}, {1, 4}, {16, 2}, {16, 4}}},
			"one": {[]d365backup.JobType{d365backup.JobTypeBackup}, []d365backup.JobStatus{finished}, [][2]int{{1, 3}}},
			"all": {[]d365backup.JobType{d365backup.JobTypeAll}, []d365backup.JobStatus{d365backup.JobStatusAny}, [][2]int{{0, 0}}},
		} {
			query.Types, query.Statuses = tt.types, tt.statuses
			got, err := d365backup.Collect(client.Jobs(t.Context(), query))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			var want []sandbox.Job
			for _, list := range tt.lists {
				filter := filterOf(query)
				filter.Type, filter.Status = list[0], list[1]
				want = append(want, service.Jobs(filter)...)
			}
			if len(got) != len(want) || len(want) == 0 {
				t.Fatalf("%s: %d jobs, want %d", name, len(got), len(want))
			}
			for i := range want {
				if diff := differs(got[i], want[i]); diff != "" {
					t.Fatalf("%s: job %d: %s", name, i, diff)
				}
			}
		}
	}
}

// lists returns a handler that responds with the body for the status in the request, and records the statuses.
func lists(requested *string, bodies map[d365backup.JobStatus]string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var filter generated.JobFilterModel
		_ = json.NewDecoder(r.Body).Decode(&filter)
		*requested += fmt.Sprintf("%d:%d ", *filter.Status, *filter.PageInfo.CurrentPage)
		body := bodies[d365backup.JobStatus(*filter.Status)]
		if body == "" {
			respond(403, "", "")(w, r)
			return
		}
		respond(200, "application/json", body)(w, r)
	}
}

// listBody returns a list on one page, in which each job is given by id and status. The job "-" has no id.
func listBody(total int, jobs ...string) string {
	var list []string
	for _, job := range jobs {
		id, status, _ := strings.Cut(job, " ")
		list = append(list, fmt.Sprintf(`{"jobId":%q,"type":1,"status":%s,"startTime":"2026-11-01T00:00:00Z"}`, strings.Trim(id, "-"), status))
	}
	return fmt.Sprintf(`{"totalCount":%d,"jobs":[%s]}`, total, strings.Join(list, ","))
}

// TestSeveralLists: jobs that end or change between two lists, and what ends the loop.
func TestSeveralLists(t *testing.T) {
	for name, tt := range map[string]struct {
		bodies    map[d365backup.JobStatus]string
		limit     int // of jobs
		want      string
		err       error
		requested string // status and page of the last requests
	}{
		"a job ends": {
			map[d365backup.JobStatus]string{inProgress: listBody(2, "A 2", "B 2"), finished: listBody(2, "C 3", "A 3"), failed: listBody(1, "B 4")},
			0, "A2 B2 C3", nil, "2:1 3:1 4:1 ",
		},
		"the same list repeats a job": {
			map[d365backup.JobStatus]string{inProgress: listBody(0), finished: listBody(2, "A 3", "A 3"), failed: listBody(2, "A 4", "B 4")},
			0, "A3 A3 B4", nil, "2:1 3:1 4:1 ",
		},
		"jobs without an id": {
			map[d365backup.JobStatus]string{inProgress: listBody(0), finished: listBody(1, "- 3"), failed: listBody(1, "- 3")},
			0, "3 3", nil, "2:1 3:1 4:1 ",
		},
		"a list is incomplete": {
			map[d365backup.JobStatus]string{inProgress: listBody(0), finished: listBody(3, "A 3"), failed: listBody(1, "B 4")},
			0, "A3 B4", d365backup.ErrIncomplete, "4:1 ",
		},
		"two lists are incomplete, and one is refused": {
			map[d365backup.JobStatus]string{inProgress: listBody(3, "A 2"), finished: listBody(3, "B 3")},
			0, "A2 B3", d365backup.ErrForbidden, "4:1 ",
		},
		"a list is refused": {
			map[d365backup.JobStatus]string{inProgress: listBody(1, "A 2"), failed: listBody(1, "B 4")},
			0, "A2", d365backup.ErrForbidden, "2:1 3:1 ",
		},
		"break": {
			map[d365backup.JobStatus]string{inProgress: listBody(1, "A 2"), finished: listBody(2, "B 3", "C 3"), failed: listBody(1, "D 4")},
			2, "A2 B3", nil, "2:1 3:1 ",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var requested string
			client := serve(t, lists(&requested, tt.bodies), d365backup.WithPrefetch(1))
			query := valid
			query.Statuses = []d365backup.JobStatus{failed, finished, inProgress}
			var got []string
			var err error
			for job, e := range client.Jobs(t.Context(), query) {
				if err = e; err != nil {
					continue
				}
				got = append(got, fmt.Sprintf("%s%d", job.JobID, job.Status))
				if len(got) == tt.limit {
					break
				}
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, " ")); diff != "" || !errors.Is(err, tt.err) || (err == nil) != (tt.err == nil) {
				t.Errorf("error %v, want %v (-want +got):\n%s", err, tt.err, diff)
			}
			if !strings.HasSuffix(requested, tt.requested) {
				t.Errorf("requested %q, want %q last", requested, tt.requested)
			}
		})
	}
}

// TestSeveralProgress: pages and jobs are counted over all lists, and there is no total.
func TestSeveralProgress(t *testing.T) {
	var heard []d365backup.Progress
	var requested string
	client := serve(t, lists(&requested, map[d365backup.JobStatus]string{finished: listBody(2, "A 3", "B 3"), failed: listBody(1, "C 4")}),
		d365backup.WithProgress(func(p d365backup.Progress) { heard = append(heard, p) }))
	query := valid
	query.Statuses = []d365backup.JobStatus{failed, finished}
	if _, err := d365backup.Collect(client.Jobs(t.Context(), query)); err != nil {
		t.Fatal(err)
	}
	want := []d365backup.Progress{{Pages: 1, Jobs: 2, TotalCount: -1}, {Pages: 2, Jobs: 3, TotalCount: -1}}
	if diff := cmp.Diff(want, heard); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestPageOfSeveral: a page belongs to one list.
func TestPageOfSeveral(t *testing.T) {
	client := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
	query := valid
	query.Types = []d365backup.JobType{d365backup.JobTypeBackup, d365backup.JobTypeExport}
	_, err := client.Page(t.Context(), query, 1)
	if !errors.Is(err, d365backup.ErrConfig) || !strings.Contains(err.Error(), "selects 2 lists") {
		t.Errorf("got %v", err)
	}
}

// TestCollect: the jobs before an error come with it.
func TestCollect(t *testing.T) {
	sequence := func(yield func(d365backup.Job, error) bool) {
		if yield(d365backup.Job{JobID: "A"}, nil) && yield(d365backup.Job{JobID: "B"}, nil) && yield(d365backup.Job{JobID: "none"}, http.ErrAbortHandler) {
			t.Error("the sequence is read after its error")
		}
	}
	jobs, err := d365backup.Collect(sequence)
	if diff := cmp.Diff([]d365backup.Job{{JobID: "A"}, {JobID: "B"}}, jobs); diff != "" || !errors.Is(err, http.ErrAbortHandler) {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if jobs, err := d365backup.Collect(func(func(d365backup.Job, error) bool) {}); jobs != nil || err != nil {
		t.Errorf("nothing: %v, %v", jobs, err)
	}
}
