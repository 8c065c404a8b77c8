package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/d365backup/d365backup/health"
	"github.com/d365backup/d365backup/internal/golden"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// now is when the reports of these tests are made: a Monday morning.
var now = time.Date(2026, 11, 23, 6, 30, 0, 0, time.UTC)

const hostile = "<script>alert(1)</script> | [x](http://evil.example) **b** a@evil.example #12 \u202e\x1b[31m\n# next"

// module returns one with a backup at 03:00 of each day of a history that ends today, in the marks of a strip.
func module(name string, state health.State, reason, history string) health.Module {
	m := health.Module{Name: name, State: state, Reason: reason, MaxAge: 36 * time.Hour, Age: -1}
	counts := map[d365backup.JobStatus]int64{}
	last := time.Time{}
	for i, mark := range []byte(history) {
		date := now.Truncate(24*time.Hour).AddDate(0, 0, i+1-len(history))
		b := health.Backup{
			JobID: "DCIB" + date.Format("20060102"), Start: date.Add(3 * time.Hour), Duration: time.Duration(20+i%20) * time.Minute,
			Size: int64(900+i) << 20, Records: health.Outcomes{Successful: 1000, Total: 1000},
		}
		b.Finish = b.Start.Add(b.Duration)
		if m.FirstSeen.IsZero() && mark != ' ' {
			m.FirstSeen = b.Start
		}
		day := health.Day{Date: date, Size: b.Size, Longest: b.Duration}
		switch mark {
		case '#', '+':
			day.Successes, b.Status = 1, "Finished"
			counts[d365backup.JobStatusFinished]++
			if !last.IsZero() && b.Start.Sub(last) > m.MaxAge {
				m.Gaps = append(m.Gaps, health.Gap{Start: last, End: b.Start})
			}
			last, m.LastSuccess, m.Age = b.Start, b, now.Sub(b.Start)
			if mark == '+' {
				day.Failures = 1
				counts[d365backup.JobStatusFailed]++
			}
		case '!':
			day.Exceptions, b.Status = 1, "FinishedWithException"
			counts[d365backup.JobStatusFinishedWithException]++
			b.Records.Failed, m.LastException = 3, b
		case 'x':
			day = health.Day{Date: date, Failures: 1}
			counts[d365backup.JobStatusFailed]++
			b.Status, b.Size, b.Records.Failed, m.LastFailure = "Failed", 0, 1000, b
		case '~':
			day = health.Day{Date: date, Running: 1}
			counts[d365backup.JobStatusInProgress]++
			m.Running, m.RunningSince = 1, b.Start
		default:
			if mark == '.' {
				m.DaysWithoutSuccess++
			}
			continue
		}
		if b.Records.Failed > 0 {
			m.Problems = slices.Insert(m.Problems, 0, b)
			m.Problems = m.Problems[:min(len(m.Problems), health.MaxProblems)]
			m.DaysWithoutSuccess++
		}
		day.RecordsNotBackedUp = b.Records.Failed
		m.Records.Failed += b.Records.Failed
		m.Records.Total += b.Records.Total
		m.Days, m.LastStart = append(m.Days, day), b.Start
	}
	if !last.IsZero() && now.Sub(last) > m.MaxAge {
		m.Gaps = append(m.Gaps, health.Gap{Start: last, End: now})
	}
	for _, status := range slices.Sorted(maps.Keys(counts)) {
		m.Jobs = append(m.Jobs, health.Count{Type: d365backup.JobTypeBackup, Status: status, Jobs: counts[status]})
	}
	return m
}

func organization(name, id string, modules ...health.Module) health.Organization {
	o := health.Organization{Name: name, ID: id, State: health.Missing, Reason: "is expected, but has had no job in the last 35 days", Expected: len(modules) == 0, Modules: modules}
	if len(modules) > 0 {
		o.State, o.Reason = modules[0].State, modules[0].Reason
	}
	return o
}

