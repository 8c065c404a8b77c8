package api_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/d365backup/d365backup/generated"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// The literals in these tests come from the seed, the vendor's page of version v1, never from the contract. If
// the page contradicts itself, they follow the rulings in SOURCES.md.

// permission has two parts, so that a search and replace does not change it.
const permission = "Dynamics." + "ReadWrite.All"

const (
	seedOperation = "paths > /api/OpenApi/GetJobs > post"
	seedBody      = seedOperation + " > requestBody > content"
	seedSchemas   = "components > schemas"
	seedType      = seedSchemas + " > Dynamics365.Enums.BackupRestoreType"
	seedPage      = seedSchemas + " > Dynamics365.Model.PageModel"
	seedFilter    = seedSchemas + " > Dynamics365.Model.Request.JobFilterModel"
)

// keys are compared with the keys of an object.
type keys []string

func reference(name string) any {
	return map[string]any{"$ref": "#/components/schemas/" + name}
}

func TestSeed(t *testing.T) {
	contract := tree(t, readContract(t))
	for _, test := range []struct {
		place string
		want  any
	}{
		// Permission
		{"security", []any{map[string]any{"oauth2": []any{permission}}}},
		{seedOperation + " > security", nil}, // inherited
		{"components > securitySchemes > oauth2 > flows", keys{"clientCredentials"}},
		{"components > securitySchemes > oauth2 > flows > clientCredentials > scopes", keys{permission}},
		// API Method
		{"paths > /api/OpenApi/GetJobs", keys{"post"}},
		{seedOperation + " > operationId", "getJobs"},
		// Property Details and Examples
		{seedBody, keys{"application/*+json", "application/json", "text/json"}},
		{seedBody + " > application/json > schema", reference("Dynamics365.Model.Request.JobFilterModel")},
		{seedBody + " > text/json > schema", reference("Dynamics365.Model.Request.JobFilterModel")},
		{seedBody + " > application/*+json > schema", reference("Dynamics365.Model.Request.JobFilterModel")},
		{seedType + " > type", "integer"},
		{seedType + " > format", "int32"},
		{seedType + " > enum", []any{0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0}},
		{seedPage + " > type", "object"},
		{seedPage + " > properties", keys{"currentPage", "pageSize"}},
		{seedPage + " > properties > currentPage > type", "integer"},
		{seedPage + " > properties > currentPage > default", 1.0},
		{seedPage + " > properties > pageSize > type", "integer"},
		{seedPage + " > properties > pageSize > default", 10.0},
		{seedPage + " > required", nil},
		{seedFilter + " > type", "object"},
		{seedFilter + " > properties", keys{"endTime", "objectType", "organizationId", "pageInfo", "startTime", "status", "type"}},
		{seedFilter + " > properties > pageInfo > allOf", []any{reference("Dynamics365.Model.PageModel")}},
		{seedFilter + " > properties > type > allOf", []any{reference("Dynamics365.Enums.BackupRestoreType")}},
		{seedFilter + " > properties > startTime > type", "string"},
		{seedFilter + " > properties > endTime > type", "string"},
		{seedFilter + " > properties > status > type", "integer"},
		{seedFilter + " > properties > status > enum", []any{2.0, 3.0, 4.0, 7.0, nil}}, // null: the earlier description
		{seedFilter + " > properties > organizationId > type", "string"},
		{seedFilter + " > properties > organizationId > format", "uuid"},
		{seedFilter + " > properties > objectType > type", "integer"},
		{seedFilter + " > required", []any{"pageInfo"}},
		// Responses
		{seedOperation + " > responses > 200 > x-source", "seed"},
	} {
		got := contract
		for name := range strings.SplitSeq(test.place, " > ") {
			object, _ := got.(map[string]any)
			got = object[name]
		}
		if _, ok := test.want.(keys); ok {
			object, _ := got.(map[string]any)
			got = keys(slices.Sorted(maps.Keys(object)))
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-seed +contract): undo the change, or, if a later page of the vendor adds this, add it in api/seed_test.go with a comment that "+
				"names the page:\n%s", test.place, diff)
		}
	}
}

func TestSeedPermission(t *testing.T) {
	if d365backup.DefaultScope != permission {
		t.Errorf("DefaultScope is %q, want the seed's permission %q", d365backup.DefaultScope, permission)
	}
}

// meaning is the seed's word for the value of an enum, with the constants of package generated and of the client.
type meaning struct {
	value             int32
	word              string
	generated, client int32
	name              string // of the client's constant
}

func newMeaning[G ~int32, C interface {
	~int32
	fmt.Stringer
}](value int32, word string, generated G, client C) meaning {
	return meaning{value, word, int32(generated), int32(client), client.String()}
}

// TestSeedMeanings compares the seed's word for each value of its enums with the contract, the generated
// constants and those of the client.
func TestSeedMeanings(t *testing.T) {
	for component, meanings := range map[string][]meaning{
		"Dynamics365.Enums.BackupRestoreType": {
			newMeaning(0, "all", generated.BackupRestoreTypeAll, d365backup.JobTypeAll),
			newMeaning(1, "backup", generated.BackupRestoreTypeBackup, d365backup.JobTypeBackup),
			newMeaning(2, "restore", generated.BackupRestoreTypeRestore, d365backup.JobTypeRestore),
			newMeaning(4, "Dryrun", generated.BackupRestoreTypeDryRun, d365backup.JobTypeDryRun),
			newMeaning(8, "Retention", generated.BackupRestoreTypeRetention, d365backup.JobTypeRetention),
			newMeaning(16, "AuditBackup", generated.BackupRestoreTypeAuditBackup, d365backup.JobTypeAuditBackup),
			newMeaning(32, "Export", generated.BackupRestoreTypeExport, d365backup.JobTypeExport),
		},
		"JobStatus": {
			newMeaning(2, "In progress", generated.JobStatusInProgress, d365backup.JobStatusInProgress),
			newMeaning(3, "Finished", generated.JobStatusFinished, d365backup.JobStatusFinished),
			newMeaning(4, "Failed", generated.JobStatusFailed, d365backup.JobStatusFailed),
			newMeaning(7, "Finished with Exception", generated.JobStatusFinishedWithException, d365backup.JobStatusFinishedWithException),
		},
	} {
		described := make(map[string]string)
		text := readContract(t).Components.Schemas[component].Value.Description
		for _, line := range regexp.MustCompile(`(?m)^- (\d+): ([\w ]+)`).FindAllStringSubmatch(text, -1) {
			described[line[1]] = letters(line[2])
		}
		for _, m := range meanings {
			if got := described[strconv.Itoa(int(m.value))]; got != letters(m.word) {
				t.Errorf("%s %d is %q in the contract, %q in the seed", component, m.value, got, m.word)
			}
			if m.generated != m.value || m.client != m.value || letters(m.name) != letters(m.word) {
				t.Errorf("%s: %d is %q in the seed; generated %d, client %d and %s", component, m.value, m.word, m.generated, m.client, m.name)
			}
		}
	}
}

// letters returns words in lower case without spaces, which the sources use differently.
func letters(words string) string {
	return strings.ToLower(strings.ReplaceAll(words, " ", ""))
}
