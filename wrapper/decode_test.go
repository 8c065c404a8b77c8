package d365backup

import (
	"encoding/json"
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

	"github.com/d365backup/d365backup/internal/lenient"
)

const testGUID = "69cb1ecc-f8e8-439b-8077-a4b7fd45e87f"

var (
	testStart = time.Date(2026, 11, 1, 3, 0, 0, 123456700, time.UTC)
	// plainJob is a job without drift, and what it decodes to.
	plainJob     = `{"type":1,"jobId":"A","startTime":"2026-11-01T03:00:00.1234567Z","status":3}`
	plainDecoded = Job{Type: JobTypeBackup, JobID: "A", StartTime: testStart, Status: JobStatusFinished}
)

// decoded is decodePage with the error that a caller gets.
func decoded(body []byte, size int) (pageData, error) {
	page, failure := decodePage(body, size)
	if failure != nil {
		return page, newError(failure)
	}
	return page, nil
}

func mustDecode(t *testing.T, body string) pageData {
	t.Helper()
	page, err := decoded([]byte(body), 10)
	if err != nil {
		t.Fatalf("decoded(%s): %v", body, err)
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
		nextLink: "/jobs?pageIndex=2&pageSize=2",
		Page: Page{TotalCount: 12, Number: 1, Size: 2, Jobs: []Job{{
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
		}}},
	}
	page, err := decoded(body, 2)
	if err != nil {
		t.Fatal(err)
	}
	comparePages(t, page, want)

	for i := range body { // the caller reuses its buffer
		body[i] = 'x'
	}
	comparePages(t, page, want)
}

// A new field of Job that the decoder does not know would stay zero unnoticed.
func TestDecodePageKnowsEveryField(t *testing.T) {
	var fields []string
	for field := range reflect.TypeFor[Job]().Fields() {
		if key, _, _ := strings.Cut(field.Tag.Get("json"), ","); key != "-" {
			fields = append(fields, fmt.Sprintf("%q:null", key))
		}
	}
	page, failure := decodePage([]byte("[{"+strings.Join(fields, ",")+"}]"), 1)
	if failure != nil {
		t.Fatal(failure)
	}
	for _, drift := range page.drift {
		if drift.Kind == DriftUnknownField {
			t.Errorf("the decoder does not know %s", drift.Field)
		}
	}
}

