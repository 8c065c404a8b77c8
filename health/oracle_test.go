package health_test

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/d365backup/d365backup/health"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// The oracle decides from all jobs of a world which states are allowed. It follows the table of states, row by row, knows
// nothing about the implementation, and does not care about speed.

// reading settles what the specification leaves open for the jobs of a whole list.
type reading struct {
	dropLate  bool // jobs that started after Policy.End do not count
	foldNames bool // jobs without an id whose names differ in case belong to one organization
}

// readings returns those that make a difference for a world.
func (w world) readings() []reading {
	late := false
	nameless := make(map[string]string) // one of the names by how it looks in lower case
	fold := false
	for _, job := range w.listed() {
		late = late || !w.policy.End.IsZero() && job.StartTime.After(w.policy.End)
		if lower := strings.ToLower(job.OrganizationName); idOf(job) == "" {
			fold = fold || nameless[lower] != "" && nameless[lower] != job.OrganizationName
			nameless[lower] = job.OrganizationName
		}
	}
	all := []reading{{}}
	if late {
		all = append(all, reading{dropLate: true})
	}
	if fold {
		for _, r := range all {
			all = append(all, reading{r.dropLate, true})
		}
	}
	return all
}

// states are those allowed.
type states []health.State

func (s states) with(more ...health.State) states {
	s = append(slices.Clone(s), more...)
	slices.Sort(s)
	return slices.Compact(s)
}

func (s states) String() string {
	words := make([]string, len(s))
	for i, state := range s {
		words[i] = state.String()
	}
	return strings.Join(words, " or ")
}

// limits are those of a policy that apply to one module.
type limits struct {
	maxAge, maxRunning time.Duration
	tolerate           bool
}

type wantModule struct {
	name     string
	jobs     []d365backup.Job
	expected bool
	optional bool // need not be listed
	limits   limits
	states   states
}

type wantOrganization struct {
	id       string // in lower case if it is a GUID
	text     string // of the target, if it was never seen
	jobs     []d365backup.Job
	expected bool
	whole    bool // the policy expects it without naming a module
	modules  map[string]*wantModule
	states   states // if it has no modules
}

// verdict is what the oracle allows for a world.
type verdict struct {
	ambiguous     []*wantOrganization // a name of the policy fits all of these, so there must be an error
	contradictory bool                // the policy expects and ignores the same, or says two things about it
	organizations []*wantOrganization
	unidentified  []d365backup.Job
	ignored       []d365backup.Job
}

// judge returns the verdict about a world.
func judge(w world, r reading) (v verdict) {
	var jobs []d365backup.Job
	for _, job := range w.listed() {
		early := isDated(job) && job.StartTime.Before(w.from)
		late := !w.policy.End.IsZero() && job.StartTime.After(w.policy.End)
		if early || late && r.dropLate {
			continue
		}
		if idOf(job) == "" && job.OrganizationName == "" {
			v.unidentified = append(v.unidentified, job)
			continue
		}
		jobs = append(jobs, job)
	}
	v.organizations = group(jobs, r)
	v.findContradiction(w.policy)
	if v.findAmbiguous(w.policy); v.ambiguous != nil {
		return v
	}
	v.ignore(w.policy)
	v.expect(w.policy)
	for _, o := range v.organizations {
		o.judge(w)
	}
	return v
}

// group returns the organizations of some jobs.
func group(jobs []d365backup.Job, r reading) []*wantOrganization {
	byKey := make(map[string]*wantOrganization)
	for _, job := range jobs {
		key := "id " + idOf(job)
		switch {
		case idOf(job) != "":
		case r.foldNames:
			key = "name " + strings.ToLower(job.OrganizationName)
		default:
			key = "name " + job.OrganizationName
		}
		if byKey[key] == nil {
			byKey[key] = &wantOrganization{id: idOf(job)}
		}
		byKey[key].jobs = append(byKey[key].jobs, job)
	}
	organizations := slices.Collect(maps.Values(byKey))
	for _, o := range organizations {
		o.modules = make(map[string]*wantModule)
		for _, job := range o.jobs {
			o.module(job.Module).jobs = append(o.module(job.Module).jobs, job)
		}
	}
	return organizations
}

