package api_test

import (
	"encoding/json"
	"errors"
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

// The samples are the payloads in samples/<operation>/<request or status>/<valid or invalid>/. What is
// wrong with an invalid one stands in samples/invalid.json, as "pointer keyword", in order.
const sampleDir = "samples"

func TestSamples(t *testing.T) {
	want := wantedViolations(t)
	files := sampleFiles(t)
	for _, name := range files {
		t.Run(name, func(t *testing.T) {
			got := places(t, judge(t, name))
			switch path.Base(path.Dir(name)) {
			case "valid":
				if len(got) > 0 {
					t.Errorf("a valid sample is refused at %q", got)
				}
			case "invalid":
				if len(want[name]) == 0 {
					t.Fatalf("say in %s/invalid.json what is wrong with it; found: %q", sampleDir, got)
				}
				if diff := cmp.Diff(want[name], got); diff != "" {
					t.Errorf("violations (-want +got):\n%s", diff)
				}
			default:
				t.Error("a sample lies in a folder named valid or invalid")
			}
		})
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if !slices.Contains(files, name) || path.Base(path.Dir(name)) != "invalid" {
			t.Errorf("%s/invalid.json names %s, which is no invalid sample", sampleDir, name)
		}
	}
}

// TestSamplesCoverOperations keeps an operation from coming in without samples.
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

func wantedViolations(t *testing.T) map[string][]string {
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

// sampleFiles gives the names of the samples, below sampleDir.
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

// judge validates a sample as what its folder says it is.
func judge(t *testing.T, name string) error {
	t.Helper()
	body, err := os.ReadFile(filepath.Join(sampleDir, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(name, "/")
	if len(parts) != 4 {
		t.Fatalf("a sample lies three folders deep")
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

// places gives "pointer keyword" of each violation in err.
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
