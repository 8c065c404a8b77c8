package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/d365backup/d365backup/internal/human"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// How much a page bears. The organizations worst off come first.
const (
	maxRows     = 100 // organizations in the overview
	maxSections = 25  // organizations with a section of their own
)

// view is what every form of the report shows, in words. The writers only lay it out and escape it.
type view struct {
	Verdict  string
	Fine     bool
	Window   string
	Made     string
	Warnings []string
	Overview []overviewRow
	// More sums up the organizations that the overview has no row for.
	More     string
	Sections []section // the first one is about all organizations, unless there is but one
	// MoreSections says how many organizations have no section.
	MoreSections string
	Terms        []string
}

// overviewRow is an organization in a line.
type overviewRow struct {
	Name, Anchor               string // Anchor is empty if there is no section
	State                      state
	LastGood, LastGoodAge, Gap string
	Backups, Rate              string
	FailedJobs, Lost, Largest  string
}

// section is a chapter about all organizations or about one.
type section struct {
	Anchor, Title, Verdict string
	State                  state
	Single                 bool // about one organization
	Backups                bool // there are some that are not in progress
	Facts                  []fact
	Kinds                  kindTable
	Unit                   string // of Rows: day, week, month or year
	Rows                   []bucketRow
	Failures               []failureRow
	MoreFailures           string

	Outcomes, Sizes, Durations string // what the charts show, in a sentence
	days                       calendar
	buckets                    []bucket
}

type fact struct{ Name, Value string }

// kindTable counts jobs by type and status.
type kindTable struct {
	Statuses []string
	Rows     []kindRow
}

type kindRow struct {
	Type   string
	Counts []string
	Total  string
}

// bucketRow is a day or another unit in figures.
type bucketRow struct {
	Name, Rate                                string
	Good, Flawed, Failed, Strange             string
	Largest, AverageDuration, LongestDuration string
}

type failureRow struct {
	When, Organization, Type, Status, Lost, ID string
}

const none = "–"

func (s *Summary) view() view {
	v := view{
		Verdict: s.Verdict(),
		Fine:    s.Incomplete == "" && len(s.organizations) > 0 && s.organizations[0].state == fine,
		Window:  fmt.Sprintf("%s to %s, times in %s", s.at(s.options.Start), s.at(s.options.End), s.zone()),
		Made:    s.at(s.options.Now),
		Terms:   s.terms(),
	}
	v.Warnings = s.warnings()
	for i, o := range s.organizations[:min(len(s.organizations), maxRows)] {
		row := s.overviewRow(o)
		if i < maxSections {
			row.Anchor = anchor(i)
		}
		v.Overview = append(v.Overview, row)
	}
	v.More = moreOrganizations(s.organizations[len(v.Overview):])
	if len(s.organizations) != 1 {
		v.Sections = append(v.Sections, s.allSection())
	}
	for i, o := range s.organizations[:min(len(s.organizations), maxSections)] {
		v.Sections = append(v.Sections, s.organizationSection(i, o))
	}
	if more := len(s.organizations) - maxSections; more > 0 {
		v.MoreSections = human.Plural(int64(more), "further organization has", "further organizations have") +
			" no section here: make a report on one to see it alone."
	}
	return v
}

func anchor(i int) string { return "organization-" + strconv.Itoa(i+1) }

func (s *Summary) warnings() []string {
	var all []string
	if s.Incomplete != "" {
		all = append(all, "Incomplete: jobs may be missing from this report: "+clip(s.Incomplete))
	}
	if s.ungrouped > 0 {
		all = append(all, fmt.Sprintf("There are more than %s organizations: %s of the others count in the sums only.",
			human.Count(maxOrganizations), human.Plural(s.ungrouped, "job", "jobs")))
	}
	if s.unplaced > 0 {
		all = append(all, human.Plural(s.unplaced, "job has", "jobs have")+
			" no start time in this window: counted, but not shown over time.")
	}
	return all
}

