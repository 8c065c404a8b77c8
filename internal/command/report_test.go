package command_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/d365backup/d365backup/sandbox"
)

func TestReport(t *testing.T) {
	_, env := serve(t)
	dir := t.TempDir()
	got := run(t, env, "report", "--utc")
	if got.code != 0 || !strings.Contains(got.stdout, "4 of 6 organizations are fine") {
		t.Errorf("text: %+v", got)
	}
	for name, want := range map[string]string{"report.html": "<!DOCTYPE html>", "report.md": "# "} {
		path := filepath.Join(dir, name)
		got := run(t, env, "report", "-o", path)
		text, err := os.ReadFile(path)
		if got.code != 0 || got.stdout != "" || err != nil || !strings.Contains(strings.ToLower(string(text)), strings.ToLower(want)) {
			t.Errorf("%s: %+v, %v, %.60s", name, got, err, text)
		}
	}
	for _, args := range [][]string{{"-o", filepath.Join(dir, "report.txt")}, {"--max-age", "0s"}, {"--since", "0h"}} {
		if got := run(t, env, append([]string{"report"}, args...)...); got.code != 2 || got.stdout != "" {
			t.Errorf("%v: %+v, want wrong usage", args, got)
		}
	}
}

// TestReportWithoutJobs: a report that could not be made leaves the one of yesterday as it was.
func TestReportWithoutJobs(t *testing.T) {
	_, env := serve(t, sandbox.WithFault(sandbox.MissingPermission()))
	path := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(path, []byte("yesterday"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := run(t, env, "report", "-o", path)
	if text, err := os.ReadFile(path); err != nil || got.code != 1 || string(text) != "yesterday" || !strings.Contains(got.stderr, "permission denied") {
		t.Errorf("got %+v, and the file has %q (%v)", got, text, err)
	}
}
