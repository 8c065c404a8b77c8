package cli_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
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

// TestReportFolder: a folder that cannot be written to is found before the service is asked.
func TestReportFolder(t *testing.T) {
	server, env := serve(t)
	var requests atomic.Int64
	server.SetFaults(sandbox.Fault{Name: "count", Middleware: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { requests.Add(1); next.ServeHTTP(w, r) })
	}})
	folder := t.TempDir()
	directory := filepath.Join(t.TempDir(), "directory.html")
	if err := os.Mkdir(directory, 0o700); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(folder, "nowhere", "report.html"): "no file can be created in " + filepath.Join(folder, "nowhere"),
		directory:                            "is a directory: give the name of a file",
		filepath.Join(folder, "report.html"): "",
	} {
		requests.Store(0)
		got := run(t, env, "report", "-o", path)
		if want != "" && (got.code != 2 || !strings.Contains(got.stderr, want) || requests.Load() > 0) {
			t.Errorf("%s: %d requests, %+v", path, requests.Load(), got)
		}
		if want == "" && got.code != 0 {
			t.Errorf("%s: %+v", path, got)
		}
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}
