package d365backup

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/d365backup/d365backup/internal/jsonscan"
)

const testGUID = "69cb1ecc-f8e8-439b-8077-a4b7fd45e87f"

var (
	testStart = time.Date(2026, 11, 1, 3, 0, 0, 123456700, time.UTC)
	// plainJob is a job without drift, and what it decodes to.
	plainJob     = `{"type":1,"jobId":"A","startTime":"2026-11-01T03:00:00.1234567Z","status":3}`
	plainDecoded = Job{Type: JobTypeBackup, JobID: "A", StartTime: testStart, Status: JobStatusFinished}
)

func mustDecode(t *testing.T, body string) pageData {
	t.Helper()
	page, err := decodePage([]byte(body), 10)
	if err != nil {
		t.Fatalf("decodePage(%s): %v", body, err)
	}
	return page
}

func comparePages(t *testing.T, got, want pageData) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(pageData{})); diff != "" {
		t.Errorf("page (-want +got):\n%s", diff)
	}
}

func TestDecodePageContract(t *testing.T) {
	body, err := os.ReadFile("testdata/page.json")
	if err != nil {
		t.Fatal(err)
	}
	want := pageData{
		total: 12, pageIndex: 1, pageSize: 2, nextLink: "/jobs?pageIndex=2&pageSize=2",
		jobs: []Job{{
			Module: "Customer Engagement", Type: JobTypeBackup, JobID: "DCIB2026110103000012345601",
			StartTime: testStart, FinishTime: time.Date(2026, 11, 1, 3, 30, 0, 765432100, time.UTC),
			DurationHours: 0.5, Status: JobStatusFinishedWithException,
			SuccessfulEntity: 120, FailedEntity: 1, SkippedEntity: 2, WarningEntity: 3, TotalEntity: 126,
			SuccessfulRecord: 48000, FailedRecord: 4, SkippedRecord: 12, WarningRecord: 5, TotalRecord: 48021,
			BackupSize: 734003200, OrganizationID: testGUID, OrganizationName: "Contoso \"Süd\" \U0001F600",
		}, {
			Module: "Customer Engagement", Type: JobTypeExport, JobID: "DCIB2026110104000012345602",
			StartTime: time.Date(2026, 11, 1, 4, 0, 0, 100, time.UTC), Status: JobStatusInProgress,
			OrganizationID: testGUID, OrganizationName: "Contoso \"Süd\" \U0001F600",
		}},
	}
	page, err := decodePage(body, 2)
	if err != nil {
		t.Fatal(err)
	}
	comparePages(t, page, want)

	for i := range body { // the caller reuses its buffer
		body[i] = 'x'
	}
	comparePages(t, page, want)
}

// A field that Job gets but the decoder does not know would stay zero without anyone noticing.
func TestDecodePageKnowsEveryField(t *testing.T) {
	var keys []string
	for field := range reflect.TypeFor[Job]().Fields() {
		if key, _, _ := strings.Cut(field.Tag.Get("json"), ","); key != "-" {
			keys = append(keys, "jobs."+key)
		}
	}
	known := slices.Clone(jobFields.paths)
	slices.Sort(keys)
	slices.Sort(known)
	if diff := cmp.Diff(keys, known); diff != "" {
		t.Errorf("fields of Job and of the decoder (-Job +decoder):\n%s", diff)
	}
}

