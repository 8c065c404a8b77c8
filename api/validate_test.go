package api

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	operationID = "getJobs"
	goodFilter  = `{"pageInfo":{"currentPage":1,"pageSize":10},"type":1,"startTime":"2026-11-01T00:00:00Z","organizationId":"69cb1ecc-f8e8-439b-8077-a4b7fd45e87f"}`
	goodPage    = `{"totalCount":1,"nextLink":"","jobs":[{"type":1,"jobId":"A","startTime":"2026-11-01T03:00:00.1234567Z","status":3,"backupSize":9223372036854775807}]}`
)

// lines returns the lines of an error's text; none if it is nil.
func lines(err error) []string {
	if err == nil {
		return nil
	}
	return strings.Split(err.Error(), "\n")
}

func TestValidateRequest(t *testing.T) {
	const filterProperties = "endTime, objectType, organizationId, pageInfo, startTime, status, type"
	for _, test := range []struct {
		name, body string
		want       []string
	}{
		{"good", goodFilter, nil},
		{"minimal", `{"pageInfo":{}}`, nil},
		{"surrounding space", " \n" + goodFilter + "\t\r\n", nil},
		{"integer with zero fraction", `{"pageInfo":{"pageSize":10.0}}`, nil},
		{"no body", "", []string{`body: requestBody: found no body, want a body (seed)`}},
		{"null", "null", []string{`body: nullable: found null, want no null (seed)`}},
		{"not an object", `[1]`, []string{`body: type: found an array, want object (seed)`}},
		{"no page", `{}`, []string{`body /pageInfo: required: found nothing, want a property "pageInfo" (seed): version v1 requires it, the vendor's earlier description does not; this contract follows version v1`}},
		{"many", `{"pageInfo":{"currentPage":0,"pageSize":"10","x":1},"type":"1","status":"Failed","endTime":"yesterday","organizationId":"1","a/b~":[]}`, []string{
			`body /a~1b~0: additionalProperties: found an array, want only ` + filterProperties + ` (earlier)`,
			`body /endTime: format: found "yesterday", want date-time: RFC 3339, such as 2026-11-01T03:00:00Z (earlier)`,
			`body /organizationId: format: found "1", want uuid: 32 hexadecimal digits as 8-4-4-4-12 (seed)`,
			`body /pageInfo/currentPage: minimum: found 0, want at least 1 (later)`,
			`body /pageInfo/pageSize: type: found "10", want integer (seed)`,
			`body /pageInfo/x: additionalProperties: found 1, want only currentPage, pageSize (earlier)`,
			`body /status: type: found "Failed", want integer (seed)`,
			`body /type: type: found "1", want integer (seed)`,
		}},
		{"two unknown properties", `{"pageInfo":{},"b":1,"a":2}`, []string{
			`body /a: additionalProperties: found 2, want only ` + filterProperties + ` (earlier)`,
			`body /b: additionalProperties: found 1, want only ` + filterProperties + ` (earlier)`,
		}},
		{"int32", `{"pageInfo":{"pageSize":2147483648,"currentPage":1.5}}`, []string{
			`body /pageInfo/currentPage: type: found 1.5, want integer (seed)`,
			`body /pageInfo/pageSize: format: found 2147483648, want int32: an integer of 32 bits (earlier)`,
		}},
		{"repeated key", `{"pageInfo":{"pageSize":0,"pageSize":10},"pageInfo":{"pageSize":0}}`, []string{
			`body /pageInfo: unique: found a repeated key, want each key once`,
			`body /pageInfo/pageSize: minimum: found 0, want at least 1 (inferred)`,
			`body /pageInfo/pageSize: unique: found a repeated key, want each key once`,
		}},
		{"repeated key with an escape", `{"pageInfo":{},"page\u0049nfo":{}}`, []string{
			`body /pageInfo: unique: found a repeated key, want each key once`,
		}},
		{"trailing text", goodFilter + "x", []string{`body: json: found invalid character 'x' after top-level value at byte 145, want one JSON value in UTF-8`}},
		{"second value", `{"pageInfo":{}}{}`, []string{`body: json: found invalid character '{' after top-level value at byte 16, want one JSON value in UTF-8`}},
		{"truncated", `{"pageInfo":{`, []string{`body: json: found unexpected end of JSON input at byte 13, want one JSON value in UTF-8`}},
		{"invalid UTF-8", "{\"pageInfo\":{},\"\xff\":1}", []string{`body: json: found invalid UTF-8, want one JSON value in UTF-8`}},
		{"long, with a line break", `{"pageInfo":{},"a\nb":"x` + strings.Repeat("é", 100) + `"}`, []string{
			`body /a\nb: additionalProperties: found "x` + strings.Repeat("é", 31) + `…", want only ` + filterProperties + ` (earlier)`,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			body := []byte(test.body)
			err := ValidateRequest(operationID, body)
			if diff := cmp.Diff(test.want, lines(err)); diff != "" {
				t.Errorf("violations (-want +got):\n%s", diff)
			}
			if string(body) != test.body {
				t.Errorf("the payload was changed to %s", body)
			}
		})
	}
}

