package sandbox_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/d365backup/d365backup/generated"
	"github.com/d365backup/d365backup/sandbox"
)

// TestFaults sends several requests to the operation of version v1, one to an unknown path, and one to the
// token endpoint.
func TestFaults(t *testing.T) {
	for _, test := range []struct {
		fault        sandbox.Fault
		name         string
		statuses     []int // of the operation, in sequence
		contentType  string
		body         string
		other, token int
	}{
		{sandbox.WrongDataCenter(), "wrong-data-center", []int{404, 404}, "", "", 404, 200},
		{sandbox.UnlicensedProduct(), "unlicensed-product", []int{404, 404}, "application/json", "license", 404, 200},
		{sandbox.MissingPermission(), "missing-permission", []int{403, 403}, "application/json", "permission", 403, 200},
		{sandbox.V1Replaced(), "v1-replaced", []int{404, 404}, "", "", 404, 200},
		{sandbox.ExpiredSecret(), "expired-secret", []int{200, 200}, "application/json", "totalCount", 404, 401},
		{sandbox.Throttled(2, 0), "throttled", []int{429, 429, 200}, "application/json", "too many", 404, 200},
		{sandbox.ServerError(1, 503), "server-error", []int{503, 200}, "application/json", "went wrong", 404, 200},
		{sandbox.LoginPage(), "login-page", []int{200, 200}, "text/html; charset=utf-8", "<title>Sign in", 200, 200},
		{sandbox.EmptyObject(), "empty-object", []int{200, 200}, "application/json", "{}", 200, 200},
		{sandbox.Latency(time.Nanosecond), "latency", []int{200, 200}, "application/json", "totalCount", 404, 200},
		{sandbox.ClockSkew(time.Hour), "clock-skew", []int{200, 200}, "application/json", "totalCount", 404, 200},
	} {
		t.Run(test.name, func(t *testing.T) {
			srv := start(t, sandbox.WithFault(test.fault))
			good := tokenWithoutFaults(t, srv, test.fault)
			var statuses []int
			for i := range test.statuses {
				resp := post(t, srv, good, `{"pageInfo":{}}`)
				statuses = append(statuses, resp.StatusCode)
				if resp.Header.Get("Sandbox-Faults") != test.name {
					t.Errorf("Sandbox-Faults %q", resp.Header.Get("Sandbox-Faults"))
				}
				if i == 0 && (resp.Header.Get("Content-Type") != test.contentType || !bytes.Contains(resp.body, []byte(test.body))) {
					t.Errorf("%s: %s", resp.Header.Get("Content-Type"), resp.body)
				}
			}
			if diff := cmp.Diff(test.statuses, statuses); diff != "" {
				t.Error(diff)
			}
			if resp := do(t, request(t, "GET", srv.URL()+"/dynamicsbackup/other", "")); resp.StatusCode != test.other {
				t.Errorf("another path: %s", resp.Status)
			}
			if resp := postToken(t, srv, secretForm(srv)); resp.StatusCode != test.token {
				t.Errorf("token endpoint: %s", resp.Status)
			}
			srv.SetFaults()
			if resp := post(t, srv, token(t, srv), `{"pageInfo":{}}`); resp.StatusCode != 200 || resp.Header.Get("Sandbox-Faults") != "" {
				t.Errorf("without faults: %s", resp.Status)
			}
		})
	}
}

// tokenWithoutFaults requests a token while no fault is set.
func tokenWithoutFaults(t *testing.T, srv *sandbox.Server, faults ...sandbox.Fault) string {
	t.Helper()
	srv.SetFaults()
	defer srv.SetFaults(faults...)
	return token(t, srv)
}

func TestRetryAfter(t *testing.T) {
	srv := start(t, sandbox.WithJobs(0))
	for pause, want := range map[time.Duration]string{
		0: "", time.Millisecond: "1", time.Second: "1", 90 * time.Second: "90", 1001 * time.Millisecond: "2",
	} {
		srv.SetFaults(sandbox.Throttled(1, pause))
		if got := post(t, srv, "", "").Header.Get("Retry-After"); got != want {
			t.Errorf("%v: Retry-After %q, want %q", pause, got, want)
		}
	}
}

func TestClockSkew(t *testing.T) {
	for _, skew := range []time.Duration{-24 * time.Hour, 24 * time.Hour} {
		srv := start(t, sandbox.WithJobs(0), sandbox.WithFault(sandbox.ClockSkew(skew)))
		before := time.Now().Truncate(time.Second)
		for _, resp := range []response{postToken(t, srv, nil), post(t, srv, "", "")} {
			date, err := http.ParseTime(resp.Header.Get("Date"))
			if err != nil || date.Before(before.Add(skew)) || date.After(time.Now().Add(skew)) {
				t.Errorf("Date %q, %v; skewed by %v", resp.Header.Get("Date"), err, skew)
			}
		}
	}
}