func TestDecodePageToleratesEnvelope(t *testing.T) {
	jobs := []Job{plainDecoded}
	drift := func(kind DriftKind, field, value string) Drift { return Drift{kind, field, value, 1} }
	tests := []struct {
		name, body string
		want       pageData
	}{
		{"contract", `{"totalCount":1,"jobs":[` + plainJob + `]}`, pageData{jobs: jobs, total: 1}},
		{"list before total", `{"jobs":[` + plainJob + `],"totalCount":1}`, pageData{jobs: jobs, total: 1}},
		{"white space", " \r\n\t{ \"totalCount\" : 1 ,\n\"jobs\" : [ " + plainJob + " ] } \n", pageData{jobs: jobs, total: 1}},
		{"no jobs", `{"totalCount":0,"jobs":[]}`, pageData{jobs: []Job{}}},
		{"null list of none", `{"totalCount":0,"jobs":null}`, pageData{}},
		{"null list before the total", `{"result":null,"totalNumber":"0"}`, pageData{drift: []Drift{
			drift(DriftEnvelope, "totalNumber", ""), drift(DriftTextNumber, "totalNumber", "0")}}},
		{"October 2024", `{"totalNumber":1,"result":[` + plainJob + `]}`, pageData{jobs: jobs, total: 1, drift: []Drift{
			drift(DriftEnvelope, "totalNumber", ""), drift(DriftEnvelope, "result", "")}}},
		{"bare", `[` + plainJob + `]`, pageData{jobs: jobs, total: -1, drift: []Drift{drift(DriftEnvelope, "jobs", "")}}},
		{"bare and empty", `[]`, pageData{jobs: []Job{}, total: -1, drift: []Drift{drift(DriftEnvelope, "jobs", "")}}},
		{"byte-order mark", "\xEF\xBB\xBF" + `{"totalCount":1,"jobs":[` + plainJob + `]}`, pageData{jobs: jobs, total: 1,
			drift: []Drift{drift(DriftByteOrderMark, "", "")}}},
		{"no total", `{"jobs":[` + plainJob + `]}`, pageData{jobs: jobs, total: -1, drift: []Drift{drift(DriftMissing, "totalCount", "")}}},
		{"totals that are none", `{"jobs":[` + plainJob + `],"totalCount":-1}`, pageData{jobs: jobs, total: -1, drift: []Drift{
			drift(DriftUnreadable, "totalCount", "-1"), drift(DriftMissing, "totalCount", "")}}},
		{"inexact total", `{"jobs":[` + plainJob + `],"totalCount":1.5}`, pageData{jobs: jobs, total: -1, drift: []Drift{
			drift(DriftInexact, "totalCount", "1.5"), drift(DriftMissing, "totalCount", "")}}},
		{"total as text", `{"jobs":[` + plainJob + `],"totalCount":"1.0","pageIndex":"2","pageSize":1e1,"nextLink":null}`,
			pageData{jobs: jobs, total: 1, pageIndex: 2, pageSize: 10, drift: []Drift{
				drift(DriftTextNumber, "totalCount", "1.0"), drift(DriftDecimal, "totalCount", "1.0"),
				drift(DriftTextNumber, "pageIndex", "2"), drift(DriftDecimal, "pageSize", "1e1")}}},
		{"other case", `{"TotalCount":1,"Jobs":[` + plainJob + `]}`, pageData{jobs: jobs, total: 1, drift: []Drift{
			drift(DriftOtherCase, "totalCount", "TotalCount"), drift(DriftOtherCase, "jobs", "Jobs")}}},
		{"unknown fields", `{"a":[{"b":{}}],"totalCount":1,"jobs":[` + plainJob + `],"requestId":"r","statusCode":200}`,
			pageData{jobs: jobs, total: 1, drift: []Drift{drift(DriftUnknownField, "a", `[{"b":{}}]`),
				drift(DriftUnknownField, "requestId", "r"), drift(DriftUnknownField, "statusCode", "200")}}},
		{"both envelopes", `{"totalCount":1,"jobs":[` + plainJob + `],"totalNumber":0,"result":[]}`,
			pageData{jobs: jobs, total: 1, drift: []Drift{
				drift(DriftEnvelope, "totalNumber", ""), drift(DriftEnvelope, "result", "")}}},
		{"both envelopes, the other first", `{"totalNumber":0,"result":[],"totalCount":1,"jobs":[` + plainJob + `]}`,
			pageData{jobs: jobs, total: 1, drift: []Drift{
				drift(DriftEnvelope, "totalNumber", ""), drift(DriftEnvelope, "result", "")}}},
		{"two lists", `{"totalCount":2,"totalCount":1,"jobs":[` + plainJob + `,` + plainJob + `],"jobs":[` + plainJob + `],"jobs":null}`,
			pageData{jobs: jobs, total: 1, drift: []Drift{
				drift(DriftDuplicateField, "totalCount", ""), drift(DriftDuplicateField, "jobs", "")}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { comparePages(t, mustDecode(t, test.body), test.want) })
	}
}

func TestDecodePageToleratesFields(t *testing.T) {
	type drifts = []Drift
	one := func(kind DriftKind, field, value string) Drift { return Drift{kind, "jobs." + field, value, 1} }
	at := func(hour, minute, nano int) time.Time { return time.Date(2026, 11, 1, hour, minute, 0, nano, time.UTC) }
	tests := []struct {
		field string // set or added on plainJob
		set   func(*Job)
		drift drifts
	}{
		{`"type":"Backup"`, func(j *Job) {}, drifts{one(DriftWord, "type", "Backup")}},
		{`"type":"Dryrun"`, func(j *Job) { j.Type = JobTypeDryRun }, drifts{one(DriftWord, "type", "Dryrun")}},
		{`"type":"audit\u0020backup"`, func(j *Job) { j.Type = JobTypeAuditBackup }, drifts{one(DriftWord, "type", `audit\u0020backup`)}},
		{`"type":"16"`, func(j *Job) { j.Type = JobTypeAuditBackup }, drifts{one(DriftTextNumber, "type", "16")}},
		{`"type":2.0`, func(j *Job) { j.Type = JobTypeRestore }, drifts{one(DriftDecimal, "type", "2.0")}},
		{`"type":1073741824`, func(j *Job) { j.Type = 1073741824 }, drifts{one(DriftUnknownValue, "type", "1073741824")}},
		{`"type":0`, func(j *Job) { j.Type, j.UnknownType = JobTypeUnknown, `0` }, drifts{one(DriftUnknownValue, "type", "0")}},
		{`"status":0`, func(j *Job) { j.Status, j.UnknownStatus = JobStatusUnknown, `0` }, drifts{one(DriftUnknownValue, "status", "0")}},
		{`"type":"All"`, func(j *Job) { j.Type, j.UnknownType = JobTypeUnknown, `All` }, drifts{one(DriftUnknownValue, "type", "All")}},
		{`"type":"NotInTheContract"`, func(j *Job) { j.Type, j.UnknownType = JobTypeUnknown, `NotInTheContract` }, drifts{one(DriftUnknownValue, "type", "NotInTheContract")}},
		{`"type":4294967297`, func(j *Job) { j.Type, j.UnknownType = JobTypeUnknown, `4294967297` }, drifts{one(DriftUnknownValue, "type", "4294967297")}},
		{`"type":1.5`, func(j *Job) { j.Type, j.UnknownType = JobTypeUnknown, `1.5` }, drifts{one(DriftInexact, "type", "1.5"), one(DriftUnknownValue, "type", "1.5")}},
		{`"type":true`, func(j *Job) { j.Type, j.UnknownType = JobTypeUnknown, `true` }, drifts{one(DriftUnreadable, "type", "true"), one(DriftUnknownValue, "type", "true")}},
		{`"type":["Backup"]`, func(j *Job) { j.Type = JobTypeUnknown }, drifts{one(DriftUnreadable, "type", `["Backup"]`), one(DriftUnknownValue, "type", `["Backup"]`)}},
		{`"type":"Unknown"`, func(j *Job) { j.Type = JobTypeUnknown }, drifts{one(DriftUnknownValue, "type", "Unknown")}},
		{`"type":"4294967297"`, func(j *Job) { j.Type, j.UnknownType = JobTypeUnknown, "4294967297" }, drifts{one(DriftUnknownValue, "type", "4294967297")}},
		{`"status":-1`, func(j *Job) { j.Status, j.UnknownStatus = JobStatusUnknown, "-1" }, drifts{one(DriftUnknownValue, "status", "-1")}},
		{`"status":-5`, func(j *Job) { j.Status = -5 }, drifts{one(DriftUnknownValue, "status", "-5")}},
		{`"status":"Partially Failed"`, func(j *Job) { j.Status, j.UnknownStatus = JobStatusUnknown, "Partially Failed" }, drifts{one(DriftUnknownValue, "status", "Partially Failed")}},
		{`"status":"\u00dcbersprungen"`, func(j *Job) { j.Status, j.UnknownStatus = JobStatusUnknown, "Übersprungen" }, drifts{one(DriftUnknownValue, "status", `\u00dcbersprungen`)}},
		{`"type":null`, func(j *Job) { j.Type = JobTypeUnknown }, drifts{one(DriftMissing, "type", "")}},
		{`"status":"Finished with Exception"`, func(j *Job) { j.Status = JobStatusFinishedWithException }, drifts{one(DriftWord, "status", "Finished with Exception")}},
		{`"status":"In Progress"`, func(j *Job) { j.Status = JobStatusInProgress }, drifts{one(DriftWord, "status", "In Progress")}},
		{`"status":"3"`, func(j *Job) {}, drifts{one(DriftTextNumber, "status", "3")}},
		{`"status":5`, func(j *Job) { j.Status = 5 }, drifts{one(DriftUnknownValue, "status", "5")}},
		{`"status":"Any"`, func(j *Job) { j.Status, j.UnknownStatus = JobStatusUnknown, `Any` }, drifts{one(DriftUnknownValue, "status", "Any")}},
		{`"status":""`, func(j *Job) { j.Status = JobStatusUnknown }, drifts{one(DriftMissing, "status", "")}},

		{`"jobId":null`, func(j *Job) { j.JobID = "" }, drifts{one(DriftMissing, "jobId", "")}},
		{`"jobId":12.50`, func(j *Job) { j.JobID = "12.50" }, drifts{one(DriftNumberText, "jobId", "12.50")}},
		{`"jobId":["A"]`, func(j *Job) { j.JobID = "" }, drifts{one(DriftUnreadable, "jobId", `["A"]`)}},
		{`"module":null`, func(j *Job) {}, nil},
		{`"module":"a\"\\\/\b\f\n\r\t\u00fc\ud83d\ude00"`, func(j *Job) { j.Module = "a\"\\/\b\f\n\r\tü\U0001F600" }, nil},
		{`"module":"\ud800x"`, func(j *Job) { j.Module = "\uFFFDx" }, drifts{one(DriftDamagedText, "module", `\ud800x`)}},
		{`"organizationName":false`, func(j *Job) { j.OrganizationName = "false" }, drifts{one(DriftNumberText, "organizationName", "false")}},
		{`"organizationId":"` + strings.ToUpper(testGUID) + `"`, func(j *Job) { j.OrganizationID = strings.ToUpper(testGUID) }, nil},
		{`"organizationId":"69cb1ecc-f8e8-439b-8077-a4b7fd45e87"`, func(j *Job) { j.OrganizationID = "69cb1ecc-f8e8-439b-8077-a4b7fd45e87" },
			drifts{one(DriftMalformedGUID, "organizationId", "69cb1ecc-f8e8-439b-8077-a4b7fd45e87")}},
		{`"organizationId":"69cb1ecc-f8e8-439b-8077-a4b7fd45e87g"`, func(j *Job) { j.OrganizationID = "69cb1ecc-f8e8-439b-8077-a4b7fd45e87g" },
			drifts{one(DriftMalformedGUID, "organizationId", "69cb1ecc-f8e8-439b-8077-a4b7fd45e87g")}},

		{`"startTime":"2026-11-01T03:00:00.1234567"`, func(j *Job) {}, drifts{one(DriftNoZone, "startTime", "2026-11-01T03:00:00.1234567")}},
		{`"startTime":"2026-11-01T04:30:00.1234567+01:30"`, func(j *Job) {}, nil},
		{`"startTime":"2026-11-01T04:30:00.1234567\u002B01:30"`, func(j *Job) {}, nil},
		{`"startTime":"2026-11-01t03:00:00.1234567z"`, func(j *Job) {}, nil},
		{`"startTime":"2026-11-01t03:00:00.1234567\u007a"`, func(j *Job) {}, nil},
		{`"startTime":"2026-11-01t03:00:00.1234567-00:00"`, func(j *Job) {}, nil},
		{`"startTime":"2016-12-31T23:59:60Z"`, func(j *Job) { j.StartTime = time.Date(2017, 1, 1, 0, 0, 0, 0, time.UTC) }, nil},
		{`"startTime":"2016-12-31T20:29:60.5-03:30"`, func(j *Job) { j.StartTime = time.Date(2017, 1, 1, 0, 0, 0, 5e8, time.UTC) }, nil},
		{`"startTime":"2016-12-31T22:59:60Z"`, func(j *Job) { j.StartTime = time.Time{} }, drifts{one(DriftUnreadable, "startTime", "2016-12-31T22:59:60Z")}},
		{`"startTime":"2026-11-01T03:00:00,5Z"`, func(j *Job) { j.StartTime = time.Time{} }, drifts{one(DriftUnreadable, "startTime", "2026-11-01T03:00:00,5Z")}},
		{`"startTime":"2026-11-01T03:00:00+24:00"`, func(j *Job) { j.StartTime = time.Time{} }, drifts{one(DriftUnreadable, "startTime", "2026-11-01T03:00:00+24:00")}},
		{`"startTime":"2026-11-01T03:00:00Z"`, func(j *Job) { j.StartTime = at(3, 0, 0) }, nil},
		{`"startTime":"2026-11-01T03:00:00.5Z"`, func(j *Job) { j.StartTime = at(3, 0, 5e8) }, nil},
		{`"startTime":"2026-11-01T03:00:00.1234567890123Z"`, func(j *Job) { j.StartTime = at(3, 0, 123456789) }, nil},
		{`"startTime":"2026-11-31T03:00:00Z"`, func(j *Job) { j.StartTime = time.Time{} }, drifts{one(DriftUnreadable, "startTime", "2026-11-31T03:00:00Z")}},
		{`"startTime":"2026-11-01T24:00:00Z"`, func(j *Job) { j.StartTime = time.Time{} }, drifts{one(DriftUnreadable, "startTime", "2026-11-01T24:00:00Z")}},
		{`"startTime":"11/1/2026 3:00:00 AM"`, func(j *Job) { j.StartTime = time.Time{} }, drifts{one(DriftUnreadable, "startTime", "11/1/2026 3:00:00 AM")}},
		{`"startTime":1793502000`, func(j *Job) { j.StartTime = time.Time{} }, drifts{one(DriftUnreadable, "startTime", "1793502000")}},
		{`"startTime":"9999-12-31T23:59:59-01:00"`, func(j *Job) { j.StartTime = time.Time{} }, drifts{one(DriftUnreadable, "startTime", "9999-12-31T23:59:59-01:00")}},
		{`"startTime":""`, func(j *Job) { j.StartTime = time.Time{} }, drifts{one(DriftMissing, "startTime", "")}},
		{`"finishTime":""`, func(j *Job) {}, nil},
		{`"finishTime":null`, func(j *Job) {}, nil},
		{`"finishTime":"0001-01-01T00:00:00Z"`, func(j *Job) {}, nil},

		{`"failedRecord":"12"`, func(j *Job) { j.FailedRecord = 12 }, drifts{one(DriftTextNumber, "failedRecord", "12")}},
		{`"failedRecord":" -12.0 "`, func(j *Job) { j.FailedRecord = -12 }, drifts{one(DriftTextNumber, "failedRecord", " -12.0 "), one(DriftDecimal, "failedRecord", " -12.0 ")}},
		{`"failedRecord":""`, func(j *Job) {}, nil},
		{`"failedRecord":"many"`, func(j *Job) {}, drifts{one(DriftUnreadable, "failedRecord", "many")}},
		{`"failedRecord":"0x10"`, func(j *Job) {}, drifts{one(DriftUnreadable, "failedRecord", "0x10")}},
		{`"failedRecord":"1-2"`, func(j *Job) {}, drifts{one(DriftTextNumber, "failedRecord", "1-2"), one(DriftUnreadable, "failedRecord", "1-2")}},
		{`"failedRecord":"Inf"`, func(j *Job) {}, drifts{one(DriftUnreadable, "failedRecord", "Inf")}},
		{`"failedRecord":{"n":1}`, func(j *Job) {}, drifts{one(DriftUnreadable, "failedRecord", `{"n":1}`)}},
		{`"failedRecord":1e3`, func(j *Job) { j.FailedRecord = 1000 }, drifts{one(DriftDecimal, "failedRecord", "1e3")}},
		{`"failedRecord":-0`, func(j *Job) {}, nil},
		{`"failedRecord":1.5`, func(j *Job) { j.FailedRecord = 2 }, drifts{one(DriftInexact, "failedRecord", "1.5")}},
		{`"backupSize":-734003200`, func(j *Job) { j.BackupSize = -734003200 }, nil},
		{`"backupSize":999999999999999999`, func(j *Job) { j.BackupSize = 999999999999999999 }, nil},
		{`"backupSize":-9223372036854775808`, func(j *Job) { j.BackupSize = math.MinInt64 }, nil},
		{`"backupSize":9223372036854775808`, func(j *Job) { j.BackupSize = math.MaxInt64 }, drifts{one(DriftInexact, "backupSize", "9223372036854775808")}},
		{`"backupSize":-1e999`, func(j *Job) { j.BackupSize = math.MinInt64 }, drifts{one(DriftInexact, "backupSize", "-1e999")}},
		{`"backupSize":9007199254740993.0`, func(j *Job) { j.BackupSize = 9007199254740992 }, drifts{one(DriftInexact, "backupSize", "9007199254740993.0")}},
		{`"durationHours":2`, func(j *Job) { j.DurationHours = 2 }, nil},
		{`"durationHours":-0.125e1`, func(j *Job) { j.DurationHours = -1.25 }, nil},
		{`"durationHours":"0.5"`, func(j *Job) { j.DurationHours = 0.5 }, drifts{one(DriftTextNumber, "durationHours", "0.5")}},
		{`"durationHours":"1.2.3"`, func(j *Job) {}, drifts{one(DriftTextNumber, "durationHours", "1.2.3"), one(DriftUnreadable, "durationHours", "1.2.3")}},
		{`"durationHours":-1e999`, func(j *Job) { j.DurationHours = -math.MaxFloat64 }, drifts{one(DriftInexact, "durationHours", "-1e999")}},
		{`"durationHours":"00:30:00"`, func(j *Job) {}, drifts{one(DriftUnreadable, "durationHours", "00:30:00")}},

		{`"owner":{"name":["x",{}]}`, func(j *Job) {}, drifts{one(DriftUnknownField, "owner", `{"name":["x",{}]}`)}},
		{`"own\u0065r":1`, func(j *Job) {}, drifts{one(DriftUnknownField, "owner", "1")}},
		{`"Module":"M"`, func(j *Job) { j.Module = "M" }, drifts{one(DriftOtherCase, "module", "Module")}},
		{`"modul\u0065":"M"`, func(j *Job) { j.Module = "M" }, nil},
		{`"module":"L","module":"M"`, func(j *Job) { j.Module = "M" }, drifts{one(DriftDuplicateField, "module", "")}},
		{`"module":"L","module":null`, func(j *Job) { j.Module = "L" }, nil},
	}
	for _, test := range tests {
		t.Run(test.field, func(t *testing.T) {
			want := pageData{jobs: []Job{plainDecoded}, total: 1, drift: test.drift}
			test.set(&want.jobs[0])
			comparePages(t, mustDecode(t, `{"totalCount":1,"jobs":[`+withField(plainJob, test.field)+`]}`), want)
			if _, err := json.Marshal(want.jobs); err != nil {
				t.Errorf("the job cannot be marshalled: %v", err)
			}
		})
	}
}

// TestDecodePagePlaceholders: what fills the finish time of a job that has not ended is not a time.
func TestDecodePagePlaceholders(t *testing.T) {
	tests := []struct {
		status, finish string
		start          string // empty: that of plainJob
		want           time.Time
		drift          bool
	}{
		{"2", "0001-01-01T00:00:00", "", time.Time{}, true},
		{"2", "0001-01-01T00:00:00Z", "", time.Time{}, true},
		{"2", "0001-01-01T00:00:00+08:00", "", time.Time{}, true},
		{"2", "1900-01-01T00:00:00Z", "", time.Time{}, true},
		{"2", "1900-01-01T00:00:00Z", "null", time.Time{}, true},
		{"2", "1970-01-01T00:00:00Z", "null", time.Time{}, true},
		{"2", "9999-12-31T23:59:59.9999999Z", "", time.Time{}, true},
		{"2", "2026-11-01T03:00:00.1234567Z", "", time.Time{}, true}, // its start
		{`"Queued"`, "1900-01-01T00:00:00Z", "", time.Time{}, true},
		{"2", "soon", "", time.Time{}, false}, // unreadable, which is reported
		{`"Skipped"`, "2026-11-01T03:00:00.1234567Z", "", testStart, false},
		{"2", "2026-11-01T04:00:00Z", "", testStart.Truncate(time.Hour).Add(time.Hour), false},
		{"3", "2026-11-01T02:00:00Z", "", testStart.Truncate(time.Hour).Add(-time.Hour), false},
		{"4", "1900-01-01T00:00:00Z", "", time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC), false},
	}
	for _, test := range tests {
		t.Run(test.status+" "+test.finish, func(t *testing.T) {
			job := withField(withField(plainJob, `"status":`+test.status), `"finishTime":"`+test.finish+`"`)
			if test.start != "" {
				job = withField(job, `"startTime":`+test.start)
			}
			page := mustDecode(t, `{"totalCount":2,"jobs":[`+job+`,`+withField(plainJob, `"status":2`)+`]}`)
			i := slices.IndexFunc(page.drift, func(d Drift) bool { return d.Kind == DriftPlaceholder })
			if got := page.jobs[0].FinishTime; got != test.want || (i >= 0) != test.drift {
				t.Errorf("got %v, drift %+v", got, page.drift)
			}
			if i >= 0 && page.drift[i] != (Drift{DriftPlaceholder, "jobs.finishTime", test.finish, 1}) {
				t.Errorf("drift %+v", page.drift[i])
			}
		})
	}
}

