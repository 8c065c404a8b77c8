package report

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	d365backup "github.com/d365backup/d365backup/wrapper"
)

// now is when the reports of these tests are made: a Monday morning.
var now = time.Date(2026, 11, 23, 6, 30, 0, 0, time.UTC)

// lastWeek is a window of seven days.
var lastWeek = Options{Start: now.AddDate(0, 0, -7), End: now, Now: now}

// ago returns a job of an organization that started so long before now.
func ago(hours float64, organization string, status d365backup.JobStatus, change ...func(*d365backup.Job)) d365backup.Job {
	start := now.Add(-time.Duration(hours * float64(time.Hour)))
	job := d365backup.Job{
		Module:           "Customer Engagement",
		Type:             d365backup.JobTypeBackup,
		JobID:            "DCIB" + start.Format("20060102150405"),
		StartTime:        start,
		FinishTime:       start.Add(30 * time.Minute),
		DurationHours:    0.5,
		Status:           status,
		SuccessfulRecord: 1000,
		TotalRecord:      1000,
		BackupSize:       3 << 30,
		OrganizationID:   "id-of-" + organization,
		OrganizationName: organization,
	}
	for _, c := range change {
		c(&job)
	}
	return job
}

const (
	finished   = d365backup.JobStatusFinished
	exception  = d365backup.JobStatusFinishedWithException
	failedJob  = d365backup.JobStatusFailed
	inProgress = d365backup.JobStatusInProgress
)

// sample has an organization of each state, and what a service may send that nobody expects.
func sample() []d365backup.Job {
	lost := func(n int64) func(*d365backup.Job) {
		return func(j *d365backup.Job) { j.FailedRecord, j.SuccessfulRecord = n, 1000-n }
	}
	const hostile = "<script>alert(1)</script> | [x](http://evil.example) **b** \u202e\x1b[31m\nnext"
	return []d365backup.Job{
		ago(3, "Contoso", finished),
		ago(27, "Contoso", finished, func(j *d365backup.Job) { j.BackupSize = 2 << 30 }),
		ago(51, "Contoso", exception, lost(3)),
		ago(75, "Contoso", finished, func(j *d365backup.Job) { j.OrganizationName = "Contoso Ltd" }),
		ago(0.2, "Contoso", inProgress, func(j *d365backup.Job) { j.FinishTime = time.Time{} }),
		ago(2, "Fabrikam", failedJob, lost(400)),
		ago(20, "Fabrikam", finished),
		ago(30, hostile, failedJob, lost(1000), func(j *d365backup.Job) { j.JobID = "<b>id</b>" }),
		ago(52, hostile, finished),
		ago(10, "Northwind", failedJob, lost(10)),
		ago(12, "", exception, func(j *d365backup.Job) { j.OrganizationID = "" }),
		ago(40, "Contoso", d365backup.JobStatus(9), func(j *d365backup.Job) { j.Type = d365backup.JobType(64) }),
		ago(41, "Contoso", d365backup.JobStatusUnknown, func(j *d365backup.Job) { j.Type = d365backup.JobTypeUnknown }),
		ago(44, "Contoso", finished, func(j *d365backup.Job) { j.Type = d365backup.JobTypeRetention }),
		ago(0, "Contoso", finished, func(j *d365backup.Job) { j.StartTime, j.FinishTime = time.Time{}, time.Time{} }),
	}
}

// stream returns jobs as the client does; with an error at the end, if there is one.
func stream(jobs []d365backup.Job, err error) iter.Seq2[d365backup.Job, error] {
	return func(yield func(d365backup.Job, error) bool) {
		for _, job := range jobs {
			if !yield(job, nil) {
				return
			}
		}
		if err != nil {
			yield(d365backup.Job{}, err)
		}
	}
}

