package d365backup_test

import (
	"database/sql"
	"encoding/json"
	"errors"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/d365backup/d365backup/api"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// storedJob is a job of a response, with numbers for its type and status.
const storedJob = `{"module":"Customer Engagement","type":16,"jobId":"DCAB2026110103000012345601",
	"startTime":"2026-11-01T03:00:00.1234567Z","finishTime":"2026-11-01t04:00:00+01:00","durationHours":0.5,"status":7,
	"totalRecord":48021,"failedRecord":4,"backupSize":734003200,
	"organizationId":"69cb1ecc-f8e8-439b-8077-a4b7fd45e87f","organizationName":"Contoso","newField":{"a":[1]}}`

func storedWant() d365backup.Job {
	return d365backup.Job{
		Module: "Customer Engagement", Type: d365backup.JobTypeAuditBackup, JobID: "DCAB2026110103000012345601",
		StartTime:  time.Date(2026, 11, 1, 3, 0, 0, 123456700, time.UTC),
		FinishTime: time.Date(2026, 11, 1, 3, 0, 0, 0, time.UTC), DurationHours: 0.5,
		Status:      d365backup.JobStatusFinishedWithException,
		TotalRecord: 48021, FailedRecord: 4, BackupSize: 734003200,
		OrganizationID: "69cb1ecc-f8e8-439b-8077-a4b7fd45e87f", OrganizationName: "Contoso",
	}
}

func TestUnmarshalJob(t *testing.T) {
	tests := []struct {
		name, old, new string // what to replace in storedJob
		set            func(*d365backup.Job)
	}{
		{"numbers", "", "", func(*d365backup.Job) {}},
		{"words", `"type":16`, `"type":"audit backup"`, func(*d365backup.Job) {}},
		{"number in a string", `"status":7`, `"status":"7"`, func(*d365backup.Job) {}},
		{"new number", `"status":7`, `"status":1073741824`, func(j *d365backup.Job) { j.Status = 1 << 30 }},
		{"new word", `"status":7`, `"status":"Partially Failed"`, func(j *d365backup.Job) {
			j.Status, j.UnknownStatus = d365backup.JobStatusUnknown, "Partially Failed"
		}},
		{"no status", `"status":7,`, ``, func(j *d365backup.Job) { j.Status = d365backup.JobStatusUnknown }},
		{"null", `"2026-11-01t04:00:00+01:00"`, `null`, func(j *d365backup.Job) { j.FinishTime = time.Time{} }},
		{"no GUID", `69cb1ecc-`, ``, func(j *d365backup.Job) { j.OrganizationID = j.OrganizationID[9:] }},
		{"decimal", `48021`, `48021.0`, func(*d365backup.Job) {}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			want := storedWant()
			test.set(&want)
			got := d365backup.Job{SkippedRecord: 1} // must be replaced
			if err := json.Unmarshal([]byte(strings.Replace(storedJob, test.old, test.new, 1)), &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			var again d365backup.Job
			text, err := json.Marshal(got)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(text, &again); err != nil || again != got {
				t.Errorf("%s: got %+v, %v", text, again, err)
			}
		})
	}
}

func TestMarshalUnknownWords(t *testing.T) {
	job := d365backup.Job{Type: 1 << 30, Status: d365backup.JobStatusUnknown, UnknownStatus: "Partially Failed"}
	text, err := json.Marshal(job)
	if err != nil || !strings.Contains(string(text), `"type":"1073741824"`) || !strings.Contains(string(text), `"status":"Partially Failed"`) ||
		strings.Contains(string(text), "Unknown") {
		t.Errorf("%s, %v", text, err)
	}
}

// TestUnmarshalMalformed: these are errors, since there is no handler to report drift to.
func TestUnmarshalMalformed(t *testing.T) {
	for _, test := range []struct{ old, new, want string }{
		{`"2026-11-01T03:00:00.1234567Z"`, `"yesterday"`, `unreadable value for jobs.startTime: "yesterday"`},
		{`"2026-11-01T03:00:00.1234567Z"`, `"2026-11-01T03:00:00"`, `time without zone for jobs.startTime`},
		{`"2026-11-01T03:00:00.1234567Z"`, `""`, `unreadable value for jobs.startTime: ""`},
		{`48021`, `"48021"`, `text for a number for jobs.totalRecord: "48021"`},
		{`48021`, `1.5`, `inexact number for jobs.totalRecord: "1.5"`},
		{`48021`, `""`, `unreadable value for jobs.totalRecord: ""`},
		{`734003200`, `9223372036854775808`, `inexact number for jobs.backupSize`},
		{`"Contoso"`, `5`, `number for text for jobs.organizationName: "5"`},
		{`"status":7`, `"status":7,"status":3`, `duplicate field jobs.status`},
		{`"status":7`, `"status":true`, `unreadable value for jobs.status: "true"`},
		{`"status":7`, `"status":{}`, `unreadable value for jobs.status: "{}"`},
		{`"status":7`, `"status":""`, `unreadable value for jobs.status: ""`},
	} {
		body := strings.Replace(storedJob, test.old, test.new, 1)
		before := d365backup.Job{JobID: "before"}
		job := before
		var page d365backup.Page
		for what, err := range map[string]error{
			"job":  json.Unmarshal([]byte(body), &job),
			"page": json.Unmarshal([]byte(`{"totalCount":1,"jobs":[`+body+`]}`), &page),
		} {
			if !errors.Is(err, d365backup.ErrNotJobs) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s, %s: got %v, want %s", what, test.new, err, test.want)
			}
		}
		if job != before || page.Jobs != nil {
			t.Errorf("%s: changed all the same: %+v, %+v", test.new, job, page)
		}
	}
	for _, text := range []string{`[]`, `"job"`, `5`} {
		if err := json.Unmarshal([]byte(text), new(d365backup.Job)); !errors.Is(err, d365backup.ErrNotJobs) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestUnmarshalPage(t *testing.T) {
	want := d365backup.Page{TotalCount: 12, Number: 3, Size: 1, Jobs: []d365backup.Job{storedWant()}}
	for name, body := range map[string]string{
		"contract":     `{"totalCount":12,"pageIndex":3,"pageSize":1,"nextLink":"/jobs?pageIndex=4","jobs":[` + storedJob + `]}`,
		"October 2024": `{"totalNumber":12,"pageIndex":3,"pageSize":1,"result":[` + storedJob + `]}`,
	} {
		var got d365backup.Page
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	for _, page := range []d365backup.Page{want, {TotalCount: -1, Jobs: []d365backup.Job{}}, {Jobs: []d365backup.Job{}}} {
		text, err := json.Marshal(page)
		if err != nil {
			t.Fatal(err)
		}
		var got d365backup.Page
		if err := json.Unmarshal(text, &got); err != nil || !cmp.Equal(got, page) {
			t.Errorf("%s: got %+v, %v", text, got, err)
		}
	}
	for body, want := range map[string]string{
		`{"totalCount":0,"jobs":[],"message":"denied"}`: "reports a failure",
		`{}`:                                     "no list of jobs",
		`{"totalCount":0,"jobs":[],"jobs":[]}`:   "duplicate field jobs",
		`{"totalCount":-3,"jobs":[]}`:            "unreadable value for totalCount",
		`{"totalCount":1,"jobs":[{"type":1.5}]}`: "inexact number for jobs.type",
	} {
		if err := json.Unmarshal([]byte(body), new(d365backup.Page)); !errors.Is(err, d365backup.ErrNotJobs) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", body, err, want)
		}
	}
}

// By the convention of encoding/json, null changes nothing. Another decoder may pass it with white space.
func TestUnmarshalNull(t *testing.T) {
	page, job := d365backup.Page{TotalCount: 12, Jobs: []d365backup.Job{storedWant()}}, storedWant()
	wantPage, wantJob := page, job
	for _, text := range []string{"null", " null\n"} {
		if err := page.UnmarshalJSON([]byte(text)); err != nil || !cmp.Equal(page, wantPage) {
			t.Errorf("%q: %+v, %v", text, page, err)
		}
		if err := job.UnmarshalJSON([]byte(text)); err != nil || job != wantJob {
			t.Errorf("%q: %+v, %v", text, job, err)
		}
	}
	for _, target := range []json.Unmarshaler{&page, &job} {
		if err := target.UnmarshalJSON([]byte("nil")); !errors.Is(err, d365backup.ErrNotJobs) {
			t.Errorf("nil into %T: %v", target, err)
		}
	}
}

// FuzzStoredPage: a response that is valid under the contract can be unmarshaled, and its times are read.
func FuzzStoredPage(f *testing.F) {
	for _, name := range []string{"testdata/page.json", "testdata/drift.json"} {
		body, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(body))
	}
	for _, when := range []string{"2026-11-01t03:00:00z", "2016-12-31T23:59:60Z", "2016-12-31T18:29:60.12345678901-05:30", "1937-01-01T12:00:27.87+00:20"} {
		f.Add(`{"totalCount":1,"jobs":[{"type":1,"jobId":"A","startTime":"` + when + `","status":3}]}`)
	}
	f.Fuzz(func(t *testing.T, body string) {
		var page d365backup.Page
		if api.ValidateResponse("getJobs", 200, "application/json", []byte(body)) != nil {
			return
		}
		err := json.Unmarshal([]byte(body), &page)
		if err != nil && !slices.ContainsFunc([]string{
			"reports a failure", "inexact number", // such as 1e17
			`Time: "0000-`, `Time: "9999-`, // which may be beyond that year in UTC
		}, func(known string) bool { return strings.Contains(err.Error(), known) }) {
			t.Errorf("%s: %v", body, err)
		}
		for _, job := range page.Jobs {
			if job.StartTime.IsZero() && !strings.Contains(body, "000") { // a year 0 or 1
				t.Errorf("%s: a start is not read", body)
			}
		}
	})
}

func TestDurationAndRunning(t *testing.T) {
	at := time.Date(2026, 11, 1, 3, 0, 0, 0, time.UTC)
	const finished = d365backup.JobStatusFinished
	for _, tt := range []struct {
		name     string
		job      d365backup.Job
		duration time.Duration
		running  bool
	}{
		{"by its times", d365backup.Job{Status: finished, StartTime: at, FinishTime: at.Add(time.Hour), DurationHours: 3}, time.Hour, false},
		{"in zones", d365backup.Job{Status: finished, StartTime: at, FinishTime: at.Add(time.Hour).In(time.FixedZone("", 7200))}, time.Hour, false},
		{"no finish", d365backup.Job{Status: finished, StartTime: at, DurationHours: 0.0125}, 45 * time.Second, false},
		{"no start", d365backup.Job{Status: finished, FinishTime: at, DurationHours: 0.5}, 30 * time.Minute, false},
		{"finish before start", d365backup.Job{Status: finished, StartTime: at, FinishTime: at.Add(-time.Hour), DurationHours: 0.5}, 30 * time.Minute, false},
		{"at once", d365backup.Job{Status: finished, StartTime: at, FinishTime: at}, 0, false},
		{"negative", d365backup.Job{Status: finished, DurationHours: -1}, 0, false},
		{"not a number", d365backup.Job{Status: finished, DurationHours: math.NaN()}, 0, false},
		{"endless", d365backup.Job{Status: finished, DurationHours: 1e300}, math.MaxInt64, false},
		{"ages", d365backup.Job{Status: finished, StartTime: at.AddDate(-2000, 0, 0), FinishTime: at}, math.MaxInt64, false},
		{"in progress", d365backup.Job{Status: d365backup.JobStatusInProgress, StartTime: at, FinishTime: at.Add(time.Hour), DurationHours: 2}, 0, true},
		{"unknown status", d365backup.Job{Status: 1 << 30, StartTime: at, DurationHours: 2}, 2 * time.Hour, true},
		{"unknown word", d365backup.Job{Status: d365backup.JobStatusUnknown, UnknownStatus: "Paused", StartTime: at}, 0, true},
		{"unknown status with a finish", d365backup.Job{Status: 1 << 30, StartTime: at, FinishTime: at.Add(time.Minute)}, time.Minute, false},
		{"failed without a finish", d365backup.Job{Status: d365backup.JobStatusFailed, StartTime: at}, 0, false},
		{"nothing", d365backup.Job{}, 0, true},
	} {
		if duration, running := tt.job.Duration(), tt.job.Running(); duration != tt.duration || running != tt.running {
			t.Errorf("%s: %s and running %t, want %s and %t", tt.name, duration, running, tt.duration, tt.running)
		}
	}
}

// TestDatabase: every value that a job can have goes to a column and back; test/database uses a real database.
func TestDatabase(t *testing.T) {
	values := []any{}
	for _, v := range append(d365backup.JobTypes(), 1<<30, -7, math.MaxInt32, d365backup.JobTypeUnknown) {
		var fromText, fromBytes, fromNumber d365backup.JobType
		value, err := v.Value()
		word, ok := value.(string)
		if err != nil || !ok || word != v.String() {
			t.Errorf("%d becomes %v, %v", v, value, err)
		}
		err = errors.Join(fromText.Scan(word), fromBytes.Scan([]byte(word)), fromNumber.Scan(int64(v)))
		if err != nil || fromText != v || fromBytes != v || fromNumber != v {
			t.Errorf("%d comes back as %d, %d and %d: %v", v, fromText, fromBytes, fromNumber, err)
		}
		values = append(values, value)
	}
	for _, v := range append(d365backup.JobStatuses(), 1<<30, d365backup.JobStatusUnknown) {
		var got d365backup.JobStatus
		value, err := v.Value()
		if err := errors.Join(err, got.Scan(value)); err != nil || got != v {
			t.Errorf("%d becomes %v and %d: %v", v, value, got, err)
		}
		values = append(values, value)
	}
	if !slices.Contains(values, any("AuditBackup")) || !slices.Contains(values, any("FinishedWithException")) {
		t.Errorf("not words: %v", values)
	}
	for _, word := range []any{"Migration", "", int64(1 << 40), []byte(nil)} {
		var got d365backup.JobType
		if err := got.Scan(word); err != nil || got != d365backup.JobTypeUnknown {
			t.Errorf("%v: %v, %v", word, got, err)
		}
	}
	for column, want := range map[any]string{nil: "job status: the column is NULL", 2.5: "is a float64", true: "is a bool"} {
		if err := new(d365backup.JobStatus).Scan(column); !errors.Is(err, d365backup.ErrConfig) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: got %v, want %s", column, err, want)
		}
	}
	if err := new(d365backup.JobType).Scan(nil); !errors.Is(err, d365backup.ErrConfig) || !strings.Contains(err.Error(), "job type: the column is NULL") {
		t.Errorf("a type: %v", err)
	}
	var null sql.Null[d365backup.JobType]
	if err := null.Scan(nil); err != nil || null.Valid {
		t.Errorf("sql.Null: %v, %+v", err, null)
	}
}
