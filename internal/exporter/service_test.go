package exporter

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/d365backup/d365backup/sandbox"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// service is a service with many tenants, which package sandbox is not. A tenant's client id is its token, too.
type service struct {
	mu        sync.Mutex
	jobs      map[string][]sandbox.Job                                         // by tenant
	intercept func(tenant string, w http.ResponseWriter, r *http.Request) bool // responds itself and returns true, or returns false
	byFinish  bool                                                             // a time range selects jobs by their finish
	requests  map[string]int                                                   // for jobs, by tenant
	inFlight  map[string]int                                                   // for jobs and tokens, by tenant
}

func newService() *service {
	return &service{jobs: make(map[string][]sandbox.Job), requests: make(map[string]int), inFlight: make(map[string]int)}
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	form, _ := url.ParseQuery(string(body))
	tenant := form.Get("client_id")
	isToken := tenant != ""
	if !isToken {
		tenant = strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	}
	s.mu.Lock()
	s.inFlight[tenant]++
	if !isToken {
		s.requests[tenant]++
	}
	intercept := s.intercept
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.inFlight[tenant]--
	}()
	if intercept != nil && intercept(tenant, w, r) {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if isToken {
		_ = json.NewEncoder(w).Encode(map[string]any{"access_token": tenant, "expires_in": 3600, "token_type": "Bearer"})
		return
	}
	s.list(w, tenant, body)
}

func (s *service) list(w http.ResponseWriter, tenant string, body []byte) {
	var filter struct {
		PageInfo           struct{ CurrentPage, PageSize int }
		StartTime, EndTime time.Time
	}
	if err := json.Unmarshal(body, &filter); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	jobs := []sandbox.Job{}
	for _, job := range s.jobs[tenant] {
		at := job.StartTime
		if s.byFinish && !job.FinishTime.IsZero() {
			at = job.FinishTime
		}
		if !at.Before(filter.StartTime) && (at.Before(filter.EndTime) || job.FinishTime.IsZero()) {
			jobs = append(jobs, job)
		}
	}
	first := min((filter.PageInfo.CurrentPage-1)*filter.PageInfo.PageSize, len(jobs))
	last := min(first+filter.PageInfo.PageSize, len(jobs))
	_ = json.NewEncoder(w).Encode(map[string]any{
		"totalCount": len(jobs), "jobs": jobs[first:last], "pageIndex": filter.PageInfo.CurrentPage, "pageSize": filter.PageInfo.PageSize,
	})
}

// set replaces the jobs of tenant "a".
func (s *service) set(jobs ...sandbox.Job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.jobs["a"] = slices.Clone(jobs)
}

func (s *service) setIntercept(intercept func(string, http.ResponseWriter, *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.intercept = intercept
}

func (s *service) requestsOf(tenant string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests[tenant]
}

// load returns the number of requests in flight of the tenants whose names begin so.
func (s *service) load(prefix string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for tenant, requests := range s.inFlight {
		if strings.HasPrefix(tenant, prefix) {
			n += requests
		}
	}
	return n
}

// profile returns the profile of a tenant of a service at this URL.
func profile(tenant, address string) Profile {
	return Profile{
		Name: tenant, Identity: tenant,
		Client: func(options ...d365backup.Option) (*d365backup.Client, error) {
			return d365backup.New(append(options, d365backup.WithLoopbackHTTP(), d365backup.WithBaseURL(address),
				d365backup.WithTokenURL(address+"/connect/token"), d365backup.WithClientSecret(tenant, "hush-hush"))...)
		},
	}
}

// logs is a log that a test can read.
type logs struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// serve returns an exporter for these profiles and its URL.
func serve(t testing.TB, options Options, profiles ...Profile) (*Exporter, string) {
	t.Helper()
	if options.Load == nil {
		options.Load = func() ([]Profile, error) { return profiles, nil }
	}
	if options.MaxRequests == 0 {
		options.MaxRequests = DefaultMaxRequests
	}
	if options.MaxOrganizations == 0 {
		options.MaxOrganizations = DefaultMaxOrganizations
	}
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	e, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(e.Handler())
	t.Cleanup(func() {
		server.Close()
		e.Close()
	})
	return e, server.URL
}

// startService serves a service over loopback.
func startService(t testing.TB, s *service) string {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return server.URL
}

// get returns the status and the body of a response.
func get(t testing.TB, address string, headers ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return do(t, req)
}

func do(t testing.TB, req *http.Request) (int, string) {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// value returns the value of a series in an exposition; NaN is not used, so -1 stands for one that is absent.
func value(t testing.TB, exposition, series string) float64 {
	t.Helper()
	for line := range strings.Lines(exposition) {
		if rest, ok := strings.CutPrefix(line, "d365backup_"+series+" "); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
	}
	return -1
}

// backup returns a backup job of organization "Sales".
func backup(id string, start time.Time, status int) sandbox.Job {
	job := sandbox.Job{Module: "Customer Engagement", Type: 1, JobID: id, StartTime: start.UTC(), Status: status,
		OrganizationID: "69cb1ecc-f8e8-439b-8077-a4b7fd45e87f", OrganizationName: "Sales"}
	if status != 2 {
		job.FinishTime = start.Add(30 * time.Minute).UTC()
	}
	return job
}

// pipes is a network in memory, for virtual time.
type pipes struct {
	connections chan net.Conn
	closed      chan struct{}
	once        sync.Once
}

func newPipes() *pipes {
	return &pipes{connections: make(chan net.Conn), closed: make(chan struct{})}
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.connections <- server:
		return client, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.connections:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// virtual returns an exporter for tenants of a service with these names, in a synctest bubble.
func virtual(t *testing.T, s *service, maxRequests int, names ...string) *Exporter {
	t.Helper()
	network := newPipes()
	server := &http.Server{Handler: s, ReadHeaderTimeout: time.Hour}
	served := make(chan error, 1)
	go func() { served <- server.Serve(network) }()
	transport := d365backup.NewTransport()
	transport.DialContext = network.dial
	e, err := newExporter(Options{
		Load: func() (profiles []Profile, err error) {
			for _, name := range names {
				profiles = append(profiles, profile(name, "http://127.0.0.1"))
			}
			return profiles, nil
		},
		MaxRequests: maxRequests, MaxOrganizations: DefaultMaxOrganizations, Log: slog.New(slog.DiscardHandler),
	}, transport)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		e.Close()
		_ = server.Close()
		<-served
	})
	return e
}

// timeout returns a context that ends after this time.
func timeout(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}
