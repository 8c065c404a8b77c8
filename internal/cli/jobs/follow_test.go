package jobs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"golang.org/x/oauth2"

	"github.com/d365backup/d365backup/generated"
	"github.com/d365backup/d365backup/internal/cli/cmdutil"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pipes is a network in memory, which the fake clock of a synctest bubble can wait for.
type pipes struct {
	accept chan net.Conn
	closed chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.accept:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p pipes) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.accept <- server:
		return client, nil
	case <-p.closed: // the transport also dials ahead
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error   { close(p.closed); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

// moment is what the service responds from then on.
type moment struct {
	after  time.Duration
	status int // 0: 200
	jobs   []generated.Job
}

// watched is the result of a run of the follower.
type watched struct {
	printed, notes []string
	polls          []time.Duration // when they were
	starts         []time.Time     // of their time ranges
	err            error
}

// watch runs a follower with a fake clock against a scripted service.
func watch(t *testing.T, lasting time.Duration, script []moment, configure func(*follower)) (w watched) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		network := pipes{make(chan net.Conn), make(chan struct{})}
		server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
			var filter generated.JobFilterModel
			if err := json.NewDecoder(r.Body).Decode(&filter); err != nil || filter.Status != nil {
				t.Errorf("%v, status %v", err, filter.Status)
			}
			elapsed := time.Since(began)
			if *filter.PageInfo.CurrentPage == 1 {
				w.polls, w.starts = append(w.polls, elapsed), append(w.starts, *filter.StartTime)
			}
			now := script[0]
			for _, m := range script {
				if m.after <= elapsed {
					now = m
				}
			}
			respond(out, now, *filter.PageInfo.CurrentPage)
		})}
		go func() { _ = server.Serve(network) }()
		transport := &http.Transport{DialContext: network.dial}
		client, err := d365backup.New(d365backup.WithBaseURL("http://localhost"), d365backup.WithLoopbackHTTP(),
			d365backup.WithTokenSource(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "t"})),
			d365backup.WithHTTPClient(&http.Client{Transport: transport}),
			d365backup.WithAPI(d365backup.APIv1), d365backup.WithRetry(d365backup.RetryPolicy{Attempts: 1}))
		if err != nil {
			t.Fatal(err)
		}
		var stdout, stderr bytes.Buffer
		f := &follower{
			list: client.Jobs, window: 24 * time.Hour, interval: time.Minute,
			printer: &jsonPrinter{out: &stdout},
		}
		f.app = cmdutil.NewApp(nil, nil, &stdout, &stderr)
		f.drift = cmdutil.NewDrift(f.app)
		if configure != nil {
			configure(f)
		}
		ctx, cancel := context.WithTimeout(t.Context(), lasting)
		defer cancel()
		w.err = f.run(ctx)
		transport.CloseIdleConnections()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		for line := range strings.Lines(stdout.String()) {
			var j job
			if err := json.Unmarshal([]byte(line), &j); err != nil {
				t.Error(err)
			}
			w.printed = append(w.printed, j.JobID+" "+j.StatusText())
		}
		w.notes = strings.Split(strings.TrimSuffix(stderr.String(), "\n"), "\n")
	})
	return w
}

func respond(w http.ResponseWriter, now moment, page int32) {
	if now.status != 0 {
		w.WriteHeader(now.status)
		return
	}
	body := generated.JobPage{TotalCount: int64(len(now.jobs)), Jobs: now.jobs}
	if page > 1 {
		body.Jobs = []generated.Job{}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body)
}

// at is when the clock of a synctest bubble starts.
var at = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func sent(id string, after time.Duration, status generated.JobStatus) generated.Job {
	return generated.Job{JobID: id, Type: 1, Status: status, StartTime: at.Add(after)}
}

const (
	running = generated.JobStatus(2)
	good    = generated.JobStatus(3)
	bad     = generated.JobStatus(4)
)