// idOf returns the organization's id; empty if there is none, which some services write as zeros.
func idOf(job d365backup.Job) string {
	if job.OrganizationID == uuid.Nil.String() {
		return ""
	}
	return canonicalID(job.OrganizationID)
}

// canonicalID makes ids equal that are one GUID.
func canonicalID(id string) string {
	if uuid.Validate(id) == nil {
		return strings.ToLower(id)
	}
	return id
}

func (o *wantOrganization) module(name string) *wantModule {
	if o.modules[name] == nil {
		o.modules[name] = &wantModule{name: name}
	}
	return o.modules[name]
}

// had reports whether the organization ever had a name, in any case.
func (o *wantOrganization) had(name string) bool {
	return slices.ContainsFunc(o.jobs, func(job d365backup.Job) bool {
		return job.OrganizationName != "" && strings.EqualFold(job.OrganizationName, name)
	})
}

// fits reports whether a target names the organization.
func (o *wantOrganization) fits(target health.Target) bool {
	return o.id != "" && strings.EqualFold(o.id, target.Organization) || o.had(target.Organization) ||
		o.text != "" && strings.EqualFold(o.text, target.Organization)
}

func (v *verdict) findAmbiguous(policy health.Policy) {
	targets := slices.Concat(policy.Expected, policy.Ignored)
	for _, override := range policy.Overrides {
		targets = append(targets, override.Target)
	}
	for _, target := range targets {
		withID := slices.DeleteFunc(v.fitting(target), func(o *wantOrganization) bool { return o.id == "" })
		if len(withID) > 1 { // an organization without an id cannot be named in another way
			v.ambiguous = withID
			return
		}
	}
}

func (v *verdict) fitting(target health.Target) (fitting []*wantOrganization) {
	for _, o := range v.organizations {
		if o.fits(target) {
			fitting = append(fitting, o)
		}
	}
	return fitting
}

// findContradiction looks for what is both expected and ignored.
func (v *verdict) findContradiction(policy health.Policy) {
	for _, target := range policy.Ignored {
		for _, expected := range policy.Expected {
			same := strings.EqualFold(expected.Organization, target.Organization) ||
				slices.ContainsFunc(v.fitting(expected), func(o *wantOrganization) bool { return o.fits(target) })
			if same && (target.Module == "" || strings.EqualFold(target.Module, expected.Module)) {
				v.contradictory = true
			}
		}
	}
}

// ignore removes what the policy ignores.
func (v *verdict) ignore(policy health.Policy) {
	for _, target := range policy.Ignored {
		for _, o := range v.fitting(target) {
			for name, m := range o.modules {
				if target.Module == "" || strings.EqualFold(target.Module, name) {
					v.ignored = append(v.ignored, m.jobs...)
					delete(o.modules, name)
				}
			}
		}
	}
}

// expect marks and adds what the policy expects, and removes organizations that have nothing left.
func (v *verdict) expect(policy health.Policy) {
	for _, target := range policy.Expected {
		fitting := v.fitting(target)
		if len(fitting) == 0 {
			fitting = []*wantOrganization{{text: target.Organization, modules: make(map[string]*wantModule)}}
			v.organizations = append(v.organizations, fitting[0])
		}
		v.contradictory = v.contradictory || len(fitting) > 1 && target.Module != "" // which of them must have it is open
		for _, o := range fitting {
			o.expect(target.Module)
		}
	}
	for _, o := range v.organizations {
		for _, m := range o.modules {
			m.expected = m.expected || o.whole && len(o.modules) == 1
		}
	}
	v.organizations = slices.DeleteFunc(v.organizations, func(o *wantOrganization) bool { return !o.expected && len(o.modules) == 0 })
}