// TestDecodePageFailureReports: what an envelope says beside the list, with and without jobs in it.
func TestDecodePageFailureReports(t *testing.T) {
	const (
		failure  = iota // whatever the list holds
		doubtful        // a failure beside an empty list, drift beside jobs
		fine            // drift
	)
	tests := []struct {
		field string
		want  int
	}{
		{`"status":500`, failure},
		{`"status":"500"`, failure},
		{`"statusCode":400.0`, failure},
		{`"StatusCode":503`, failure},
		{`"success":false`, failure},
		{`"success":"False"`, failure},
		{`"error":"denied"`, failure},
		{`"error":true`, failure},
		{`"error":{"code":"x"}`, failure},
		{`"errors":[{"code":"x","field":"type","message":"y"}]`, failure},
		{`"errors":["x"]`, failure},
		{`"errors":[null]`, failure},
		{`"errors":{"type":["x"]}`, failure},
		{`"status":302`, doubtful},
		{`"status":"Failed"`, doubtful},
		{`"statusCode":"InternalServerError"`, doubtful},
		{`"statusCode":"Infinity"`, doubtful},
		{`"success":"partly"`, doubtful},
		{`"message":"The tenant could not be resolved"`, doubtful},
		{`"message":"\u0065"`, doubtful},
		{`"message":{"text":"x"}`, doubtful},
		{`"status":200,"message":"No jobs"`, doubtful},
		{`"status":0`, fine},
		{`"status":200`, fine},
		{`"status":"Success"`, fine},
		{`"statusCode":"OK"`, fine},
		{`"statusCode":204`, fine},
		{`"success":true`, fine},
		{`"success":1`, fine},
		{`"error":null,"errors":null`, fine},
		{`"error":"","error":false`, fine},
		{`"error":{},"errors":[ ]`, fine},
		{`"message":null`, fine},
		{`"message":" "`, fine},
		{`"message":"OK"`, fine},
		{`"requestId":"r","traceId":"t","timestamp":"2026-11-01T00:00:00Z","data":null,"metadata":{}`, fine},
	}
	for _, test := range tests {
		t.Run(test.field, func(t *testing.T) {
			for _, list := range []string{`"jobs":[],"totalCount":0`, `"jobs":null,"totalCount":0`, `"totalNumber":0,"result":[]`} {
				for _, body := range []string{"{" + list + "," + test.field + "}", "{" + test.field + "," + list + "}"} {
					if _, err := decodePage([]byte(body), 10); errors.Is(err, ErrNotJobs) != (test.want != fine) {
						t.Errorf("%s: %v", body, err)
					}
				}
			}
			body := `{"totalCount":1,"jobs":[` + plainJob + `],` + test.field + `}`
			page, err := decodePage([]byte(body), 10)
			if errors.Is(err, ErrNotJobs) != (test.want == failure) {
				t.Errorf("%s: %v", body, err)
			}
			reported := slices.ContainsFunc(page.drift, func(d Drift) bool { return d.Kind == DriftUnknownField })
			if test.want == doubtful && (len(page.jobs) != 1 || !reported) {
				t.Errorf("%s: %+v", body, page)
			}
		})
	}
}

