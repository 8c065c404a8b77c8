package report

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	d365backup "github.com/d365backup/d365backup/wrapper"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestCalendar(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	date := func(s string) time.Time {
		at, err := time.ParseInLocation("2006-01-02 15:04", s, berlin)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	for name, test := range map[string]struct {
		start, end  string
		unit        unit
		count       int
		first, last string
		cutFirst    bool
	}{
		"one minute":            {"2026-11-23 10:00", "2026-11-23 10:01", day, 1, "Mon 2026-11-23", "Mon 2026-11-23", true},
		"a whole day":           {"2026-11-23 00:00", "2026-11-24 00:00", day, 1, "Mon 2026-11-23", "Mon 2026-11-23", false},
		"clocks forward, 23 h":  {"2026-03-28 00:00", "2026-03-31 00:00", day, 3, "Sat 2026-03-28", "Mon 2026-03-30", false},
		"clocks back, 25 h":     {"2026-10-24 00:00", "2026-10-27 00:00", day, 3, "Sat 2026-10-24", "Mon 2026-10-26", false},
		"most days":             {"2026-01-01 00:00", "2026-03-04 00:00", day, 62, "Thu 2026-01-01", "Tue 2026-03-03", false},
		"weeks":                 {"2026-01-01 00:00", "2026-03-05 00:00", week, 10, "2025-12-29", "2026-03-02", true},
		"400 days":              {"2025-10-20 00:00", "2026-11-24 00:00", week, 58, "2025-10-20", "2026-11-23", false},
		"five years":            {"2022-01-01 00:00", "2027-01-01 00:00", month, 60, "2022-01", "2026-12", false},
		"before 1970, by years": {"1960-06-01 00:00", "2026-11-24 00:00", year, 67, "1960", "2026", true},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCalendar(date(test.start), date(test.end), berlin)
			if c.unit != test.unit || c.count != test.count || c.name(0) != test.first || c.name(c.count-1) != test.last || c.cutFirst != test.cutFirst {
				t.Errorf("%d of a %v, from %s to %s, cut %v", c.count, c.unit, c.name(0), c.name(c.count-1), c.cutFirst)
			}
			if first, last := c.index(date(test.start)), c.index(date(test.end).Add(-1)); first != 0 || last != c.count-1 {
				t.Errorf("the window is in the buckets %d to %d", first, last)
			}
		})
	}
}

// TestDaysOfTheZone: half past eleven at night in UTC is the next day in Berlin.
func TestDaysOfTheZone(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	options := lastWeek
	options.Location = berlin
	s := collect(t, options, ago(31, "A", finished)) // 2026-11-21 23:30 UTC
	if got := s.all.buckets[s.days.index(time.Date(2026, 11, 22, 12, 0, 0, 0, berlin))].ended(); got != 1 {
		t.Errorf("22 November in Berlin has %d backups", got)
	}
}

// TestGap compares the finder, which keeps a bounded number of times, with one that keeps all.
func TestGap(t *testing.T) {
	start := now.AddDate(0, 0, -30)
	width := time.Duration(slotWidth(start, now)) * time.Second
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		var times []time.Time
		for range rnd.IntN(1 << rnd.IntN(12)) {
			times = append(times, start.Add(time.Duration(rnd.Int64N(int64(now.Sub(start)))).Truncate(time.Second)))
		}
		var finder gapFinder
		for _, at := range times {
			finder.add(start, now, at)
		}
		times = append(times, start, now)
		slices.SortFunc(times, time.Time.Compare)
		var want time.Duration
		for i := range len(times) - 1 {
			want = max(want, times[i+1].Sub(times[i]))
		}
		got := finder.longest(start, now)
		switch {
		case !got.bound && got.length() != want:
			t.Errorf("seed %d: the longest gap is %v, not %v", seed, got.length(), want)
		case got.bound && (got.length() < want || want > width):
			t.Errorf("seed %d: the longest gap is said to be at most %v, and is %v", seed, got.length(), want)
		}
	}
}

