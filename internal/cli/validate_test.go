package cli_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/d365backup/d365backup/api"
	"github.com/d365backup/d365backup/internal/cli"
)

const samples = "../../api/samples"

// result is the result of a run of the command.
type result struct {
	code           int
	stdout, stderr string
}

func run(t *testing.T, env []string, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := cli.Run(t.Context(), args, env, strings.NewReader(""), &stdout, &stderr)
	return result{code, stdout.String(), stderr.String()}
}

// TestValidateSamples validates every sample of the contract. Its folder describes it: <operation>/<request or
// status>/<valid or invalid>. invalid.json lists the violations of the invalid ones.
func TestValidateSamples(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(samples, "invalid.json"))
	if err != nil {
		t.Fatal(err)
	}
	var want map[string][]string
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	validated := 0
	err = fs.WalkDir(os.DirFS(samples), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || name == "invalid.json" {
			return err
		}
		validated++
		parts := strings.Split(name, "/")
		args := []string{"validate", "request", "--operation", parts[0]}
		valid := "valid: " + parts[0] + " request, application/json\n"
		if parts[1] != "request" {
			args = []string{"validate", "response", "--operation", parts[0], "--status", parts[1]}
			valid = "valid: " + parts[0] + " response " + parts[1] + ", application/json\n"
		}
		if path.Ext(name) == ".html" {
			args = append(args, "--media-type", "text/html")
		}
		args = append(args, filepath.Join(samples, filepath.FromSlash(name)))
		checkValidation(t, name, valid, want[name], run(t, nil, args...), run(t, nil, append(args, "-o", "json")...))
		return nil
	})
	if err != nil || validated < 60 {
		t.Errorf("%d samples were validated: %v", validated, err)
	}
}

// checkValidation compares the output in both formats with the expected places.
func checkValidation(t *testing.T, name, valid string, want []string, text, asJSON result) {
	t.Helper()
	var violations api.Violations
	if err := json.Unmarshal([]byte(asJSON.stdout), &violations); err != nil {
		t.Fatalf("%s: %v: %s", name, err, asJSON.stdout)
	}
	var places, lines []string
	for _, v := range violations {
		places = append(places, v.Pointer+" "+v.Keyword)
		lines = append(lines, v.String()+"\n")
	}
	if diff := cmp.Diff(want, places); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
	if len(want) == 0 {
		lines = []string{valid}
	}
	if got := text.stdout; got != strings.Join(lines, "") {
		t.Errorf("%s: the text is %q", name, got)
	}
	code := min(len(want), 1)
	if text.code != code || asJSON.code != code || (text.stderr == "") != (code == 0) {
		t.Errorf("%s: codes %d and %d, stderr %q", name, text.code, asJSON.code, text.stderr)
	}
}

// TestValidateEndlessPayload: an endless payload is read only up to the limit of the validator.
func TestValidateEndlessPayload(t *testing.T) {
	endless := filepath.Join(t.TempDir(), "payload.json")
	if err := os.WriteFile(endless, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(endless, api.DefaultMaxBytes+1); err != nil {
		t.Fatal(err)
	}
	blanks := &blanks{}
	var stdout, stderr bytes.Buffer
	fromInput := cli.Run(t.Context(), []string{"validate", "request", "-"}, nil, blanks, &stdout, &stderr)
	fromFile := run(t, nil, "validate", "request", endless)
	for name, got := range map[string]result{
		"the standard input": {fromInput, stdout.String(), stderr.String()},
		"a file":             fromFile,
	} {
		if got.code != 2 || got.stdout != "" || !strings.Contains(got.stderr, "longer than 16 MiB") {
			t.Errorf("%s: exit code %d, %s%s", name, got.code, got.stdout, got.stderr)
		}
	}
	if blanks.read > api.DefaultMaxBytes+1 {
		t.Errorf("%d bytes were read", blanks.read)
	}
}

// blanks is an input of blanks, which fails long after the limit.
type blanks struct{ read int }

func (b *blanks) Read(p []byte) (int, error) {
	if b.read > 2*api.DefaultMaxBytes {
		return 0, errors.New("still being read")
	}
	for i := range p {
		p[i] = ' '
	}
	b.read += len(p)
	return len(p), nil
}
