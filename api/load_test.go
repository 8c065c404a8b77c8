package api

import (
	"maps"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"
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

// TestUncheckableContractIsRefused uses contracts with something that this package cannot validate.
func TestUncheckableContractIsRefused(t *testing.T) {
	for _, test := range []struct{ name, old, new, want string }{
		{"parameter in a header", "{name: hours, in: query", "{name: hours, in: header", `parameter "hours" in header`},
		{"parameter of type array", "{type: boolean, x-source: inferred}", "{type: array, items: {type: string}}", `parameter "deleted" in query`},
		{"operation without id", "operationId: listJobs", "summary: no id", "operationId"},
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

func TestFindOperation(t *testing.T) {
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

// TestMediaTypesShareTheSchema shows that a stored body can be validated as application/json.
func TestMediaTypesShareTheSchema(t *testing.T) {
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
					t.Errorf("%s %s: %s has another schema", method, path, name)
				}
			}
		}
	}
}

// TestLoad compares the embedded contract with openapi.yaml, and checks that all formats are enforced.
func TestLoad(t *testing.T) {
	doc, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := Load(); again != doc {
		t.Error("the second Load returns another document")
	}
	file, err := openapi3.NewLoader().LoadFromFile("../openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(asJSON(t, file), asJSON(t, doc)); diff != "" {
		t.Errorf("the embedded contract differs from openapi.yaml: run make generate:\n%s", diff)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Errorf("with examples and defaults: %v", err)
	}
	for _, format := range formats(asJSON(t, doc)) {
		_, isString := stringFormats[format]
		_, isInteger := integerFormats[format]
		_, isNumber := numberFormats[format]
		if !isString && !isInteger && !isNumber {
			t.Errorf("nothing enforces the format %q: add it to format.go", format)
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
		t.Fatal("the document is not JSON")
	}
	return value
}

// formats returns the values of every "format" in a document.
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

// TestConcurrentUse finds a use of kin-openapi's global registry of formats, which has no lock, under -race.
func TestConcurrentUse(t *testing.T) {
	strings, integers := maps.Clone(openapi3.SchemaStringFormats), maps.Clone(openapi3.SchemaIntegerFormats)
	t.Cleanup(func() { openapi3.SchemaStringFormats, openapi3.SchemaIntegerFormats = strings, integers })
	doc, err := openapi3.NewLoader().LoadFromFile("../openapi.yaml")
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