func TestFollow(t *testing.T) {
	script := []moment{
		{0, 0, []generated.Job{sent("B", -time.Hour, good), sent("A", -2*time.Hour, running)}},
		{90 * time.Second, 0, []generated.Job{sent("C", 0, running), sent("B", -time.Hour, good), sent("A", -2*time.Hour, running)}},
		{150 * time.Second, 0, []generated.Job{sent("C", 0, running), sent("C", 0, running), sent("B", -time.Hour, good), sent("A", -2*time.Hour, bad)}},
	}
	got := watch(t, 5*time.Minute, script, nil)
	want := []string{"A InProgress", "B Finished", "C InProgress", "A Failed"}
	if diff := cmp.Diff(want, got.printed); diff != "" || got.err != nil {
		t.Errorf("%v (-want +got):\n%s", got.err, diff)
	}
	if got.notes[0] != "" {
		t.Errorf("notes: %q", got.notes)
	}
	for statuses, want := range map[[2]d365backup.JobStatus][]string{
		{d365backup.JobStatusFailed, d365backup.JobStatusFailed}:     {"A Failed"},
		{d365backup.JobStatusFailed, d365backup.JobStatusInProgress}: {"A InProgress", "C InProgress", "A Failed"},
		{d365backup.JobStatusAny}:                                    want,
	} {
		filtered := watch(t, 5*time.Minute, script, func(f *follower) { f.filter.Statuses = statuses[:] })
		if diff := cmp.Diff(want, filtered.printed); diff != "" {
			t.Errorf("%v (-want +got):\n%s", statuses, diff)
		}
	}
	limited := watch(t, 24*time.Hour, script, func(f *follower) { f.limit = 3 })
	if diff := cmp.Diff(want[:3], limited.printed); diff != "" || limited.err != nil {
		t.Errorf("limited: %v (-want +got):\n%s", limited.err, diff)
	}
}

// TestFollowDrift: an unknown status is reported once, and a change from it to another one is a change.
func TestFollowDrift(t *testing.T) {
	got := watch(t, 5*time.Minute, []moment{
		{0, 0, []generated.Job{sent("A", 0, 1<<30), sent("B", 0, 1<<30), sent("C", 0, good)}},
		{150 * time.Second, 0, []generated.Job{sent("A", 0, 1<<30+1), sent("B", 0, 1<<30), sent("C", 0, good)}},
	}, nil)
	if diff := cmp.Diff([]string{"A 1073741824", "B 1073741824", "C Finished", "A 1073741825"}, got.printed); diff != "" || got.err != nil {
		t.Errorf("%v (-want +got):\n%s", got.err, diff)
	}
	want := []string{
		`d365backup: responses differ from the contract: unknown status "1073741824" in 2 jobs`,
		`d365backup: responses differ from the contract: unknown status "1073741825" in 1 job`,
	}
	if diff := cmp.Diff(want, got.notes); diff != "" {
		t.Error(diff)
	}
}

// TestFollowOutage: an outage is reported once, polls become less frequent, and what happened during it is written
// afterwards.
func TestFollowOutage(t *testing.T) {
	got := watch(t, 25*time.Minute+time.Second, []moment{
		{0, 0, []generated.Job{sent("A", 0, running)}},
		{time.Second, 503, nil},
		{3 * time.Minute, 404, nil}, // as from a gateway without a backend
		{16 * time.Minute, 0, []generated.Job{sent("A", 0, good)}},
		{17 * time.Minute, 502, nil},
		{19 * time.Minute, 0, []generated.Job{sent("A", 0, good), sent("B", 0, good)}},
	}, nil)
	if diff := cmp.Diff([]string{"A InProgress", "A Finished", "B Finished"}, got.printed); diff != "" || got.err != nil {
		t.Errorf("%v (-want +got):\n%s", got.err, diff)
	}
	minutes := []time.Duration{0, 1, 2, 4, 8, 16, 17, 18, 20, 21, 22, 23, 24, 25}
	for i := range minutes {
		minutes[i] *= time.Minute
	}
	if diff := cmp.Diff(minutes, got.polls); diff != "" {
		t.Errorf("polls (-want +got):\n%s", diff)
	}
	prefixes := []string{
		"d365backup: cannot read jobs; retrying: server error", "d365backup: reading jobs again after 15m",
		"d365backup: cannot read jobs; retrying: server error", "d365backup: reading jobs again after 3m",
	}
	if len(got.notes) != len(prefixes) {
		t.Fatalf("notes: %q", got.notes)
	}
	for i, prefix := range prefixes {
		if !strings.HasPrefix(got.notes[i], prefix) {
			t.Errorf("note %d: got %q, want %q", i, got.notes[i], prefix)
		}
	}
}

