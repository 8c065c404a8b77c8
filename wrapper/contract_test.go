package d365backup_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	d365backup "github.com/d365backup/d365backup/wrapper"
)

// TestContractIsServed checks that a caller can reach everything in openapi.yaml.
func TestContractIsServed(t *testing.T) {
	for _, gap := range gaps(contract(t)) {
		t.Error(gap)
	}
}

func contract(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile("../openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// gaps lists what this package lacks of the contract, or has beyond it, and how to fix each.
func gaps(doc *openapi3.T) []string {
	return slices.Sorted(slices.Values(slices.Concat(
		operationGaps(doc), jobGaps(doc), enumGaps(doc), queryGaps(doc), dataCenterGaps(doc), tokenURLGaps(doc))))
}

// operations are the contract's operations with the API that uses each; one for Raw only has none.
var operations = map[string]d365backup.API{"getJobs": d365backup.APIv1, "listJobs": d365backup.APIGraph}

func operationGaps(doc *openapi3.T) []string {
	var found []string
	for id := range contractOperations(doc) {
		if _, known := operations[id]; !known {
			found = append(found, fmt.Sprintf("the operation %s is new: serve it in wrapper/api.go, or leave it to Client.Raw; "+
				"say which in operations of wrapper/contract_test.go", id))
		}
	}
	return found
}

func contractOperations(doc *openapi3.T) map[string]*openapi3.Operation {
	all := make(map[string]*openapi3.Operation)
	for _, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			all[op.OperationID] = op
		}
	}
	return all
}

func jobGaps(doc *openapi3.T) []string {
	var found []string
	fields := jobFields()
	properties := doc.Components.Schemas["Job"].Value.Properties
	for name := range properties {
		if _, ok := fields[name]; !ok {
			found = append(found, fmt.Sprintf("the property %s of the contract's Job has no field: "+
				"add one with the tag `json:%q` to Job in wrapper/job.go, and read it in wrapper/decode_job.go", name, name))
		}
	}
	for name, field := range fields {
		if properties[name] == nil {
			found = append(found, fmt.Sprintf("Job.%s is the property %s, which the contract's Job does not have: "+
				"add it to openapi.yaml, or deprecate the field", field, name))
		}
	}
	return found
}

// jobFields returns the fields of Job by their JSON keys.
func jobFields() map[string]string {
	fields := make(map[string]string)
	for _, field := range reflect.VisibleFields(reflect.TypeFor[d365backup.Job]()) {
		if key, _, _ := strings.Cut(field.Tag.Get("json"), ","); key != "-" {
			fields[key] = field.Name
		}
	}
	return fields
}

func enumGaps(doc *openapi3.T) []string {
	job := doc.Components.Schemas["Job"].Value.Properties
	return slices.Concat(
		valueGaps("JobType", enum(job["type"]), d365backup.JobTypes()),
		valueGaps("JobStatus", enum(job["status"]), slices.DeleteFunc(d365backup.JobStatuses(),
			func(s d365backup.JobStatus) bool { return s == d365backup.JobStatusAny }))) // it is never sent
}

func valueGaps[E interface {
	~int32
	Known() bool
}](name string, values []int32, constants []E) []string {
	var found []string
	for _, value := range values {
		if !slices.Contains(constants, E(value)) || !E(value).Known() {
			found = append(found, fmt.Sprintf("the contract's %s has the value %d without a constant: name it in x-enum-varnames of "+
				"api/codegen/go.overlay.yaml, make generate, and add %s… with its name to wrapper/enum.go", name, value, name))
		}
	}
	for _, constant := range constants {
		if !slices.Contains(values, int32(constant)) {
			found = append(found, fmt.Sprintf("the constant %s%v is a value that the contract does not have: "+
				"add %d to openapi.yaml, or deprecate the constant", name, constant, constant))
		}
	}
	return found
}

// enum returns the values of a schema, even within allOf.
func enum(ref *openapi3.SchemaRef) []int32 {
	var values []int32
	for _, value := range ref.Value.Enum {
		values = append(values, int32(value.(float64)))
	}
	for _, part := range ref.Value.AllOf {
		values = append(values, enum(part)...)
	}
	return values
}

// places lists where a caller of this package sets each part of a request.
var places = map[string]string{
	"type":           "Query.Type",
	"status":         "Query.Status",
	"startTime":      "Query.Start",
	"endTime":        "Query.End",
	"finishTime":     "Query.End",
	"organizationId": "Query.OrganizationID",
	"objectType":     "Query.ObjectType",
	"currentPage":    "number of Client.Page",
	"pageIndex":      "number of Client.Page",
	"pageSize":       "WithPageSize",
}

