package report

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/d365backup/d365backup/health"
	"github.com/d365backup/d365backup/internal/human"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// How much is shown of each profile. The worst organizations come first.
const (
	maxRows     = 200    // rows of the table
	maxSections = 25     // rows with details
	maxCells    = 40_000 // of all strips, about 100 bytes each
	maxGaps     = 20     // of a row, the longest ones
)

// view is what every form of the report shows. The writers only lay it out and escape it.
type view struct {
	State   health.State
	Verdict string
	Sandbox bool // any profile is one
	Tenants []*tenantView
	Facts   []fact // about the report itself
	Terms   []string
}

// Several reports whether there is more than one profile.
func (v *view) Several() bool { return len(v.Tenants) > 1 }

// attention matches the beginning of a verdict that goes on with the reasons.
var attention = regexp.MustCompile(`^\d+ of \d+ (organizations|profiles) needs? attention: `)

// Headline returns the verdict without the reasons, if it has some for several organizations or profiles.
func (v *view) Headline() string {
	if head := attention.FindString(v.Verdict); head != "" {
		return strings.TrimSuffix(head, ": ")
	}
	return v.Verdict
}

// fact is a name and a value.
type fact struct{ Name, Value string }

// present returns the facts that have a value.
func present(facts ...fact) []fact {
	return slices.DeleteFunc(facts, func(f fact) bool { return f.Value == "" || f.Value == none })
}

// tenantView is the part about one profile. If it could not be read, it has nothing but the reason.
type tenantView struct {
	Name, Anchor string
	State        health.State
	Reason       string
	Facts        []fact
	Notes        []string // above the strips
	Rows         []*rowView
	Remarks      []string // below the table
	Jobs         kindTable
	Days         calendar
}

// rowView is a module of an organization, or an expected organization that was never seen.
type rowView struct {
	*health.Module
	Label, Anchor string // Anchor is empty if there are no details
	Reason        string
	HasStrip      bool
	LastStart     string // of the last success
	AgeText       string
	LongestGap    string
	Backups, Rate string
	Facts         []fact
	Gaps          []gapView // longest first
	MoreGaps      int       // that are shorter
	Problems      []problemView
	Jobs          kindTable
	SeenLate      string // the day of the first job, if it is in the window
	Unit          string // of buckets: "day", or "14 days"

	days           calendar
	cells, buckets []cell // oldest first
}

type gapView struct {
	From, To, Length string
	length           time.Duration
}

type problemView struct{ Start, Status, NotBackedUp, ID string }

// Verdict returns the reason as a sentence.
func (row *rowView) Verdict() string { return sentence(row.Label + " " + row.Reason) }

// Figures returns the buckets since the first job, newest first; none if there are no jobs.
func (row *rowView) Figures() (rows []cell) {
	for _, b := range slices.Backward(row.buckets) {
		if b.Kind != before && len(row.Module.Jobs) > 0 {
			rows = append(rows, b)
		}
	}
	return rows
}

// kindTable counts jobs by type and status.
type kindTable struct {
	Statuses []string
	Rows     []kindRow
}

type kindRow struct {
	Type   string
	Counts []int64
	Total  int64
}

func (r *Report) view() *view {
	v := &view{Facts: []fact{{"Made", r.at(r.Now)}, {"Time zone", r.zone()}, {"Program", "d365backup " + human.Clip(r.Version, maxName)}}}
	state, reason := r.Verdict()
	v.State, v.Verdict = state, sentence(reason)
	for i, t := range r.worstFirst() {
		v.Sandbox = v.Sandbox || t.Sandbox
		v.Tenants = append(v.Tenants, r.tenantView(t, "profile-"+strconv.Itoa(i+1)))
	}
	v.Terms = []string{
		"A backup is a success if it finished without an exception. One with an exception counts only if the profile tolerates that.",
		"Backups are dated by their start, because that is the point in time that can be restored. Ages count from there.",
		"Records not backed up are those that a backup reports as failed. A later backup may have caught them.",
		"A gap is a time between the starts of two successful backups that is longer than the maximum age.",
		"The service names organizations only in jobs: one that is not pinned leaves the report when its last job is too old.",
	}
	return v
}

