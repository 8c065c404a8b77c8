package health

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// reading is what one call of Summary works with.
type reading struct {
	*Accumulator
	at          time.Time
	firstDay    day       // of the time range
	windowDay   day       // of the window
	windowStart time.Time // start of windowDay
	jobs        map[countKey]int64
}

func (a *Accumulator) summarize(now time.Time) (Summary, error) {
	p := a.policy
	now = now.Round(0) // without a monotonic clock
	at := now
	if !p.End.IsZero() && p.End.Before(now) {
		at = p.End
	}
	r := &reading{a, at, a.firstDay(), dayOf(p.WindowStart, p.Location), time.Time{}, make(map[countKey]int64)}
	r.windowStart = startOfDay(r.windowDay, p.Location)
	subjects, err := a.subjects()
	if err != nil {
		return Summary{}, err
	}
	s := Summary{
		Incomplete: a.incomplete,
		Start:      p.Start, End: cmp.Or(p.End, now), At: at,
		WindowStart:   later(r.windowStart, p.Start),
		TimeZone:      p.Location.String(),
		Organizations: make([]Organization, 0, len(subjects)),
	}
	for _, subject := range subjects {
		o, ignored := r.organizationOf(subject)
		s.IgnoredJobs += ignored
		if len(o.Modules) == 0 && !o.Expected {
			continue // all its modules are ignored
		}
		if !o.Expected {
			s.Unpinned++
		}
		s.Organizations = append(s.Organizations, o)
	}
	unidentified := r.unidentified(&s)
	s.Jobs = sortedCounts(r.jobs)
	slices.SortStableFunc(s.Organizations, compareOrganizations)
	s.State = Unknown
	if len(s.Organizations) > 0 {
		s.State = s.Organizations[0].State
	}
	if unidentified > 0 || s.Incomplete != "" {
		s.State = max(s.State, Unknown)
	}
	s.Reason = s.reason(unidentified)
	return s, nil
}

// unidentified counts the jobs without an organization, and returns how many of them are backups or may be.
func (r *reading) unidentified(s *Summary) (backups int64) {
	o := r.organizations[key{}]
	if o == nil {
		return 0
	}
	for _, m := range o.modules {
		s.UnidentifiedJobs += m.jobsSince(r.firstDay, func(countKey) bool { return true })
		backups += m.jobsSince(r.firstDay, func(k countKey) bool { return isBackup(k.typ) || isUnknownType(k.typ) })
		r.count(m)
	}
	return backups
}

// count returns the numbers of jobs of a module in the window, and adds them to those of all.
func (r *reading) count(m *module) []Count {
	counts := m.countsSince(r.windowDay)
	for _, c := range counts {
		r.jobs[countKey{typ: c.Type, status: c.Status}] += c.Jobs
	}
	return counts
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// organizationOf returns the verdict about an organization, and the number of its jobs that are ignored.
func (r *reading) organizationOf(s *subject) (o Organization, ignored int64) {
	o = Organization{ID: s.key.id, Expected: len(s.expected) > 0, Modules: []Module{}}
	if len(s.names) > 0 {
		o.Name, o.FormerNames = s.names[0], s.names[1:]
	}
	for name, m := range s.modules {
		if s.ignores(name) {
			ignored += m.jobsSince(r.firstDay, func(countKey) bool { return true })
			continue
		}
		o.Modules = append(o.Modules, r.moduleOf(s, name, m))
	}
	for _, t := range s.expected {
		isSeen := func(m Module) bool { return sameName(m.Name, t.Module) }
		if t.Module != "" && !slices.ContainsFunc(o.Modules, isSeen) {
			o.Modules = append(o.Modules, r.moduleOf(s, bounded(t.Module), nil))
		}
	}
	for i := range o.Modules {
		o.Modules[i].Expected = s.expects(o.Modules[i].Name, len(o.Modules) == 1)
	}
	slices.SortFunc(o.Modules, func(x, y Module) int {
		return cmp.Or(cmp.Compare(y.State, x.State), compareNames(x.Name, y.Name))
	})
	if len(o.Modules) == 0 {
		o.State, o.Reason = r.history(nil, s.limits(r.policy, "")).verdict()
		return o, ignored
	}
	worst := o.Modules[0]
	o.State, o.Reason = worst.State, worst.Reason
	if len(o.Modules) > 1 && worst.State != OK {
		o.Reason += " (module " + cmp.Or(clip(worst.Name, maxNameText), "without a name") + ")"
	}
	return o, ignored
}

func compareOrganizations(x, y Organization) int {
	return cmp.Or(
		cmp.Compare(y.State, x.State),
		compareNames(cmp.Or(x.Name, x.ID), cmp.Or(y.Name, y.ID)),
		cmp.Compare(x.ID, y.ID),
	)
}

func compareNames(x, y string) int {
	return cmp.Or(cmp.Compare(strings.ToLower(x), strings.ToLower(y)), cmp.Compare(x, y))
}

// moduleOf returns the verdict about a module; m is nil if it was never seen.
func (r *reading) moduleOf(s *subject, name string, m *module) Module {
	l := s.limits(r.policy, name)
	h := r.history(m, l)
	v := Module{
		Name:   name,
		MaxAge: l.maxAge, MaxRunning: l.maxRunning, TolerateExceptions: l.tolerate,
		LastSuccess: h.last[success], LastException: h.last[exception], LastFailure: h.last[failure],
		LastStart: h.lastStart(), Age: h.age(), Running: int64(len(h.running)) + h.undated[inProgress],
		Jobs: []Count{}, Days: []Day{}, Problems: []Backup{},
	}
	v.State, v.Reason = h.verdict()
	if len(h.running) > 0 {
		v.RunningSince = h.running[0]
	}
	if m == nil {
		m = &module{}
	} else {
		v.Jobs = r.count(m)
		v.FirstSeen = m.firstSeen
		if !v.FirstSeen.IsZero() {
			v.FirstSeen = later(v.FirstSeen, r.from)
		}
	}
	for _, backup := range m.problems {
		if backup.Start.IsZero() || !backup.Start.Before(r.from) {
			v.Problems = append(v.Problems, backup)
		}
	}
	r.addDays(&v, m)
	v.Gaps = r.gaps(&v, m)
	return v
}
