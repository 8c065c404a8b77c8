package api

import (
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"
)

const (
	operationID = "getJobs"
	goodFilter  = `{"pageInfo":{"currentPage":1,"pageSize":10},"type":1,"startTime":"2026-11-01T00:00:00Z","organizationId":"69cb1ecc-f8e8-439b-8077-a4b7fd45e87f"}`
	goodPage    = `{"totalCount":1,"nextLink":"","jobs":[{"type":1,"jobId":"A","startTime":"2026-11-01T03:00:00.1234567Z","status":3,"backupSize":9223372036854775807}]}`
)

// smallContract reads testdata/small.yaml.
func smallContract(t *testing.T) *contract {
	t.Helper()
	c, err := parseContract(t, "testdata/small.yaml", func(s string) string { return s })
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func parseContract(t *testing.T, file string, change func(string) string) (*contract, error) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := openapi3.NewLoader().LoadFromData([]byte(change(string(text))))
	if err != nil {
		t.Fatal(err)
	}
	return newContract(doc)
}

// lines is an error's text, line by line; none for nil.
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
		{"the least", `{"pageInfo":{}}`, nil},
		{"space around", " \n" + goodFilter + "\t\r\n", nil},
		{"an integer with a fraction of zero", `{"pageInfo":{"pageSize":10.0}}`, nil},
		{"no body", "", []string{`body: requestBody: found no body, want a body (seed)`}},
		{"null", "null", []string{`body: nullable: found null, want no null (seed)`}},
		{"no object", `[1]`, []string{`body: type: found an array, want object (seed)`}},
		{"no page", `{}`, []string{`body /pageInfo: required: found nothing, want a property "pageInfo" (seed): version v1 requires it, the vendor's earlier description does not; this contract follows version v1`}},
		{"many", `{"pageInfo":{"currentPage":0,"pageSize":"10","x":1},"type":"1","status":"Failed","endTime":"yesterday","organizationId":"1","a/b~":[]}`, []string{
			`body /a~1b~0: additionalProperties: found an array, want none but ` + filterProperties + ` (earlier)`,
			`body /endTime: format: found "yesterday", want date-time: RFC 3339, such as 2026-11-01T03:00:00Z (earlier)`,
			`body /organizationId: format: found "1", want uuid: 32 hexadecimal digits as 8-4-4-4-12 (seed)`,
			`body /pageInfo/currentPage: minimum: found 0, want at least 1 (later)`,
			`body /pageInfo/pageSize: type: found "10", want integer (seed)`,
			`body /pageInfo/x: additionalProperties: found 1, want none but currentPage, pageSize (earlier)`,
			`body /status: type: found "Failed", want integer (seed)`,
			`body /type: type: found "1", want integer (seed)`,
		}},
		{"two unknown", `{"pageInfo":{},"b":1,"a":2}`, []string{
			`body /a: additionalProperties: found 2, want none but ` + filterProperties + ` (earlier)`,
			`body /b: additionalProperties: found 1, want none but ` + filterProperties + ` (earlier)`,
		}},
		{"int32", `{"pageInfo":{"pageSize":2147483648,"currentPage":1.5}}`, []string{
			`body /pageInfo/currentPage: type: found 1.5, want integer (seed)`,
			`body /pageInfo/pageSize: format: found 2147483648, want int32: an integer of 32 bits (earlier)`,
		}},
		{"key twice", `{"pageInfo":{"pageSize":0,"pageSize":10},"pageInfo":{"pageSize":0}}`, []string{
			`body /pageInfo: unique: found a repeated key, want each key once`,
			`body /pageInfo/pageSize: minimum: found 0, want at least 1 (inferred)`,
			`body /pageInfo/pageSize: unique: found a repeated key, want each key once`,
		}},
		{"key twice in other letters", `{"pageInfo":{},"page\u0049nfo":{}}`, []string{
			`body /pageInfo: unique: found a repeated key, want each key once`,
		}},
		{"garbage behind", goodFilter + "x", []string{`body: json: found invalid character 'x' after top-level value at byte 145, want one JSON value in UTF-8`}},
		{"second value behind", `{"pageInfo":{}}{}`, []string{`body: json: found invalid character '{' after top-level value at byte 16, want one JSON value in UTF-8`}},
		{"cut short", `{"pageInfo":{`, []string{`body: json: found unexpected end of JSON input at byte 13, want one JSON value in UTF-8`}},
		{"no UTF-8", "{\"pageInfo\":{},\"\xff\":1}", []string{`body: json: found invalid UTF-8, want one JSON value in UTF-8`}},
		{"long and over two lines", `{"pageInfo":{},"a\nb":"x` + strings.Repeat("é", 100) + `"}`, []string{
			`body /a\nb: additionalProperties: found "x` + strings.Repeat("é", 31) + `…", want none but ` + filterProperties + ` (earlier)`,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			body := []byte(test.body)
			err := ValidateRequest(operationID, body)
			if diff := cmp.Diff(test.want, lines(err)); diff != "" {
				t.Error(diff)
			}
			if string(body) != test.body {
				t.Errorf("the payload was rewritten to %s", body)
			}
		})
	}
}

