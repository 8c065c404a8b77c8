package api_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"mime"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/d365backup/d365backup/api"
)

// The samples are the payloads in samples/<operation>/<request or status>/<valid or invalid>/. The violations of
// the invalid ones are in samples/invalid.json, as "pointer keyword", sorted.
const sampleDir = "samples"

func TestSamples(t *testing.T) {
	want := expectedViolations(t)
	files := sampleFiles(t)
	for _, name := range files {
		t.Run(name, func(t *testing.T) {
			got := places(t, validate(t, name))
			switch path.Base(path.Dir(name)) {
			case "valid":
				if len(got) > 0 {
					t.Errorf("a valid sample has the violations %q", got)
				}
			case "invalid":
				if len(want[name]) == 0 {
					t.Fatalf("add the violations to %s/invalid.json; found: %q", sampleDir, got)
				}
				if diff := cmp.Diff(want[name], got); diff != "" {
					t.Errorf("violations (-want +got):\n%s", diff)
				}
			default:
				t.Error("the folder of a sample must be valid or invalid")
			}
		})
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if !slices.Contains(files, name) || path.Base(path.Dir(name)) != "invalid" {
			t.Errorf("%s/invalid.json has %s, which is not an invalid sample", sampleDir, name)
		}
	}
}

// TestSamplesCoverJobs finds properties and values of a job that no valid response has.
func TestSamplesCoverJobs(t *testing.T) {
	doc, err := api.Load()
	if err != nil {
		t.Fatal(err)
	}
	wanted := make(map[string]string) // the file to add each to
	for name := range doc.Components.Schemas["Job"].Value.Properties {
		wanted[fmt.Sprintf("%q: ", name)] = "page.json"
	}
	for name, component := range map[string]string{"type": "Dynamics365.Enums.BackupRestoreType", "status": "JobStatus"} {
		for _, value := range doc.Components.Schemas[component].Value.Enum {
			if value != 0.0 { // which only a filter has
				wanted[fmt.Sprintf("%q: %v,\n", name, value)] = "every-type-and-status.json"
			}
		}
	}
	for text, name := range wanted {
		file := path.Join(sampleDir, "getJobs/200/valid", name)
		sample, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(strings.ReplaceAll(string(sample), "\n    }", ",\n    }"), text) {
			t.Errorf("a valid sample has no %s: add it to api/%s", strings.Trim(text, ": ,\n"), file)
		}
	}
}

// TestSamplesCoverOperations finds operations without samples.
func TestSamplesCoverOperations(t *testing.T) {
	doc, err := api.Load()
	if err != nil {
		t.Fatal(err)
	}
	files := sampleFiles(t)
	for _, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			folders := []string{op.OperationID + "/200"}
			if op.RequestBody != nil {
				folders = append(folders, op.OperationID+"/request")
			}
			for _, folder := range folders {
				for _, kind := range []string{"/valid/", "/invalid/"} {
					if !slices.ContainsFunc(files, func(name string) bool { return strings.HasPrefix(name, folder+kind) }) {
						t.Errorf("no sample in %s/%s%s", sampleDir, folder, kind)
					}
				}
			}
		}
	}
}

func expectedViolations(t *testing.T) map[string][]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(sampleDir, "invalid.json"))
	if err != nil {
		t.Fatal(err)
	}
	var want map[string][]string
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	return want
}

// sampleFiles returns the names of the samples, relative to sampleDir.
func sampleFiles(t *testing.T) []string {
	t.Helper()
	var names []string
	err := fs.WalkDir(os.DirFS(sampleDir), ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && name != "invalid.json" {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(names) == 0 {
		t.Fatalf("no samples in %s", sampleDir)
	}
	return names
}

// validate validates a sample as the message that its folder states.
func validate(t *testing.T, name string) error {
	t.Helper()
	body, err := os.ReadFile(filepath.Join(sampleDir, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(name, "/")
	if len(parts) != 4 {
		t.Fatal("a sample must be in <operation>/<request or status>/<valid or invalid>")
	}
	operation, message := parts[0], parts[1]
	if message == "request" {
		return api.ValidateRequest(operation, body)
	}
	status, err := strconv.Atoi(message)
	if err != nil {
		t.Fatalf("folder %q is neither request nor a status", message)
	}
	return api.ValidateResponse(operation, status, mime.TypeByExtension(path.Ext(name)), body)
}

// places returns "pointer keyword" for each violation in err.
func places(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	violations, ok := errors.AsType[api.Violations](err)
	if !ok {
		t.Fatal(err)
	}
	var places []string
	for _, v := range violations {
		places = append(places, v.Pointer+" "+v.Keyword)
	}
	return places
}
