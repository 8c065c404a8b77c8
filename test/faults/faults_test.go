package faults_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	d365backup "github.com/d365backup/d365backup/wrapper"
)

// TestFaults compares the outcome of each fault with the table, checks that no goroutine or memory is left, and compares
// the document with what was measured.
func TestFaults(t *testing.T) {
	s := startService(t)
	noFault := fault{name: "none", place: scripted(func(w http.ResponseWriter, r *http.Request, next http.Handler) { next.ServeHTTP(w, r) })}
	noFault.passes = cells{good, "complete", good}
	noFault.stays = noFault.passes
	over1 := target{address: strings.TrimPrefix(s.URL(), "http://")}
	over2 := target{http2: true}
	front := serve(t, over1, func(w http.ResponseWriter, r *http.Request, next http.Handler) { next.ServeHTTP(w, r) }, true)
	over2.address = front.Listener.Addr().String()
	noFault.run(t, s, over1) // creates what is created once and kept
	noFault.run(t, s, over2)

	var measured, measured2 []fault
	for _, section := range table {
		for _, f := range section.faults {
			t.Run(f.name, func(t *testing.T) { measured = append(measured, f.run(t, s, over1)) })
			if f.only1 {
				measured2 = append(measured2, f)
				continue
			}
			t.Run(f.name+" over HTTP 2", func(t *testing.T) { measured2 = append(measured2, f.overHTTP2().run(t, s, over2)) })
		}
	}
	checkDocument(t, measured, measured2)
}

// cells are the outcomes of one fault; empty where it does not apply.
type cells struct{ page, sweep, token string }

// call is a call of the client, and which of its requests the fault affects.
type call struct {
	name  string
	cell  func(*cells) *string
	meets func(*http.Request) bool
	do    func(context.Context, *service, *d365backup.Client) ([]string, error)
}

var calls = []call{
	{"page", func(c *cells) *string { return &c.page }, func(r *http.Request) bool { return !isToken(r) }, onePage},
	{"sweep", func(c *cells) *string { return &c.sweep }, func(r *http.Request) bool { return pageRequested(r) == 3 }, allPages},
	{"token", func(c *cells) *string { return &c.token }, isToken, onePage},
}

func onePage(ctx context.Context, s *service, client *d365backup.Client) (ids []string, err error) {
	page, err := client.Page(ctx, s.query, 1)
	if err != nil {
		return nil, err
	}
	if page.TotalCount != int64(len(s.ids)) {
		return nil, fmt.Errorf("the total is %d, not %d", page.TotalCount, len(s.ids))
	}
	for _, job := range page.Jobs {
		ids = append(ids, job.JobID)
	}
	if !slices.Equal(ids, s.ids[:pageSize]) {
		return nil, fmt.Errorf("the page does not have the service's jobs")
	}
	return ids, nil
}

func allPages(ctx context.Context, s *service, client *d365backup.Client) (ids []string, err error) {
	for job, err := range client.Jobs(ctx, s.query) {
		if err != nil {
			return ids, err
		}
		ids = append(ids, job.JobID)
	}
	if !slices.Equal(ids, s.ids) {
		return ids, fmt.Errorf("a complete sweep does not have the service's jobs")
	}
	return ids, nil
}

// maxHeld and maxAllocated bound the memory that one fault may take: what is still held after it, and what
// the process, server included, allocates for its six calls. The largest responses have 64 MiB; the client's
// limit is set to 1 MiB.
//
// Over HTTP/2 the test's own servers need more, for TLS.
const (
	maxHeld       = 512 << 10
	maxAllocated  = 96 << 20
	maxHeld2      = 2 << 20
	maxAllocated2 = 192 << 20
)