func (o *wantOrganization) expect(module string) {
	o.expected = true
	found := module == ""
	o.whole = o.whole || found
	for name, m := range o.modules {
		if module != "" && strings.EqualFold(module, name) {
			m.expected, found = true, true
		}
	}
	if !found {
		o.module(module).expected = true
	}
}

// limits returns those of a module, or of the organization if the name is empty and it has no such module. Of two entries the
// last one counts.
func (o *wantOrganization) limits(module string, policy health.Policy) limits {
	l := limits{policy.MaxAge, policy.MaxRunning, policy.TolerateExceptions}
	for _, ofModule := range []bool{false, true} { // an entry for the module replaces one for the organization
		for _, override := range policy.Overrides {
			if !o.fits(override.Target) || ofModule != (override.Module != "") || ofModule && !strings.EqualFold(override.Module, module) {
				continue
			}
			l.maxAge = cmp.Or(override.MaxAge, l.maxAge)
			l.maxRunning = cmp.Or(override.MaxRunning, l.maxRunning)
			if override.TolerateExceptions != nil {
				l.tolerate = *override.TolerateExceptions
			}
		}
	}
	l.maxAge = cmp.Or(l.maxAge, 36*time.Hour)
	l.maxRunning = cmp.Or(l.maxRunning, 24*time.Hour)
	return l
}

func (o *wantOrganization) judge(w world) {
	o.states = w.cut(missing(w, nil, o.limits("", w.policy)))
	hasBackups := slices.ContainsFunc(o.jobs, isBackup)
	for _, m := range o.modules {
		m.limits = o.limits(m.name, w.policy)
		m.states = w.cut(stateOf(w, m.jobs, m.limits))
		// Jobs that are no backups may come without a module.
		m.optional = m.name == "" && hasBackups && !slices.ContainsFunc(m.jobs, isBackup)
	}
}

// cut changes the allowed states of a module if jobs may be missing from the list.
func (w world) cut(s states) states {
	if !w.incomplete {
		return s
	}
	allowed := states{health.Unknown}
	for _, state := range s {
		if state != health.Overdue && state != health.Missing {
			allowed = allowed.with(state)
		}
	}
	return allowed
}

func isDated(job d365backup.Job) bool  { return !job.StartTime.IsZero() }
func isBackup(job d365backup.Job) bool { return job.Type == d365backup.JobTypeBackup }

// isUnknownType includes JobTypeAll: no job has it.
func isUnknownType(job d365backup.Job) bool {
	return job.Type == d365backup.JobTypeAll || !job.Type.Known()
}

func (l limits) isSuccess(job d365backup.Job) bool {
	return isBackup(job) && (job.Status == d365backup.JobStatusFinished ||
		l.tolerate && job.Status == d365backup.JobStatusFinishedWithException)
}

func isUnknownStatus(job d365backup.Job) bool { return !job.Status.Known() }

func isRunning(job d365backup.Job) bool { return job.Status == d365backup.JobStatusInProgress }

// stateOf returns the allowed states of a module.
func stateOf(w world, jobs []d365backup.Job, l limits) states {
	var backups []d365backup.Job
	undated := false
	for _, job := range jobs {
		switch {
		case isBackup(job) && isDated(job):
			backups = append(backups, job)
		case isBackup(job):
			undated = true
		}
	}
	var last time.Time
	for _, job := range backups {
		if l.isSuccess(job) && job.StartTime.After(last) {
			last = job.StartTime
		}
	}
	var allowed states
	if last.IsZero() {
		allowed = missing(w, jobs, l)
	} else {
		allowed = afterSuccess(w, backups, last, l)
	}
	if undated { // never a success, since nothing says how old it is; whether it is a problem is open
		allowed = allowed.with(health.Unknown)
		if slices.Contains(allowed, health.OK) {
			allowed = allowed.with(health.Warning)
		}
	}
	return allowed
}