// withField replaces a field of a job, or adds it.
func withField(job, field string) string {
	name, _, _ := strings.Cut(field, ":")
	members := strings.Split(strings.Trim(job, "{}"), ",")
	members = slices.DeleteFunc(members, func(member string) bool { return strings.HasPrefix(member, name+":") })
	return "{" + strings.Join(append(members, field), ",") + "}"
}

func TestDecodePageMissingFields(t *testing.T) {
	page := mustDecode(t, `{"totalCount":2,"jobs":[{"module":"M"},{"backupSize":null}]}`)
	comparePages(t, page, pageData{
		total: 2,
		jobs: []Job{
			{Module: "M", Type: JobTypeUnknown, Status: JobStatusUnknown},
			{Type: JobTypeUnknown, Status: JobStatusUnknown},
		},
		drift: []Drift{
			{DriftMissing, "jobs.type", "", 2}, {DriftMissing, "jobs.jobId", "", 2},
			{DriftMissing, "jobs.startTime", "", 2}, {DriftMissing, "jobs.status", "", 2},
		},
	})
}

// Texts are kept from job to job: a job must never get that of another one.
func TestDecodePageRepeatedTexts(t *testing.T) {
	var body strings.Builder
	body.WriteString(`[`)
	texts := []string{`"a"`, `"a"`, `"b"`, `"\u0062"`, `5`, `"5"`, `""`, `null`, `"a"`}
	for i, text := range texts {
		fmt.Fprintf(&body, `%s{"jobId":"A","module":%s,"organizationId":%s,"organizationName":%s}`, ","[:min(i, 1)], text, text, text)
	}
	body.WriteString(`]`)
	var got []string
	for _, job := range mustDecode(t, body.String()).jobs {
		if job.Module != job.OrganizationID || job.Module != job.OrganizationName {
			t.Errorf("texts differ: %+v", job)
		}
		got = append(got, job.Module)
	}
	if diff := cmp.Diff([]string{"a", "a", "b", "b", "5", "5", "", "", "a"}, got); diff != "" {
		t.Errorf("modules (-want +got):\n%s", diff)
	}
}