// run measures the fault.
func (f fault) run(t *testing.T, s *service, wire target) fault {
	before := memory()
	known := goleak.IgnoreCurrent()
	measured := f
	var group sync.WaitGroup
	check := func(name string, call call, times int, want, got *cells) {
		if *call.cell(want) == "" {
			return
		}
		group.Go(func() {
			t.Run(call.name+" "+name, func(t *testing.T) {
				outcome := f.measure(t, s, wire, call, times)
				if *call.cell(got) = outcome; outcome != *call.cell(want) {
					t.Errorf("got  %s\nwant %s", outcome, *call.cell(want))
				}
			})
		})
	}
	for _, call := range calls {
		check("passes", call, 1, &f.passes, &measured.passes)
		check("stays", call, always, &f.stays, &measured.stays)
	}
	group.Wait()
	// The delay of a toxic may outlast the call.
	var leak error
	for range 20 {
		if leak = goleak.Find(known); leak == nil {
			break
		}
	}
	if leak != nil {
		t.Error(leak)
	}
	mayHold, mayAllocate := int64(maxHeld), uint64(maxAllocated)
	if wire.http2 {
		mayHold, mayAllocate = maxHeld2, maxAllocated2
	}
	var held int64
	var allocated uint64
	for range 30 { // the test's own HTTP/2 server keeps a closed connection for a second
		after := memory()
		held, allocated = int64(after.HeapAlloc)-int64(before.HeapAlloc), after.TotalAlloc-before.TotalAlloc
		if held <= mayHold {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Logf("%d KiB more held than before, %d KiB allocated", held>>10, allocated>>10)
	if held > mayHold || allocated > mayAllocate {
		t.Errorf("too much memory: %d KiB held, or %d KiB allocated", held>>10, allocated>>10)
	}
	return measured
}

func memory() (m runtime.MemStats) {
	runtime.GC()
	runtime.GC() // pools keep their content during the first one
	runtime.ReadMemStats(&m)
	return m
}

// callTimeout bounds a call: some calls wait out one 429 after another.
const callTimeout = 15 * time.Second

// always affects every request.
const always = math.MaxInt

// measure makes one call. The fault affects its first requests, as many as times.
func (f fault) measure(t *testing.T, s *service, wire target, call call, times int) string {
	host := strings.TrimPrefix(s.URL(), "http://")
	transport := &faultyTransport{obstacle: f.place(t, wire), t: t, host: host, good: wire.through(t, wire.address), meets: call.meets, times: times}
	policy := d365backup.RetryPolicy{BaseDelay: time.Millisecond, MaxDelay: 2 * time.Second, AttemptTimeout: 20 * time.Second}
	switch {
	case f.lasts && times == always:
		policy.AttemptTimeout = 500 * time.Millisecond
	case f.lasts: // the second attempt must succeed, even on a busy machine
		policy.AttemptTimeout = 2 * time.Second
	}
	var log syncBuffer
	logger := slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	client, err := d365backup.New(
		d365backup.WithBaseURL(s.URL()),
		d365backup.WithTokenURL(s.TokenURL()),
		d365backup.WithAPI(d365backup.APIv1), // or the client would request the successor after a 404
		d365backup.WithLoopbackHTTP(),
		d365backup.WithClientSecret(clientID, clientSecret),
		d365backup.WithHTTPClient(&http.Client{Transport: transport}),
		d365backup.WithPageSize(pageSize),
		d365backup.WithRetry(policy),
		d365backup.WithMaxResponseBytes(1<<20),
		d365backup.WithTimeout(callTimeout),
		d365backup.WithLogger(logger),
	)
	if err != nil {
		t.Fatal(err)
	}
	ids, err := call.do(t.Context(), s, client)
	if !inOrder(ids, s.ids) {
		t.Errorf("the %d jobs returned are not the service's, once each and in order", len(ids))
	}
	logger.Error("the outcome", "client", client, "err", err)
	shown := log.String() + fmt.Sprintf("%v %+v %#v %v %+v %#v", err, err, err, client, client, client)
	if secret := s.leaked(shown); secret != "" {
		t.Errorf("%q is shown in %s", secret, shown)
	}
	outcome := describe(err)
	switch {
	case call.name != "sweep" && err == nil:
		outcome += " after " + counted(log.attempts(t), "attempt")
	case call.name == "sweep" && err != nil:
		outcome = fmt.Sprintf("%d of %d pages, then %s", len(ids)/pageSize, pages, outcome)
	}
	return outcome
}

// inOrder reports whether got is a part of want, in the same order.
func inOrder(got, want []string) bool {
	for _, id := range got {
		at := slices.Index(want, id)
		if at < 0 {
			return false
		}
		want = want[at+1:]
	}
	return true
}

// faultyTransport sends the first requests that meets selects to the obstacle, and all others directly to the service.
type faultyTransport struct {
	obstacle
	t     *testing.T
	host  string // the only one that requests may go to
	good  http.RoundTripper
	meets func(*http.Request) bool
	times int // how many requests the fault affects

	mu  sync.Mutex
	met int
}

func (w *faultyTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != w.host {
		w.t.Errorf("a request went to %s", r.URL.Host)
	}
	if !w.meets(r) {
		return w.good.RoundTrip(r)
	}
	w.mu.Lock()
	w.met++
	passed := w.met > w.times
	if passed && w.repair != nil {
		w.repair()
		w.repair, w.times, passed = nil, always, false // the obstacle has no fault from now on
	}
	w.mu.Unlock()
	if passed {
		return w.good.RoundTrip(r)
	}
	return w.obstacle.RoundTrip(r)
}

var kinds = []struct {
	name string
	kind error
}{
	{"ErrConfig", d365backup.ErrConfig},
	{"ErrAuth", d365backup.ErrAuth},
	{"ErrForbidden", d365backup.ErrForbidden},
	{"ErrNotFound", d365backup.ErrNotFound},
	{"ErrBadRequest", d365backup.ErrBadRequest},
	{"ErrThrottled", d365backup.ErrThrottled},
	{"ErrServer", d365backup.ErrServer},
	{"ErrNetwork", d365backup.ErrNetwork},
	{"ErrRedirect", d365backup.ErrRedirect},
	{"ErrTooLarge", d365backup.ErrTooLarge},
	{"ErrTruncated", d365backup.ErrTruncated},
	{"ErrNotJobs", d365backup.ErrNotJobs},
	{"ErrIncomplete", d365backup.ErrIncomplete},
}

// describe returns everything that a program can learn from an error.
func describe(err error) string {
	if err == nil {
		return "complete"
	}
	e, ok := errors.AsType[*d365backup.Error](err)
	if !ok {
		return fmt.Sprintf("%T: %v", err, err)
	}
	var matched, facts []string
	for _, k := range kinds {
		if errors.Is(err, k.kind) {
			matched = append(matched, k.name)
		}
	}
	// Whether the status was read before the network failed depends on milliseconds.
	if e.StatusCode != 0 && !errors.Is(err, d365backup.ErrNetwork) {
		facts = append(facts, fmt.Sprint(e.StatusCode))
	}
	if e.RetryAfter != 0 {
		facts = append(facts, "retry after "+e.RetryAfter.String())
	}
	text := strings.Join(matched, "+")
	if len(facts) > 0 {
		text += " (" + strings.Join(facts, ", ") + ")"
	}
	switch {
	case e.Attempts > 1 && e.RetryAfter != 0: // as many as the time allows
		text += " after several attempts"
	case e.Attempts > 0:
		text += " after " + counted(e.Attempts, "attempt")
	}
	return text
}

func counted(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprint(n, " ", what)
}

// syncBuffer is a log that several goroutines write.
type syncBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

// attempts returns the highest attempt number in the log.
func (b *syncBuffer) attempts(t *testing.T) (most int) {
	t.Helper()
	for line := range bytes.Lines(b.Bytes()) {
		var record struct{ Attempt int }
		if err := json.Unmarshal(line, &record); err != nil {
			t.Errorf("%v in %s", err, line)
		}
		most = max(most, record.Attempt)
	}
	return most
}