// missing returns the allowed states without a success that has a start.
func missing(w world, jobs []d365backup.Job, l limits) states {
	short := w.at().Sub(w.policy.Start) < l.maxAge
	switch {
	case len(jobs) > 0 && !slices.ContainsFunc(jobs, func(job d365backup.Job) bool { return !isUnknownType(job) }):
		return states{health.Unknown} // only jobs of unknown type
	case len(jobs) > 0 && !slices.ContainsFunc(jobs, isBackup):
		if short || slices.ContainsFunc(jobs, isUnknownType) {
			return states{health.Unknown, health.Missing} // two rows fit
		}
		return states{health.Missing} // only retention and the like
	case short:
		return states{health.Unknown}
	case slices.ContainsFunc(jobs, func(job d365backup.Job) bool { return isBackup(job) && isUnknownStatus(job) }):
		return states{health.Unknown, health.Missing} // a status that may mean success
	default:
		return states{health.Missing}
	}
}

// afterSuccess returns the allowed states if the last success started at a time.
func afterSuccess(w world, backups []d365backup.Job, last time.Time, l limits) states {
	now, at, latest := w.policy.Now, w.at(), last
	for _, job := range backups {
		if job.StartTime.After(latest) {
			latest = job.StartTime
		}
	}
	switch {
	case at.Sub(last) > l.maxAge:
		return states{health.Overdue} // whatever ran since
	case latest.After(now.Add(time.Hour)):
		return states{health.Unknown} // a clock is wrong
	}
	var allowed states
	if latest.After(at.Add(time.Hour)) { // after the end of the time range
		allowed = allowed.with(health.Unknown)
	}
	var since, sinceOrAt []d365backup.Job
	for _, job := range backups {
		if job.StartTime.After(last) {
			since = append(since, job)
		}
		if !job.StartTime.Before(last) && !l.isSuccess(job) { // which of two with one start is the newer is open
			sinceOrAt = append(sinceOrAt, job)
		}
	}
	return allowed.with(problems(w, since, l)...).with(problems(w, sinceOrAt, l)...)
}

// problems returns the allowed states after a success within the maximum age, from the backups since then.
func problems(w world, since []d365backup.Job, l limits) (allowed states) {
	var newest time.Time
	for _, job := range since {
		if !isRunning(job) && job.StartTime.After(newest) {
			newest = job.StartTime
		}
	}
	hangs, mayHang := false, false
	for _, job := range since {
		switch {
		case isRunning(job):
			hangs = hangs || w.at().Sub(job.StartTime) > l.maxRunning
			mayHang = mayHang || w.policy.Now.Sub(job.StartTime) > l.maxRunning // if the time range ended earlier
		case isUnknownStatus(job):
			allowed = allowed.with(health.Unknown)
		case job.StartTime.Equal(newest):
			allowed = allowed.with(health.Warning) // it failed, or finished with an exception
		}
	}
	switch {
	case allowed != nil:
		return allowed
	case hangs:
		return states{health.Warning}
	case mayHang:
		return states{health.OK, health.Warning}
	default:
		return states{health.OK}
	}
}

// past makes a job of an organization with an id that started some time before now.
func past(ago time.Duration, status d365backup.JobStatus) d365backup.Job {
	return d365backup.Job{
		StartTime: oracleNow.Add(-ago), Status: status, Type: d365backup.JobTypeBackup, JobID: "DCIB1", Module: "Customer Engagement",
		OrganizationID: "69cb1ecc-f8e8-439b-8077-a4b7fd45e87f", OrganizationName: "Sales",
	}
}

var oracleNow = time.Date(2026, 11, 26, 20, 0, 0, 0, time.UTC)

// of returns a job with another type.
func of(kind d365backup.JobType, job d365backup.Job) d365backup.Job {
	job.Type = kind
	return job
}

