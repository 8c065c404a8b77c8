package cli_test

import (
	"bufio"
	"context"
	"io"
	"strings"
	"testing"

	"github.com/d365backup/d365backup/internal/cli"
)

// TestSandboxServes runs the sandbox as in one shell and asks it as in another, by what it wrote.
func TestSandboxServes(t *testing.T) {
	for shell, form := range map[string]struct{ before, after string }{
		"posix":      {"export ", "="},
		"powershell": {"$env:", " = '"},
	} {
		ctx, interrupt := context.WithCancel(t.Context())
		r, w := io.Pipe()
		exit := make(chan int)
		var stderr strings.Builder
		go func() {
			code := cli.Run(ctx, []string{"sandbox", "--listen", "127.0.0.1:0", "--shell", shell}, nil, nil, w, &stderr)
			_ = w.Close()
			exit <- code
		}()
		var env []string
		lines := bufio.NewScanner(r)
		for len(env) < 4 && lines.Scan() {
			name, value, ok := strings.Cut(strings.TrimPrefix(lines.Text(), form.before), form.after)
			if !ok {
				t.Fatalf("%s: %s", shell, lines.Text())
			}
			env = append(env, name+"="+strings.TrimSuffix(value, "'"))
		}
		got := run(t, env, "jobs", "--limit", "1", "-o", "csv")
		if got.code != 0 || strings.Count(got.stdout, "\n") != 2 {
			t.Errorf("%s: got %+v", shell, got)
		}
		interrupt()
		rest, err := io.ReadAll(r)
		if code := <-exit; code != 0 || err != nil || len(rest) > 0 || !strings.Contains(stderr.String(), "stop with Ctrl-C") {
			t.Errorf("%s: code %d, %v, %q, %s", shell, code, err, rest, stderr.String())
		}
	}
}

func TestSandboxRefuses(t *testing.T) {
	server, _ := serve(t)
	taken := strings.TrimPrefix(server.URL(), "http://")
	for args, want := range map[string]struct {
		code int
		text string
	}{
		"--listen 0.0.0.0:8080":     {2, "is not a loopback address: use 127.0.0.1"},
		"--listen 8080":             {2, "is no address: write it like 127.0.0.1:8080"},
		"--listen 127.0.0.1:999999": {2, "is no address: write it like 127.0.0.1:8080"},
		"--listen " + taken:         {1, "the sandbox cannot start: "},
		"--shell cmd":               {2, "use posix or powershell"},
		"now":                       {2, "is not expected"},
	} {
		got := run(t, nil, append([]string{"sandbox"}, strings.Fields(args)...)...)
		if got.code != want.code || !strings.Contains(got.stderr, want.text) || got.stdout != "" {
			t.Errorf("%s: got %+v, want %+v", args, got, want)
		}
	}
}
