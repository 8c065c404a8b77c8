package health

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	d365backup "github.com/d365backup/d365backup/wrapper"
)

// The defaults of a Policy.
const (
	// DefaultMaxAge is a day, and half of one for a backup that takes long.
	DefaultMaxAge = 36 * time.Hour
	// DefaultMaxRunning is how long a backup may run.
	DefaultMaxRunning = 24 * time.Hour
	// DefaultLookBack is how far back the list of jobs should begin: an organization that is not expected is forgotten if all
	// its jobs are older.
	DefaultLookBack = 35 * 24 * time.Hour
	// MinMaxAge is the shortest maximum age. Numbers are kept for parts of a day that are as long as the shortest one.
	MinMaxAge = time.Minute
)

// Policy is the time range of the jobs and what is expected of them. Only Start is required.
type Policy struct {
	// Start and End are the time range that the jobs were requested for. A zero End is Now. An organization that has not been
	// seen since Start is forgotten unless it is expected, so start DefaultLookBack before now even if less is shown.
	Start, End time.Time
	// WindowStart is where the figures of the summary begin: the numbers of jobs, the days and the gaps. They are kept by the
	// day, so they begin with the local day of WindowStart. The state and the last backups come from all jobs. Zero, or earlier
	// than Start: Start.
	WindowStart time.Time
	// Now is when the verdict is made; ages are counted to Now or End, whichever is earlier. Zero: time.Now().
	Now time.Time
	// Location is the time zone of the days. Nil: UTC.
	Location *time.Location

	// MaxAge is how long ago the last successful backup may have started, at least MinMaxAge. Zero: DefaultMaxAge.
	MaxAge time.Duration
	// MaxRunning is how long a backup may run. Zero: DefaultMaxRunning.
	MaxRunning time.Duration
	// TolerateExceptions counts a backup that finished with an exception as a success.
	TolerateExceptions bool
	// Overrides replace the limits above for some organizations or modules. For a module the entry that names it wins over the
	// entry that names its organization, and of two such entries the last one.
	Overrides []Override

	// Expected are the organizations and modules that must have a backup. They are missing if they have none, even if no job
	// of theirs was ever seen.
	Expected []Target
	// Ignored are left out: their jobs count nowhere but in Summary.IgnoredJobs. What is expected cannot be ignored.
	Ignored []Target
}

// Target is an organization or one of its modules. A name that matches two organizations with an id is an error.
type Target struct {
	// Organization is the name of the organization or its id, in any case. A name matches any name that the organization
	// had in the time range. Required.
	Organization string
	// Module is the name of a module, in any case. Empty: all modules of the organization.
	Module string
}

// Override replaces limits of a Policy for a target.
type Override struct {
	Target
	// MaxAge and MaxRunning replace those of the policy. Zero: they do not.
	MaxAge, MaxRunning time.Duration
	// TolerateExceptions replaces that of the policy. Nil: it does not.
	TolerateExceptions *bool
}

// LookBack returns how far back jobs have to be read for this policy: this far, or DefaultLookBack for 0, but at least a day
// further than every maximum age. Otherwise an organization that is not expected would be forgotten before it is Overdue.
func (p Policy) LookBack(atLeast time.Duration) time.Duration {
	const margin = 24 * time.Hour
	longest := max(cmp.Or(atLeast, DefaultLookBack), cmp.Or(p.MaxAge, DefaultMaxAge)+margin)
	for _, o := range p.Overrides {
		longest = max(longest, o.MaxAge+margin)
	}
	return longest
}

// withDefaults returns the policy with a value for each zero that has a default.
func (p Policy) withDefaults() Policy {
	if p.Now.IsZero() {
		p.Now = time.Now()
	}
	if p.Location == nil {
		p.Location = time.UTC
	}
	if p.WindowStart.Before(p.Start) {
		p.WindowStart = p.Start
	}
	p.MaxAge = cmp.Or(p.MaxAge, DefaultMaxAge)
	p.MaxRunning = cmp.Or(p.MaxRunning, DefaultMaxRunning)
	return p
}

// validate reports what is wrong with a policy that has its defaults.
func (p Policy) validate() error {
	switch {
	case p.Start.IsZero():
		return invalid("Start", "it is required")
	case !p.End.IsZero() && !p.Start.Before(p.End):
		return invalid("End", "it is not after Start")
	case !p.Start.Before(p.Now):
		return invalid("Now", "it is not after Start")
	}
	if err := checkLimits("", p.MaxAge, p.MaxRunning); err != nil {
		return err
	}
	for _, o := range p.Overrides {
		if err := o.check("Overrides"); err != nil {
			return err
		}
		if err := checkLimits("Overrides: "+o.text()+": ", cmp.Or(o.MaxAge, p.MaxAge), o.MaxRunning); err != nil {
			return err
		}
	}
	for _, target := range p.Expected {
		if err := target.check("Expected"); err != nil {
			return err
		}
	}
	for _, target := range p.Ignored {
		if err := target.check("Ignored"); err != nil {
			return err
		}
	}
	return nil
}

func checkLimits(place string, maxAge, maxRunning time.Duration) error {
	if maxAge < MinMaxAge {
		return invalid(place+"MaxAge", "%v is too short: at least %v", maxAge, MinMaxAge)
	}
	if maxRunning < 0 {
		return invalid(place+"MaxRunning", "%v is negative", maxRunning)
	}
	return nil
}

func (t Target) check(setting string) error {
	if strings.TrimSpace(t.Organization) == "" {
		return invalid(setting, "an entry has no organization")
	}
	return nil
}

// text returns the organization and, after a slash, the module.
func (t Target) text() string {
	if t.Module == "" {
		return t.Organization
	}
	return t.Organization + "/" + t.Module
}

func invalid(setting, format string, args ...any) error {
	return &d365backup.Error{Kind: d365backup.ErrConfig, Setting: "Policy." + setting, Message: fmt.Sprintf(format, args...)}
}

// shortestMaxAge returns the shortest maximum age of the policy and its overrides.
func (p Policy) shortestMaxAge() time.Duration {
	shortest := p.MaxAge
	for _, o := range p.Overrides {
		if o.MaxAge > 0 {
			shortest = min(shortest, o.MaxAge)
		}
	}
	return shortest
}

// limits are those that apply to a module.
type limits struct {
	maxAge, maxRunning time.Duration
	tolerate           bool
}

func (l *limits) override(o Override) {
	l.maxAge = cmp.Or(o.MaxAge, l.maxAge)
	l.maxRunning = cmp.Or(o.MaxRunning, l.maxRunning)
	if o.TolerateExceptions != nil {
		l.tolerate = *o.TolerateExceptions
	}
}
