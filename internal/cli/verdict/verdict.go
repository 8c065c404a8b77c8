// Package verdict reads the jobs of one or more profiles and assesses each. The commands report, check and orgs are views of
// what it returns.
package verdict

import (
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/d365backup/d365backup/config"
	"github.com/d365backup/d365backup/health"
	"github.com/d365backup/d365backup/internal/cli/cmdutil"
	"github.com/d365backup/d365backup/internal/human"
	"github.com/d365backup/d365backup/internal/report"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// Flags are the flags that say which profiles are read and what is expected of them.
type Flags struct {
	// MaxAge replaces the maximum ages of the profile, unless it is 0.
	MaxAge time.Duration

	connection     cmdutil.Connection
	lookBack       time.Duration
	expect, ignore []string
}

// AddFlags adds the flags. The one for the maximum age has this name and, unless it is empty, this letter.
func (f *Flags) AddFlags(cmd *cobra.Command, maxAge, letter string) {
	flags := cmd.Flags()
	flags.VarP(cmdutil.NewDuration("", &f.MaxAge), maxAge, letter,
		"maximum `age` of the last success, such as 36h or 2d; replaces all those of the profile (default 36h)")
	flags.Var(namesValue(&f.expect), "expect", "`names` or ids of organizations that must have a backup, in addition to those of the profile")
	flags.Var(namesValue(&f.ignore), "ignore", "`names` or ids of organizations to leave out, in addition to those of the profile")
	flags.Var(cmdutil.NewDuration("35d", &f.lookBack), "look-back", "`time` after which an organization that is not expected is forgotten, such as 90d")
	for _, name := range []string{maxAge, "expect", "ignore", "look-back"} {
		cmdutil.Complete(cmd, name)
	}
	f.connection.AddFlags(cmd)
	f.connection.AllowSeveral()
}

// namesValue returns the value of a flag that takes names separated by commas, and can be repeated. An empty name, such as that
// of a variable that is not set, is an error: otherwise nothing would be expected.
func namesValue(names *[]string) *cmdutil.Value {
	return cmdutil.NewValue("names", "", func(text string) error {
		more, err := csv.NewReader(strings.NewReader(text)).Read()
		if errors.Is(err, io.EOF) || slices.ContainsFunc(more, func(name string) bool { return strings.TrimSpace(name) == "" }) {
			return errors.New("a name is empty")
		}
		*names = append(*names, more...)
		return err
	})
}

// Window is what the figures of a summary are about.
type Window struct {
	// Start is where they begin. Zero: with the look-back period.
	Start time.Time
	// End is when they end. Zero: now.
	End time.Time
	// Location is the time zone of the days.
	Location *time.Location
}

// Tenant is the verdict about one profile.
type Tenant struct {
	report.Tenant
	// Failure is why jobs are missing, in terms of flags and variables; nil if none are. If there is a summary anyway, Err
	// is nil.
	Failure error
}

// maxAtOnce is how many profiles are read at the same time.
const maxAtOnce = 8

// Read reads the jobs of every profile and assesses them. A profile that fails has its own error and does not affect the
// others; the error of Read is about the flags or the configuration file, or the context was canceled.
func (f *Flags) Read(ctx context.Context, app *cmdutil.App, now time.Time, window Window) ([]Tenant, error) {
	profiles, closeService, err := f.connection.OpenAll(app)
	if err != nil {
		return nil, err
	}
	if len(profiles) > 1 && len(f.expect) > 0 {
		return nil, cmdutil.Usagef("--expect is for one profile: put what is expected into each profile")
	}
	readers := make([]reader, len(profiles))
	var running sync.WaitGroup
	slots := make(chan struct{}, maxAtOnce)
	progress := cmdutil.NewProgress(app)
	for i, profile := range profiles {
		own := app.For(profile)
		r := &readers[i]
		*r = reader{app: own, profile: profile, drift: cmdutil.NewDrift(own), policy: f.policy(profile, now, window), end: window.End}
		if len(profiles) > 1 {
			progress, r.drift.Profile = nil, profile.Name
		}
		r.progress = progress
		running.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			r.read(ctx)
		})
	}
	running.Wait()
	progress.Clear()
	tenants := make([]Tenant, len(readers))
	for i, r := range readers {
		r.tenant.Sandbox = f.connection.Sandbox()
		tenants[i] = r.tenant
		r.drift.Report()
		f.suggest(app, r.tenant.Summary.Organizations)
	}
	if ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = ctx.Err()
	}
	return tenants, errors.Join(err, closeService())
}