func queryGaps(doc *openapi3.T) []string {
	var found []string
	names := requestNames(doc)
	for name := range names {
		if places[name] == "" {
			found = append(found, fmt.Sprintf("a request may have %s, and no caller can set it: "+
				"add a field to Query in wrapper/query.go, send it in body or params, and list it in places of wrapper/contract_test.go", name))
		}
	}
	fields := map[string]bool{"Query.Types": true, "Query.Statuses": true} // several of Query.Type and Query.Status
	for name, place := range places {
		if !names[name] {
			found = append(found, fmt.Sprintf("no request of the contract has %s, which %s sets: take it out of places of wrapper/contract_test.go, and deprecate it", name, place))
		}
		fields[place] = true
	}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[d365backup.Query]()) {
		if !fields["Query."+field.Name] {
			found = append(found, fmt.Sprintf("Query.%s has no place in a request: list it in places of wrapper/contract_test.go", field.Name))
		}
	}
	return found
}

// requestNames returns the names of all parameters, and of the properties of all bodies, including nested objects.
func requestNames(doc *openapi3.T) map[string]bool {
	names := make(map[string]bool)
	for _, op := range contractOperations(doc) {
		for _, parameter := range op.Parameters {
			names[parameter.Value.Name] = true
		}
		if op.RequestBody != nil {
			for _, media := range op.RequestBody.Value.Content {
				propertyNames(names, media.Schema)
			}
		}
	}
	return names
}

// propertyNames adds the names of properties that hold values, including those of nested objects.
func propertyNames(names map[string]bool, ref *openapi3.SchemaRef) (object bool) {
	for name, property := range ref.Value.Properties {
		object = true
		if !propertyNames(names, property) {
			names[name] = true
		}
	}
	for _, part := range ref.Value.AllOf {
		object = propertyNames(names, part) || object
	}
	return object
}

func dataCenterGaps(doc *openapi3.T) []string {
	var found []string
	known := make(map[string]bool)
	for _, center := range d365backup.DataCenters() {
		known[center.URL] = true
	}
	promised := make(map[string]bool)
	for _, server := range doc.Servers {
		for _, url := range serverURLs(server) {
			promised[url] = true
			_, err := d365backup.New(d365backup.WithBaseURL(url), d365backup.WithClientSecret("app", "secret"))
			if err != nil || len(server.Variables) > 0 && !known[url] {
				found = append(found, fmt.Sprintf("the contract has the server %s, which is not a data center here: add it to wrapper/datacenter.go with its token URL", url))
			}
		}
	}
	for url := range known {
		if !promised[url] {
			found = append(found, fmt.Sprintf("the data center %s is not a server of the contract: add it to openapi.yaml, or deprecate its code", url))
		}
	}
	return found
}

// serverURLs are the addresses of a server, one for each value of its variable.
func serverURLs(server *openapi3.Server) []string {
	urls := []string{server.URL}
	for name, variable := range server.Variables {
		urls = urls[:0]
		for _, value := range variable.Enum {
			urls = append(urls, strings.ReplaceAll(server.URL, "{"+name+"}", value))
		}
	}
	return urls
}

func tokenURLGaps(doc *openapi3.T) []string {
	var found []string
	ours := make(map[string]bool)
	for _, center := range d365backup.DataCenters() {
		ours[center.TokenURL] = true
	}
	theirs := make(map[string]bool)
	environments, _ := doc.Components.SecuritySchemes["oauth2"].Value.Extensions["x-tokenUrls"].(map[string]any)
	for environment, url := range environments {
		theirs[fmt.Sprint(url)] = true
		if !ours[fmt.Sprint(url)] {
			found = append(found, fmt.Sprintf("the contract has the token URL %v for %s, which no data center uses: set it in wrapper/datacenter.go", url, environment))
		}
	}
	for url := range ours {
		if !theirs[url] {
			found = append(found, fmt.Sprintf("the token URL %s is not in x-tokenUrls of openapi.yaml: add it there, or mend wrapper/datacenter.go", url))
		}
	}
	return found
}

func schemas(doc *openapi3.T) openapi3.Schemas { return doc.Components.Schemas }

func filterSchema(doc *openapi3.T) *openapi3.Schema {
	return schemas(doc)["Dynamics365.Model.Request.JobFilterModel"].Value
}

var textSchema = openapi3.NewSchemaRef("", openapi3.NewStringSchema())