// summary returns one of a window of so many days.
func summary(days int, organizations ...health.Organization) health.Summary {
	s := health.Summary{
		State: health.OK, Reason: "All organizations are backed up",
		Start: now.AddDate(0, 0, -max(days, 35)), WindowStart: now.AddDate(0, 0, -days), End: now, At: now, TimeZone: "UTC",
		Organizations: organizations, Unpinned: len(organizations),
		Jobs: []health.Count{
			{Type: d365backup.JobTypeBackup, Status: d365backup.JobStatusFinished, Jobs: 1234},
			{Type: d365backup.JobTypeBackup, Status: d365backup.JobStatusFailed, Jobs: 5},
			{Type: d365backup.JobTypeRetention, Status: d365backup.JobStatusFinished, Jobs: 3},
			{Type: 1 << 30, Status: 1 << 30, Jobs: 1},
		},
	}
	for _, o := range organizations {
		if o.State > s.State {
			s.State, s.Reason = o.State, o.Name+" "+o.Reason
		}
	}
	return s
}

// sample has an organization of each state, and text that nobody expects.
func sample() health.Summary {
	ok, overdue := "was last backed up 3 hours ago", "has had no successful backup for 9 days"
	s := summary(
		30,
		organization("Finance", ""),
		organization("Fabrikam", "id-2",
			module("Unified Operations", health.Overdue, overdue, "######################!........"),
			module("Customer Engagement", health.OK, ok, "###############################")),
		organization(hostile, "id-3", module(hostile, health.Unknown, "was last backed up 3 hours ago, but its newest backup has a status that this version does not know: "+hostile, "          ##########.........##")),
		organization("Northwind", "id-4", module("", health.Warning, "was last backed up 27 hours ago, but its newest backup, started at 2026-11-23 03:00 UTC, failed", "##########+###########!##x###x")),
		organization("Contoso", "id-5", module("Customer Engagement", health.OK, ok, "##############################~")),
	)
	s.Reason = "4 of 5 organizations need attention: Finance is expected, but has had no job in the last 35 days; Fabrikam has had no successful backup for 9 days; " +
		hostile + " was last backed up 3 hours ago, but its newest backup has an unknown status; and 1 more"
	s.Incomplete = "the total changed while reading"
	s.UnidentifiedJobs, s.IgnoredJobs = 1, 20
	s.Organizations[3].Modules[0].Problems[0].JobID = "`<b>`|@id"
	s.Organizations[4].FormerNames = []string{"Contoso Ltd"}
	return s
}

// contoso is a report on one profile of a service.
func contoso(s health.Summary) *Report {
	return &Report{
		Tenants: []Tenant{{
			Profile: "contoso", Address: "https://graph-us.avepointonlineservices.com", Operation: "GET /dynamicsbackup/jobs", Summary: s,
		}},
		Version: "v1.2.3", Now: now,
	}
}

// several is a report on three profiles, of which one could not be read.
func several() *Report {
	r := contoso(summary(7, organization("Sales", "id-1", module("", health.OK, "was last backed up 3 hours ago", "########"))))
	r.Tenants = append(r.Tenants,
		Tenant{Profile: "broken", Address: "https://graph-de.avepointonlineservices.com", Err: errors.New("permission denied\x1b[31m\nask an administrator")},
		Tenant{Profile: "try", Sandbox: true, Summary: summary(7, organization("Finance", ""))},
	)
	return r
}

