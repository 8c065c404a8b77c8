//go:build interop

// Package completion presses Tab in real shells. It needs bash with Debian's package bash-completion, zsh and fish.
package completion

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// lines have what a user types and what it becomes with Tab, in a folder with example.json and example.html.
var lines = [][2]string{
	{"rep", "report"},
	{"validate resp", "validate response"},
	{"help envir", "help environment"},
	{"jobs --stat", "jobs --status"},
	{"jobs --status Fa", "jobs --status Failed"},
	{"jobs --status=Fa", "jobs --status=Failed"},
	{"report -o ht", "report -o html"},
	{"check --data-center ca", "check --data-center ca"},
	{"check --data-center u", "check --data-center u"}, // us, uk and usgov begin so
	{"jobs --columns jobId,fini", "jobs --columns jobId,finishTime"},
	{"jobs --since-last example.j", "jobs --since-last example.json"},
	{"jobs --type exam", "jobs --type exam"}, // no file is a type
}

func TestBash(t *testing.T) {
	session{
		shell: []string{"bash", "--norc", "--noprofile", "-i"}, file: "share/bash-completion/completions/d365backup",
		start:  "say() { echo \"$*\" >> said; }\n" + "source /usr/share/bash-completion/bash_completion\n",
		source: "source <(d365backup completion bash)\n",
	}.test(t)
}

func TestZsh(t *testing.T) {
	session{
		shell: []string{"zsh", "-f", "-i"}, file: "site-functions/_d365backup",
		start: "say() { echo \"$*\" >> said; }\n" + "bindkey -e; fpath=($PWD/site-functions $fpath); autoload -U compinit; compinit -u -D\n",
		// compinit comes before it, as in a .zshrc.
		source: "source <(d365backup completion zsh)\n",
	}.test(t)
}

func TestFish(t *testing.T) {
	session{
		shell: []string{"fish", "-i"}, file: "config/fish/completions/d365backup.fish",
		start: "function say; echo $argv >> said; end\n", source: "d365backup completion fish | source\n",
	}.test(t)
}

// session is what is typed into a shell.
type session struct {
	shell         []string
	start, source string // its first lines; those that source the output of the command completion
	file          string // where the shell looks for that output
}

// test runs the session twice: with the script in its file, and with the script sourced.
func (s session) test(t *testing.T) {
	t.Helper()
	bin := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", bin, "./cmd/d365backup")
	build.Dir = "../../.." // its module
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	script, err := exec.CommandContext(t.Context(), filepath.Join(bin, "d365backup"), "completion", s.shell[0]).Output()
	if err != nil {
		t.Fatal(err)
	}
	t.Run("file", func(t *testing.T) {
		home := t.TempDir()
		write(t, filepath.Join(home, s.file), string(script))
		s.run(t, bin, home, s.start)
	})
	t.Run("sourced", func(t *testing.T) { s.run(t, bin, t.TempDir(), s.start+s.source) })
}

// run types each line, a Tab, and then say at its beginning, which writes down what the line has become.
func (s session) run(t *testing.T, bin, home, typed string) {
	t.Helper()
	for _, name := range []string{"example.json", "example.html", "share/fish/generated_completions/none"} { // so that fish generates none
		write(t, filepath.Join(home, name), "")
	}
	var want []string
	for _, line := range lines {
		typed += "d365backup " + line[0] + "\t\x01say \n"
		want = append(want, "d365backup "+line[1])
	}
	write(t, filepath.Join(home, "typed"), typed+"exit")
	// The module zpty of zsh gives the shell a terminal.
	cmd := exec.CommandContext(t.Context(), "zsh", append([]string{"-f", "-c", `zmodload zsh/zpty
		zpty terminal "$@"
		zpty -w terminal "$(<typed)"
		while zpty -r terminal; do; done`, ""}, s.shell...)...)
	cmd.Dir = home
	cmd.Env = []string{
		"PATH=" + bin + string(os.PathListSeparator) + os.Getenv("PATH"), "HOME=" + home, "TERM=xterm",
		"XDG_DATA_HOME=" + filepath.Join(home, "share"), "XDG_CONFIG_HOME=" + filepath.Join(home, "config"),
	}
	output, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	said, err := os.ReadFile(filepath.Join(home, "said"))
	if err != nil {
		t.Fatalf("%v; the shell printed\n%s", err, output)
	}
	var got []string
	for line := range strings.Lines(string(said)) {
		got = append(got, strings.TrimSpace(line))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