func TestValidateResponse(t *testing.T) {
	const json = "application/json"
	for _, test := range []struct {
		name      string
		status    int
		mediaType string
		body      string
		want      []string
	}{
		{"good", 200, json, goodPage, nil},
		{"media type with parameter", 200, "Application/JSON; charset=utf-8", goodPage, nil},
		{"unknown properties", 200, json, `{"totalCount":0,"jobs":[],"news":1}`, nil},
		{"failure without documented body", 503, "text/html", "<html>", nil},
		{"failure without body", 401, "", "", nil},
		{"errors of any form", 400, json, `{"errors":[null,1,{"a":[]}],"data":null,"metadata":{"a":1}}`, nil},
		{"login page", 200, "text/html", "<html>", []string{`header /Content-Type: content: found "text/html", want application/json (inferred)`}},
		{"no media type", 200, "", goodPage, []string{`header /Content-Type: content: found no media type, want application/json (inferred)`}},
		{"other JSON type", 200, "application/problem+json", goodPage, []string{`header /Content-Type: content: found "application/problem+json", want application/json (inferred)`}},
		{"empty", 200, json, "", []string{`body: json: found nothing, want one JSON value in UTF-8`}},
		{"error with status 200", 200, json, `{"message":"no"}`, []string{
			`body /jobs: required: found nothing, want a property "jobs" (inferred)`,
			`body /totalCount: required: found nothing, want a property "totalCount" (inferred)`,
		}},
		{"job without id", 200, json, `{"totalCount":1,"jobs":[{"type":1,"startTime":null,"status":3}]}`, []string{
			`body /jobs/0/jobId: required: found nothing, want a property "jobId" (inferred)`,
			`body /jobs/0/startTime: nullable: found null, want no null (later)`,
		}},
		{"failure in HTML", 400, "text/html", "<html>", []string{`header /Content-Type: content: found "text/html", want application/json (inferred)`}},
		{"words for numbers, sorted", 200, json, `{"totalCount":-1,"jobs":[{"type":"Backup","jobId":1,"startTime":"","status":1073741824},2,3,4,5,6,7,8,9,10,null]}`, []string{
			`body /jobs/0/jobId: type: found 1, want string (later)`,
			`body /jobs/0/startTime: format: found "", want date-time: RFC 3339, such as 2026-11-01T03:00:00Z (later)`,
			`body /jobs/0/status: enum: found 1073741824, want one of [2,3,4,7] (later)`,
			`body /jobs/0/type: type: found "Backup", want integer (later)`,
			`body /jobs/1: type: found 2, want object (later)`,
			`body /jobs/2: type: found 3, want object (later)`,
			`body /jobs/3: type: found 4, want object (later)`,
			`body /jobs/4: type: found 5, want object (later)`,
			`body /jobs/5: type: found 6, want object (later)`,
			`body /jobs/6: type: found 7, want object (later)`,
			`body /jobs/7: type: found 8, want object (later)`,
			`body /jobs/8: type: found 9, want object (later)`,
			`body /jobs/9: type: found 10, want object (later)`,
			`body /jobs/10: nullable: found null, want no null (later)`,
			`body /totalCount: minimum: found -1, want at least 0 (inferred)`,
		}},
		{"inferred", 400, json, `{"statusCode":"400"}`, []string{`body /statusCode: type: found "400", want integer (inferred)`}},
		{"integers out of range", 200, json, `{"totalCount":9223372036854775808,"jobs":[],"pageIndex":-2147483649}`, []string{
			`body /pageIndex: format: found -2147483649, want int32: an integer of 32 bits (inferred)`,
			`body /totalCount: format: found 9223372036854778000, want int64: an integer of 64 bits (inferred)`,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := ValidateResponse(operationID, test.status, test.mediaType, []byte(test.body))
			if diff := cmp.Diff(test.want, lines(err)); diff != "" {
				t.Errorf("violations (-want +got):\n%s", diff)
			}
		})
	}
}