func TestDecodePageToleratesEnvelope(t *testing.T) {
	jobs := []Job{plainDecoded}
	drift := func(kind DriftKind, field, value string) Drift { return Drift{kind, field, value, 1} }
	tests := []struct {
		name, body string
		want       pageData
	}{
		{"contract", `{"totalCount":1,"jobs":[` + plainJob + `]}`, pageData{Page: Page{Jobs: jobs, TotalCount: 1}}},
		{"list before total", `{"jobs":[` + plainJob + `],"totalCount":1}`, pageData{Page: Page{Jobs: jobs, TotalCount: 1}}},
		{"white space", " \r\n\t{ \"totalCount\" : 1 ,\n\"jobs\" : [ " + plainJob + " ] } \n", pageData{Page: Page{Jobs: jobs, TotalCount: 1}}},
		{"no jobs", `{"totalCount":0,"jobs":[]}`, pageData{Page: Page{Jobs: []Job{}}}},
		{"null list of none", `{"totalCount":0,"jobs":null}`, pageData{}},
		{"null list before the total", `{"result":null,"totalNumber":"0"}`, pageData{drift: []Drift{
			drift(DriftEnvelope, "totalNumber", ""), drift(DriftTextNumber, "totalNumber", "0")}}},
		{"October 2024", `{"totalNumber":1,"result":[` + plainJob + `]}`, pageData{Page: Page{Jobs: jobs, TotalCount: 1}, drift: []Drift{
			drift(DriftEnvelope, "totalNumber", ""), drift(DriftEnvelope, "result", "")}}},
		{"bare", `[` + plainJob + `]`, pageData{Page: Page{Jobs: jobs, TotalCount: -1}, drift: []Drift{drift(DriftEnvelope, "jobs", "")}}},
		{"bare and empty", `[]`, pageData{Page: Page{Jobs: []Job{}, TotalCount: -1}, drift: []Drift{drift(DriftEnvelope, "jobs", "")}}},
		{"byte-order mark", "\xEF\xBB\xBF" + `{"totalCount":1,"jobs":[` + plainJob + `]}`, pageData{Page: Page{Jobs: jobs, TotalCount: 1},
			drift: []Drift{drift(DriftByteOrderMark, "", "")}}},
		{"no total", `{"jobs":[` + plainJob + `]}`, pageData{Page: Page{Jobs: jobs, TotalCount: -1}, drift: []Drift{drift(DriftMissing, "totalCount", "")}}},
		{"totals that are none", `{"jobs":[` + plainJob + `],"totalCount":-1}`, pageData{Page: Page{Jobs: jobs, TotalCount: -1}, drift: []Drift{
			drift(DriftUnreadable, "totalCount", "-1"), drift(DriftMissing, "totalCount", "")}}},
		{"inexact total", `{"jobs":[` + plainJob + `],"totalCount":1.5}`, pageData{Page: Page{Jobs: jobs, TotalCount: -1}, drift: []Drift{
			drift(DriftInexact, "totalCount", "1.5"), drift(DriftMissing, "totalCount", "")}}},
		{"total as text", `{"jobs":[` + plainJob + `],"totalCount":"1.0","pageIndex":"2","pageSize":1e1,"nextLink":null}`,
			pageData{Page: Page{Jobs: jobs, TotalCount: 1, Number: 2, Size: 10}, drift: []Drift{
				drift(DriftTextNumber, "totalCount", "1.0"), drift(DriftDecimal, "totalCount", "1.0"),
				drift(DriftTextNumber, "pageIndex", "2"), drift(DriftDecimal, "pageSize", "1e1")}}},
		{"other case", `{"TotalCount":1,"Jobs":[` + plainJob + `]}`, pageData{Page: Page{Jobs: jobs, TotalCount: 1}, drift: []Drift{
			drift(DriftOtherCase, "totalCount", "TotalCount"), drift(DriftOtherCase, "jobs", "Jobs")}}},
		{"unknown fields", `{"a":[{"b":{}}],"totalCount":1,"jobs":[` + plainJob + `],"requestId":"r","statusCode":200}`,
			pageData{Page: Page{Jobs: jobs, TotalCount: 1}, drift: []Drift{drift(DriftUnknownField, "a", `[{"b":{}}]`),
				drift(DriftUnknownField, "requestId", "r"), drift(DriftUnknownField, "statusCode", "200")}}},
		{"both envelopes", `{"totalCount":1,"jobs":[` + plainJob + `],"totalNumber":0,"result":[]}`,
			pageData{Page: Page{Jobs: jobs, TotalCount: 1}, drift: []Drift{
				drift(DriftEnvelope, "totalNumber", ""), drift(DriftEnvelope, "result", "")}}},
		{"both envelopes, the other first", `{"totalNumber":0,"result":[],"totalCount":1,"jobs":[` + plainJob + `]}`,
			pageData{Page: Page{Jobs: jobs, TotalCount: 1}, drift: []Drift{
				drift(DriftEnvelope, "totalNumber", ""), drift(DriftEnvelope, "result", "")}}},
		{"two lists", `{"totalCount":2,"totalCount":1,"jobs":[` + plainJob + `,` + plainJob + `],"jobs":[` + plainJob + `],"jobs":null}`,
			pageData{Page: Page{Jobs: jobs, TotalCount: 1}, drift: []Drift{
				drift(DriftDuplicateField, "totalCount", ""), drift(DriftDuplicateField, "jobs", "")}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { comparePages(t, mustDecode(t, test.body), test.want) })
	}
}

type drifts = []Drift

func one(kind DriftKind, field, value string) Drift {
	return Drift{kind, "jobs." + field, value, 1}
}

func at(hour, minute, nano int) time.Time {
	return time.Date(2026, 11, 1, hour, minute, 0, nano, time.UTC)
}

var toleratedFields = []struct {
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
	{`"status":1073741824`, func(j *Job) { j.Status = 1 << 30 }, drifts{one(DriftUnknownValue, "status", "1073741824")}},
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

func TestDecodePageToleratesFields(t *testing.T) {
	for _, test := range toleratedFields {
		t.Run(test.field, func(t *testing.T) {
			want := pageData{Page: Page{Jobs: []Job{plainDecoded}, TotalCount: 1}, drift: test.drift}
			test.set(&want.Jobs[0])
			comparePages(t, mustDecode(t, `{"totalCount":1,"jobs":[`+withField(plainJob, test.field)+`]}`), want)
			if _, err := json.Marshal(want.Jobs); err != nil {
				t.Errorf("the job cannot be marshaled: %v", err)
			}
		})
	}
}

// TestDecodePagePlaceholders: placeholders for the finish time of a job that has not ended are left out.
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
		{"2", "soon", "", time.Time{}, false}, // unreadable, and reported
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
			if got := page.Jobs[0].FinishTime; got != test.want || (i >= 0) != test.drift {
				t.Errorf("got %v, drift %+v", got, page.drift)
			}
			if i >= 0 && page.drift[i] != (Drift{DriftPlaceholder, "jobs.finishTime", test.finish, 1}) {
				t.Errorf("drift %+v", page.drift[i])
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
		Page: Page{TotalCount: 2, Jobs: []Job{
			{Module: "M", Type: JobTypeUnknown, Status: JobStatusUnknown},
			{Type: JobTypeUnknown, Status: JobStatusUnknown},
		}},
		drift: []Drift{
			{DriftMissing, "jobs.type", "", 2}, {DriftMissing, "jobs.jobId", "", 2},
			{DriftMissing, "jobs.startTime", "", 2}, {DriftMissing, "jobs.status", "", 2},
		},
	})
}