// TestDecodePageUnknownValues: each value that is not known is counted on its own.
func TestDecodePageUnknownValues(t *testing.T) {
	body := "["
	for i, status := range []string{`"Queued"`, `"Partially Failed"`, `9`, `"Queued"`} {
		body += ","[:min(i, 1)] + withField(plainJob, `"status":`+status)
	}
	want := []Drift{
		{DriftEnvelope, "jobs", "", 1},
		{DriftUnknownValue, "jobs.status", "Queued", 2},
		{DriftUnknownValue, "jobs.status", "Partially Failed", 1},
		{DriftUnknownValue, "jobs.status", "9", 1},
	}
	if diff := cmp.Diff(want, mustDecode(t, body+"]").drift); diff != "" {
		t.Error(diff)
	}
}

func TestDecodePageDriftIsBounded(t *testing.T) {
	var job strings.Builder
	job.WriteString(`{"jobId":"A"`)
	for i := range 100 {
		fmt.Fprintf(&job, `,"field%d%s":"%s"`, i, strings.Repeat("é", 200), strings.Repeat(`\u001b[31m\u202e`, 50)+"\u0085\u202e")
	}
	job.WriteString(`}`)
	drift := mustDecode(t, `[`+job.String()+`,`+job.String()+`]`).drift
	if len(drift) != maxDrifts || drift[maxDrifts-1].Kind != DriftMore {
		t.Fatalf("%d entries, the last %+v", len(drift), drift[len(drift)-1])
	}
	total := 0
	for _, d := range drift {
		total += d.Count
		if len(d.Field) > maxDriftText || len(d.Value) > maxDriftText || !utf8.ValidString(d.Field+d.Value) {
			t.Errorf("too long or no UTF-8: %+v", d)
		}
		if strings.ContainsFunc(d.Field+d.Value, func(r rune) bool { return r < ' ' || r == '\u0085' || r == '\u202e' }) {
			t.Errorf("control characters: %#v", d)
		}
	}
	if want := 1 + 2*100 + 2*3; total != want { // the envelope, the unknown fields, the missing ones
		t.Errorf("counted %d, want %d", total, want)
	}
}