var contractChanges = []struct {
	name   string
	change func(doc *openapi3.T)
	want   string
}{
	{"operation added", func(doc *openapi3.T) {
		doc.Paths.Value("/dynamicsbackup/jobs").Post = &openapi3.Operation{OperationID: "startJob"}
	}, "the operation startJob is new: serve it in wrapper/api.go, or leave it"},
	{"property added", func(doc *openapi3.T) {
		schemas(doc)["Job"].Value.Properties["novelty"] = textSchema
	}, "the property novelty of the contract's Job has no field: add one with the tag `json:\"novelty\"` to Job in wrapper/job.go"},
	{"property removed", func(doc *openapi3.T) {
		delete(schemas(doc)["Job"].Value.Properties, "backupSize")
	}, "Job.BackupSize is the property backupSize, which the contract's Job does not have"},
	{"type added", func(doc *openapi3.T) {
		s := schemas(doc)["Dynamics365.Enums.BackupRestoreType"].Value
		s.Enum = append(s.Enum, 1073741824.0)
	}, "the contract's JobType has the value 1073741824 without a constant: name it in x-enum-varnames"},
	{"status added", func(doc *openapi3.T) {
		s := schemas(doc)["JobStatus"].Value
		s.Enum = append(s.Enum, 1073741824.0)
	}, "the contract's JobStatus has the value 1073741824 without a constant"},
	{"status removed", func(doc *openapi3.T) {
		s := schemas(doc)["JobStatus"].Value
		s.Enum = s.Enum[:3]
	}, "the constant JobStatusFinishedWithException is a value that the contract does not have"},
	{"request property added", func(doc *openapi3.T) {
		filterSchema(doc).Properties["novelty"] = textSchema
	}, "a request may have novelty, and no caller can set it: add a field to Query"},
	{"page property added", func(doc *openapi3.T) {
		schemas(doc)["Dynamics365.Model.PageModel"].Value.Properties["surprise"] = textSchema
	}, "a request may have surprise, and no caller can set it"},
	{"request property removed", func(doc *openapi3.T) {
		delete(filterSchema(doc).Properties, "objectType")
	}, "no request of the contract has objectType, which Query.ObjectType sets"},
	{"query parameter added", func(doc *openapi3.T) {
		op := doc.Paths.Value("/dynamicsbackup/jobs").Get
		op.Parameters = append(op.Parameters, &openapi3.ParameterRef{Value: openapi3.NewQueryParameter("surprise")})
	}, "a request may have surprise, and no caller can set it"},
	{"data center added", func(doc *openapi3.T) {
		v := doc.Servers[0].Variables["dataCenter"]
		v.Enum = append(v.Enum, "mars")
	}, "the contract has the server https://graph-mars.avepointonlineservices.com, which is not a data center here"},
	{"server added", func(doc *openapi3.T) {
		doc.Servers = append(doc.Servers, &openapi3.Server{URL: "https://graph.example.com"})
	}, "the contract has the server https://graph.example.com, which is not a data center here"},
	{"server removed", func(doc *openapi3.T) {
		doc.Servers = slices.Delete(doc.Servers, 1, 2)
	}, "the data center https://graphusgovapi.online15.net is not a server of the contract"},
	{"token URL added", func(doc *openapi3.T) {
		tokenURLs(doc)["mars"] = "https://identity.example.com/connect/token"
	}, "the contract has the token URL https://identity.example.com/connect/token for mars"},
	{"token URL removed", func(doc *openapi3.T) {
		delete(tokenURLs(doc), "gov")
	}, "the token URL https://identity-gov.avepointonlineservices.com/connect/token is not in x-tokenUrls"},
}

// TestGapsAreReported changes the contract but not this package: one sentence then says how to fix it.
func TestGapsAreReported(t *testing.T) {
	for _, test := range contractChanges {
		t.Run(test.name, func(t *testing.T) {
			doc := contract(t)
			before := gaps(doc) // none, unless the contract has just changed
			test.change(doc)
			got := slices.DeleteFunc(gaps(doc), func(gap string) bool { return slices.Contains(before, gap) })
			if len(got) != 1 || !strings.HasPrefix(got[0], test.want) {
				t.Errorf("got %q, want one that begins %q", got, test.want)
			}
		})
	}
}

func tokenURLs(doc *openapi3.T) map[string]any {
	return doc.Components.SecuritySchemes["oauth2"].Value.Extensions["x-tokenUrls"].(map[string]any)
}

// TestEveryPropertyIsRead sends a job with each property of the contract and expects all of them: a field of Job is not
// necessarily decoded.
func TestEveryPropertyIsRead(t *testing.T) {
	sent := make(map[string]any)
	for name, ref := range contract(t).Components.Schemas["Job"].Value.Properties {
		sent[name] = exampleOf(t, ref)
	}
	body, err := json.Marshal(map[string]any{"totalCount": 1, "jobs": []any{sent}})
	if err != nil {
		t.Fatal(err)
	}
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		respond(200, "application/json", string(body))(w, r)
	}, d365backup.WithDriftHandler(func(d d365backup.Drift) { t.Errorf("drift: %+v", d) }))
	page, err := client.Page(t.Context(), valid, 1)
	if err != nil {
		t.Fatal(err)
	}
	job, fields := reflect.ValueOf(page.Jobs[0]), jobFields()
	for _, name := range slices.Sorted(maps.Keys(sent)) {
		if field := job.FieldByName(fields[name]); !field.IsValid() || field.IsZero() {
			t.Errorf("the property %s was sent as %v and not read: read it in wrapper/decode_job.go", name, sent[name])
		}
	}
}

// exampleOf returns a valid value of a schema that is not zero.
func exampleOf(t *testing.T, ref *openapi3.SchemaRef) any {
	t.Helper()
	s := ref.Value
	switch {
	case len(enum(ref)) > 0:
		return slices.Max(enum(ref))
	case s.Type.Is("string"):
		return map[string]any{"date-time": "2026-11-01T00:00:00.5Z", "uuid": "69cb1ecc-f8e8-439b-8077-a4b7fd45e87f", "": "text"}[s.Format]
	case s.Type.Is("boolean"):
		return true
	case s.Type.Is("integer"), s.Type.Is("number"):
		return 17
	}
	t.Fatalf("no example of %v: add one here", s.Type)
	return nil
}
