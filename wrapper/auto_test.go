package d365backup_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/d365backup/d365backup/sandbox"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// twoAPIs is a service whose two operations have the responses of a test.
type twoAPIs struct {
	v1, graph http.HandlerFunc

	mu       sync.Mutex
	requests []string
	drift    []d365backup.Drift
}

func (s *twoAPIs) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	api, handler := "v1", s.v1
	if r.Method == http.MethodGet {
		api, handler = "graph", s.graph
	}
	s.mu.Lock()
	s.requests = append(s.requests, api)
	s.mu.Unlock()
	handler(w, r)
}

// requested returns the operations requested since the last call.
func (s *twoAPIs) requested() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() { s.requests = nil }()
	return strings.Join(s.requests, " ")
}

func (s *twoAPIs) client(t *testing.T, options ...d365backup.Option) *d365backup.Client {
	t.Helper()
	return serve(t, s.ServeHTTP, append([]d365backup.Option{
		d365backup.WithRetry(d365backup.RetryPolicy{Attempts: 1}),
		d365backup.WithDriftHandler(func(d d365backup.Drift) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.drift = append(s.drift, d)
		}),
	}, options...)...)
}

var (
	missing = respond(404, "", "")
	empty   = respond(200, "application/json", emptyPage)
)

// TestAutoUsesTheSuccessor: the client keeps using the successor, and reports it once.
func TestAutoUsesTheSuccessor(t *testing.T) {
	service := &twoAPIs{v1: missing, graph: empty}
	client := service.client(t)
	for _, step := range []struct {
		page int
		want string
	}{{1, "v1 graph"}, {2, "graph"}, {1, "graph"}} {
		if _, err := client.Page(t.Context(), valid, step.page); err != nil {
			t.Fatal(err)
		}
		if got := service.requested(); got != step.want {
			t.Errorf("page %d: requested %q, want %q", step.page, got, step.want)
		}
	}
	want := []d365backup.Drift{{Kind: d365backup.DriftSuccessor, Value: "graph", Count: 1}}
	if diff := cmp.Diff(want, service.drift); diff != "" {
		t.Error(diff)
	}
}

// TestAutoKeepsV1: version v1 is used unless its page 1 is not found.
func TestAutoKeepsV1(t *testing.T) {
	withType := valid
	withType.ObjectType = new(int32(1))
	for name, test := range map[string]struct {
		v1      http.HandlerFunc
		options []d365backup.Option
		query   d365backup.Query
		page    int
		want    error
	}{
		"found":       {empty, nil, valid, 1, nil},
		"page 2":      {missing, nil, valid, 2, d365backup.ErrNotFound},
		"gone":        {respond(410, "", ""), nil, valid, 1, d365backup.ErrBadRequest},
		"bad request": {respond(400, "", ""), nil, valid, 1, d365backup.ErrBadRequest},
		"forbidden":   {respond(403, "", ""), nil, valid, 1, d365backup.ErrForbidden},
		"failing":     {respond(500, "", ""), nil, valid, 1, d365backup.ErrServer},
		"login page":  {respond(200, "text/html", "<html>"), nil, valid, 1, d365backup.ErrNotJobs},
		"object type": {missing, nil, withType, 1, d365backup.ErrNotFound},
		"media type":  {missing, []d365backup.Option{d365backup.WithMediaType("text/json")}, valid, 1, d365backup.ErrNotFound},
		"v1 alone":    {missing, []d365backup.Option{d365backup.WithAPI(d365backup.APIv1)}, valid, 1, d365backup.ErrNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			service := &twoAPIs{v1: test.v1, graph: empty}
			client := service.client(t, test.options...)
			for range 2 {
				_, err := client.Page(t.Context(), test.query, test.page)
				if !errors.Is(err, test.want) {
					t.Errorf("got %v, want %v", err, test.want)
				}
				if isV1Only := strings.HasSuffix(name, " type"); isV1Only != strings.Contains(fmt.Sprint(err), "and was not requested") {
					t.Errorf("got %v", err)
				}
				if got := service.requested(); got != "v1" {
					t.Errorf("requested %q", got)
				}
			}
			if service.drift != nil {
				t.Errorf("drift %+v", service.drift)
			}
		})
	}
	service := &twoAPIs{v1: empty, graph: missing}
	if _, err := service.client(t, graph).Page(t.Context(), valid, 1); !errors.Is(err, d365backup.ErrNotFound) || service.requested() != "graph" {
		t.Errorf("graph alone: got %v", err)
	}
}

