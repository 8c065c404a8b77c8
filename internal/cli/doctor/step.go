package doctor

import (
	"context"
	"time"

	"github.com/d365backup/d365backup/internal/cli/cmdutil"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// step is one thing to look at.
type step struct {
	name string
	look func(context.Context, *state) result
}

// steps are the way from the configuration to a page of jobs. Each may count on those before it.
var steps = []step{
	{"configuration", lookAtConfiguration},
	{"token host: DNS", func(ctx context.Context, s *state) result { return s.tokenHost.lookUp(ctx, s.probe) }},
	{"token host: TCP", func(ctx context.Context, s *state) result { return s.tokenHost.connect(ctx, s.probe) }},
	{"token host: TLS", func(ctx context.Context, s *state) result { return s.tokenHost.secure(ctx, s.probe) }},
	{"clock", lookAtClock},
	{"API host: DNS", func(ctx context.Context, s *state) result { return s.apiHost.lookUp(ctx, s.probe) }},
	{"API host: TCP", func(ctx context.Context, s *state) result { return s.apiHost.connect(ctx, s.probe) }},
	{"API host: TLS", func(ctx context.Context, s *state) result { return s.apiHost.secure(ctx, s.probe) }},
	{"token", lookAtToken},
	{"scope", lookAtScope},
	{"operation", lookAtOperation},
	{"first page", lookAtPage},
}

// state is what the steps learn for each other.
type state struct {
	// open returns the settings, and what to call when they are no longer needed.
	open     func() (cmdutil.Settings, func() error, error)
	close    func() error
	app      *cmdutil.App
	probe    probe
	settings cmdutil.Settings
	client   *d365backup.Client
	recorder *recorder

	tokenHost, apiHost *host
	skewed             bool // the clocks differ enough to matter

	token error // of the token; nil if there is one
	page  *d365backup.Page
	drift int // in how many ways the page differs from the contract
	err   error
	read  time.Duration // how long reading the page took after its headers
}

// status is how a step ended.
type status string

const (
	ok      status = "ok"
	warning status = "warning" // nothing stops, and something should be known
	failed  status = "failed"  // the walk ends here
	skipped status = "skipped" // there is nothing to look at
	omitted status = ""        // not even worth a line
)

// result is what a step found.
type result struct {
	status status
	// detail says it in a few words.
	detail string
	// took is how long it took, where the caller does not know better.
	took time.Duration
	// finding is there for a warning and a failure.
	finding *finding
}

// finding is a diagnosis with what speaks for it.
type finding struct {
	diagnosis
	// evidence is what was seen.
	evidence []string
	// err is the error of the client, if there was one.
	err *d365backup.Error
}

func passed(detail string) result { return result{status: ok, detail: detail} }

func fail(code, detail string, evidence ...string) result {
	return result{status: failed, detail: detail, finding: &finding{diagnosis: find(code), evidence: evidence}}
}

func warn(code, detail string, evidence ...string) result {
	r := fail(code, detail, evidence...)
	r.status = warning
	return r
}
