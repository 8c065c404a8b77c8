// Package exporter shows the health of tenants to Prometheus. Like blackbox_exporter it only answers: Prometheus decides when
// to probe which profile. It keeps no state on disk.
package exporter

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/d365backup/d365backup/health"
	transports "github.com/d365backup/d365backup/internal/transport"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// Profile is a tenant to watch.
type Profile struct {
	// Name is the target of its probes.
	Name string
	// Labels are those of its target in service discovery.
	Labels map[string]string
	// Policy has the expectations. Its time range is not used.
	Policy health.Policy
	// Identity identifies the tenant across reloads: if it is unchanged, the tenant keeps its jobs.
	Identity string
	// Client makes a client with these options. It reads the credential.
	Client func(...d365backup.Option) (*d365backup.Client, error)
	// Expires returns when the credential expires; the zero time if that is unknown. It may be nil.
	Expires func() time.Time
}

func (p *Profile) expiry() time.Time {
	if p.Expires == nil {
		return time.Time{}
	}
	return p.Expires()
}

// maxProblems is how many invalid profiles an error lists.
const maxProblems = 10

// Options configure an Exporter. All are required.
type Options struct {
	// Load reads the configuration.
	Load func() ([]Profile, error)
	// MaxRequests bounds the requests in flight, at least MinRequests.
	MaxRequests int
	// MaxOrganizations bounds the organizations that one probe shows.
	MaxOrganizations int
	Log              *slog.Logger
	// Version and Revision are those of the program.
	Version, Revision string
}

// The bounds and defaults of Options.
const (
	MinRequests             = 4
	DefaultMaxRequests      = 64
	DefaultMaxOrganizations = 500
)

// Exporter answers probes. Make one with New, and Close it. It is safe for concurrent use.
type Exporter struct {
	options   Options
	metrics   *ownMetrics
	bound     *bound
	transport *http.Transport
	tokens    http.RoundTripper

	reloading sync.Mutex
	mu        sync.Mutex
	tenants   map[string]*tenant
	closed    bool

	base    context.Context //nolint:containedctx // of reads, which outlive the scrapes that started them
	cancel  context.CancelFunc
	running sync.WaitGroup
}

// New returns an exporter for the profiles in the configuration, and makes no request.
func New(options Options) (*Exporter, error) { return newExporter(options, d365backup.NewTransport()) }

func newExporter(options Options, transport *http.Transport) (*Exporter, error) {
	e := &Exporter{options: options, bound: newBound(options.MaxRequests), transport: transport}
	e.transport.MaxIdleConns = max(e.transport.MaxIdleConns, options.MaxRequests)
	e.transport.MaxIdleConnsPerHost = max(e.transport.MaxIdleConnsPerHost, options.MaxRequests)
	e.tokens = transports.ForTokens(e.transport)
	e.base, e.cancel = context.WithCancel(context.Background())
	e.metrics = newOwnMetrics(e)
	if err := e.load(); err != nil {
		e.cancel()
		return nil, err
	}
	return e, nil
}

// Reload reads the configuration and all credentials again. If there is an error, everything stays as it was. A tenant that
// is still the same keeps its jobs.
func (e *Exporter) Reload() error {
	err := e.load()
	if err != nil {
		e.options.Log.Error("cannot load the configuration; keeping the old one", "error", err)
		e.metrics.reloaded.Set(0)
		return err
	}
	e.options.Log.Info("loaded the configuration", "profiles", e.Profiles())
	return nil
}

func (e *Exporter) load() error {
	e.reloading.Lock()
	defer e.reloading.Unlock()
	profiles, err := e.options.Load()
	if err != nil {
		return err
	}
	tenants := make(map[string]*tenant, len(profiles))
	clients := make(map[*tenant]*d365backup.Client, len(profiles))
	var problems []error
	for _, p := range profiles {
		t := e.tenantFor(p)
		client, err := t.dial(p)
		if err != nil && len(problems) < maxProblems {
			problems = append(problems, err)
		}
		tenants[p.Name], clients[t] = t, client
	}
	if err := errors.Join(problems...); err != nil {
		return err
	}
	for _, p := range profiles {
		t := tenants[p.Name]
		t.use(p, clients[t])
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tenants = tenants
	e.metrics.reloaded.Set(1)
	e.metrics.profiles.Set(float64(len(tenants)))
	return nil
}

// tenantFor returns the tenant of a profile: the one that exists if it is still the same.
func (e *Exporter) tenantFor(p Profile) *tenant {
	if t := e.target(p.Name); t != nil && t.profile.Identity == p.Identity && reflect.DeepEqual(t.profile.Policy, p.Policy) {
		return t
	}
	return &tenant{exporter: e}
}

// target returns the tenant with this name; nil if there is none.
func (e *Exporter) target(name string) *tenant {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.tenants[name]
}

// targets returns all tenants by name.
func (e *Exporter) targets() []*tenant {
	e.mu.Lock()
	defer e.mu.Unlock()
	tenants := make([]*tenant, 0, len(e.tenants))
	for _, name := range slices.Sorted(maps.Keys(e.tenants)) {
		tenants = append(tenants, e.tenants[name])
	}
	return tenants
}

// Profiles returns the number of profiles in the configuration.
func (e *Exporter) Profiles() int { return len(e.targets()) }

// start runs a read. After Close it returns false.
func (e *Exporter) start(read func(context.Context)) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return false
	}
	e.running.Go(func() {
		ctx, cancel := context.WithTimeout(e.base, readTimeout)
		defer cancel()
		read(ctx)
	})
	return true
}

// Close ends all reads and waits for them.
func (e *Exporter) Close() {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.cancel()
	e.running.Wait()
	e.transport.CloseIdleConnections()
	if tokens, ok := e.tokens.(*http.Transport); ok {
		tokens.CloseIdleConnections()
	}
}

// logChange logs if the probes of a profile begin to fail in some way, or succeed again.
func (e *Exporter) logChange(profile, before string, now *result) {
	switch is := kindOf(now.err); {
	case is == before || e.base.Err() != nil:
	case is == "":
		e.options.Log.Info("the profile can be read again", "profile", profile)
	default:
		e.options.Log.Warn("cannot read the profile", "profile", profile, "kind", is, "error", now.err)
	}
}