// TestHints breaks the contract in each place where its sources contradict each other, and wants every
// hint of the contract once.
func TestHints(t *testing.T) {
	want := make(map[string]int)
	doc, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	err = doc.WalkSchemas(func(_ string, ref *openapi3.SchemaRef) error {
		hints, _ := ref.Value.Extensions["x-hints"].(map[string]any)
		for _, hint := range hints {
			want[hint.(string)] = 1
		}
		return nil
	})
	if err != nil || len(want) == 0 {
		t.Fatal(want, err)
	}
	got := make(map[string]int)
	for body, place := range map[string]string{
		`{}`: "/pageInfo",
		`{"pageInfo":{},"finishTime":"2026-11-02T00:00:00Z"}`: "/finishTime",
		`{"pageInfo":{},"startTime":1793491200}`:              "/startTime",
		`{"pageInfo":{},"status":5}`:                          "/status",
		`{"pageInfo":{},"type":64}`:                           "/type",
	} {
		found, _ := errors.AsType[Violations](ValidateRequest(operationID, []byte(body)))
		if len(found) != 1 || found[0].Pointer != place || !strings.HasSuffix(found[0].String(), "): "+found[0].Hint) {
			t.Errorf("%s: got %q", body, found)
			continue
		}
		got[found[0].Hint]++
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("hints (-contract +seen):\n%s", diff)
	}
	for body, hint := range map[string]string{
		`{"pageInfo":{},"endTime":1793491200}`:  "types times as long",
		`{"pageInfo":{},"endTime":"yesterday"}`: "", // no document has such times
		`{"pageInfo":{},"FinishTime":1}`:        "",
	} {
		found, _ := errors.AsType[Violations](ValidateRequest(operationID, []byte(body)))
		if len(found) != 1 || !strings.Contains(found[0].Hint, hint) || hint == "" && found[0].Hint != "" {
			t.Errorf("%s: got %q", body, found)
		}
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
		{"parameters of the media type", 200, "Application/JSON; charset=utf-8", goodPage, nil},
		{"unknown properties", 200, json, `{"totalCount":0,"jobs":[],"news":1}`, nil},
		{"a failure without content", 503, "text/html", "<html>", nil},
		{"a failure with nothing", 401, "", "", nil},
		{"faults of any form", 400, json, `{"errors":[null,1,{"a":[]}],"data":null,"metadata":{"a":1}}`, nil},
		{"a login page", 200, "text/html", "<html>", []string{`header /Content-Type: content: found "text/html", want application/json (inferred)`}},
		{"no media type", 200, "", goodPage, []string{`header /Content-Type: content: found no media type, want application/json (inferred)`}},
		{"another JSON", 200, "application/problem+json", goodPage, []string{`header /Content-Type: content: found "application/problem+json", want application/json (inferred)`}},
		{"empty", 200, json, "", []string{`body: json: found nothing, want one JSON value in UTF-8`}},
		{"an error with status 200", 200, json, `{"message":"no"}`, []string{
			`body /jobs: required: found nothing, want a property "jobs" (inferred)`,
			`body /totalCount: required: found nothing, want a property "totalCount" (inferred)`,
		}},
		{"a job without an id", 200, json, `{"totalCount":1,"jobs":[{"type":1,"startTime":null,"status":3}]}`, []string{
			`body /jobs/0/jobId: required: found nothing, want a property "jobId" (inferred)`,
			`body /jobs/0/startTime: nullable: found null, want no null (later)`,
		}},
		{"a refusal in HTML", 400, "text/html", "<html>", []string{`header /Content-Type: content: found "text/html", want application/json (inferred)`}},
		{"words for numbers, in order", 200, json, `{"totalCount":-1,"jobs":[{"type":"Backup","jobId":1,"startTime":"","status":5},2,3,4,5,6,7,8,9,10,null]}`, []string{
			`body /jobs/0/jobId: type: found 1, want string (later)`,
			`body /jobs/0/startTime: format: found "", want date-time: RFC 3339, such as 2026-11-01T03:00:00Z (later)`,
			`body /jobs/0/status: enum: found 5, want one of [2,3,4,7] (later)`,
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
		{"the last integer and the next", 200, json, `{"totalCount":9223372036854775808,"jobs":[],"pageIndex":-2147483649}`, []string{
			`body /pageIndex: format: found -2147483649, want int32: an integer of 32 bits (inferred)`,
			`body /totalCount: format: found 9223372036854778000, want int64: an integer of 64 bits (inferred)`,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := ValidateResponse(operationID, test.status, test.mediaType, []byte(test.body))
			if diff := cmp.Diff(test.want, lines(err)); diff != "" {
				t.Error(diff)
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
		t.Errorf("the media type of no body: %v", err)
	}
}

func TestUnknown(t *testing.T) {
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
		{"no body where none belongs", "listJobs", "", nil},
		{"a body where none belongs", "listJobs", "{}", []string{`body: requestBody: found a body, want no body (later)`}},
		{"an optional body", "putJob", "", nil},
		{"a number", "putJob", `{"ghost":0,"size":0.1,"anything":null}`, nil},
		{"many", "putJob", `{"size":3,"on":0,"list":[]}`, []string{
			`body /ghost: required: found nothing, want a property "ghost" (inferred)`,
			`body /list: minItems: found an array, want minimum number of items is 1 (inferred)`,
			`body /on: type: found 0, want boolean (inferred)`,
			`body /size: maximum: found 3, want at most 2.5 (inferred)`,
		}},
		{"read only", "putJob", `{"ghost":0,"id":"a"}`, []string{`body /id: readOnly: found "a", want none in this direction (inferred)`}},
		{"a component, used", "putJob", `{"ghost":0,"part":1}`, []string{`body /part: type: found 1, want object (later): of the use`}},
		{"a component, used, by a keyword", "putJob", `{"ghost":0,"part":null}`, []string{`body /part: nullable: found null, want no null (inferred): of the component`}},
		{"within a component, used", "putJob", `{"ghost":0,"part":{"id":1}}`, []string{`body /part/id: type: found 1, want string (inferred)`}},
		{"enum of a right type", "putJob", `{"ghost":0,"on":false}`, []string{`body /on: enum: found false, want one of [true] (inferred)`}},
		{"a number too large", "putJob", `{"ghost":0,"size":1e400}`, []string{`body /size: format: found 1e400, want double: a number that fits a float64 (inferred)`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, lines(c.operations[test.operation].checkBody("application/json", []byte(test.body)).err())); diff != "" {
				t.Error(diff)
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
	if diff := cmp.Diff([]string{`body /secret: writeOnly: found "a", want none in this direction (later)`}, lines(writeOnly)); diff != "" {
		t.Error(diff)
	}
}

func TestValidateQuery(t *testing.T) {
	const valid = "type=1&startTime=2026-11-01T00:00:00Z&finishTime=2026-11-02T00:00:00Z"
	if err := ValidateQuery("listJobs", valid); err != nil {
		t.Error(err)
	}
	want := []string{
		`query /endTime: parameters: found "x", want none but finishTime, organizationId, pageIndex, pageSize, startTime, status, type (inferred)`,
		`query /status: type: found "x", want integer (later)`,
	}
	if diff := cmp.Diff(want, lines(ValidateQuery("listJobs", valid+"&status=x&endTime=x"))); diff != "" {
		t.Error(diff)
	}
	if err := ValidateQuery("noSuch", ""); !errors.Is(err, ErrUnknownOperation) {
		t.Errorf("got %v, want ErrUnknownOperation", err)
	}
	if err := ValidateQuery("getJobs", "type=1"); err == nil {
		t.Error("getJobs takes no query")
	}
}

func TestQuery(t *testing.T) {
	const known = "deleted, hours, organizationId, pageIndex, type"
	c := smallContract(t)
	for _, test := range []struct {
		name, operation, query string
		want                   []string
	}{
		{"good", "listJobs", "pageIndex=1&type=2&organizationId=69cb1ecc-f8e8-439b-8077-a4b7fd45e87f&hours=1e1&deleted=true", nil},
		{"nothing", "listJobs", "", []string{`query /type: required: found nothing, want a parameter "type" (later)`}},
		{"unknown", "listJobs", "type=1&PageIndex=1", []string{`query /PageIndex: parameters: found "1", want none but ` + known + ` (later)`}},
		{"unknown where there are none", "putJob", "a/b=1", []string{`query /a~1b: parameters: found "1", want no query`}},
		{"twice", "listJobs", "type=1&type=1", []string{`query /type: unique: found 2 values, want each parameter once (later)`}},
		{"bad values", "listJobs", "type=3&pageIndex=0&organizationId=x&hours=one&deleted=1", []string{
			`query /deleted: type: found "1", want boolean (inferred)`,
			`query /hours: type: found "one", want number (inferred)`,
			`query /organizationId: format: found "x", want uuid: 32 hexadecimal digits as 8-4-4-4-12 (later)`,
			`query /pageIndex: minimum: found 0, want at least 1 (later)`,
			`query /type: enum: found 3, want one of [0,1,2] (later)`,
		}},
		{"no integers", "listJobs", "type=&pageIndex=%201", []string{
			`query /pageIndex: type: found " 1", want integer (later)`,
			`query /type: type: found "", want integer (later)`,
		}},
		{"no query", "listJobs", "type=1&a=%zz", []string{`query: parameters: found invalid URL escape "%zz", want a query as in a URL`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, lines(c.operations[test.operation].checkQuery(test.query).err())); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What this package could not check must not pass in silence: such a contract is refused.
func TestContractRefused(t *testing.T) {
	for _, test := range []struct{ name, old, new, want string }{
		{"parameter in a header", "{name: hours, in: query", "{name: hours, in: header", `parameter "hours" in header`},
		{"parameter of no scalar type", "{type: boolean, x-source: inferred}", "{type: array, items: {type: string}}", `parameter "deleted" in query`},
		{"operation without an id", "operationId: listJobs", "summary: no id", "operationId"},
		{"invalid document", "title: Small, ", "", "title"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := parseContract(t, "testdata/small.yaml", func(s string) string { return strings.Replace(s, test.old, test.new, 1) })
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestFind(t *testing.T) {
	c := smallContract(t)
	for _, test := range []struct{ method, path, want string }{
		{"GET", "/dynamicsbackup/jobs", "listJobs"},
		{"GET", "/proxy/v2/dynamicsbackup/jobs", "listJobs"},
		{"GET", "/jobs", "shortJobs"},
		{"GET", "/backup/jobs", "shortJobs"},
		{"PUT", "/dynamicsbackup/jobs", "putJob"},
		{"POST", "/jobs", ""},
		{"GET", "/dynamicsbackup/jobs/", ""},
		{"GET", "/DynamicsBackup/Jobs", ""},
		{"GET", "/oldjobs", ""},
		{"GET", "", ""},
	} {
		var got string
		if o := c.find(test.method, test.path); o != nil {
			got = o.OperationID
		}
		if got != test.want {
			t.Errorf("%s %s: got %q, want %q", test.method, test.path, got, test.want)
		}
	}
}

func TestMediaType(t *testing.T) {
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

// A body at rest is judged by the schema of application/json; the other media types have the same.
func TestOneSchema(t *testing.T) {
	doc, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			if op.RequestBody == nil {
				continue
			}
			want := op.RequestBody.Value.Content["application/json"]
			for name, media := range op.RequestBody.Value.Content {
				if want == nil || media.Schema.Ref != want.Schema.Ref {
					t.Errorf("%s %s: %s has a schema of its own", method, path, name)
				}
			}
		}
	}
}

// The embedded contract is openapi.yaml, operation ids included, and all of its formats are enforced.
func TestLoad(t *testing.T) {
	doc, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := Load(); again != doc {
		t.Error("a second Load gives another document")
	}
	file, err := openapi3.NewLoader().LoadFromFile("../openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(asJSON(t, file), asJSON(t, doc)); diff != "" {
		t.Errorf("the embedded contract is not openapi.yaml; run make generate:\n%s", diff)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Errorf("with examples and defaults: %v", err)
	}
	for _, format := range formats(asJSON(t, doc)) {
		_, isString := stringFormats[format]
		_, isInteger := integerFormats[format]
		_, isNumber := numberFormats[format]
		if !isString && !isInteger && !isNumber {
			t.Errorf("the contract has a format %q that nothing enforces: add it to format.go", format)
		}
	}
}

func asJSON(t *testing.T, doc *openapi3.T) any {
	t.Helper()
	text, err := doc.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	value, _, ok := parseJSON(text)
	if !ok {
		t.Fatal("the document is no JSON")
	}
	return value
}

// formats collects the values of every "format" in a document.
func formats(value any) (all []string) {
	switch value := value.(type) {
	case []any:
		for _, item := range value {
			all = append(all, formats(item)...)
		}
	case map[string]any:
		for key, v := range value {
			if format, ok := v.(string); ok && key == "format" {
				all = append(all, format)
			}
			all = append(all, formats(v)...)
		}
	}
	return all
}

// Run with -race: kin-openapi's registry of formats is global and not locked, so a program that adds
// to it must not meet this package reading it.
func TestConcurrent(t *testing.T) {
	strings, integers := maps.Clone(openapi3.SchemaStringFormats), maps.Clone(openapi3.SchemaIntegerFormats)
	t.Cleanup(func() { openapi3.SchemaStringFormats, openapi3.SchemaIntegerFormats = strings, integers })
	doc, err := parse()
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				if err := ValidateRequest(operationID, []byte(goodFilter)); err != nil {
					t.Error(err)
				}
				if err := ValidateResponse(operationID, 200, "application/json", []byte(goodPage)); err != nil {
					t.Error(err)
				}
				if err := ValidateRequest(operationID, []byte(`{}`)); err == nil {
					t.Error("no violation")
				}
			}
		})
	}
	wg.Go(func() {
		if _, err := newContract(doc); err != nil {
			t.Error(err)
		}
	})
	wg.Go(func() {
		for range 50 {
			openapi3.DefineStringFormatValidator("date-time", openapi3.NewRegexpFormatValidator("^never$"))
			openapi3.DefineIntegerFormatValidator("int32", openapi3.NewRangeFormatValidator[int64](0, 0))
		}
	})
	wg.Wait()
}

func TestViolationsSorted(t *testing.T) {
	want := []string{"", "/0", "/2", "/10", "/a", "/a/1", "/a/b", "/a~1", "/b"}
	for range 20 {
		vs := Violations{}
		for _, p := range slices.Concat(want[4:], want[:4], want[2:3]) {
			vs = append(vs, Violation{Pointer: p})
		}
		var got []string
		for _, v := range vs.sorted() {
			got = append(got, v.Pointer)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	}
}