func TestDecodePageRefuses(t *testing.T) {
	page := func(value string) string { return `{"totalCount":1,"jobs":[{"jobId":"A","x":` + value + `}]}` }
	tests := []struct {
		name, body string
		kind       error
		message    string
	}{
		{"empty", "", ErrNotJobs, "the body is empty"},
		{"white space", " \n", ErrNotJobs, "the body is empty"},
		{"byte-order mark alone", "\xEF\xBB\xBF", ErrNotJobs, "the body is empty"},
		{"HTML", "<!DOCTYPE html><html><body>Sign in</body></html>", ErrNotJobs, `'<' at byte 0`},
		{"text", "Service unavailable", ErrNotJobs, `'S' at byte 0`},
		{"UTF-16", "\xFF\xFE{\x00}\x00", ErrNotJobs, "at byte 0"},
		{"null", "null", ErrNotJobs, "neither an object nor a list"},
		{"number", "12", ErrNotJobs, "neither an object nor a list"},
		{"string", `"no"`, ErrNotJobs, "neither an object nor a list"},
		{"{}", "{}", ErrNotJobs, "no list of jobs"},
		{"total alone", `{"totalCount":0}`, ErrNotJobs, "no list of jobs"},
		{"null list", `{"jobs":null}`, ErrNotJobs, "the total is not 0"},
		{"null list beside a total", `{"totalCount":3,"jobs":null}`, ErrNotJobs, "the total is not 0"},
		{"list is an object", `{"totalCount":0,"jobs":{}}`, ErrNotJobs, "no list of jobs"},
		{"list is text", `{"totalCount":0,"result":""}`, ErrNotJobs, "no list of jobs"},
		{"null job", `[null]`, ErrNotJobs, "job 1 of the list is not an object"},
		{"job is a number", `{"totalCount":2,"jobs":[` + plainJob + `,1]}`, ErrNotJobs, "job 2 of the list is not an object"},
		{"job is empty", `[{}]`, ErrNotJobs, "job 1 of the list has no field of a job"},
		{"other list", `[{"code":"x","description":"y"}]`, ErrNotJobs, "no field of a job"},
		{"failure", `{"statusCode":500,"message":"Internal\u001b[0m error","errors":[],"data":null,"requestId":"0f8fad5b"}`,
			ErrNotJobs, `reports a failure, status 500: the service says "Internal[0m error" (request id 0f8fad5b)`},
		{"failure without a status", `{"message":"no licence"}`, ErrNotJobs, `"no licence"`},
		{"failure with a list", `{"statusCode":403,"message":"denied","totalCount":0,"jobs":[]}`, ErrNotJobs, `status 403: the service says "denied"`},
		{"failure with a null list", `{"totalCount":0,"jobs":null,"message":"try later"}`, ErrNotJobs, `"try later"`},
		{"failure in all forms", `{"status":"Error","statusCode":"409","error":"e","errors":[{"code":"c","field":"type","message":"m"},"n"],"message":"e","traceId":"t"}`,
			ErrNotJobs, `reports a failure, status 409: the service says "e; type: m; n" (request id t)`},
		{"trailing garbage", `{"totalCount":0,"jobs":[]}x`, ErrNotJobs, "the JSON ends at byte 26, but the text goes on"},
		{"two texts", `[][]`, ErrNotJobs, "ends at byte 2"},
		{"trailing NUL", "[]\x00", ErrNotJobs, "ends at byte 2"},
		{"trailing byte-order mark", "[]\xEF\xBB\xBF", ErrNotJobs, "ends at byte 2"},

		{"truncated list", `[` + plainJob + `,`, ErrTruncated, "the JSON ends at byte 78"},
		{"truncated string", `{"jobs":[{"jobId":"A`, ErrTruncated, "the rest of a string"},
		{"truncated escape", `{"jobs":[{"jobId":"\u00`, ErrTruncated, "a hexadecimal digit"},
		{"truncated literal", `{"jobs":[{"jobId":"A","x":tru`, ErrTruncated, "true"},
		{"truncated number", `{"totalCount":-`, ErrTruncated, "a value"},

		{"leading zero", page("01"), ErrNotJobs, "leading zeros"},
		{"leading zero, negative", page("-01"), ErrNotJobs, "leading zeros"},
		{"leading plus", page("+1"), ErrNotJobs, "a value"},
		{"no digit before the dot", page(".5"), ErrNotJobs, "a value"},
		{"no digit after the dot", page("1."), ErrNotJobs, "a value"},
		{"no digit in the exponent", page("1e+"), ErrNotJobs, "a value"},
		{"two dots", page("1.2.3"), ErrNotJobs, `',' or '}'`},
		{"NaN", page("NaN"), ErrNotJobs, "a value"},
		{"literal in capitals", page("True"), ErrNotJobs, "a value"},
		{"literal too long", page("nulll"), ErrNotJobs, `',' or '}'`},
		{"trailing comma in an object", page(`1,`), ErrNotJobs, "a field name"},
		{"trailing comma in an array", page(`[1,]`), ErrNotJobs, "a value"},
		{"leading comma", page(`[,1]`), ErrNotJobs, "a value"},
		{"comma alone", page(`{,}`), ErrNotJobs, "a field name"},
		{"trailing comma in the list", `[` + plainJob + `,]`, ErrNotJobs, "a value"},
		{"no comma", page(`[1 2]`), ErrNotJobs, `',' or ']'`},
		{"no colon", page(`{"a" 1}`), ErrNotJobs, "':'"},
		{"bare key", page(`{a:1}`), ErrNotJobs, "a field name"},
		{"crossed brackets", page(`[}`), ErrNotJobs, "a value"},
		{"single quotes", page(`'a'`), ErrNotJobs, "a value"},
		{"comment", page(`1/**/`), ErrNotJobs, `',' or '}'`},
		{"control character in a string", page("\"a\nb\""), ErrNotJobs, "the rest of a string"},
		{"NUL in a string", page("\"abcdefgh\x00\""), ErrNotJobs, "the rest of a string"},
		{"NUL as white space", page("\x001"), ErrNotJobs, "a value"},
		{"other white space", page("\v1"), ErrNotJobs, "a value"},
		{"unknown escape", page(`"\x41"`), ErrNotJobs, "an escape sequence"},
		{"escaped NUL", page("\"\\\x00\""), ErrNotJobs, "an escape sequence"},
		{"short escape", page(`"\u00g0"`), ErrNotJobs, "a hexadecimal digit"},
		{"invalid UTF-8", page("\"caf\xe9\""), ErrNotJobs, "is not UTF-8"},
		{"overlong UTF-8", page("\"\xc0\x80\""), ErrNotJobs, "is not UTF-8"},
		{"surrogate in UTF-8", page("\"\xed\xa0\x80\""), ErrNotJobs, "is not UTF-8"},
		{"invalid UTF-8 in a key", "{\"\xff\":1}", ErrNotJobs, "is not UTF-8"},
		{"too deep", page(strings.Repeat("[", 1e6)), ErrNotJobs, "nested more than 100 deep"},
		{"too deep in objects", page(strings.Repeat(`{"a":`, 1e5)), ErrNotJobs, "nested more than 100 deep"},
		{"too many jobs", `[` + strings.Repeat(`{"type":1},`, maxPageJobs) + `{"type":1}]`, ErrTooLarge, "more than 100000 jobs"},
	}
	kinds := []error{ErrNotJobs, ErrTruncated, ErrTooLarge}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			page, err := decodePage([]byte(test.body), 10)
			for _, kind := range kinds {
				if errors.Is(err, kind) != (kind == test.kind) {
					t.Fatalf("err is %v, want %v", err, test.kind)
				}
			}
			if !strings.Contains(err.Error(), test.message) {
				t.Errorf("err is %v, want it to say %s", err, test.message)
			}
			comparePages(t, page, pageData{})
			failure, ok := errors.AsType[*Error](err)
			if !ok || len(failure.Excerpt) > maxExcerpt || strings.ContainsFunc(failure.Excerpt, func(r rune) bool { return r < ' ' }) {
				t.Errorf("excerpt %q", failure.Excerpt)
			}
		})
	}
}