// TestFollowBackoff: the pause is limited, unless the interval is longer.
func TestFollowBackoff(t *testing.T) {
	script := []moment{{0, 503, nil}}
	got := watch(t, time.Hour, script, func(f *follower) { f.interval = 7 * time.Minute })
	if want := []time.Duration{0, 7 * time.Minute, 17 * time.Minute, 27 * time.Minute, 37 * time.Minute, 47 * time.Minute, 57 * time.Minute}; !cmp.Equal(got.polls, want) {
		t.Errorf("got %v, want %v", got.polls, want)
	}
	got = watch(t, 50*time.Minute, script, func(f *follower) { f.interval = 20 * time.Minute })
	if want := []time.Duration{0, 20 * time.Minute, 40 * time.Minute}; !cmp.Equal(got.polls, want) {
		t.Errorf("got %v, want %v", got.polls, want)
	}
}

// TestFollowRetryAfter: a pause that the service requests is kept, but is limited.
func TestFollowRetryAfter(t *testing.T) {
	for requested, want := range map[time.Duration]time.Duration{
		time.Second: time.Minute, 30 * time.Minute: 30 * time.Minute, 365 * 24 * time.Hour: time.Hour,
	} {
		synctest.Test(t, func(t *testing.T) {
			began, second := time.Now(), time.Duration(0)
			ctx, cancel := context.WithTimeout(t.Context(), 1000*24*time.Hour)
			defer cancel()
			app := cmdutil.NewApp(nil, nil, io.Discard, io.Discard)
			f := &follower{app: app, drift: cmdutil.NewDrift(app), window: time.Hour, interval: time.Minute}
			f.list = func(context.Context, d365backup.Query) iter.Seq2[job, error] {
				if second = time.Since(began); second > 0 {
					cancel()
				}
				return func(yield func(job, error) bool) {
					yield(job{}, &d365backup.Error{Kind: d365backup.ErrServer, RetryAfter: requested})
				}
			}
			if err := f.run(ctx); err != nil || second != want {
				t.Errorf("requested %v, next poll after %v: %v", requested, second, err)
			}
		})
	}
}

// TestFollowStart: the time range moves with the clock, and includes a job that is still running.
func TestFollowStart(t *testing.T) {
	old := sent("A", -23*time.Hour, running)
	got := watch(t, 5*time.Hour+time.Second, []moment{
		{0, 0, []generated.Job{old}},
		{3 * time.Hour, 0, []generated.Job{sent("A", -23*time.Hour, bad)}},
		{4 * time.Hour, 0, []generated.Job{}},
	}, func(f *follower) { f.interval = time.Hour })
	if diff := cmp.Diff([]string{"A InProgress", "A Failed"}, got.printed); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var want []time.Time
	for _, hours := range []time.Duration{-24, -23, -23, -23, -20, -19} {
		want = append(want, at.Add(hours*time.Hour))
	}
	if diff := cmp.Diff(want, got.starts); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestFollowFatal: an error that waiting does not help ends it at once; one that a wrong address causes only in the first
// poll.
func TestFollowFatal(t *testing.T) {
	for status, kind := range map[int]error{401: d365backup.ErrAuth, 403: d365backup.ErrForbidden, 400: d365backup.ErrBadRequest, 404: d365backup.ErrNotFound, 302: d365backup.ErrRedirect} {
		got := watch(t, time.Hour, []moment{{0, status, nil}}, nil)
		if !errors.Is(got.err, kind) || got.notes[0] != "" || len(got.polls) != 1 {
			t.Errorf("%d at first: %+v", status, got)
		}
		got = watch(t, time.Hour, []moment{{0, 0, nil}, {time.Minute, status, nil}}, nil)
		if fatal := status < 404 && status >= 400; fatal != (got.err != nil) || fatal != (len(got.polls) == 2) {
			t.Errorf("%d later: %v, %d polls", status, got.err, len(got.polls))
		}
	}
}