// suggest reports which organization --expect may mean if it only has the beginning of a name. It is not taken for that one:
// otherwise an expected "Sales" would be ok after Sales has disappeared, because there is a Sales EU.
func (f *Flags) suggest(app *cmdutil.App, organizations []health.Organization) {
	seen := slices.DeleteFunc(slices.Clone(organizations), func(o health.Organization) bool { return len(o.Modules) == 0 })
	for _, name := range f.expect {
		if o, err := Find(seen, name); err == nil && !slices.Contains(Known(o), Fold(name)) {
			app.Notef("d365backup: --expect needs the whole name, so %q does not mean %q", human.Text(name), human.Text(o.Name))
		}
	}
}

// policy returns the policy of a profile and the flags.
func (f *Flags) policy(profile config.Profile, now time.Time, window Window) health.Policy {
	p := profile.Policy
	p.Now, p.End, p.WindowStart, p.Location = now, window.End, window.Start, window.Location
	p.Overrides = slices.Clone(p.Overrides)
	if f.MaxAge > 0 {
		p.MaxAge = f.MaxAge
	}
	for i := range p.Overrides {
		if f.MaxAge > 0 {
			p.Overrides[i].MaxAge = 0
		}
	}
	p.Start = cmp.Or(p.End, p.Now).Add(-p.LookBack(f.lookBack))
	if !p.WindowStart.IsZero() && p.WindowStart.Before(p.Start) {
		p.Start = p.WindowStart
	}
	p.Expected = slices.Concat(p.Expected, targets(f.expect))
	p.Ignored = slices.Concat(p.Ignored, targets(f.ignore))
	return p
}

func targets(names []string) (targets []health.Target) {
	for _, name := range names {
		targets = append(targets, health.Target{Organization: name})
	}
	return targets
}

// reader reads the jobs of one profile.
type reader struct {
	app      *cmdutil.App
	profile  config.Profile
	drift    *cmdutil.Drift
	progress *cmdutil.Progress
	policy   health.Policy
	end      time.Time // of the jobs; zero: all until now, and later ones if a clock is wrong

	tenant Tenant
}

// lookAhead is how far after now jobs are requested. If the clock of this machine is slow, ages are too low. Then jobs that
// start later than now show that, unless only jobs until now are requested.
const lookAhead = 24 * time.Hour

func (r *reader) read(ctx context.Context) {
	r.tenant.Profile = r.profile.Name
	client, err := r.profile.Client(r.progress.Option(), r.drift.Option(), cmdutil.UserAgent)
	if err == nil {
		r.tenant.Summary, err = r.assess(ctx, client, cmp.Or(r.end, r.policy.Now.Add(lookAhead)))
		if r.end.IsZero() && errors.Is(err, d365backup.ErrBadRequest) { // the documents do not say whether a time range may end after now
			r.tenant.Summary, err = r.assess(ctx, client, r.policy.Now)
		}
		r.tenant.Address, r.tenant.Operation = client.BaseURL(), r.operation()
		if reason := r.tenant.Summary.Incomplete; err == nil && reason != "" { // more than the summary can hold
			err = fmt.Errorf("%w: %s", d365backup.ErrIncomplete, reason)
		}
	}
	r.tenant.Failure = r.app.Explained(err)
	if err != nil && (!errors.Is(err, d365backup.ErrIncomplete) || errors.Is(err, d365backup.ErrConfig)) {
		r.tenant.Err, r.tenant.Summary = r.tenant.Failure, health.Summary{State: health.Unknown} // too many jobs may be missing
	}
}

func (r *reader) assess(ctx context.Context, client *d365backup.Client, end time.Time) (health.Summary, error) {
	jobs := client.Jobs(ctx, d365backup.Query{Start: r.policy.Start, End: end})
	return health.Assess(r.drift.Watch(jobs), r.policy)
}

// operation returns the method and the path of the requests.
func (r *reader) operation() string {
	text, _ := r.profile.Get("api")
	api := d365backup.API(text)
	if r.drift.Successor() {
		api = d365backup.APIGraph
	}
	method, path := api.Operation()
	return method + " " + path
}

// Failures returns why jobs are missing; nil if none are. If there are several profiles, it names them, and the error is not
// one about the configuration as a whole.
func Failures(tenants []Tenant) error {
	if len(tenants) == 1 {
		return tenants[0].Failure
	}
	var failures []error
	for _, t := range tenants {
		if t.Failure != nil {
			failures = append(failures, errors.New(t.Profile+": "+t.Failure.Error()))
		}
	}
	return errors.Join(failures...)
}
