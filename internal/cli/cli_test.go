package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/d365backup/d365backup/internal/cli"
	"github.com/d365backup/d365backup/sandbox"
	"github.com/d365backup/d365backup/sandbox/sandboxtest"
)

// walk visits every command, including hidden ones.
func walk(cmd *cobra.Command, visit func(*cobra.Command)) {
	visit(cmd)
	for _, sub := range cmd.Commands() {
		walk(sub, visit)
	}
}

// TestHelpIsComplete: each command has a summary, a description and examples of itself.
func TestHelpIsComplete(t *testing.T) {
	walk(cli.Root(), func(cmd *cobra.Command) {
		if cmd.Short == "" || cmd.Long == "" || strings.HasSuffix(cmd.Short, ".") {
			t.Errorf("%s: short %q, long %q", cmd.CommandPath(), cmd.Short, cmd.Long)
		}
		if !cmd.Runnable() && !cmd.HasSubCommands() { // a help topic
			return
		}
		if !strings.Contains(cmd.Example, cmd.CommandPath()) {
			t.Errorf("%s has no example of itself: %q", cmd.CommandPath(), cmd.Example)
		}
		for line := range strings.Lines(cmd.Example + "\n" + cmd.Long) {
			if n := len(strings.TrimRight(line, "\n")); n > 100 {
				t.Errorf("%s: a line of %d columns: %s", cmd.CommandPath(), n, line)
			}
		}
	})
}

// TestExamplesParse: the flags in the examples exist and accept those values.
func TestExamplesParse(t *testing.T) {
	examples := 0
	walk(cli.Root(), func(cmd *cobra.Command) {
		for line := range strings.Lines(cmd.Example) {
			line, _, _ = strings.Cut(strings.TrimSpace(line), " | ")
			line, _, _ = strings.Cut(line, " > ")
			words := strings.Fields(strings.Trim(line, "& "))
			if len(words) == 0 || words[0] != "d365backup" {
				continue
			}
			found, rest, err := cli.Root().Find(words[1:])
			if err == nil {
				err = found.ParseFlags(rest)
			}
			if err != nil {
				t.Errorf("%s: %v", line, err)
			}
			examples++
		}
	})
	if examples < 10 {
		t.Errorf("only %d examples were found", examples)
	}
}

// TestSpec: both formats are equivalent to openapi.yaml.
func TestSpec(t *testing.T) {
	source, err := os.ReadFile("../../openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := fromYAML(t, source)
	for _, format := range []string{"yaml", "json"} {
		got := run(t, nil, "spec", "-o", format)
		if diff := cmp.Diff(want, fromYAML(t, []byte(got.stdout))); diff != "" {
			t.Errorf("%s (-openapi.yaml +printed):\n%s", format, diff)
		}
		if isJSON := json.Valid([]byte(got.stdout)); isJSON != (format == "json") {
			t.Errorf("%s prints another format: %.40s", format, got.stdout)
		}
	}
}

// fromYAML reads YAML, or JSON, into values that can be compared.
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

func serve(t *testing.T, options ...sandbox.Option) (*sandbox.Server, []string) {
	t.Helper()
	_, server := sandboxtest.New(t, options...)
	return server, []string{
		"D365BACKUP_BASE_URL=" + server.URL(),
		"D365BACKUP_TOKEN_URL=" + server.TokenURL(),
		"D365BACKUP_CLIENT_ID=" + server.ClientID(),
		"D365BACKUP_CLIENT_SECRET=" + server.ClientSecret(),
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// TestFirstJobEarly: the first job is written as soon as its page has arrived, before the next page does.
func TestFirstJobEarly(t *testing.T) {
	for _, format := range []string{"json", "ndjson", "csv"} {
		t.Run(format, func(t *testing.T) {
			written := make(chan struct{})
			late := sandbox.Fault{Name: "late", Middleware: func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					body, err := io.ReadAll(r.Body)
					if err != nil {
						t.Error(err)
					}
					if bytes.Contains(body, []byte(`"currentPage"`)) && !bytes.Contains(body, []byte(`"currentPage":1,`)) {
						select {
						case <-written:
						case <-r.Context().Done():
							return
						}
					}
					r.Body = io.NopCloser(bytes.NewReader(body))
					next.ServeHTTP(w, r)
				})
			}}
			_, env := serve(t, sandbox.WithFault(late))
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // it would wait forever
			defer cancel()
			var stdout, stderr bytes.Buffer
			once := sync.OnceFunc(func() { close(written) })
			early := writerFunc(func(p []byte) (int, error) {
				if bytes.Contains(p, []byte("DC")) {
					once()
				}
				return stdout.Write(p)
			})
			args := []string{"jobs", "--since", "3d", "--page-size", "20", "-o", format}
			if code := cli.Run(ctx, args, env, nil, early, &stderr); code != 0 || strings.Count(stdout.String(), "DC") < 40 {
				t.Errorf("code %d, %s%s", code, stdout.String(), stderr.String())
			}
		})
	}
}

// TestEveryJob: a long list has every job of the service.
func TestEveryJob(t *testing.T) {
	server, env := serve(t)
	got := run(t, env, "jobs", "--since", "8760h", "-o", "ndjson")
	start := time.Now().Add(-8760 * time.Hour)
	want := server.Count(sandbox.Filter{Start: start})
	if lines := strings.Count(got.stdout, "\n"); lines != want || want < 1000 {
		t.Errorf("%d lines, the sandbox counts %d; stderr %s", lines, want, got.stderr)
	}
	for line := range strings.Lines(got.stdout) {
		if !json.Valid([]byte(line)) {
			t.Fatalf("invalid JSON: %s", line)
		}
	}
}

// TestInterrupted: a context that ends while jobs are written ends the command with code 130.
func TestInterrupted(t *testing.T) {
	_, env := serve(t)
	ctx, cancel := context.WithCancel(t.Context())
	stdout := writerFunc(func(p []byte) (int, error) {
		cancel()
		return len(p), nil
	})
	var stderr strings.Builder
	code := cli.Run(ctx, []string{"jobs", "--since", "8760h", "-o", "ndjson"}, env, nil, stdout, &stderr)
	if code != 130 || stderr.String() != "d365backup: interrupted\n" {
		t.Errorf("code %d: %s", code, stderr.String())
	}
}

// TestDriftIsLimited: a service cannot flood the screen.
func TestDriftIsLimited(t *testing.T) {
	var jobs []string
	for i := range 200 {
		id := string(rune('A'+i/26)) + string(rune('A'+i%26))
		jobs = append(jobs, `{"type":1,"jobId":"`+id+`","startTime":"2026-11-01T03:00:00Z","status":"`+id+strings.Repeat("x", 1000)+`"}`)
	}
	_, env := serve(t, sandbox.WithFault(sandbox.Fault{Name: "payload", Middleware: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !strings.HasSuffix(r.URL.Path, "/GetJobs") {
				next.ServeHTTP(w, r)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"totalCount":200,"jobs":[`+strings.Join(jobs, ",")+`]}`)
		})
	}}))
	got := run(t, env, "jobs", "-o", "json", "--page-size", "500")
	if got.code != 0 || strings.Count(got.stderr, "\n") != 1 || !strings.HasSuffix(got.stderr, "; and 95 more\n") || len(got.stderr) > 1000 {
		t.Errorf("code %d, %s", got.code, got.stderr)
	}
}