// Strings are shared between jobs: a job must never get a string of another one.
func TestDecodePageSharedTexts(t *testing.T) {
	var body strings.Builder
	body.WriteString(`[`)
	texts := []string{`"a"`, `"a"`, `"b"`, `"\u0062"`, `5`, `"5"`, `""`, `null`, `"a"`}
	for i, text := range texts {
		fmt.Fprintf(&body, `%s{"jobId":"A","module":%s,"organizationId":%s,"organizationName":%s}`, ","[:min(i, 1)], text, text, text)
	}
	body.WriteString(`]`)
	var got []string
	for _, job := range mustDecode(t, body.String()).Jobs {
		if job.Module != job.OrganizationID || job.Module != job.OrganizationName {
			t.Errorf("texts differ: %+v", job)
		}
		got = append(got, job.Module)
	}
	if diff := cmp.Diff([]string{"a", "a", "b", "b", "5", "5", "", "", "a"}, got); diff != "" {
		t.Errorf("modules (-want +got):\n%s", diff)
	}
}

// TestDecodePageUnknownValues: each unknown value is counted separately.
func TestDecodePageUnknownValues(t *testing.T) {
	body := "["
	for i, status := range []string{`"Queued"`, `"Partially Failed"`, `1073741824`, `"Queued"`} {
		body += ","[:min(i, 1)] + withField(plainJob, `"status":`+status)
	}
	want := []Drift{
		{DriftEnvelope, "jobs", "", 1},
		{DriftUnknownValue, "jobs.status", "Queued", 2},
		{DriftUnknownValue, "jobs.status", "Partially Failed", 1},
		{DriftUnknownValue, "jobs.status", "1073741824", 1},
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
	if len(drift) != lenient.MaxDifferences || drift[lenient.MaxDifferences-1].Kind != DriftMore {
		t.Fatalf("%d entries, the last %+v", len(drift), drift[len(drift)-1])
	}
	total := 0
	for _, d := range drift {
		total += d.Count
		if len(d.Field) > lenient.MaxText || len(d.Value) > lenient.MaxText || !utf8.ValidString(d.Field+d.Value) {
			t.Errorf("too long or not UTF-8: %+v", d)
		}
		if strings.ContainsFunc(d.Field+d.Value, func(r rune) bool { return r < ' ' || r == '\u0085' || r == '\u202e' }) {
			t.Errorf("control characters: %#v", d)
		}
	}
	if want := 1 + 2*100 + 2*3; total != want { // the envelope, the unknown fields, the missing ones
		t.Errorf("counted %d, want %d", total, want)
	}
}