// written returns a report in a format.
func written(t *testing.T, r *Report, format Format) string {
	t.Helper()
	var b strings.Builder
	if err := r.Write(&b, format); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestGolden(t *testing.T) {
	narrow := contoso(sample())
	narrow.Width = 80
	sandbox := contoso(sample())
	sandbox.Tenants[0].Sandbox = true
	for name, test := range map[string]struct {
		report *Report
		format Format
	}{
		"report.txt":     {sandbox, Table},
		"report-80.txt":  {narrow, Table},
		"year-80.txt":    {year(80), Table},
		"report.html":    {contoso(sample()), HTML},
		"report.md":      {contoso(sample()), Markdown},
		"report.json":    {contoso(sample()), JSON},
		"profiles.txt":   {several(), Table},
		"profiles.html":  {several(), HTML},
		"profiles.md":    {several(), Markdown},
		"profiles.json":  {several(), JSON},
		"no-profile.txt": {&Report{Now: now}, Table},
	} {
		t.Run(name, func(t *testing.T) {
			golden.Equal(t, filepath.Join("testdata", name), strings.Replace(written(t, test.report, test.format), css, "", 1))
		})
	}
}

// year is a report on a year with a gap of nine days in March.
func year(width int) *Report {
	history := strings.Repeat("#", 100) + "........." + strings.Repeat("#", 257)
	r := contoso(summary(365, organization("Sales", "id-1", module("", health.OK, "was last backed up 3 hours ago", history))))
	r.Width = width
	return r
}

func TestVerdict(t *testing.T) {
	tenant := func(name string, state health.State, reason string) Tenant {
		return Tenant{Profile: name, Summary: health.Summary{State: state, Reason: reason}}
	}
	for name, test := range map[string]struct {
		tenants []Tenant
		state   health.State
		reason  string
	}{
		"none":   {nil, health.Unknown, "no profile was read"},
		"one":    {[]Tenant{tenant("a", health.Overdue, "Sales is late")}, health.Overdue, "Sales is late"},
		"failed": {[]Tenant{{Err: errors.New("no network")}}, health.Unknown, "Jobs cannot be read: no network"},
		"all ok": {[]Tenant{tenant("a", health.OK, "Sales is fine"), tenant("b", health.OK, "Finance is fine")}, health.OK, "all 2 profiles are ok"},
		"worst first": {
			[]Tenant{tenant("a", health.OK, ""), tenant("b", health.Warning, "x failed"), {Profile: "c", Err: errors.New("no network")}, tenant("d", health.Missing, "y is gone")},
			health.Missing,
			"3 of 4 profiles need attention: d: y is gone; c: Jobs cannot be read: no network; b: x failed",
		},
		"failed and ok": {
			[]Tenant{tenant("a", health.OK, ""), {Err: errors.New("no network")}},
			health.Unknown, "1 of 2 profiles needs attention: (no profile): Jobs cannot be read: no network",
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := &Report{Tenants: test.tenants, Now: now}
			if state, reason := r.Verdict(); state != test.state || reason != test.reason {
				t.Errorf("got %v, %q; want %v, %q", state, reason, test.state, test.reason)
			}
		})
	}
}

func TestJSON(t *testing.T) {
	var got, want any
	s := sample()
	plain, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(json.Unmarshal(plain, &want), json.Unmarshal([]byte(written(t, contoso(s), JSON)), &got)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the report on one profile is not its summary (-want +got):\n%s", diff)
	}
	if text := written(t, contoso(s), JSON); strings.ContainsAny(text, "\u202e\x1b") {
		t.Error("control characters were written")
	}
	var all struct {
		State, Reason string
		Profiles      []map[string]any
	}
	if err := json.Unmarshal([]byte(written(t, several(), JSON)), &all); err != nil {
		t.Fatal(err)
	}
	if all.State != "missing" || !strings.HasPrefix(all.Reason, "2 of 3 profiles") || len(all.Profiles) != 3 ||
		all.Profiles[0]["summary"] == nil || all.Profiles[1]["error"] == nil || all.Profiles[1]["summary"] != nil {
		t.Errorf("the report on several profiles is %v", all)
	}
	failed := &Report{Tenants: []Tenant{{Profile: "a", Err: errors.New("no network")}}, Now: now}
	if text := written(t, failed, JSON); !strings.Contains(text, `"error": "no network"`) {
		t.Errorf("the report on a profile that failed is %s", text)
	}
}

func TestUnknownFormat(t *testing.T) {
	if err := contoso(sample()).Write(io.Discard, "pdf"); err == nil || !strings.Contains(err.Error(), "table, html, md or json") {
		t.Errorf("got %v", err)
	}
}