// by returns a job of another organization.
func by(id, name string, job d365backup.Job) d365backup.Job {
	job.OrganizationID, job.OrganizationName = id, name
	return job
}

// oracleCases are the rows of the table of states, with the states that they allow for all organizations.
var oracleCases = []struct {
	row        string
	jobs       []d365backup.Job
	set        func(*health.Policy)
	incomplete bool // the second half of the jobs is missing
	want       states
}{
	{row: "success within max age", jobs: []d365backup.Job{past(36*hour, finished)}, want: states{health.OK}},
	{row: "success within max age, and one runs", jobs: []d365backup.Job{past(30*hour, finished), past(hour, running)}, want: states{health.OK}},
	{row: "newest with exception", jobs: []d365backup.Job{past(30*hour, finished), past(hour, exception)}, want: states{health.Warning}},
	{row: "newest failed", jobs: []d365backup.Job{past(30*hour, finished), past(hour, failed)}, want: states{health.Warning}},
	{row: "newest failed, and one runs", jobs: []d365backup.Job{past(30*hour, finished), past(2*hour, failed), past(hour, running)},
		want: states{health.Warning}},
	{row: "an older one failed", jobs: []d365backup.Job{past(hour, finished), past(2*hour, failed)}, want: states{health.OK}},
	{row: "hangs", jobs: []d365backup.Job{past(30*hour, finished), past(24*hour+1, running)}, want: states{health.Warning}},
	{row: "hangs, but later success", jobs: []d365backup.Job{past(20*hour, finished), past(25*hour, running)}, want: states{health.OK}},
	{row: "hangs, and last success is too old", jobs: []d365backup.Job{past(37*hour, finished), past(25*hour, running)}, want: states{health.Overdue}},
	{row: "last success too old", jobs: []d365backup.Job{past(36*hour+1, finished), past(hour, exception), past(2*hour, strange)},
		want: states{health.Overdue}},
	{row: "always with exception", jobs: []d365backup.Job{past(25*hour, exception), past(hour, exception)}, want: states{health.Missing}},
	{row: "with exception since a success", jobs: []d365backup.Job{past(50*hour, finished), past(hour, exception)}, want: states{health.Overdue}},
	{row: "exception tolerated", jobs: []d365backup.Job{past(hour, exception)}, want: states{health.OK},
		set: func(p *health.Policy) { p.TolerateExceptions = true }},
	{row: "no success", jobs: []d365backup.Job{past(hour, failed)}, want: states{health.Missing}},
	{row: "first backup runs", jobs: []d365backup.Job{past(hour, running)}, want: states{health.Missing}},
	{row: "expected, never seen", want: states{health.Missing},
		set: func(p *health.Policy) { p.Expected = []health.Target{{Organization: "Ghost"}} }},
	{row: "short range", jobs: []d365backup.Job{past(hour, failed)}, want: states{health.Unknown},
		set: func(p *health.Policy) { p.Start = oracleNow.Add(-36*hour + 1) }},
	{row: "range as long as max age", jobs: []d365backup.Job{past(hour, failed)}, want: states{health.Missing},
		set: func(p *health.Policy) { p.Start = oracleNow.Add(-36 * hour) }},
	{row: "unknown status", jobs: []d365backup.Job{past(30*hour, finished), past(hour, strange)}, want: states{health.Unknown}},
	{row: "unknown number as status", jobs: []d365backup.Job{past(30*hour, finished), past(hour, 1<<30)}, want: states{health.Unknown}},
	{row: "unknown status, then success", jobs: []d365backup.Job{past(30*hour, strange), past(hour, finished)}, want: states{health.OK}},
	{row: "1 h after now", jobs: []d365backup.Job{past(-hour, finished)}, want: states{health.OK}},
	{row: "more than 1 h after now", jobs: []d365backup.Job{past(-hour-1, finished), past(hour, finished)}, want: states{health.Unknown}},
	{row: "only retention", jobs: []d365backup.Job{of(d365backup.JobTypeRetention, past(hour, finished))}, want: states{health.Missing}},
	{row: "only unknown type", jobs: []d365backup.Job{of(1<<30, past(hour, finished)), of(d365backup.JobTypeAll, past(hour, finished))},
		want: states{health.Unknown}},
	{row: "renamed, expected by its former name", want: states{health.Overdue},
		jobs: []d365backup.Job{past(50*hour, finished), by(past(0, 0).OrganizationID, "Sales EU", past(40*hour, finished))},
		set:  func(p *health.Policy) { p.Expected = []health.Target{{Organization: "SALES"}} }},
	{row: "one name, two ids", jobs: []d365backup.Job{past(hour, finished), by(otherID, "Sales", past(40*hour, finished))}, want: states{health.Overdue}},
	{row: "one expected name, two ids", jobs: []d365backup.Job{past(hour, finished), by(otherID, "Sales", past(2*hour, finished))},
		set: func(p *health.Policy) { p.Expected = []health.Target{{Organization: "sales"}} }}, // an error
	{row: "malformed id", jobs: []d365backup.Job{by("x", "", past(hour, finished)), by("X", "", past(40*hour, finished))}, want: states{health.Overdue}},
	{row: "no id", jobs: []d365backup.Job{by("", "A", past(hour, finished)), by("", "B", past(40*hour, finished))}, want: states{health.Overdue}},
	{row: "neither id nor name", jobs: []d365backup.Job{past(hour, finished), by("", "", past(hour, finished))}, want: states{health.Unknown}},
	{row: "incomplete and ok", jobs: []d365backup.Job{past(hour, finished), past(2*hour, finished)}, incomplete: true, want: states{health.Unknown}},
	{row: "incomplete and overdue", jobs: []d365backup.Job{past(50*hour, finished), past(hour, finished)}, incomplete: true, want: states{health.Unknown}},
	{row: "incomplete and missing", incomplete: true, want: states{health.Unknown},
		set: func(p *health.Policy) { p.Expected = []health.Target{{Organization: "Ghost"}} }},
	{row: "no organization", want: states{health.Unknown}},
	{row: "stopped", jobs: []d365backup.Job{past(34*day, finished)}, want: states{health.Overdue}},
	{row: "a module stopped", jobs: []d365backup.Job{past(hour, finished), func() d365backup.Job {
		job := past(5*day, finished)
		job.Module = "Finance and Operations"
		return job
	}()}, want: states{health.Overdue}},
}