func TestValidateRequestAs(t *testing.T) {
	for mediaType, want := range map[string][]string{
		"application/json":             nil,
		"Text/JSON; charset=utf-8":     nil,
		"application/vnd.example+json": nil,
		"application/xml":              {`header /Content-Type: content: found "application/xml", want application/*+json or application/json or text/json (seed)`},
		"":                             {`header /Content-Type: content: found no media type, want application/*+json or application/json or text/json (seed)`},
	} {
		if diff := cmp.Diff(want, lines(ValidateRequestAs(operationID, mediaType, []byte(goodFilter)))); diff != "" {
			t.Errorf("%q: %s", mediaType, diff)
		}
	}
	if err := ValidateRequestAs("listJobs", "application/xml", nil); err != nil {
		t.Errorf("media type without a body: %v", err)
	}
}

func TestUnknownOperationAndStatus(t *testing.T) {
	for _, err := range []error{ValidateRequest("GetJobs", nil), ValidateResponse("", 200, "", nil)} {
		if !errors.Is(err, ErrUnknownOperation) || !strings.Contains(err.Error(), "it has getJobs") {
			t.Errorf("got %v", err)
		}
	}
	for _, err := range []error{ValidateResponse(operationID, 0, "", nil), ValidateResponse(operationID, 600, "", nil)} {
		if !errors.Is(err, ErrUnknownStatus) {
			t.Errorf("got %v", err)
		}
		if _, ok := errors.AsType[Violations](err); ok {
			t.Errorf("%v is a violation", err)
		}
	}
	if response := smallContract(t).operations["listJobs"].response(404); response != nil {
		t.Errorf("got response %v for an unknown status", response)
	}
}

func TestSmallContract(t *testing.T) {
	c := smallContract(t)
	for _, test := range []struct {
		name, operation, body string
		want                  []string
	}{
		{"no body expected", "listJobs", "", nil},
		{"unexpected body", "listJobs", "{}", []string{`body: requestBody: found a body, want no body (later)`}},
		{"no optional body", "putJob", "", nil},
		{"number", "putJob", `{"ghost":0,"size":0.1,"anything":null}`, nil},
		{"many", "putJob", `{"size":3,"on":0,"list":[]}`, []string{
			`body /ghost: required: found nothing, want a property "ghost" (inferred)`,
			`body /list: minItems: found an array, want minimum number of items is 1 (inferred)`,
			`body /on: type: found 0, want boolean (inferred)`,
			`body /size: maximum: found 3, want at most 2.5 (inferred)`,
		}},
		{"read-only", "putJob", `{"ghost":0,"id":"a"}`, []string{`body /id: readOnly: found "a", want no value in this direction (inferred)`}},
		{"reference to a component", "putJob", `{"ghost":0,"part":1}`, []string{`body /part: type: found 1, want object (later): of the use`}},
		{"reference, keyword of the component", "putJob", `{"ghost":0,"part":null}`, []string{`body /part: nullable: found null, want no null (inferred): of the component`}},
		{"inside a component", "putJob", `{"ghost":0,"part":{"id":1}}`, []string{`body /part/id: type: found 1, want string (inferred)`}},
		{"enum with the right type", "putJob", `{"ghost":0,"on":false}`, []string{`body /on: enum: found false, want one of [true] (inferred)`}},
		{"number too large", "putJob", `{"ghost":0,"size":1e400}`, []string{`body /size: format: found 1e400, want double: a number that fits a float64 (inferred)`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, lines(c.operations[test.operation].checkBody("application/json", []byte(test.body)).err())); diff != "" {
				t.Errorf("violations (-want +got):\n%s", diff)
			}
		})
	}
	respond := func(status int, body string) error {
		o := c.operations["listJobs"]
		return o.checkResponse(o.response(status), "application/json", []byte(body)).err()
	}
	if err := respond(204, ""); err != nil {
		t.Error(err)
	}
	writeOnly := respond(200, `{"secret":"a"}`)
	if diff := cmp.Diff([]string{`body /secret: writeOnly: found "a", want no value in this direction (later)`}, lines(writeOnly)); diff != "" {
		t.Error(diff)
	}
}

func TestMediaTypeLookup(t *testing.T) {
	doc, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	content := doc.Paths.Value("/api/OpenApi/GetJobs").Post.RequestBody.Value.Content
	for name, want := range map[string]string{
		"application/json":                "application/json",
		"application/json; charset=utf-8": "application/json",
		"TEXT/JSON":                       "text/json",
		"application/vnd.example.v2+json;charset=utf-8": "application/*+json",
		"application/*+json":                            "application/*+json",
		"application/a+b+json":                          "application/*+json",
		"application/xml":                               "",
		"application/+json":                             "",
		"application/vnd.example+xml":                   "",
		"text/x+json":                                   "",
		"json":                                          "",
		"application/json; charset":                     "",
		"":                                              "",
	} {
		got, ok := mediaType(content, name)
		if ok != (want != "") || got != content[want] {
			t.Errorf("%q: got %v, want %q", name, ok, want)
		}
	}
}