// TestEveryViewSays checks for what no view may leave out.
func TestEveryViewSays(t *testing.T) {
	r := contoso(sample())
	r.Tenants[0].Sandbox, r.Tenants[0].Summary.Unpinned, r.Tenants[0].Summary.Organizations[1].Expected = true, 4, true
	r.Location = time.FixedZone("Test/Zone", 3600)
	for _, format := range []Format{Table, HTML, Markdown} {
		text := written(t, r, format)
		for _, want := range []string{
			"Invented data", "4 organizations were seen but are not pinned", "2 modules of pinned organizations are not", "d365backup orgs", "contoso", "https://graph-us.avepointonlineservices.com",
			"GET /dynamicsbackup/jobs", "v1.2.3", "Test/Zone", "the total changed while reading", "a later backup may have caught", "2026-11-23 07:30",
		} {
			text := strings.NewReplacer("&#39;", "'", "`", "", "A later", "a later").Replace(text)
			if !strings.Contains(text, want) {
				t.Errorf("%s does not say %q", format, want)
			}
		}
		r.Tenants[0].Sandbox = false
		if strings.Contains(strings.ToLower(written(t, r, format)), "invented") {
			t.Errorf("%s calls real data invented", format)
		}
		r.Tenants[0].Sandbox = true
	}
	first, _, _ := strings.Cut(written(t, r, Table), "\n")
	if !strings.HasPrefix(first, "4 of 5 organizations need attention: Finance") {
		t.Errorf("the first line is %q", first)
	}
}

// TestGapShows: nine days without a backup show in the report on a year, at any width.
func TestGapShows(t *testing.T) {
	if n := strings.Count(written(t, year(0), HTML), `<use href="#none"`) - 1; n != 9 { // one is in the legend
		t.Errorf("HTML has %d hatched days", n)
	}
	if text := written(t, year(0), Markdown); !strings.Contains(text, "2026-03 ##.........") {
		t.Errorf("Markdown does not show the gap:\n%.2000s", text)
	}
	for _, width := range []int{0, 40, 80, 200, 500} {
		text := written(t, year(width), Table)
		strip, _, _ := strings.Cut(text[strings.Index(text, "\nSales")+1:], "\n")
		if !strings.Contains(strip, ".") || !strings.Contains(text, "2026-03-02 03:00") {
			t.Errorf("%d columns: the strip is %q, and the gap is listed: %t", width, strip, strings.Contains(text, "2026-03-02 03:00"))
		}
	}
}

// TestLongGapShows: a long gap long ago is listed, however many short ones came later.
func TestLongGapShows(t *testing.T) {
	history := "##..............." + strings.Repeat("#..", 100) + "#"
	r := contoso(summary(330, organization("Sales", "", module("", health.OK, "is fine", strings.Repeat("#..", 80)+"#")),
		organization("Finance", "", module("", health.OK, "is fine", history))))
	for _, format := range []Format{Table, HTML, Markdown} {
		if text := written(t, r, format); !strings.Contains(text, "16d") {
			t.Errorf("%s does not list the gap of 16 days", format)
		}
	}
	for format, want := range map[Format]string{Table: "; 30 more not listed", HTML: "longest first; 81 shorter not listed", Markdown: "longest first; 81 shorter not listed"} {
		if text := written(t, r, format); !strings.Contains(text, want) {
			t.Errorf("%s does not say %q", format, want)
		}
	}
}

func TestTextFits(t *testing.T) {
	s := sample()
	s.Organizations = append(s.Organizations, organization("株式会社コントソ・ホールディングス日本支社", "id-9", module("", health.OK, "is fine", "##x")))
	for _, r := range []*Report{contoso(s), several(), year(0)} {
		for _, width := range []int{20, 40, 60, 80, 100, 120, 200} {
			r.Width = width
			for line := range strings.Lines(written(t, r, Table)) {
				line = strings.TrimSuffix(line, "\n")
				if got := text.StringWidth(line); got > max(width, minWidth) || strings.HasSuffix(line, " ") {
					t.Errorf("a line for %d columns has %d: %q", width, got, line)
				}
			}
		}
	}
}

