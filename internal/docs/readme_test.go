package docs

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

const root = "../.."

var fence = regexp.MustCompile("(?s)```(\\w+)\n(.*?)```")

// blocks returns the code blocks of a document that are in a language.
func blocks(t *testing.T, document, language string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, document))
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, match := range fence.FindAllStringSubmatch(string(text), -1) {
		if match[1] == language {
			found = append(found, match[2])
		}
	}
	return found
}

// command runs a command in the root of the repository, for at most two minutes.
func command(t *testing.T, name string, args ...string) (stdout string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = root
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, errs.String())
	}
	return out.String()
}

// build compiles a program against the module and returns the binary's path.
func build(t *testing.T, program string) string {
	t.Helper()
	dir := t.TempDir()
	source, binary := filepath.Join(dir, "main.go"), filepath.Join(dir, "program")
	if err := os.WriteFile(source, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	command(t, "go", "build", "-o", binary, source)
	return binary
}

// TestPrograms runs the whole programs of the README.
func TestPrograms(t *testing.T) {
	line := regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d .+ \d+ records failed$`)
	ran := 0
	for _, block := range blocks(t, "README.md", "go") {
		if !strings.HasPrefix(block, "package main") {
			continue
		}
		ran++
		for got := range strings.SplitSeq(strings.TrimSpace(command(t, build(t, block))), "\n") {
			if !line.MatchString(got) {
				t.Errorf("the program prints %q", got)
			}
		}
	}
	if ran == 0 {
		t.Error("the README has no whole program")
	}
}

// TestSnippets compiles the pieces of programs of the README.
func TestSnippets(t *testing.T) {
	compiled := 0
	for _, block := range blocks(t, "README.md", "go") {
		if !strings.HasPrefix(block, "package main") {
			build(t, complete(block))
			compiled++
		}
	}
	if compiled == 0 {
		t.Error("the README has no snippet")
	}
}

// complete makes a program of a piece: imports what it names, and uses what it declares.
func complete(block string) string {
	var program strings.Builder
	program.WriteString("package main\n\n")
	for name, path := range map[string]string{
		"os":         "os",
		"api":        "github.com/d365backup/d365backup/api",
		"d365backup": "github.com/d365backup/d365backup/wrapper",
	} {
		if strings.Contains(block, name+".") {
			fmt.Fprintf(&program, "import %s %q\n", name, path)
		}
	}
	program.WriteString("\nfunc main() {\n\tvar body []byte\n\t_ = body\n" + block)
	for _, name := range []string{"client", "err"} {
		if regexp.MustCompile(`\b` + name + `\b.* := `).MatchString(block) {
			program.WriteString("\t_ = " + name + "\n")
		}
	}
	program.WriteString("}\n")
	return program.String()
}

// TestFirstCommands: the two commands that set a fresh machine up stand in the README, and the first
// one does what it says. The second one is what runs this test.
func TestFirstCommands(t *testing.T) {
	shell := strings.Join(blocks(t, "README.md", "sh"), "\n")
	for _, want := range []string{"go run ./cmd/d365backup jobs --sandbox", "make test"} {
		if !strings.Contains(shell, want) {
			t.Errorf("the README lacks %q", want)
		}
	}
	if out := command(t, "go", "run", "./cmd/d365backup", "jobs", "--sandbox"); strings.Count(out, "\n") < 10 {
		t.Errorf("the sandbox lists few jobs:\n%s", out)
	}
}