func (r *Report) tenantView(t Tenant, anchor string) *tenantView {
	s := &t.Summary
	v := &tenantView{Name: t.name(), Anchor: anchor, State: t.state(), Reason: sentence(t.reason())}
	for _, f := range []fact{{"Profile", t.Profile}, {"Address", t.Address}, {"Operation", t.Operation}} {
		v.Facts = append(v.Facts, present(fact{f.Name, human.Clip(f.Value, maxName)})...)
	}
	if t.Sandbox {
		v.Facts = append(v.Facts, fact{"Data", "invented, from the sandbox"})
	}
	if t.Err != nil {
		return v
	}
	v.Facts = append(v.Facts, fact{"Time range", r.at(s.WindowStart) + " to " + r.at(s.At)})
	if s.Start.Before(s.WindowStart) {
		v.Facts = append(v.Facts, fact{"States", "from jobs since " + r.at(s.Start)})
	}
	v.Days = newCalendar(s.WindowStart, s.At, r.location())
	v.Notes = notes(s)
	v.Jobs = newKindTable(s.Jobs)
	rows := newRows(s)
	v.Rows = rows[:min(len(rows), maxRows)]
	for i, row := range v.Rows {
		r.complete(row, v.Days)
		row.HasStrip = (i+1)*v.Days.count <= maxCells
		if i < maxSections {
			row.Anchor = anchor + "-" + strconv.Itoa(i+1)
		}
	}
	v.Remarks = remarks(s, rows)
	return v
}

// notes are what the reader must know about the list of jobs.
func notes(s *health.Summary) (all []string) {
	if s.Incomplete != "" {
		all = append(all, "Jobs may be missing from this report: "+clip(s.Incomplete))
	}
	if s.UnidentifiedJobs > 0 {
		all = append(all, human.Plural(s.UnidentifiedJobs, "job names", "jobs name")+" no organization.")
	}
	if s.IgnoredJobs > 0 {
		all = append(all, human.Plural(s.IgnoredJobs, "job belongs", "jobs belong")+" to organizations or modules that the profile ignores.")
	}
	return all
}

// remarks say what the rows do not show.
func remarks(s *health.Summary, rows []*rowView) (all []string) {
	if n := len(rows) - maxRows; n > 0 {
		counts := map[string]int64{}
		for _, row := range rows[maxRows:] {
			counts[row.State.String()]++
		}
		var parts []string
		for _, state := range slices.Sorted(maps.Keys(counts)) {
			parts = append(parts, human.Count(counts[state])+" "+state)
		}
		text := human.Plural(int64(n), "further row is", "further rows are") + " not shown: "
		all = append(all, text+strings.Join(parts, ", ")+".")
	}
	if len(rows) > maxSections {
		all = append(all, fmt.Sprintf("Only the first %d rows have details.", maxSections))
	}
	modules := 0 // of pinned organizations
	for _, o := range s.Organizations {
		for _, m := range o.Modules {
			if o.Expected && !m.Expected {
				modules++
			}
		}
	}
	if s.Unpinned > 0 {
		all = append(all, human.Plural(int64(s.Unpinned), "organization was seen but is not", "organizations were seen but are not")+
			" pinned, and will be forgotten some time after the last job. 'd365backup orgs' prints the lines that pin organizations.")
	}
	if modules > 0 {
		all = append(all, human.Plural(int64(modules), "module of a pinned organization is", "modules of pinned organizations are")+
			" not pinned, and will be forgotten some time after the last job. 'd365backup orgs' prints the lines that pin modules.")
	}
	if s.Unpinned == 0 && modules == 0 && len(rows) > 0 {
		all = append(all, "All organizations and modules seen are pinned.")
	}
	return all
}

// newRows returns the modules, worst first, with no more than their labels and states.
func newRows(s *health.Summary) (rows []*rowView) {
	labels := s.Labels()
	for i, o := range s.Organizations {
		label, id := labels[i], human.Clip(o.ID, maxName)
		former := human.Clip(strings.Join(o.FormerNames, ", "), maxName)
		modules := o.Modules
		if len(modules) == 0 {
			modules = []health.Module{{State: o.State, Reason: o.Reason, Expected: o.Expected, Age: -1}}
		}
		for i := range modules {
			m := &modules[i]
			row := &rowView{Module: m, Label: label, Reason: clip(m.Reason)}
			module := human.Clip(m.Name, maxName)
			row.Facts = present(fact{"Organization id", id}, fact{"Module", module}, fact{"Former names", former})
			if len(modules) > 1 {
				row.Label += " · " + cmp.Or(module, "(no module)")
			}
			rows = append(rows, row)
		}
	}
	slices.SortStableFunc(rows, func(a, b *rowView) int { return cmp.Compare(b.State, a.State) })
	return rows
}