func (s *Summary) terms() []string {
	return []string{
		"A backup is good if it finished. One that finished with an exception is not, since something in it may be missing; it is not counted as failed either.",
		fmt.Sprintf("An organization is fine if its last good backup started at most %s before the end of the window and no newer one ended otherwise.",
			human.Duration(s.options.MaxAge)),
		"The success rate is the share of good backups among all that are not in progress. Audit backups are counted among the jobs only.",
		"Lost records are those that a job reports as failed. Jobs are dated by their start.",
		fmt.Sprintf("Sizes and durations are those of backups that finished, with an exception or without. Their charts leave out a first and a last %s that the window cuts.", s.days.unit),
		"An organization without any job in the window does not appear: the service names organizations only in jobs.",
	}
}

func (s *Summary) overviewRow(o *organization) overviewRow {
	return overviewRow{
		Name:        o.label,
		State:       o.state,
		LastGood:    s.lastGood(o),
		LastGoodAge: s.lastGoodAge(o),
		Gap:         gapText(o.gap),
		Backups:     human.Count(o.backups.ended()),
		Rate:        rate(&o.backups),
		FailedJobs:  human.Count(o.failedJobs),
		Lost:        human.Count(o.lost),
		Largest:     size(o.backups.largest),
	}
}

// moreOrganizations sums up organizations in a sentence.
func moreOrganizations(organizations []*organization) string {
	if len(organizations) == 0 {
		return ""
	}
	var failedJobs, lost int64
	for _, o := range organizations {
		failedJobs += o.failedJobs
		lost = human.SaturatingAdd(lost, o.lost)
	}
	return fmt.Sprintf("%s: %s; %s, %s.",
		human.Plural(int64(len(organizations)), "further organization", "further organizations"), stateCounts(organizations),
		human.Plural(failedJobs, "failed job", "failed jobs"), human.Plural(lost, "lost record", "lost records"))
}

// stateCounts says how many organizations are in which state.
func stateCounts(organizations []*organization) string {
	var counts [unprotected + 1]int64
	for _, o := range organizations {
		counts[o.state]++
	}
	var parts []string
	for st, words := range [...]string{fine: "fine", doubtful: "to check", late: "late", unprotected: "unprotected"} {
		if counts[st] > 0 {
			parts = append(parts, human.Count(counts[st])+" "+words)
		}
	}
	return strings.Join(parts, ", ")
}

func (s *Summary) allSection() section {
	sec := s.section(s.all, "all", "All organizations")
	if n := len(s.organizations); n > 0 {
		sec.Facts = append([]fact{{"Organizations", human.Count(int64(n)) + ": " + stateCounts(s.organizations)}}, sec.Facts...)
	}
	if worst := s.longestGap(); worst != nil {
		sec.Facts = append(sec.Facts, fact{"Longest gap between good backups", gapText(worst.gap) + ", " + worst.label})
	}
	sec.Sizes = sizeWords("The organizations' largest backups add up to", sec.buckets)
	return sec
}

func (s *Summary) longestGap() *organization {
	var worst *organization
	for _, o := range s.organizations {
		if worst == nil || o.gap.length() > worst.gap.length() {
			worst = o
		}
	}
	return worst
}

func (s *Summary) organizationSection(i int, o *organization) section {
	sec := s.section(o.tally, anchor(i), o.label)
	sec.Single, sec.State, sec.Verdict = true, o.state, o.verdict()+"."
	facts := []fact{
		{"Last good backup", s.lastGood(o) + parenthesis(s.lastGoodAge(o))},
		{"Longest gap", gapText(o.gap) + s.gapSpan(o.gap)},
	}
	sec.Facts = append(facts, sec.Facts...)
	if o.id != "" {
		sec.Facts = append(sec.Facts, fact{"Organization ID", o.id})
	}
	if len(o.oldNames) > 0 {
		sec.Facts = append(sec.Facts, fact{"Also named", strings.Join(o.oldNames, ", ")})
	}
	return sec
}