// TestExtremes: every report gets written, and has a bounded size.
func TestExtremes(t *testing.T) {
	extreme := func(change func(*health.Module)) health.Summary {
		m := module("", health.Overdue, "is late", "##x#.!~")
		for i := range m.Days {
			m.Days[i].Size, m.Days[i].Longest = math.MaxInt64, math.MaxInt64
		}
		change(&m)
		return summary(30, organization("A", "id", m))
	}
	var many []health.Organization
	for i := range 5000 {
		many = append(many, organization(fmt.Sprint("Organization ", i), "", module("", health.OK, "is fine", strings.Repeat("#+", 180))))
	}
	for name, s := range map[string]health.Summary{
		"zero":            {},
		"no organization": summary(30),
		"zero module":     summary(30, health.Organization{Modules: []health.Module{{}}}),
		"huge": extreme(func(m *health.Module) {
			m.LastSuccess.Size, m.Records.Failed, m.Age = math.MaxInt64, math.MaxInt64, math.MaxInt64
		}),
		"negative": extreme(func(m *health.Module) {
			m.LastSuccess.Size, m.Records.Failed, m.Days[0].Size, m.Days[0].Longest = -1, -1, -1, -1
		}),
		"one day":         summary(1, organization("A", "", module("", health.OK, "is fine", "#"))),
		"a hundred years": summary(36500, organization("A", "", module("", health.OK, "is fine", "#.#"))),
		"before 1970":     {Start: now.AddDate(-70, 0, 0), WindowStart: now.AddDate(-70, 0, 0), At: now.AddDate(-69, 0, 0), Organizations: []health.Organization{organization("A", "")}},
		"long names":      summary(30, organization(strings.Repeat("é", 1<<20), strings.Repeat("x", 1<<20), module(strings.Repeat("y", 1<<20), health.OK, strings.Repeat("z", 1<<20), "#x"))),
		"invalid UTF-8":   summary(30, organization("\xff\xfe", "\xff", module("\xff", health.OK, "\xff", "#x"))),
		"many":            summary(365, many...),
	} {
		t.Run(name, func(t *testing.T) {
			for _, format := range []Format{Table, HTML, Markdown} {
				text := written(t, contoso(s), format)
				if len(text) > 5_000_000 || !utf8.ValidString(text) {
					t.Errorf("%s has %d bytes, valid UTF-8: %t", format, len(text), utf8.ValidString(text))
				}
				if found := regexp.MustCompile(`NaN|Inf\b|e\+\d|-9223372036854775808|%!`).FindString(text); found != "" {
					t.Errorf("%s has %q", format, found)
				}
			}
		})
	}
}

func TestMoreRows(t *testing.T) {
	var many []health.Organization
	for i := range maxRows + 7 {
		many = append(many, organization(fmt.Sprint("Organization ", i), ""))
	}
	s := summary(30, many...)
	s.Organizations[3].State = health.Overdue
	for _, format := range []Format{Table, HTML, Markdown} {
		text := written(t, contoso(s), format)
		if !strings.Contains(text, "7 further rows are not shown: 6 missing, 1 overdue.") || !strings.Contains(text, "Only the first 25 rows have details.") {
			t.Errorf("%s does not say what it leaves out", format)
		}
	}
}

// TestLabels: organizations that share a name, and modules of one organization, can be told apart.
func TestLabels(t *testing.T) {
	one := func() health.Module { return module("", health.OK, "is fine", "#") }
	s := summary(7,
		organization("Twin", "id-1", one()), organization("Twin", "id-2", one()), organization("Twin", "", one()),
		organization("", "id-3", one()), organization("", "", one()), organization("a\x1b[2Jb\u202ec\nd", "", one()),
		organization("Two", "id-4", module("Sales", health.OK, "is fine", "#"), one()))
	var got []string
	for _, row := range contoso(s).view().Tenants[0].Rows {
		got = append(got, row.Label)
	}
	want := []string{"Twin (id-1)", "Twin (id-2)", "Twin (no id)", "id-3", "(no name)", "a[2Jbc d", "Two · Sales", "Two · (no module)"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestRate: rounding must not hide a failure, nor a success.
func TestRate(t *testing.T) {
	for want, counts := range map[string][2]int64{
		"–": {0, 0}, "100%": {7, 7}, "0%": {0, 7}, "99.9%": {99_999, 100_000}, "0.1%": {1, 100_000}, "66.7%": {2, 3},
	} {
		if got := rate(counts[0], counts[1]); got != want {
			t.Errorf("%v: %s, want %s", counts, got, want)
		}
	}
}