func TestGapEdges(t *testing.T) {
	start := now.AddDate(0, 0, -1)
	at := func(hours ...int) gap {
		var finder gapFinder
		for _, h := range hours {
			finder.add(start, now, start.Add(time.Duration(h)*time.Hour))
		}
		return finder.longest(start, now)
	}
	for name, test := range map[string]struct {
		got  gap
		want string
	}{
		"none":           {at(), "at least 1d, the whole window"},
		"early":          {at(2), "at least 22h, since 2026-11-22 08:30"},
		"late":           {at(20), "at least 20h, from 2026-11-22 06:30 to 2026-11-23 02:30"},
		"between":        {at(1, 22), "21h, from 2026-11-22 07:30 to 2026-11-23 04:30"},
		"out of window":  {at(-5, 30), "1d, from 2026-11-22 06:30 to 2026-11-23 06:30"},
		"the newest one": {at(8, 16), "at least 8h, since 2026-11-22 22:30"},
	} {
		s := collect(t, Options{Start: start, End: now, Now: now})
		if got := gapText(test.got) + s.gapSpan(test.got); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// TestGapBound: a gap within a slot is not measured, but there is a bound to it.
func TestGapBound(t *testing.T) {
	start := now.AddDate(0, 0, -400)
	width := time.Duration(slotWidth(start, now)) * time.Second
	var finder gapFinder
	for at := start; at.Before(now); at = at.Add(15 * time.Minute) {
		if within := at.Sub(start) - 7*width; within < time.Hour || within > 11*time.Hour {
			finder.add(start, now, at)
		}
	}
	if got := finder.longest(start, now); !got.bound || got.length() < 10*time.Hour || got.length() > width {
		t.Errorf("of a gap of 10 h in a slot of %v it says %q", width, gapText(got))
	}
}

// TestSumsDoNotOverflow: sums stay at the largest number there is.
func TestSumsDoNotOverflow(t *testing.T) {
	most := func(j *d365backup.Job) {
		j.BackupSize, j.FailedRecord, j.DurationHours, j.FinishTime = math.MaxInt64, math.MaxInt64, math.MaxFloat64, time.Time{}
	}
	s := collect(t, lastWeek, ago(2, "A", finished, most), ago(2, "B", finished, most), ago(3, "B", finished, most))
	last := s.all.buckets[len(s.all.buckets)-1]
	if s.all.lost != math.MaxInt64 || last.largest != math.MaxInt64 || last.took != math.MaxInt64 {
		t.Errorf("the sums are %d records, %d bytes, %v", s.all.lost, last.largest, last.took)
	}
}

func TestFailuresKeepTheNewest(t *testing.T) {
	var jobs []d365backup.Job
	for i := range 500 {
		jobs = append(jobs, ago(float64(i)/10+1, "A", failedJob, func(j *d365backup.Job) { j.JobID = fmt.Sprint(i) }))
	}
	rand.New(rand.NewPCG(1, 1)).Shuffle(len(jobs), func(i, j int) { jobs[i], jobs[j] = jobs[j], jobs[i] })
	section := collect(t, lastWeek, jobs...).view().Sections[0]
	var ids []string
	for _, f := range section.Failures {
		ids = append(ids, f.ID)
	}
	if want := []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}; !slices.Equal(ids, want) {
		t.Errorf("the failures are %q", ids)
	}
	if section.MoreFailures != "490 earlier ones are not listed." {
		t.Errorf("the others are %q", section.MoreFailures)
	}
}

func TestNames(t *testing.T) {
	named := func(name, id string, hours float64) d365backup.Job {
		return ago(hours, name, finished, func(j *d365backup.Job) { j.OrganizationID = id })
	}
	s := collect(t, lastWeek,
		named("Old Name", "ID-1", 30), named("New Name", "id-1", 2), named("Old Name", "id-1", 50), named("", "id-1", 1),
		named("Twin", "id-2", 2), named("Twin", "id-3", 2), named("Twin", "", 2),
		named("", "id-4", 2), named("", "", 2), named("a\x1b[2Jb\u202ec\nd", "id-5", 2),
	)
	var got []string
	for _, o := range s.organizations {
		got = append(got, o.label)
	}
	slices.Sort(got)
	if want := []string{"(no name)", "New Name", "Twin (id-2)", "Twin (id-3)", "Twin (no id)", "a[2Jbc d", "id-4"}; !slices.Equal(got, want) {
		t.Errorf("the organizations are %q, not %q", got, want)
	}
	for _, o := range s.organizations {
		if o.name == "New Name" && !slices.Equal(o.oldNames, []string{"Old Name"}) {
			t.Errorf("the old names are %q", o.oldNames)
		}
	}
}

// TestManyOrganizations: a page stays one that a browser can show.
func TestManyOrganizations(t *testing.T) {
	var jobs []d365backup.Job
	for i := range maxOrganizations + 10 {
		jobs = append(jobs, ago(2+float64(i%100), fmt.Sprintf("Organization %04d", i), finished))
	}
	for _, count := range []int{1000, len(jobs)} {
		s := collect(t, lastWeek, jobs[:count]...)
		for name, form := range written(t, s) {
			if len(form) > 600_000 {
				t.Errorf("%s on %d organizations has %d bytes", name, count, len(form))
			}
			if want := fmt.Sprintf("%d", min(count, maxOrganizations)-maxRows); !strings.Contains(strings.ReplaceAll(form, ",", ""), want+" further organizations") {
				t.Errorf("%s on %d organizations does not sum up the rest", name, count)
			}
			if got := strings.Contains(form, "10 jobs of the others"); got != (count > maxOrganizations) && name != "report-80.txt" {
				t.Errorf("%s on %d organizations: it says %v that there are more", name, count, got)
			}
		}
		if s.all.jobs != int64(count) {
			t.Errorf("%d jobs of %d were counted", s.all.jobs, count)
		}
	}
}

// TestMemory: a report on a million jobs, written included, holds at most a tenth more memory than one on
// ten thousand.
func TestMemory(t *testing.T) {
	peak(t, 1000) // what is made once, such as the template
	small, large := peak(t, 10_000), peak(t, 1_000_000)
	t.Logf("held at most: %.2f MiB of 10,000 jobs, %.2f MiB of 1,000,000", small/(1<<20), large/(1<<20))
	if large > 1.1*small {
		t.Errorf("10,000 jobs hold %.0f bytes at most, 1,000,000 hold %.0f", small, large)
	}
}

// peak returns the most memory that a report on so many jobs holds, beyond what was held before, looked at
// twenty times on the way.
func peak(t *testing.T, count int) float64 {
	t.Helper()
	held := func() float64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc)
	}
	before, most := held(), 0.0
	look := func() { most = max(most, held()-before) }
	s, err := Collect(func(yield func(d365backup.Job, error) bool) {
		n := 0
		for job, err := range invented(count) {
			if !yield(job, err) {
				return
			}
			if n++; n%(count/20) == 0 {
				look()
			}
		}
	}, lastWeek)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.WriteHTML(lookWriter(look)); err != nil {
		t.Fatal(err)
	}
	look()
	runtime.KeepAlive(s)
	return most
}

