package health

import (
	"cmp"
	"maps"
	"slices"
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
