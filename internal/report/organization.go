package report

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/d365backup/d365backup/internal/human"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

const (
	maxText     = 120 // runes of any text of the service that is kept
	maxOldNames = 3
)

// state is how an organization is protected at the end of the window, from the best to the worst.
type state int

const (
	fine        state = iota
	doubtful          // the last good backup is new enough, but the newest backup is not good
	late              // the last good backup is too old
	unprotected       // no good backup in the window
)

// organization is one that jobs of the window worked for.
type organization struct {
	*tally
	id    string // as first seen
	label string // what reports call it

	name     string // its newest one
	named    time.Time
	oldNames []string

	good     gapFinder
	lastGood time.Time
	// newest is the newest backup that is not in progress.
	newest struct {
		when    time.Time
		outcome outcome
	}

	state state
	age   time.Duration // of the last good backup at the end of the window
	gap   gap
}

// organizationOf returns the organization of a job: by its id or, if it has none, by its name. It
// returns nil if there are too many.
func (s *Summary) organizationOf(job *d365backup.Job) *organization {
	id, name := clean(job.OrganizationID), clean(job.OrganizationName)
	key := "id " + strings.ToLower(id)
	if id == "" {
		key = "name " + name
	}
	o := s.byKey[key]
	if o == nil {
		if len(s.organizations) == maxOrganizations {
			return nil
		}
		o = &organization{tally: newTally(s.days.count, maxFailures), id: id}
		s.byKey[key] = o
		s.organizations = append(s.organizations, o)
	}
	o.call(name, job.StartTime)
	return o
}

// call takes note of a name. The newest one counts; some of the others are kept.
func (o *organization) call(name string, when time.Time) {
	if name == o.name || name == "" {
		if when.After(o.named) {
			o.named = when
		}
		return
	}
	old := name
	if o.name == "" || when.After(o.named) {
		old, o.name, o.named = o.name, name, when
	}
	if i := slices.Index(o.oldNames, o.name); i >= 0 {
		o.oldNames = slices.Delete(o.oldNames, i, i+1)
	}
	if old != "" && !slices.Contains(o.oldNames, old) && len(o.oldNames) < maxOldNames {
		o.oldNames = append(o.oldNames, old)
	}
}

// add counts a job of the organization, in a window.
func (o *organization) add(e event, start, end time.Time) {
	o.tally.add(e)
	if !e.isBackup() || e.outcome == running || e.when.IsZero() {
		return
	}
	if e.outcome == good {
		o.good.add(start, end, e.when)
		if e.when.After(o.lastGood) {
			o.lastGood = e.when
		}
	}
	// Of two that started together the worse one counts.
	if c := e.when.Compare(o.newest.when); c > 0 || c == 0 && e.outcome > o.newest.outcome {
		o.newest.when, o.newest.outcome = e.when, e.outcome
	}
}

// judge says how the organization is protected at a time.
func (o *organization) judge(start, at time.Time, maxAge time.Duration) {
	slices.Sort(o.oldNames)
	o.gap = o.good.longest(start, at)
	o.age = max(at.Sub(o.lastGood), 0)
	switch {
	case o.lastGood.IsZero():
		o.state = unprotected
	case o.age > maxAge:
		o.state = late
	case o.newest.outcome != good:
		o.state = doubtful
	default:
		o.state = fine
	}
}

// compareOrganizations orders those worst off first.
func compareOrganizations(a, b *organization) int {
	byAge := 0
	if a.state == late {
		byAge = cmp.Compare(b.age, a.age)
	}
	return cmp.Or(cmp.Compare(b.state, a.state), byAge, cmp.Compare(a.name, b.name), cmp.Compare(a.id, b.id))
}

// labelOrganizations gives each its name, with the id where several share one.
func labelOrganizations(organizations []*organization) {
	shared := map[string]int{}
	for _, o := range organizations {
		shared[o.name]++
	}
	for _, o := range organizations {
		switch {
		case o.name == "" && o.id == "":
			o.label = "(no name)"
		case o.name == "":
			o.label = o.id
		case shared[o.name] > 1:
			o.label = o.name + " (" + cmp.Or(o.id, "no id") + ")"
		default:
			o.label = o.name
		}
	}
}

// clean returns text of the service fit to show: without what could drive a terminal or reorder a line,
// and not too long.
func clean(s string) string { return human.Clip(s, maxText) }