func TestLatencyEndsWithTheRequest(t *testing.T) {
	arrived := make(chan bool)
	arrival := sandbox.Fault{Name: "arrival", Middleware: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			arrived <- true
			next.ServeHTTP(w, r)
		})
	}}
	srv := start(t)
	good := token(t, srv)
	srv.SetFaults(arrival, sandbox.Latency(time.Hour))
	failed := make(chan error)
	wait := func(ctx context.Context) {
		req := request(t, "POST", srv.URL()+getJobsPath, `{"pageInfo":{}}`, "Authorization", "Bearer "+good).WithContext(ctx)
		go func() {
			resp, err := client.Do(req)
			if err == nil {
				resp.Body.Close()
			}
			failed <- err
		}()
		<-arrived
	}
	ctx, cancel := context.WithCancel(t.Context())
	wait(ctx)
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("canceled by the client: %v", err)
	}
	wait(t.Context())
	closed := make(chan error)
	go func() { closed <- srv.Close() }() // must not wait for an hour
	if err := <-failed; err == nil {
		t.Error("the request succeeded, although Close canceled it")
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

func TestLatencyDelaysTheResponse(t *testing.T) {
	srv := start(t)
	good := token(t, srv)
	const latency = 20 * time.Millisecond
	srv.SetFaults(sandbox.Latency(latency))
	begun := time.Now()
	if resp := post(t, srv, good, `{"pageInfo":{}}`); resp.StatusCode != 200 || time.Since(begun) < latency {
		t.Errorf("%s after %v", resp.Status, time.Since(begun))
	}
}

func TestNilMiddlewareAndInvalidStatus(t *testing.T) {
	srv := start(t)
	good := token(t, srv)
	srv.SetFaults(sandbox.Fault{Name: "nothing"}, sandbox.ServerError(1, 7))
	for _, want := range []int{500, 200} {
		resp := post(t, srv, good, `{"pageInfo":{}}`)
		if resp.StatusCode != want || resp.Header.Get("Sandbox-Faults") != "server-error" {
			t.Errorf("%s, want %d; Sandbox-Faults %q", resp.Status, want, resp.Header.Get("Sandbox-Faults"))
		}
	}
}

func TestFaultsKeepTheirOrder(t *testing.T) {
	srv := start(t, sandbox.WithFault(sandbox.ClockSkew(time.Hour)), sandbox.WithFault(sandbox.Throttled(1, 0), sandbox.ServerError(2, 500)))
	var statuses []int
	for range 4 {
		resp := post(t, srv, "", "")
		statuses = append(statuses, resp.StatusCode)
		if got := resp.Header.Get("Sandbox-Faults"); got != "clock-skew, throttled, server-error" {
			t.Errorf("Sandbox-Faults %q", got)
		}
	}
	if diff := cmp.Diff([]int{429, 500, 500, 401}, statuses); diff != "" {
		t.Error(diff)
	}
}

func TestCountRestartsIfFaultIsSetAgain(t *testing.T) {
	srv := start(t)
	good, fault := token(t, srv), sandbox.Throttled(1, 0)
	for range 2 {
		srv.SetFaults(fault)
		for _, want := range []int{429, 200} {
			if resp := post(t, srv, good, `{"pageInfo":{}}`); resp.StatusCode != want {
				t.Errorf("%s, want %d", resp.Status, want)
			}
		}
	}
}

// TestCustomFault deletes jobs of the first page after it was sent, so that the others move up.
func TestCustomFault(t *testing.T) {
	srv := start(t, sandbox.WithJobs(25))
	before := ids(srv.Jobs(sandbox.Filter{}))
	good := token(t, srv)
	var requests atomic.Int64
	srv.SetFaults(sandbox.Fault{Name: "deleting", Middleware: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r)
			if requests.Add(1) == 1 {
				srv.Delete(before[3:8]...)
			}
		})
	}})
	var seen []string
	for number := range int32(3) {
		filter := generated.JobFilterModel{PageInfo: generated.PageModel{CurrentPage: new(number + 1)}}
		seen = append(seen, wireIDs(page(t, srv, good, filter).Jobs)...)
	}
	if diff := cmp.Diff(strings.Join(append(before[:10:10], before[15:]...), "\n"), strings.Join(seen, "\n")); diff != "" {
		t.Error(diff)
	}
	if got := requests.Load(); got != 3 {
		t.Errorf("%d requests", got)
	}
}

// TestCloseIgnoresHijackedConnections hangs if Close waits for them.
func TestCloseIgnoresHijackedConnections(t *testing.T) {
	srv, err := sandbox.Start(sandbox.WithFault(sandbox.Fault{Name: "closing", Middleware: func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			conn.Close()
		})
	}}))
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := http.Get(srv.URL()); err == nil {
		t.Errorf("got response %s on a closed connection", resp.Status)
	}
	if err := srv.Close(); err != nil {
		t.Error(err)
	}
}
