package health

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	d365backup "github.com/d365backup/d365backup/wrapper"
)

func isBackup(t d365backup.JobType) bool { return t == d365backup.JobTypeBackup }

func isUnknownType(t d365backup.JobType) bool { return !t.Known() || t == d365backup.JobTypeAll }

// firstDay returns the first day of the time range.
func (a *Accumulator) firstDay() day { return dayOf(a.from, a.policy.Location) }

// modulesSince returns the modules with a job since a day.
func (o *organization) modulesSince(first day) map[string]*module {
	live := make(map[string]*module)
	for name, m := range o.modules {
		if m.jobsSince(first, func(countKey) bool { return true }) > 0 {
			live[name] = m
		}
	}
	return live
}

// jobsSince returns the number of jobs since a day that match.
func (m *module) jobsSince(first day, matches func(countKey) bool) (n int64) {
	for _, count := range m.countsSince(first) {
		if matches(countKey{typ: count.Type, status: count.Status}) {
			n += count.Jobs
		}
	}
	return n
}

// countsSince returns the numbers of jobs since a day, ordered by type and status.
func (m *module) countsSince(first day) []Count {
	counts := make(map[countKey]int64)
	for k, n := range m.counts {
		if k.day >= first {
			counts[countKey{typ: k.typ, status: k.status}] += n
		}
	}
	for k, c := range m.cells {
		if k.day < first {
			continue
		}
		for o, n := range c.jobs {
			if status, counted := cellStatus[outcome(o)]; counted && n > 0 {
				counts[countKey{typ: d365backup.JobTypeBackup, status: status}] += n
			}
		}
	}
	return sortedCounts(counts)
}

// cellStatus has the outcomes that are counted in cells only.
var cellStatus = map[outcome]d365backup.JobStatus{
	success:    d365backup.JobStatusFinished,
	exception:  d365backup.JobStatusFinishedWithException,
	failure:    d365backup.JobStatusFailed,
	inProgress: d365backup.JobStatusInProgress,
}

func sortedCounts(counts map[countKey]int64) []Count {
	sorted := make([]Count, 0, len(counts))
	for k, n := range counts {
		sorted = append(sorted, Count{k.typ, k.status, n})
	}
	slices.SortFunc(sorted, func(x, y Count) int {
		return cmp.Or(cmp.Compare(x.Type, y.Type), cmp.Compare(x.Status, y.Status))
	})
	return sorted
}

// reading is one look at an accumulator.
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
		if err := subject.conflict(); err != nil {
			return Summary{}, err
		}
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
			o.Modules = append(o.Modules, r.moduleOf(s, t.Module, nil))
		}
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
		Name: name, Expected: s.expects(name),
		MaxAge: l.maxAge, MaxRunning: l.maxRunning, TolerateExceptions: l.tolerate,
		LastSuccess: h.last[success], LastException: h.last[exception], LastFailure: h.last[failure],
		Age: h.age(), Running: int64(len(h.running)) + h.undated[inProgress],
		Jobs: []Count{}, Days: []Day{}, Problems: []Backup{},
	}
	v.State, v.Reason = h.verdict()
	if len(h.running) > 0 {
		v.RunningSince, v.LastStart = h.running[0], h.running[len(h.running)-1]
	}
	for _, backup := range h.last {
		v.LastStart = later(backup.Start, v.LastStart)
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

// addDays adds the days of the window, and the sums over them.
func (r *reading) addDays(v *Module, m *module) {
	days := make(map[day]*cell)
	for k, c := range m.cells {
		if k.day < r.windowDay {
			continue
		}
		if days[k.day] == nil {
			days[k.day] = new(cell)
		}
		days[k.day].merge(c)
	}
	today, succeeded := dayOf(r.at, r.policy.Location), 0
	for _, d := range slices.Sorted(maps.Keys(days)) {
		c := days[d]
		v.Records.add(c.records)
		v.Entities.add(c.entities)
		if d > today {
			continue
		}
		if d < today && (c.jobs[success] > 0 || v.TolerateExceptions && c.jobs[exception] > 0) {
			succeeded++
		}
		v.Days = append(v.Days, Day{
			Date:      startOfDay(d, r.policy.Location),
			Successes: c.jobs[success], Exceptions: c.jobs[exception], Failures: c.jobs[failure],
			Running: c.jobs[inProgress], Unknown: c.jobs[unknownStatus],
			RecordsNotBackedUp: c.records.Failed, Size: c.size, Longest: c.longest,
		})
	}
	first := r.windowDay
	if !v.FirstSeen.IsZero() {
		first = max(first, dayOf(v.FirstSeen, r.policy.Location))
	}
	v.DaysWithoutSuccess = max(int(today-first)-succeeded, 0)
}

// gaps returns the times without a success that are longer than the maximum age and reach into the window. The first one begins
// with the first job or, if there is none, with the time range.
func (r *reading) gaps(v *Module, m *module) []Gap {
	type span struct{ first, last int64 }
	var spans []span
	for k, c := range m.cells {
		if k.day < r.firstDay {
			continue
		}
		for o := range c.firstAt {
			if c.jobs[o] > 0 && (outcome(o) == success || v.TolerateExceptions) {
				spans = append(spans, span{c.firstAt[o], c.lastAt[o]})
			}
		}
	}
	slices.SortFunc(spans, func(x, y span) int { return cmp.Compare(x.first, y.first) })
	gaps := []Gap{}
	last := cmp.Or(v.FirstSeen, r.policy.Start)
	add := func(start time.Time) {
		if start.After(r.at) {
			start = r.at
		}
		if start.Sub(last) > v.MaxAge && start.After(r.windowStart) {
			gaps = append(gaps, Gap{last, start})
		}
	}
	for _, s := range spans {
		add(time.Unix(0, s.first).UTC())
		last = later(time.Unix(0, s.last).UTC(), last)
	}
	add(r.at)
	return gaps
}