// TestAutoKeepsV1WithinALoop: if page 1 is not found when it is read again, the lists of two operations are not mixed.
func TestAutoKeepsV1WithinALoop(t *testing.T) {
	var pages atomic.Int32
	service := &twoAPIs{graph: empty, v1: func(w http.ResponseWriter, r *http.Request) {
		if pages.Add(1) > 1 {
			missing(w, r)
			return
		}
		respond(200, "application/json", `{"totalCount":3,"jobs":[`+
			`{"type":1,"jobId":"A","startTime":"2026-11-01T00:00:00Z","status":3}]}`)(w, r)
	}}
	var err error
	for _, err = range service.client(t, d365backup.WithPageSize(1)).Jobs(t.Context(), valid) {
	}
	if got := service.requested(); err == nil || strings.Contains(got, "graph") {
		t.Errorf("requested %q, got %v", got, err)
	}
}

// TestAutoFindsNeither: the error is version v1's 404, and names both.
func TestAutoFindsNeither(t *testing.T) {
	for name, test := range map[string]struct {
		graph http.HandlerFunc
		want  string
	}{
		"404":       {missing, "not found (status 404)"},
		"403":       {respond(403, "", ""), "permission denied (status 403)"},
		"500":       {respond(500, "", ""), "server error (status 500)"},
		"failure":   {respond(200, "application/json", `{"jobs":[],"totalCount":0,"error":"x"}`), "response is not a job list (status 200)"},
		"truncated": {respond(200, "application/json", `{"jobs":[`), "response truncated (status 200)"},
	} {
		t.Run(name, func(t *testing.T) {
			service := &twoAPIs{v1: missing, graph: test.graph}
			client := service.client(t)
			for range 2 { // a failure is not remembered
				_, err := client.Page(t.Context(), valid, 1)
				apiErr, ok := errors.AsType[*d365backup.Error](err)
				if !ok || apiErr.Kind != d365backup.ErrNotFound || apiErr.StatusCode != 404 {
					t.Fatalf("got %v", err)
				}
				for _, want := range []string{"/api/OpenApi/GetJobs", "its successor, GET /dynamicsbackup/jobs", test.want} {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("%v does not say %s", err, want)
					}
				}
				if strings.Contains(err.Error(), "try WithAPI") {
					t.Errorf("%v advises what was tried", err)
				}
				if got := service.requested(); got != "v1 graph" {
					t.Errorf("requested %q", got)
				}
			}
			if service.drift != nil {
				t.Errorf("drift %+v", service.drift)
			}
		})
	}
}

// TestAutoCanceled: the end of the call's context does not count as a missing successor.
func TestAutoCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	service := &twoAPIs{v1: missing, graph: func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}}
	_, err := service.client(t).Page(ctx, valid, 1)
	if !errors.Is(err, context.Canceled) || errors.Is(err, d365backup.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

// TestAutoConcurrently: calls that run at the same time all succeed, and share the result.
func TestAutoConcurrently(t *testing.T) {
	const calls = 8
	var arrived atomic.Int32
	all := make(chan struct{})
	service := &twoAPIs{graph: empty, v1: func(w http.ResponseWriter, r *http.Request) {
		if arrived.Add(1) == calls {
			close(all)
		}
		<-all
		missing(w, r)
	}}
	client := service.client(t)
	var running sync.WaitGroup
	for range calls {
		running.Go(func() {
			if _, err := client.Page(t.Context(), valid, 1); err != nil {
				t.Error(err)
			}
		})
	}
	running.Wait()
	if len(service.drift) != 1 {
		t.Errorf("drift %+v", service.drift)
	}
	service.requested()
	if _, err := client.Page(t.Context(), valid, 1); err != nil || service.requested() != "graph" {
		t.Errorf("the result is not shared: %v", err)
	}
}

// TestAutoJobs: a loop over Jobs returns the same from either operation, and requests version v1 once.
func TestAutoJobs(t *testing.T) {
	present := time.Now().Truncate(time.Second)
	query := d365backup.Query{Start: present.AddDate(-2, 0, 0), End: present}
	service, v1 := connect(t, []sandbox.Option{sandbox.WithJobs(300)}, d365backup.WithPageSize(20))
	want := collect(t, v1, query)
	var requests atomic.Int32
	service.SetFaults(sandbox.Fault{Name: "count", Middleware: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/GetJobs") {
				requests.Add(1)
			}
			next.ServeHTTP(w, r)
		})
	}}, sandbox.V1Replaced())
	client := connectTo(t, service, d365backup.WithPageSize(20))
	for range 2 {
		if got := collect(t, client, query); len(want) < 100 || !slices.Equal(got, want) {
			t.Errorf("%d jobs, want %d", len(got), len(want))
		}
	}
	if n := requests.Load(); n != 1 {
		t.Errorf("version v1 was requested %d times", n)
	}
}