// complete adds what the module says. It takes some time.
func (r *Report) complete(row *rowView, window calendar) {
	m, days := row.Module, daysPer(window.count, maxBuckets)
	row.days, row.Unit = window, unit(days)
	row.cells = window.cells(m)
	row.buckets = group(row.cells, days)
	row.Jobs, row.LastStart = newKindTable(m.Jobs), r.at(m.LastGood().Start)
	ended, succeeded := backupCounts(m.Jobs)
	row.Backups, row.Rate = human.Count(ended), rate(succeeded, ended)
	if row.cells[0].Kind == before {
		row.SeenLate = m.FirstSeen.In(window.zone).Format(time.DateOnly)
	}
	if m.Age >= 0 {
		row.AgeText = human.Duration(m.Age) + " ago"
	}
	for _, g := range m.Gaps {
		length := g.End.Sub(g.Start)
		row.Gaps = append(row.Gaps, gapView{r.at(g.Start), r.at(g.End), human.Duration(length), length})
	}
	slices.SortStableFunc(row.Gaps, func(a, b gapView) int { return cmp.Compare(b.length, a.length) })
	row.MoreGaps = max(len(row.Gaps)-maxGaps, 0)
	row.Gaps = row.Gaps[:len(row.Gaps)-row.MoreGaps]
	row.LongestGap = none
	if len(row.Gaps) > 0 {
		row.LongestGap = row.Gaps[0].Length
	}
	for _, p := range m.Problems {
		row.Problems = append(row.Problems,
			problemView{r.at(p.Start), statusWords(p.Status), ofTotal(p.Records), human.Clip(p.JobID, maxName)})
	}
	row.Facts = append(row.Facts, r.facts(m, row)...)
}

// facts are the figures of a module's details.
func (r *Report) facts(m *health.Module, row *rowView) []fact {
	limit, running, notBackedUp := duration(m.MaxAge), "", ofTotal(m.Records)
	if m.TolerateExceptions {
		limit += "; a backup with an exception counts as a success"
	}
	if m.Running > 0 {
		running = human.Plural(m.Running, "backup", "backups") + " since " + r.at(m.RunningSince)
	}
	if m.Records.Failed > 0 {
		notBackedUp += "; a later backup may have caught them"
	}
	facts := present(fact{"Last success", join(row.LastStart, row.AgeText)}, fact{"Maximum age", limit}, fact{"Running", running})
	if len(m.Jobs) == 0 {
		return facts
	}
	return append(facts, present(
		fact{"Last exception", r.at(m.LastException.Start)}, fact{"Last failure", r.at(m.LastFailure.Start)},
		fact{"First seen", r.at(m.FirstSeen)}, fact{"Backups", join(row.Backups, row.Rate+" successful")},
		fact{"Days without a success", human.Count(int64(m.DaysWithoutSuccess))},
		fact{"Size of the last success", size(m.LastGood().Size)},
		fact{"Duration of the last success", duration(m.LastGood().Duration)}, fact{"Records not backed up", notBackedUp},
	)...)
}

// backupCounts returns the number of backups that are not in progress, and how many of them succeeded.
func backupCounts(counts []health.Count) (ended, succeeded int64) {
	for _, c := range counts {
		if c.Type == d365backup.JobTypeBackup && c.Status != d365backup.JobStatusInProgress {
			ended += c.Jobs
			if c.Status == d365backup.JobStatusFinished {
				succeeded += c.Jobs
			}
		}
	}
	return ended, succeeded
}

// newKindTable has the types as rows and the statuses as columns, in the order of their numbers.
func newKindTable(counts []health.Count) (t kindTable) {
	var types []d365backup.JobType
	var statuses []d365backup.JobStatus
	for _, c := range counts {
		types, statuses = append(types, c.Type), append(statuses, c.Status)
	}
	slices.Sort(types)
	slices.Sort(statuses)
	types, statuses = slices.Compact(types), slices.Compact(statuses)
	for _, s := range statuses {
		t.Statuses = append(t.Statuses, human.Status(s))
	}
	for _, typ := range types {
		t.Rows = append(t.Rows, kindRow{Type: human.Type(typ), Counts: make([]int64, len(statuses))})
	}
	for _, c := range counts {
		row, _ := slices.BinarySearch(types, c.Type)
		column, _ := slices.BinarySearch(statuses, c.Status)
		t.Rows[row].Counts[column] += c.Jobs
		t.Rows[row].Total += c.Jobs
	}
	return t
}
