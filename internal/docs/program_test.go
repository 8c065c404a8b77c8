package docs

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestPrograms runs the whole programs and the tests that documents show, against a sandbox.
func TestPrograms(t *testing.T) {
	ran := 0
	for _, d := range documents(t) {
		for _, b := range d.blocks {
			if b.language != "go" || !strings.HasPrefix(b.text, "package ") {
				continue
			}
			ran++
			t.Run(fmt.Sprintf("%s:%d", d.name, b.line), func(t *testing.T) {
				desk := newDesk(t)
				verb, file := "build", "main.go"
				if !strings.HasPrefix(b.text, "package main\n") {
					verb, file = "test", "shown_test.go"
				}
				out := desk.goes(t, verb, desk.save(t, file, desk.account(b.text)))
				if strings.TrimSpace(out) == "" {
					t.Error("the program prints nothing")
				}
				if d.name == "README.md" {
					expectLines(t, out, `^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d .+ \d+ records failed$`)
				}
			})
		}
	}
	if ran == 0 {
		t.Error("the documents have no whole program")
	}
}

func expectLines(t *testing.T, out, pattern string) {
	t.Helper()
	for line := range strings.SplitSeq(strings.TrimSpace(out), "\n") {
		if !regexp.MustCompile(pattern).MatchString(line) {
			t.Errorf("the program prints %q", line)
		}
	}
}

// TestFirstCommands: the two commands that a fresh machine can run stand first in the README, and the first
// one lists jobs. The second one is what runs this test.
func TestFirstCommands(t *testing.T) {
	i := slices.IndexFunc(read(t, "README.md").blocks, func(b block) bool { return b.language == "sh" })
	if i < 0 {
		t.Fatal("the README has no commands")
	}
	lines := commands(read(t, "README.md").blocks[i].text)
	if want := []string{"go run ./cmd/d365backup jobs --sandbox", "make test"}; !slices.Equal(lines, want) {
		t.Errorf("the README begins with %q, want %q", lines, want)
	}
	if out := goCommand(t, strings.Fields(lines[0])[1:]...); strings.Count(out, "\n") < 10 {
		t.Errorf("the sandbox lists few jobs:\n%s", out)
	}
}

// TestPieces runs the pieces of programs that documents show, all in one program: each in its own scope,
// where ctx, client and body are there to be used. An error that a piece leaves in err fails the test.
func TestPieces(t *testing.T) {
	desk := newDesk(t)
	files := []string{desk.save(t, "main.go", desk.account(harness))}
	for _, d := range documents(t) {
		for _, b := range d.blocks {
			if b.language == "go" && !strings.HasPrefix(b.text, "package ") {
				name := fmt.Sprintf("piece_%02d.go", len(files))
				files = append(files, desk.save(t, name, desk.account(program(place{d.name, b.line}, b.text))))
			}
		}
	}
	if len(files) == 1 {
		t.Fatal("the documents have no pieces")
	}
	desk.goes(t, "build", files...)
}

// harness runs the pieces.
const harness = `package main

import (
	"context"
	"fmt"
	"log"
	"os"

	d365backup "github.com/d365backup/d365backup/wrapper"
)

type piece struct {
	place string
	run   func(ctx context.Context, client *d365backup.Client, body []byte)
}

var pieces []piece

func main() {
	client, err := d365backup.New(d365backup.WithDataCenter("us"),
		d365backup.WithClientSecret(os.Getenv("D365BACKUP_CLIENT_ID"), os.Getenv("D365BACKUP_CLIENT_SECRET")))
	if err != nil {
		log.Fatal(err)
	}
	body, err := os.ReadFile("page.json")
	if err != nil {
		log.Fatal(err)
	}
	for _, p := range pieces {
		fmt.Fprintln(os.Stderr, "running", p.place)
		p.run(context.Background(), client, body)
	}
}
`

// imports are the packages that pieces may name.
var imports = []string{
	"context", "crypto/tls", "crypto/x509", "errors", "fmt", "log", "log/slog", "net/http", "net/url", "os", "sync", "time",
	"github.com/d365backup/d365backup/api", "github.com/d365backup/d365backup/generated", "github.com/d365backup/d365backup/sandbox",
	"golang.org/x/oauth2",
}

var declared = regexp.MustCompile(`(?m)^(\w+(?:, \w+)*) := `)

// program makes a file of a piece: imports what it names, and uses what it declares. The compiler tells
// places in the document.
func program(at place, text string) string {
	var file strings.Builder
	file.WriteString("package main\n\n")
	importOf := func(name, path string) {
		if regexp.MustCompile(`(^|[^\w.])` + name + `\.`).MatchString(text) {
			fmt.Fprintf(&file, "import %s %q\n", name, path)
		}
	}
	for _, path := range imports {
		importOf(path[strings.LastIndex(path, "/")+1:], path)
	}
	if strings.HasPrefix(text, "func ") {
		importOf("d365backup", "github.com/d365backup/d365backup/wrapper")
		fmt.Fprintf(&file, "\n//line %s:%d\n%s", at.document, at.line, text)
		return file.String()
	}
	file.WriteString("import __context \"context\"\nimport __log \"log\"\nimport d365backup \"github.com/d365backup/d365backup/wrapper\"\n\nfunc init() {\n")
	fmt.Fprintf(&file, "pieces = append(pieces, piece{%q, func(ctx __context.Context, client *d365backup.Client, body []byte) {\n{\n",
		fmt.Sprintf("%s:%d", at.document, at.line))
	fmt.Fprintf(&file, "//line %s:%d\n%s", at.document, at.line, text)
	var names []string
	for _, match := range declared.FindAllStringSubmatch(text, -1) {
		names = append(names, strings.Split(match[1], ", ")...)
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if name != "_" {
			fmt.Fprintf(&file, "_ = %s\n", name)
		}
		if name == "err" {
			fmt.Fprint(&file, "if err != nil { __log.Fatal(err) }\n")
		}
	}
	file.WriteString("}\n_ = __log.Fatal\n}})\n}\n")
	return file.String()
}

// save writes a file beside the others on the desk, and returns its path.
func (d *desk) save(t *testing.T, name, text string) string {
	t.Helper()
	dir := filepath.Join(d.dir, "shown")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// goes makes a program of files, as part of this module, and runs it at the desk.
func (d *desk) goes(t *testing.T, verb string, files ...string) string {
	t.Helper()
	binary := filepath.Join(d.dir, "shown", "program")
	args := []string{verb, "-o", binary}
	if verb == "test" {
		args = append(args, "-c")
	}
	goCommand(t, append(args, files...)...)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary)
	cmd.Dir = d.dir
	cmd.Env = append(d.environment(t), "D365BACKUP_CLIENT_SECRET="+d.service.ClientSecret(),
		"D365BACKUP_CERTIFICATE_PASSWORD="+certificatePassword)
	return output(t, cmd)
}