func collect(t *testing.T, options Options, jobs ...d365backup.Job) *Summary {
	t.Helper()
	s, err := Collect(stream(jobs, nil), options)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// written returns every form of a report.
func written(t *testing.T, s *Summary) map[string]string {
	t.Helper()
	forms := map[string]string{}
	for name, write := range map[string]func(*bytes.Buffer) error{
		"report.html":   func(b *bytes.Buffer) error { return s.WriteHTML(b) },
		"report.md":     func(b *bytes.Buffer) error { return s.WriteMarkdown(b) },
		"report-80.txt": func(b *bytes.Buffer) error { return s.WriteText(b, 80) },
		"report.txt":    func(b *bytes.Buffer) error { return s.WriteText(b, 0) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		forms[name] = b.String()
	}
	return forms
}

func TestGolden(t *testing.T) {
	s := collect(t, lastWeek, sample()...)
	s.Incomplete = "the total changed while reading"
	for name, got := range written(t, s) {
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s differs (-want +got); to accept it, run go test with -args -update:\n%s", name, diff)
		}
	}
}

// TestOrderDoesNotMatter: the service's order is not documented.
func TestOrderDoesNotMatter(t *testing.T) {
	forward, backward := sample(), sample()
	slices.Reverse(backward)
	if diff := cmp.Diff(written(t, collect(t, lastWeek, forward...)), written(t, collect(t, lastWeek, backward...))); diff != "" {
		t.Errorf("the order of the jobs shows:\n%s", diff)
	}
}

func TestVerdict(t *testing.T) {
	long := Options{Start: now.AddDate(0, 0, -30), End: now, Now: now}
	past := long
	past.Now = now.AddDate(0, 1, 0)
	patient := long
	patient.MaxAge = 60 * time.Hour
	for name, test := range map[string]struct {
		options Options
		jobs    []d365backup.Job
		want    string
	}{
		"no jobs":               {long, nil, "No job ran in this window."},
		"one fine":              {long, []d365backup.Job{ago(3, "A", finished)}, "A is fine."},
		"all fine":              {long, []d365backup.Job{ago(3, "A", finished), ago(3, "B", finished)}, "Both organizations are fine."},
		"late":                  {long, []d365backup.Job{ago(52, "A", finished)}, "A has had no good backup for 2d 4h."},
		"late allowed":          {patient, []d365backup.Job{ago(52, "A", finished)}, "A is fine."},
		"just in time":          {long, []d365backup.Job{ago(36, "A", finished)}, "A is fine."},
		"in the past":           {past, []d365backup.Job{ago(52, "A", finished)}, "At the end of this window: A has had no good backup for 2d 4h."},
		"newest failed":         {long, []d365backup.Job{ago(2, "A", failedJob), ago(9, "A", finished)}, "A's newest backup failed."},
		"worse of equal":        {long, []d365backup.Job{ago(2, "A", failedJob), ago(2, "A", finished)}, "A's newest backup failed."},
		"worse of equal, later": {long, []d365backup.Job{ago(2, "A", finished), ago(2, "A", failedJob)}, "A's newest backup failed."},
		"exception is not good": {
			long, []d365backup.Job{ago(2, "A", exception)}, "A has had no good backup in this window.",
		},
		"newest runs": {long, []d365backup.Job{ago(1, "A", inProgress), ago(9, "A", finished)}, "A is fine."},
		"other types do not protect": {
			long,
			[]d365backup.Job{ago(2, "A", finished, func(j *d365backup.Job) { j.Type = d365backup.JobTypeAuditBackup })},
			"A has had no backup in this window.",
		},
		"worst first, and a bound": {
			long,
			[]d365backup.Job{
				ago(3, "A", finished), ago(90, "B", finished), ago(52, "C", finished), ago(2, "D", failedJob),
				ago(9, "E", finished), ago(2, "E", failedJob),
			},
			"1 of 5 organizations is fine; D has had no good backup in this window; B has had no good backup for 3d 18h; 2 more are not fine.",
		},
		"unknown status": {
			long, []d365backup.Job{ago(2, "A", 9), ago(9, "A", finished)}, "A's newest backup has an unknown status.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := collect(t, test.options, test.jobs...).Verdict(); got != test.want {
				t.Errorf("Verdict() = %q, want %q", got, test.want)
			}
		})
	}
}

