package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/d365backup/d365backup/internal/cli/cmdutil"
)

func runRoot(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = Run(t.Context(), args, nil, strings.NewReader(""), &out, &err)
	return code, out.String(), err.String()
}

// walk visits every command, the hidden ones too.
func walk(cmd *cobra.Command, visit func(*cobra.Command)) {
	visit(cmd)
	for _, sub := range cmd.Commands() {
		walk(sub, visit)
	}
}

// TestEveryCommandIsExplained: each has a sentence, a text and examples, which show the command itself
// and only flags that it has.
func TestEveryCommandIsExplained(t *testing.T) {
	root, _ := newRoot(cmdutil.NewApp(nil, nil, nil, nil))
	walk(root, func(cmd *cobra.Command) {
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

// TestExamplesParse: the flags in the examples exist and take those values.
func TestExamplesParse(t *testing.T) {
	root, _ := newRoot(cmdutil.NewApp(nil, nil, nil, nil))
	examples := 0
	walk(root, func(cmd *cobra.Command) {
		for line := range strings.Lines(cmd.Example) {
			line, _, _ = strings.Cut(strings.TrimSpace(line), " | ")
			line, _, _ = strings.Cut(line, " > ")
			words := strings.Fields(strings.Trim(line, "& "))
			if len(words) == 0 || words[0] != "d365backup" {
				continue
			}
			fresh, _ := newRoot(cmdutil.NewApp(nil, nil, nil, nil))
			found, rest, err := fresh.Find(words[1:])
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

func TestHelp(t *testing.T) {
	for args, want := range map[string]string{
		"":                 "Commands:",
		"--help":           "jobs        List the jobs",
		"help jobs":        "Connection:\n",
		"jobs -h":          "--status status",
		"help environment": "D365BACKUP_CLIENT_SECRET_FILE (client_secret_file)",
		"help exit-codes":  "130  it was interrupted",
		"--version":        "d365backup ",
	} {
		code, stdout, stderr := runRoot(t, strings.Fields(args)...)
		if code != 0 || stderr != "" || !strings.Contains(stdout, want) {
			t.Errorf("%s: code %d, stderr %q: %s", args, code, stderr, stdout)
		}
		for line := range strings.Lines(stdout) {
			if len(line) > 120 {
				t.Errorf("%s: a line of %d columns: %s", args, len(line), line)
			}
		}
	}
}

func TestUnknownCommand(t *testing.T) {
	code, stdout, stderr := runRoot(t, "job")
	want := "d365backup: unknown command \"job\" for \"d365backup\"\n\nDid you mean this?\n\tjobs\n\nSee 'd365backup --help'.\n"
	if code != 2 || stdout != "" || stderr != want {
		t.Errorf("code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	for args, want := range map[string]string{
		"completion tcsh":   `there is no completion for "tcsh": use bash, zsh, fish or powershell`,
		"completion bash x": `"x" is not expected: 'd365backup completion bash' takes flags only`,
	} {
		code, stdout, stderr := runRoot(t, strings.Fields(args)...)
		if code != 2 || stdout != "" || !strings.Contains(stderr, want) {
			t.Errorf("%s: code %d, stdout %q, stderr %q", args, code, stdout, stderr)
		}
	}
	for args, want := range map[string]string{
		"help jbos":         "Did you mean this?\n\tjobs\n",
		"help validate xyz": "unknown command \"xyz\" for \"d365backup validate\"",
	} {
		code, stdout, stderr := runRoot(t, strings.Fields(args)...)
		if code != 2 || stdout != "" || !strings.Contains(stderr, want) || !strings.HasSuffix(stderr, "See 'd365backup --help'.\n") {
			t.Errorf("%s: code %d, stdout %q, stderr %q", args, code, stdout, stderr)
		}
	}
	if code, _, stderr := runRoot(t, "--versions"); code != 2 || !strings.Contains(stderr, "there is no flag --versions") {
		t.Errorf("code %d: %s", code, stderr)
	}
}

func TestVersionText(t *testing.T) {
	version, commit = "v1.2.3", "0123456789ab"
	t.Cleanup(func() { version, commit = "", "" })
	_, stdout, _ := runRoot(t, "--version")
	if !strings.HasPrefix(stdout, "d365backup v1.2.3 (commit 0123456789ab, go1.") || strings.Count(stdout, "\n") != 1 {
		t.Errorf("got %q", stdout)
	}
}

func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if code, stdout, stderr := runRoot(t, "completion", shell); code != 0 || stderr != "" || !strings.Contains(stdout, "d365backup") {
			t.Errorf("%s: code %d, %d bytes, %s", shell, code, len(stdout), stderr)
		}
	}
	for args, want := range map[string]string{
		"j":                         "jobs",
		"jobs --type|":              "DryRun",
		"jobs --status|":            "FinishedWithException",
		"jobs --output|":            "ndjson",
		"jobs -o|":                  "ndjson",
		"jobs --data-center|":       "us\tUS East",
		"jobs --columns|jobId,":     "jobId,startTime",
		"jobs --sort|jobId,-":       "jobId,-startTime",
		"sandbox --shell|":          "powershell",
		"jobs --client-secret-file": "--client-secret-file",
	} {
		words, last, _ := strings.Cut(args, "|")
		typed := strings.Fields(words)
		if strings.Contains(args, "|") {
			typed = append(typed, last)
		}
		code, stdout, _ := runRoot(t, append([]string{"__complete"}, typed...)...)
		if code != 0 || !strings.Contains("\n"+stdout, "\n"+want) {
			t.Errorf("%s: code %d: %s", args, code, stdout)
		}
	}
}

func TestManual(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "man")
	if code, stdout, stderr := runRoot(t, "man", dir); code != 0 || stdout != "" || stderr != "" {
		t.Fatalf("code %d: %s%s", code, stdout, stderr)
	}
	page, err := os.ReadFile(filepath.Join(dir, "d365backup-jobs.1"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`\fB--data-center`, "EXAMPLE", ".SH NAME"} {
		if !bytes.Contains(page, []byte(want)) {
			t.Errorf("%s is not in the page", want)
		}
	}
	for _, name := range []string{"d365backup.1", "d365backup-sandbox.1", "d365backup-environment.1"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	if code, _, stderr := runRoot(t, "man"); code != 2 || !strings.Contains(stderr, "give one DIRECTORY, not 0") {
		t.Errorf("code %d: %s", code, stderr)
	}
}