// lookWriter looks at the memory once, when the report is about to be written.
type lookWriter func()

func (look lookWriter) Write(text []byte) (int, error) {
	if bytes.HasPrefix(text, []byte("<!DOCTYPE")) {
		look()
	}
	return len(text), nil
}

// invented is a stream of jobs of 20 organizations that keeps none of them.
func invented(jobs int) func(func(d365backup.Job, error) bool) {
	statuses := []d365backup.JobStatus{finished, finished, finished, exception, failedJob, inProgress, 9}
	return func(yield func(d365backup.Job, error) bool) {
		for i := range jobs {
			job := ago(float64(i%8000)/50, fmt.Sprint("Organization ", i%20), statuses[i%len(statuses)])
			job.Type, job.Status, job.FailedRecord = d365backup.JobType(i%2), statuses[i%len(statuses)]+d365backup.JobStatus(i/100%1000*10), int64(i%3)
			if !yield(job, nil) {
				return
			}
		}
	}
}

func BenchmarkCollect(b *testing.B) {
	for b.Loop() {
		if _, err := Collect(invented(100_000), lastWeek); err != nil {
			b.Fatal(err)
		}
	}
}

// TestHTMLIsInert looks for whatever could run or ask for something.
func TestHTMLIsInert(t *testing.T) {
	html := written(t, collect(t, lastWeek, sample()...))["report.html"]
	for _, pattern := range []string{
		`(?i)<script`, `(?i)<(img|link|iframe|object|embed|form|base|audio|video)\b`, `(?i)\son\w+=`, `(?i)\bsrc=`,
		`(?i)href="[^#]`, `(?i)url\(`, `@import`, `(?i)javascript:`, "\x1b", "\u202e", `ZgotmplZ`, `rgb\(`,
	} {
		if found := regexp.MustCompile(pattern).FindString(html); found != "" {
			t.Errorf("the page has %q", found)
		}
	}
	if !strings.Contains(html, "&lt;script&gt;alert(1)") {
		t.Error("the hostile name is not shown as it is")
	}
	if !strings.Contains(html, `content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"`) {
		t.Error("the page has no policy")
	}
}