// TestOracle: the oracle and the package agree on each row of the table.
func TestOracle(t *testing.T) {
	for _, test := range oracleCases {
		t.Run(test.row, func(t *testing.T) {
			policy := health.Policy{Now: oracleNow, Start: oracleNow.Add(-35 * day)}
			if test.set != nil {
				test.set(&policy)
			}
			w := newWorld(policy, test.jobs, test.incomplete)
			if got := worstOf(w, judge(w, reading{})); !slices.Equal(got, test.want) {
				t.Errorf("the oracle allows %v, want %v", got, test.want)
			}
			if problem := check(w); problem != "" {
				t.Errorf("%s\n%s", problem, w)
			}
		})
	}
}

// worstOf returns the states that a verdict allows for all organizations; none if it is an error.
func worstOf(w world, v verdict) (worst states) {
	if v.ambiguous != nil {
		return nil
	}
	worst = states{health.OK}
	if w.incomplete || len(v.organizations) == 0 || len(v.unidentified) > 0 {
		worst = states{health.Unknown}
	}
	for _, o := range v.organizations {
		all := []states{o.states}
		if len(o.modules) > 0 {
			all = nil
		}
		for _, m := range o.modules {
			all = append(all, m.states)
		}
		for _, s := range all {
			if slices.Max(s) > slices.Max(worst) {
				worst = s
			}
		}
	}
	return worst
}
