package exporter

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/d365backup/d365backup/health"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

const (
	// reuse is how long a result is used again, so that a pair of Prometheus servers costs one read.
	reuse = 5 * time.Second
	// readTimeout bounds reading the jobs of a tenant. If it hangs, the retries of the client end sooner.
	readTimeout = 30 * time.Minute
	// retryReread is how long to wait after a reread of the settled jobs failed.
	retryReread = 15 * time.Minute
)

// tenant is a profile and what is known about its jobs.
type tenant struct {
	exporter *Exporter
	pace     pace

	requests atomic.Int64 // sent in this read

	mu        sync.Mutex
	profile   Profile
	client    *d365backup.Client
	expires   time.Time // of the credential; zero if unknown
	flight    *flight   // the read in progress, or nil
	last      *result   // as long as it is reused
	failure   string    // the kind of the last error; empty if there was none
	settled   *settled  // nil before the first read
	rereading bool
	drift     map[d365backup.DriftKind]int // of this read
	successor bool                         // version v1 was not found
}

// flight is a read and those who wait for it.
type flight struct {
	done   chan struct{} // closed when result is set
	result *result
}

// result is what a read found. It is never changed.
type result struct {
	err      error
	summary  health.Summary
	requests int64
	drift    map[d365backup.DriftKind]int
}

// probe returns a result that is at most a few seconds old. If the context ends first, it returns nil, and the read goes on
// for later probes.
func (t *tenant) probe(ctx context.Context) *result {
	t.mu.Lock()
	if t.last != nil {
		defer t.mu.Unlock()
		return t.last
	}
	f := t.flight
	if f == nil {
		f = &flight{done: make(chan struct{})}
		if !t.exporter.start(func(ctx context.Context) { t.fly(ctx, f) }) {
			t.mu.Unlock()
			return nil
		}
		t.flight = f
	}
	t.mu.Unlock()
	select {
	case <-f.done:
		return f.result
	case <-ctx.Done():
		return nil
	}
}

// fly reads the jobs and passes the result to those who wait.
func (t *tenant) fly(ctx context.Context, f *flight) {
	t.mu.Lock()
	t.drift = nil // without that of a reread
	t.requests.Store(0)
	p, client, known := t.profile, t.client, t.settled
	t.mu.Unlock()

	r := new(result)
	if known == nil {
		known, r.summary, r.err = readAll(ctx, client, p)
	} else {
		r.summary, r.err = readRecent(ctx, client, p, known)
	}
	r.requests = t.requests.Load()

	t.mu.Lock()
	defer t.mu.Unlock()
	if r.err == nil && t.settled == nil {
		t.settled = known
	}
	r.drift, t.drift = t.drift, nil
	if t.successor {
		r.drift = withSuccessor(r.drift)
	}
	t.exporter.logChange(p.Name, t.failure, r)
	t.last, t.failure, f.result, t.flight = r, kindOf(r.err), r, nil
	close(f.done)
	time.AfterFunc(reuse, func() { t.forget(r) })
	if isDue := t.settled != nil && time.Now().After(t.settled.due); isDue && r.err == nil && !t.rereading {
		t.rereading = t.exporter.start(func(ctx context.Context) { t.reread(ctx, client, p) })
	}
}

// forget frees the memory of a result that is not reused any more.
func (t *tenant) forget(r *result) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.last == r {
		t.last = nil
	}
}

// reread reads the settled jobs again, while probes go on with those that are known.
func (t *tenant) reread(ctx context.Context, client *d365backup.Client, p Profile) {
	next, _, err := readAll(context.WithValue(ctx, uncounted{}, true), client, p)
	expires := p.expiry() // the file of a certificate may have been replaced
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rereading = false
	if err != nil {
		t.exporter.options.Log.Warn("cannot read older jobs again; using what is known", "profile", p.Name, "error", err)
		next = new(*t.settled)
		next.due = time.Now().Add(retryReread)
	}
	t.settled, t.expires = next, expires
}

// uncounted is the key of a context whose requests are not those of a probe.
type uncounted struct{}

// noteRequest counts a request.
func (t *tenant) noteRequest(ctx context.Context, code string) {
	t.exporter.metrics.requests.WithLabelValues(code).Inc()
	if ctx.Value(uncounted{}) == nil {
		t.requests.Add(1)
	}
}

// noteDrift counts how often responses differed from the contract.
func (t *tenant) noteDrift(drift d365backup.Drift) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if drift.Kind == d365backup.DriftSuccessor {
		t.successor = true
		return
	}
	if t.drift == nil {
		t.drift = make(map[d365backup.DriftKind]int)
	}
	t.drift[drift.Kind] += drift.Count
}

func withSuccessor(drift map[d365backup.DriftKind]int) map[d365backup.DriftKind]int {
	if drift == nil {
		drift = make(map[d365backup.DriftKind]int)
	}
	drift[d365backup.DriftSuccessor] = 1
	return drift
}

// dial makes a new client, which reads the credential again.
func (t *tenant) dial(p Profile) (*d365backup.Client, error) {
	perTenant := max(1, t.exporter.options.MaxRequests/16)
	return p.Client(
		d365backup.WithHTTPClient(&http.Client{Transport: &transport{
			next: t.exporter.transport, tokens: t.exporter.tokens, bound: t.exporter.bound, pace: &t.pace, count: t.noteRequest,
		}}),
		d365backup.WithMaxInFlight(perTenant),
		d365backup.WithPrefetch(min(perTenant, d365backup.DefaultPrefetch)),
		// The transport bounds each request after it was sent; before that it waits for room.
		d365backup.WithTimeout(readTimeout),
		d365backup.WithRetry(d365backup.RetryPolicy{AttemptTimeout: readTimeout}),
		d365backup.WithDriftHandler(t.noteDrift),
	)
}

// use replaces the client, and forgets the result of the old one. A read in progress goes on with that.
func (t *tenant) use(p Profile, client *d365backup.Client) {
	expires := p.expiry()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.profile, t.client, t.expires, t.last = p, client, expires, nil
}

// expiry returns when the credential expires; the zero time if that is unknown.
func (t *tenant) expiry() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.expires
}

// labels returns the name and the labels of the profile.
func (t *tenant) labels() (string, map[string]string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.profile.Name, t.profile.Labels
}

// kindOf names the kind of an error for the label "kind"; empty if there is no error.
func kindOf(err error) string {
	if err == nil {
		return ""
	}
	clientErr, ok := errors.AsType[*d365backup.Error](err)
	switch {
	case !ok:
		return "config" // a name in the policy that fits two organizations
	case clientErr.Kind == nil:
		return "timeout"
	}
	if name, ok := kinds[clientErr.Kind]; ok {
		return name
	}
	return "unknown"
}

var kinds = map[error]string{
	d365backup.ErrConfig: "config", d365backup.ErrAuth: "auth", d365backup.ErrForbidden: "forbidden", d365backup.ErrNotFound: "not_found",
	d365backup.ErrBadRequest: "bad_request", d365backup.ErrThrottled: "throttled", d365backup.ErrServer: "server",
	d365backup.ErrNetwork: "network", d365backup.ErrRedirect: "redirect", d365backup.ErrTooLarge: "too_large",
	d365backup.ErrTruncated: "truncated", d365backup.ErrNotJobs: "not_jobs", d365backup.ErrIncomplete: "incomplete",
}
