package d365backup_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/d365backup/d365backup/sandbox"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

var graph = d365backup.WithAPI(d365backup.APIGraph)

// TestGraphRequest is TestRequest for the successor: method, path and the whole query.
func TestGraphRequest(t *testing.T) {
	zone := time.FixedZone("somewhere", 2*60*60)
	tests := []struct {
		name  string
		query d365backup.Query
		want  string
	}{
		{
			"least", d365backup.Query{Start: start, End: start},
			"finishTime=2026-11-01T00%3A00%3A00Z&pageIndex=3&pageSize=100&startTime=2026-11-01T00%3A00%3A00Z&type=0",
		},
		{
			"most", d365backup.Query{
				Type: d365backup.JobTypeExport, Status: d365backup.JobStatusFinishedWithException,
				Start: start, End: start.Add(time.Hour),
				OrganizationID: "69CB1ECC-f8e8-439b-8077-a4b7fd45e87f",
			},
			"finishTime=2026-11-01T01%3A00%3A00Z&organizationId=69cb1ecc-f8e8-439b-8077-a4b7fd45e87f" +
				"&pageIndex=3&pageSize=100&startTime=2026-11-01T00%3A00%3A00Z&status=7&type=32",
		},
		{
			"times go out in UTC, rounded outwards",
			d365backup.Query{Start: start.In(zone).Add(time.Millisecond), End: start.In(zone).Add(time.Millisecond)},
			"finishTime=2026-11-01T00%3A00%3A01Z&pageIndex=3&pageSize=100&startTime=2026-11-01T00%3A00%3A00Z&type=0",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			client := serve(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				// The order of query parameters does not matter; Encode sorts them.
				got = []string{
					r.Method, r.URL.Path, r.URL.Query().Encode(), string(body),
					r.Header.Get("Content-Type"), r.Header.Get("Accept"), r.Header.Get("Authorization"),
				}
				respond(200, "application/json", emptyPage)(w, r)
			}, graph)
			if _, err := client.Page(t.Context(), test.query, 3); err != nil {
				t.Fatal(err)
			}
			want := []string{"GET", "/dynamicsbackup/jobs", test.want, "", "", "application/json", "Bearer token"}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestObjectTypeIsV1: a field that one API lacks is refused before anything is sent.
func TestObjectTypeIsV1(t *testing.T) {
	var requests atomic.Int32
	client := serve(t, func(http.ResponseWriter, *http.Request) { requests.Add(1) }, graph)
	query := valid
	query.ObjectType = new(int32(1))
	_, err := client.Page(t.Context(), query, 1)
	checkConfig(t, err, "Query.ObjectType: only version v1 has it")
	for _, err = range client.Jobs(t.Context(), query) {
	}
	checkConfig(t, err, "Query.ObjectType: only version v1 has it")
	if n := requests.Load(); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

func checkConfig(t *testing.T, err error, want string) {
	t.Helper()
	if !errors.Is(err, d365backup.ErrConfig) || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want ErrConfig with %q", err, want)
	}
}

// TestNotFoundSuggestsTheSuccessor: only version v1 has been replaced.
func TestNotFoundSuggestsTheSuccessor(t *testing.T) {
	for api, test := range map[d365backup.API]struct{ path, tip string }{
		d365backup.APIv1:    {"at POST /api/OpenApi/GetJobs", "try WithAPI(APIGraph)"},
		d365backup.APIGraph: {"at GET /dynamicsbackup/jobs", "try another WithDataCenter"},
	} {
		client := serve(t, respond(404, "", ""), d365backup.WithAPI(api))
		_, err := client.Page(t.Context(), valid, 1)
		if !errors.Is(err, d365backup.ErrNotFound) {
			t.Fatalf("%s: got %v, want ErrNotFound", api, err)
		}
		text := err.Error()
		for _, want := range []string{test.path, test.tip} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q does not say %q", api, text, want)
			}
		}
		if api == d365backup.APIGraph && strings.Contains(text, "v1") {
			t.Errorf("%s: %q sends the caller back to version v1", api, text)
		}
	}
}

// TestGraphLog: the record names the operation and contains nothing of the query.
func TestGraphLog(t *testing.T) {
	var log bytes.Buffer
	client := serve(t, respond(200, "application/json", emptyPage), graph,
		d365backup.WithLogger(slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	if _, err := client.Page(t.Context(), valid, 1); err != nil {
		t.Fatal(err)
	}
	if text := log.String(); !strings.Contains(text, `"method":"GET","path":"/dynamicsbackup/jobs"`) || strings.Contains(text, "2026-11-01") {
		t.Errorf("the log says %s", text)
	}
}

// TestBothAPIs: version v1 and its successor return the same jobs, the successor even if version v1 has been removed.
func TestBothAPIs(t *testing.T) {
	present := time.Now().Truncate(time.Second)
	query := d365backup.Query{
		Type: d365backup.JobTypeBackup, Status: d365backup.JobStatusFinished,
		Start: present.AddDate(-2, 0, 0), End: present,
		OrganizationID: "69cb1ecc-f8e8-439b-8077-a4b7fd45e87f",
	}
	service, client := connect(t, []sandbox.Option{sandbox.WithJobs(1000)}, d365backup.WithPageSize(20))
	want := collect(t, client, query)
	if len(want) < 100 {
		t.Fatalf("only %d jobs", len(want))
	}
	service.SetFaults(sandbox.V1Replaced())
	successor := connectTo(t, service, graph, d365backup.WithPageSize(20))
	if diff := cmp.Diff(want, collect(t, successor, query)); diff != "" {
		t.Error(diff)
	}
	first := connectTo(t, service, d365backup.WithAPI(d365backup.APIv1))
	if _, err := first.Page(t.Context(), query, 1); !errors.Is(err, d365backup.ErrNotFound) {
		t.Errorf("version v1: got %v, want ErrNotFound", err)
	}
}

func collect(t *testing.T, client *d365backup.Client, query d365backup.Query) []d365backup.Job {
	t.Helper()
	var jobs []d365backup.Job
	for job, err := range client.Jobs(t.Context(), query) {
		if err != nil {
			t.Fatal(err)
		}
		jobs = append(jobs, job)
	}
	return jobs
}