// section makes what is the same for all organizations and for one.
func (s *Summary) section(t *tally, anchor, title string) section {
	b := &t.backups
	sec := section{
		Anchor: anchor,
		Title:  title,
		Facts: []fact{
			{"Backups", human.Count(b.ended()) + parenthesis(rateWords(b))},
			{"Failed jobs", human.Count(t.failedJobs)},
			{"Lost records", human.Count(t.lost)},
		},
		Kinds:    kindsOf(t.kinds),
		Backups:  t.backups.ended() > 0,
		Unit:     s.days.unit.String(),
		Outcomes: outcomeWords(b),
		Sizes:    sizeWords("The largest backup had", t.buckets),
		days:     s.days,
		buckets:  t.buckets,
	}
	if n := b.outcomes[running]; n > 0 {
		sec.Facts = append(sec.Facts, fact{"In progress", human.Plural(n, "backup", "backups")})
	}
	sec.Durations = durationWords(t)
	for i := range t.buckets {
		sec.Rows = append(sec.Rows, bucketRowOf(s.days.name(i), &t.buckets[i]))
	}
	for _, f := range t.failures.newest {
		sec.Failures = append(sec.Failures, s.failureRow(f))
	}
	if more := t.failures.count - int64(len(sec.Failures)); more > 0 {
		sec.MoreFailures = human.Plural(more, "earlier one is", "earlier ones are") + " not listed."
	}
	return sec
}

func bucketRowOf(name string, b *bucket) bucketRow {
	return bucketRow{
		Name:            name,
		Rate:            rate(b),
		Good:            human.Count(b.outcomes[good]),
		Flawed:          human.Count(b.outcomes[flawed]),
		Failed:          human.Count(b.outcomes[failed]),
		Strange:         human.Count(b.outcomes[strange]),
		Largest:         size(b.largest),
		AverageDuration: duration(b.average()),
		LongestDuration: duration(b.longest),
	}
}

func (s *Summary) failureRow(f failure) failureRow {
	row := failureRow{
		When:         none,
		Organization: none,
		Type:         f.jobType,
		Status:       f.status,
		Lost:         human.Count(f.lost),
		ID:           cmp.Or(f.id, none),
	}
	if !f.when.IsZero() {
		row.When = s.at(f.when)
	}
	if f.organization != nil {
		row.Organization = f.organization.label
	}
	if f.total > 0 {
		row.Lost += " of " + human.Count(f.total)
	}
	return row
}

// kindsOf makes the table of types and statuses, each in the order of the values, unknown ones last.
func kindsOf(counts map[kind]int64) kindTable {
	byStatus, byType := map[d365backup.JobStatus]int64{}, map[d365backup.JobType]int64{}
	for k, n := range counts {
		byStatus[k.status] += n
		byType[k.jobType] += n
	}
	statuses, types := knownFirst(byStatus), knownFirst(byType)

	var table kindTable
	total := kindRow{Type: "All types"}
	var sum int64
	for _, status := range statuses {
		table.Statuses = append(table.Statuses, human.Status(status))
		total.Counts = append(total.Counts, human.Count(byStatus[status]))
		sum += byStatus[status]
	}
	for _, jobType := range types {
		row := kindRow{Type: human.Type(jobType), Total: human.Count(byType[jobType])}
		for _, status := range statuses {
			row.Counts = append(row.Counts, human.Count(counts[kind{jobType, status}]))
		}
		table.Rows = append(table.Rows, row)
	}
	total.Total = human.Count(sum)
	table.Rows = append(table.Rows, total)
	return table
}

func knownFirst[E interface {
	~int32
	Known() bool
}](counts map[E]int64) []E {
	return slices.SortedFunc(maps.Keys(counts), func(a, b E) int {
		if a.Known() != b.Known() {
			if a.Known() {
				return -1
			}
			return 1
		}
		return cmp.Compare(a, b)
	})
}