func TestEscapeMarkdown(t *testing.T) {
	for in, want := range map[string]string{
		"Contoso, Ltd":         "Contoso, Ltd",
		"a|b":                  `a\|b`,
		"<b>&amp;":             `\<b\>\&amp;`,
		"[x](http://y.z) `c`":  "\\[x\\]\\(http\\:\\/\\/y\\.z\\) \\`c\\`",
		"# *a* _b_ ~~c~~ \\ !": `\# \*a\* \_b\_ \~\~c\~\~ \\ \!`,
	} {
		if got := escapeMarkdown(in); got != want {
			t.Errorf("escapeMarkdown(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestTextFits(t *testing.T) {
	s := collect(t, lastWeek, append(sample(), ago(9, "株式会社コントソ・ホールディングス日本支社", failedJob))...)
	for _, width := range []int{40, 60, 80, 100, 120, 200} {
		var b strings.Builder
		if err := s.WriteText(&b, width); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			line = strings.TrimSuffix(line, "\n")
			if got := text.StringWidth(line); got > width || strings.HasSuffix(line, " ") {
				t.Errorf("a line for %d columns has %d: %q", width, got, line)
			}
		}
	}
}

func TestSave(t *testing.T) {
	s := collect(t, lastWeek, sample()...)
	dir := t.TempDir()
	for name, start := range map[string]string{"a.html": "<!DOCTYPE html>", "b.HTM": "<!DOCTYPE html>", "c.md": "# Dynamics"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("old"), 0o640); err != nil {
			t.Fatal(err)
		}
		if err := s.Save(path); err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(path)
		if err != nil || !strings.HasPrefix(string(content), start) {
			t.Errorf("%s begins with %.20q, %v", name, content, err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
			t.Errorf("%s may be read by %v, %v", name, info.Mode(), err)
		}
	}
	if err := s.Save(filepath.Join(dir, "no such folder", "a.html")); err == nil {
		t.Error("a folder that is not there was written to")
	}
	if err := s.Save(filepath.Join(dir, "report.pdf")); err == nil || !strings.Contains(err.Error(), ".html or .md") {
		t.Errorf("a name of another kind: %v", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 3 {
		t.Errorf("there are %v, %v", entries, err)
	}
}

func TestSaveFollowsLinks(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target.html"), filepath.Join(dir, "link.html")
	if err := os.WriteFile(target, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	if err := collect(t, lastWeek).Save(link); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(target); err != nil || info.Size() == 0 {
		t.Errorf("the target has %v bytes, %v", info.Size(), err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is %v, %v", info.Mode(), err)
	}
}

// TestReplaceFileKeepsTheOld: a write that fails half-way leaves the old file and no other.
func TestReplaceFileKeepsTheOld(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "report.html")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := replaceFile(path, func(w io.Writer) error {
		_, _ = w.Write(make([]byte, 1<<20))
		return os.ErrDeadlineExceeded
	})
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the error is %v", err)
	}
	content, err := os.ReadFile(path)
	if err != nil || string(content) != "old" {
		t.Errorf("the file has %.20q, %v", content, err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("there are %v, %v", entries, err)
	}
}