func TestCollectRefuses(t *testing.T) {
	asked := false
	jobs := func(func(d365backup.Job, error) bool) { asked = true }
	for name, options := range map[string]Options{
		"no start":     {End: now, Now: now},
		"end at start": {Start: now, End: now, Now: now},
		"too long":     {Start: now.AddDate(-200, 0, 0), End: now, Now: now},
		"negative age": {Start: now.AddDate(0, 0, -1), End: now, Now: now, MaxAge: -1},
	} {
		if _, err := Collect(jobs, options); !errors.Is(err, d365backup.ErrConfig) {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
	if asked {
		t.Error("jobs were read all the same")
	}
}

func TestCollectError(t *testing.T) {
	cause := fmt.Errorf("page 3: %w", d365backup.ErrIncomplete)
	s, err := Collect(stream(sample(), cause), lastWeek)
	if !errors.Is(err, d365backup.ErrIncomplete) || s == nil {
		t.Fatalf("Collect() = %v, %v", s, err)
	}
	for name, form := range written(t, s) {
		if !strings.Contains(strings.Join(strings.Fields(form), " "), "jobs may be missing from this report") || !strings.Contains(form, "page 3") {
			t.Errorf("%s does not say that it is incomplete", name)
		}
	}
}

// TestRate: rounding must not hide a failure, nor a success.
func TestRate(t *testing.T) {
	for want, counts := range map[string][2]int64{
		"–": {0, 0}, "100 %": {7, 0}, "0 %": {0, 7}, "99.9 %": {99_999, 1}, "0.1 %": {1, 99_999}, "66.7 %": {2, 1},
	} {
		b := bucket{}
		b.outcomes[good], b.outcomes[failed], b.outcomes[running] = counts[0], counts[1], 5
		if got := rate(&b); got != want {
			t.Errorf("%v: %s, want %s", counts, got, want)
		}
	}
}

// TestExtremes: whatever the service sends, all forms get written.
func TestExtremes(t *testing.T) {
	extreme := func(change func(*d365backup.Job)) []d365backup.Job {
		return []d365backup.Job{ago(2, "A", finished, change), ago(30, "A", finished, change)}
	}
	for name, jobs := range map[string][]d365backup.Job{
		"none":           nil,
		"zero job":       {{}},
		"zero durations": extreme(func(j *d365backup.Job) { j.FinishTime, j.DurationHours = j.StartTime, 0 }),
		"huge": extreme(func(j *d365backup.Job) {
			j.BackupSize, j.FailedRecord, j.DurationHours = math.MaxInt64, math.MaxInt64, math.MaxFloat64
		}),
		"negative":      extreme(func(j *d365backup.Job) { j.BackupSize, j.FailedRecord, j.DurationHours = -1, -1, -1 }),
		"not a number":  extreme(func(j *d365backup.Job) { j.FinishTime, j.DurationHours = time.Time{}, math.NaN() }),
		"backwards":     extreme(func(j *d365backup.Job) { j.FinishTime = j.StartTime.Add(-time.Hour) }),
		"the future":    extreme(func(j *d365backup.Job) { j.StartTime = now.AddDate(1, 0, 0) }),
		"only running":  {ago(1, "A", inProgress)},
		"endless name":  {ago(1, strings.Repeat("é", 1<<20), failedJob)},
		"invalid UTF-8": {ago(1, "\xff\xfe", failedJob)},
	} {
		t.Run(name, func(t *testing.T) {
			for form, text := range written(t, collect(t, lastWeek, jobs...)) {
				if len(text) > 100_000 || strings.Contains(text, "NaN") || strings.Contains(text, "Inf") || strings.Contains(text, "-9223372036854775808") {
					t.Errorf("%s has %d bytes: %.300s", form, len(text), text)
				}
			}
		})
	}
}
