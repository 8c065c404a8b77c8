package api_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"github.com/d365backup/d365backup/api"
)

const contractFile = "../openapi.yaml"

func TestContractIsValid(t *testing.T) {
	if err := readContract(t).Validate(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestEmbeddedContractIsTheFile(t *testing.T) {
	embedded, err := api.Load()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(tree(t, readContract(t)), tree(t, embedded)); diff != "" {
		t.Errorf("the embedded contract differs, run make generate (-%s +embedded):\n%s", contractFile, diff)
	}
}

// sourceText matches an x-source and its x-source-KEYWORD.
var sourceText = regexp.MustCompile(`^(seed|earlier|later|inferred)(; \w+: (seed|earlier|later|inferred))*$`)

func TestEveryElementHasASource(t *testing.T) {
	for name, source := range elements(readContract(t)) {
		if !sourceText.MatchString(source) {
			t.Errorf("%s: x-source is %q, want seed, earlier, later or inferred", name, source)
		}
	}
}

// TestKeywordSources finds each x-source-KEYWORD that no violation can have.
func TestKeywordSources(t *testing.T) {
	for _, unused := range unusedKeywordSources(readContract(t)) {
		t.Error(unused)
	}
	doc := readContract(t)
	job, op := doc.Components.Schemas["Job"].Value, doc.Paths.Value("/dynamicsbackup/jobs").Get
	job.Extensions["x-source-minimum"] = "inferred" // but a job has no minimum
	job.Extensions["x-source-required"] = "later"   // the same as its x-source
	op.Extensions["x-source-parameter"] = "inferred"
	want := []string{"Job: x-source-minimum", "Job: x-source-required", "listJobs: x-source-parameter"}
	got := unusedKeywordSources(doc)
	if !slices.EqualFunc(got, want, strings.HasPrefix) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// sourcesRow matches "| `element` | source | where |" in SOURCES.md.
var sourcesRow = regexp.MustCompile("(?m)^\\| `([^`]+)` \\| ([^|]+) \\| .+ \\|$")

func TestSourcesListsEveryElement(t *testing.T) {
	text, err := os.ReadFile("SOURCES.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := make(map[string]string)
	for _, row := range sourcesRow.FindAllStringSubmatch(string(text), -1) {
		if _, ok := listed[row[1]]; ok {
			t.Errorf("SOURCES.md repeats %s", row[1])
		}
		listed[row[1]] = row[2]
	}
	if diff := cmp.Diff(elements(readContract(t)), listed); diff != "" {
		t.Errorf("elements and their x-source (-%s +SOURCES.md): say in api/SOURCES.md where each comes from:\n%s", contractFile, diff)
	}
}

// TestElementsFindsEveryPlace tests the function that the tests above use. Each letter is in another place.
func TestElementsFindsEveryPlace(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData([]byte(`{
		"openapi": "3.0.3", "info": {"title": "t", "version": "1"},
		"servers": [{"url": "https://a.example", "x-source": "A"}],
		"paths": {"/p": {
			"parameters": [{"name": "b", "in": "query", "x-source": "B", "schema": {"type": "string", "x-source": "C"}}],
			"get": {
				"operationId": "op", "x-source": "D",
				"parameters": [{"name": "e", "in": "query", "x-source": "E", "schema": {"type": "string", "x-source": "F"}}],
				"requestBody": {"x-source": "G", "content": {"application/json": {"schema": {"type": "object", "x-source": "H"}}}},
				"responses": {"200": {"description": "", "x-source": "I",
					"headers": {"X-J": {"x-source": "J", "schema": {"type": "string", "x-source": "K"}}},
					"content": {"application/json": {"schema": {"type": "object", "x-source": "L"}}}}}}}},
		"components": {
			"securitySchemes": {"M": {"type": "http", "scheme": "bearer", "x-source": "M"}},
			"headers": {"N": {"x-source": "N", "schema": {"type": "string", "x-source": "O"}}},
			"parameters": {"P": {"name": "p", "in": "query", "x-source": "P", "schema": {"type": "string", "x-source": "Q"}}},
			"schemas": {"R": {"x-source": "R", "type": "object",
				"properties": {
					"s": {"type": "array", "x-source": "S", "items": {"type": "string", "x-source": "T"}},
					"u": {"$ref": "#/components/schemas/V"}},
				"additionalProperties": {"type": "string", "x-source": "W"}},
				"V": {"x-source": "V", "allOf": [{"$ref": "#/components/schemas/R"}, {"type": "object", "x-source": "X"}]}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	got := slices.Sorted(maps.Values(elements(doc)))
	want := []string{""} // the property u, a reference, which cannot have a source
	for letter := 'A'; letter <= 'X'; letter++ {
		if letter != 'U' {
			want = append(want, string(letter))
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sources (-want +got):\n%s", diff)
	}
}

func readContract(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile(contractFile)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// tree returns doc as plain JSON values.
func tree(t *testing.T, doc *openapi3.T) any {
	t.Helper()
	data, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	var value any
	if err := json.Unmarshal(data, &value); err != nil {
		t.Fatal(err)
	}
	return value
}

// walk collects the sources of each element by its name, in the form of SOURCES.md: the x-source, or "" without
// one, then each x-source-KEYWORD. Those of a keyword that the element does not have, and those that equal its
// x-source, are unused.
type walk struct {
	sources map[string]string
	unused  []string
}

// elements returns the x-source of everything in doc that must have one. A reference does not need one, because
// its target has one. The exception is a property, which must be written as allOf.
func elements(doc *openapi3.T) map[string]string { return walkContract(doc).sources }

func unusedKeywordSources(doc *openapi3.T) []string {
	return slices.Sorted(slices.Values(walkContract(doc).unused))
}

func walkContract(doc *openapi3.T) *walk {
	w := &walk{sources: make(map[string]string)}
	for _, server := range doc.Servers {
		w.add("server "+server.URL, server, server.Extensions)
	}
	for name, ref := range doc.Components.SecuritySchemes {
		w.add("security "+name, ref.Value, ref.Value.Extensions)
	}
	for name, ref := range doc.Components.Headers {
		w.header("header "+name, ref)
	}
	for name, ref := range doc.Components.Parameters {
		w.parameter("parameter "+name, ref)
	}
	for name, ref := range doc.Components.Schemas {
		w.schema(name, ref)
	}
	for path, item := range doc.Paths.Map() {
		w.parameters(path, item.Parameters)
		for _, op := range item.Operations() {
			w.operation(op)
		}
	}
	return w
}

// add records an element. Besides its own keywords it has those in more: an operation without parameters or
// body accepts none, and a schema has the keywords of its allOf.
func (w *walk) add(name string, element any, extensions map[string]any, more ...string) {
	source, _ := extensions["x-source"].(string)
	text, keywords := source, keywordsOf(element)
	for _, key := range slices.Sorted(maps.Keys(extensions)) {
		keyword, ok := strings.CutPrefix(key, "x-source-")
		if !ok {
			continue
		}
		text += fmt.Sprintf("; %s: %v", keyword, extensions[key])
		if _, ok := keywords[keyword]; !ok && !slices.Contains(more, keyword) || extensions[key] == source {
			w.unused = append(w.unused, fmt.Sprintf("%s: %s has no keyword, or equals x-source", name, key))
		}
	}
	w.sources[name] = text
}

func keywordsOf(element any) map[string]any {
	data, err := json.Marshal(element)
	if err != nil {
		panic(err) // cannot happen: it was read from JSON
	}
	var keywords map[string]any
	_ = json.Unmarshal(data, &keywords)
	return keywords
}

func (w *walk) operation(op *openapi3.Operation) {
	w.add(op.OperationID, op, op.Extensions, api.KeywordParameters, api.KeywordRequestBody)
	w.parameters(op.OperationID, op.Parameters)
	if body := op.RequestBody; body != nil && body.Ref == "" {
		w.add(op.OperationID+" request", body.Value, body.Value.Extensions)
		w.content(op.OperationID+" request", body.Value.Content)
	}
	for status, ref := range op.Responses.Map() {
		if ref.Ref != "" {
			continue
		}
		name := op.OperationID + " " + status
		w.add(name, ref.Value, ref.Value.Extensions)
		w.content(name, ref.Value.Content)
		for header, ref := range ref.Value.Headers {
			w.header(name+" header "+header, ref)
		}
	}
}

func (w *walk) parameters(owner string, refs openapi3.Parameters) {
	for _, ref := range refs {
		w.parameter(owner+" parameter "+ref.Value.Name, ref)
	}
}

func (w *walk) parameter(name string, ref *openapi3.ParameterRef) {
	if ref.Ref != "" {
		return
	}
	w.add(name, ref.Value, ref.Value.Extensions)
	w.schema(name+" schema", ref.Value.Schema)
}

func (w *walk) header(name string, ref *openapi3.HeaderRef) {
	if ref.Ref != "" {
		return
	}
	w.add(name, ref.Value, ref.Value.Extensions)
	w.schema(name+" schema", ref.Value.Schema)
}

func (w *walk) content(owner string, content openapi3.Content) {
	for mediaType, media := range content {
		w.schema(owner+" "+mediaType, media.Schema)
	}
}

func (w *walk) schema(name string, ref *openapi3.SchemaRef) {
	if ref == nil || ref.Ref != "" {
		return
	}
	var fromParts []string
	for _, part := range ref.Value.AllOf {
		fromParts = slices.AppendSeq(fromParts, maps.Keys(keywordsOf(part.Value)))
	}
	w.add(name, ref.Value, ref.Value.Extensions, fromParts...)
	for property, ref := range ref.Value.Properties {
		if ref.Ref != "" {
			w.sources[name+"."+property] = ""
		}
		w.schema(name+"."+property, ref)
	}
	w.schema(name+"[]", ref.Value.Items)
	w.schema(name+".*", ref.Value.AdditionalProperties.Schema)
	for i, ref := range slices.Concat(ref.Value.AllOf, ref.Value.AnyOf, ref.Value.OneOf) {
		w.schema(fmt.Sprintf("%s part %d", name, i+1), ref)
	}
}