func TestDecodePageDepth(t *testing.T) {
	nested := func(depth int) []byte { // the list, the job, and the rest
		return []byte(`[{"jobId":"A","x":` + strings.Repeat("[", depth-2) + strings.Repeat("]", depth-2) + `}]`)
	}
	if _, err := decodePage(nested(jsonscan.MaxDepth), 1); err != nil {
		t.Errorf("depth %d: %v", jsonscan.MaxDepth, err)
	}
	if _, err := decodePage(nested(jsonscan.MaxDepth+1), 1); !errors.Is(err, ErrNotJobs) {
		t.Errorf("depth %d: %v", jsonscan.MaxDepth+1, err)
	}
}

// A connection may be cut at any byte: all that is left of a page is truncated, none of it jobs.
func TestDecodePageTruncatedAnywhere(t *testing.T) {
	for _, body := range mutationPages(t) {
		body = strings.TrimRight(body, "\n")
		for end := 1; end < len(body); end++ {
			if _, err := decodePage([]byte(body[:end]), 10); !errors.Is(err, ErrTruncated) {
				t.Fatalf("cut at byte %d: %v", end, err)
			}
		}
	}
}

// A short body must not buy a lot of memory, whatever page size was asked for.
func TestDecodePageMemory(t *testing.T) {
	page, err := decodePage([]byte(`[`+plainJob+`]`), math.MaxInt)
	if err != nil || cap(page.jobs) > 4 {
		t.Errorf("room for %d jobs, %v", cap(page.jobs), err)
	}
	for _, size := range []int{math.MinInt, -1, 0, 1} {
		page, err := decodePage([]byte(`[`+plainJob+`,`+plainJob+`]`), size)
		if err != nil || len(page.jobs) != 2 {
			t.Errorf("size %d: %d jobs, %v", size, len(page.jobs), err)
		}
	}
	body := typicalPage(100)
	allocs := testing.AllocsPerRun(10, func() { _, _ = decodePage(body, 100) })
	if allocs > 110 { // one id each, and a few for all
		t.Errorf("%v allocations for 100 jobs without drift", allocs)
	}
}
