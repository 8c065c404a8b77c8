package cli_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// TestSpec: both formats say what openapi.yaml says.
func TestSpec(t *testing.T) {
	source, err := os.ReadFile("../../openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := fromYAML(t, source)
	for _, args := range [][]string{{"spec"}, {"spec", "-o", "yaml"}, {"spec", "--output", "json"}} {
		got := run(t, nil, args...)
		if got.code != 0 || got.stderr != "" || !strings.HasSuffix(got.stdout, "\n") {
			t.Errorf("%s: code %d, stderr %q", args, got.code, got.stderr)
		}
		if diff := cmp.Diff(want, fromYAML(t, []byte(got.stdout))); diff != "" {
			t.Errorf("%s (-openapi.yaml +printed):\n%s", args, diff)
		}
		isJSON := json.Valid([]byte(got.stdout))
		if isJSON != (args[len(args)-1] == "json") || !isJSON && !strings.HasPrefix(got.stdout, "openapi: 3.0.3\ninfo:\n") {
			t.Errorf("%s prints another format: %.40s", args, got.stdout)
		}
	}
	if got := run(t, nil, "spec", "-o", "xml"); got.code != 2 || !strings.Contains(got.stderr, "use one of yaml, json") {
		t.Errorf("got %+v", got)
	}
}

// fromYAML reads YAML, or JSON, into values that compare.
func fromYAML(t *testing.T, text []byte) any {
	t.Helper()
	var doc any
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	normal, err := json.Marshal(doc) // numbers of both formats become the same
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(normal, &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}
