package command_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/d365backup/d365backup/api"
	"github.com/d365backup/d365backup/internal/command"
)

const samples = "../../api/samples"

// TestValidateSamples validates every sample of the contract as its folder says: <operation>/<request or
// status>/<valid or invalid>. What is wrong with an invalid one stands in invalid.json.
func TestValidateSamples(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(samples, "invalid.json"))
	if err != nil {
		t.Fatal(err)
	}
	var want map[string][]string
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	judged := 0
	err = fs.WalkDir(os.DirFS(samples), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || name == "invalid.json" {
			return err
		}
		judged++
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
		checkJudged(t, name, valid, want[name], run(t, nil, args...), run(t, nil, append(args, "-o", "json")...))
		return nil
	})
	if err != nil || judged < 60 {
		t.Errorf("%d samples were judged: %v", judged, err)
	}
}

// checkJudged compares what both formats say with the places wanted.
func checkJudged(t *testing.T, name, valid string, want []string, text, machine result) {
	t.Helper()
	var violations api.Violations
	if err := json.Unmarshal([]byte(machine.stdout), &violations); err != nil {
		t.Fatalf("%s: %v: %s", name, err, machine.stdout)
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
	if text.code != code || machine.code != code || (text.stderr == "") != (code == 0) {
		t.Errorf("%s: codes %d and %d, stderr %q", name, text.code, machine.code, text.stderr)
	}
}

func TestValidateStandardInput(t *testing.T) {
	for body, want := range map[string]result{
		`{"pageInfo":{"currentPage":1,"pageSize":10}}`: {0, "valid: getJobs request, application/json\n", ""},
		`{"pageInfo":{},"startTime":"2026-11-02T00:00:00Z","endTime":"2026-11-01T00:00:00Z"}`: {0,
			"valid: getJobs request, application/json\n",
			"warning: endTime is before startTime: no job can be in such a time range\n"},
		`{"pageInfo":{},"startTime":"2026-11-01T00:00:00Z","endTime":"2026-11-01T00:00:00Z"}`: {0,
			"valid: getJobs request, application/json\n", ""},
		`{"pageInfo":{},"startTime":"2026-11-02T00:00:00Z","endTime":null}`: {0, "valid: getJobs request, application/json\n", ""},
		`{"pageInfo":{"currentPage":0,"pageSize":10}}`: {1,
			"body /pageInfo/currentPage: minimum: found 0, want at least 1 (later)\n",
			"d365backup: the standard input breaks the contract: 1 violation\n"},
		// Nothing of a payload reaches the terminal that could drive it.
		`{"red\u202e\u009b31m":1,"pageInfo":{"currentPage":1,"pageSize":10}}`: {1,
			`body /red\u202e\u009b31m: additionalProperties: found 1, want only endTime, objectType, organizationId, ` +
				"pageInfo, startTime, status, type (earlier)\n",
			"d365backup: the standard input breaks the contract: 1 violation\n"},
	} {
		var stdout, stderr bytes.Buffer
		code := command.Run(t.Context(), []string{"validate", "request", "-"}, nil, strings.NewReader(body), &stdout, &stderr)
		if got := (result{code, stdout.String(), stderr.String()}); got != want {
			t.Errorf("%s:\ngot  %+v\nwant %+v", body, got, want)
		}
	}
}

// TestValidateJSON: nor does the machine's form bring anything to the terminal that could drive it.
func TestValidateJSON(t *testing.T) {
	const body = "{\"red\u202e\u009b31m\":1,\"pageInfo\":{\"currentPage\":1,\"pageSize\":10}}"
	var stdout bytes.Buffer
	code := command.Run(t.Context(), []string{"validate", "request", "-o", "json", "-"}, nil, strings.NewReader(body), &stdout, io.Discard)
	var got api.Violations
	if err := json.Unmarshal(stdout.Bytes(), &got); err != nil || code != 1 || got[0].Pointer != "/red\u202e\u009b31m" {
		t.Errorf("code %d, %v: %q", code, err, stdout.String())
	}
	if strings.ContainsAny(stdout.String(), "\u202e\u009b") {
		t.Errorf("got %q", stdout.String())
	}
}

// TestValidateEndlessPayload: a payload without an end is read no further than the validator's bound.
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
	fromInput := command.Run(t.Context(), []string{"validate", "request", "-"}, nil, blanks, &stdout, &stderr)
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

// blanks is an input that fails where it should have been left alone long since.
type blanks struct{ read int }

func (b *blanks) Read(p []byte) (int, error) {
	if b.read > 2*api.DefaultMaxBytes {
		return 0, errors.New("read on and on")
	}
	for i := range p {
		p[i] = ' '
	}
	b.read += len(p)
	return len(p), nil
}

func TestValidateMediaType(t *testing.T) {
	request := filepath.Join(samples, "getJobs/request/valid/least.json")
	for args, want := range map[string]string{
		"--media-type text/json":                   "valid: getJobs request, text/json\n",
		"--media-type application/x+json":          "valid: getJobs request, application/x+json\n",
		"--media-type text/csv":                    "header /Content-Type: content: ",
		"--operation listJobs --media-type text/x": "body: requestBody: ",
	} {
		got := run(t, nil, append([]string{"validate", "request", request}, strings.Fields(args)...)...)
		if !strings.HasPrefix(got.stdout, want) || (got.code == 0) != strings.HasPrefix(want, "valid") {
			t.Errorf("%s: got %+v", args, got)
		}
	}
	if got := run(t, nil, "validate", "request", "--operation", "listJobs", os.DevNull); got.stdout != "valid: listJobs request, no body\n" {
		t.Errorf("got %+v", got)
	}
}

func TestValidateRefuses(t *testing.T) {
	page := filepath.Join(samples, "getJobs/200/valid/page.json")
	for args, want := range map[string]string{
		"":                                      "say what to validate: request or response",
		"reqest " + page:                        `"reqest" is not a kind of payload: use request or response`,
		"request":                               "give one FILE, not 0",
		"request nowhere.json":                  "the payload cannot be read: open nowhere.json",
		"request --operation getJob " + page:    `--operation "getJob" does not exist: use one of getJobs, listJobs`,
		"response --status 99 " + page:          "--status: the contract has no such status: getJobs has no response with status 99",
		"response --status 500 " + page:         "nothing was checked: the contract does not describe the body of status 500 of getJobs",
		"response --status 500 -o json " + page: "nothing was checked",
		"response -o xml " + page:               "use one of text, json",
	} {
		got := run(t, nil, append([]string{"validate"}, strings.Fields(args)...)...)
		if got.code != 2 || got.stdout != "" || !strings.Contains(got.stderr, want) {
			t.Errorf("%s: got %+v", args, got)
		}
	}
}

func TestValidateCompletion(t *testing.T) {
	for args, want := range map[string]string{
		"validate |":                       "request\tValidate the body",
		"validate request --operation |":   "getJobs\nlistJobs\n",
		"validate response --status |":     "200\n400\n",
		"validate response -o |":           "text\njson\n",
		"validate response --media-type |": "application/json\n",
		"validate request --media-type |":  "application/json\ntext/json\n",
	} {
		words, last, _ := strings.Cut(args, "|")
		got := run(t, nil, append(append([]string{"__complete"}, strings.Fields(words)...), last)...)
		if got.code != 0 || !strings.Contains("\n"+got.stdout, "\n"+want) {
			t.Errorf("%s: got %+v", args, got)
		}
	}
}
