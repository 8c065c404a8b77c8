package docs

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// executed are the beginnings of commands that are executed as they stand. A command that begins otherwise
// has to be among those of [unexecuted], or the test fails. The go command may ask the module proxy for what
// its cache lacks, as for any test.
var executed = []string{
	"d365backup ", "bin/d365backup ", "go run ./cmd/d365backup ", "go build -o bin/ ./cmd/d365backup",
	"go mod edit ", "go doc ",
	"export ", "umask ", "mkdir ", "chmod ", "cat ",
}

// endless are commands that go on until they are interrupted: each is the last of its block.
var endless = regexp.MustCompile(`\bd365backup (sandbox\b|jobs .*--follow)`)

// script is what is run in one shell.
type script struct {
	place
	lines []string
}

// TestCommands executes the commands of each document from its top to its end, at a desk of its own. Code
// within the prose is a command, too, where it begins as one.
func TestCommands(t *testing.T) {
	for _, d := range documents(t) {
		scripts := d.scripts(t)
		if len(scripts) == 0 {
			continue
		}
		t.Run(d.name, func(t *testing.T) {
			desk := newDesk(t)
			for _, s := range scripts {
				if s.lines == nil {
					desk.configure(t, d, s.line)
					continue
				}
				desk.execute(t, s)
			}
		})
	}
}

// scripts returns what there is to execute in a document, in its order. One without lines stands for a
// configuration file.
func (d document) scripts(t *testing.T) (found []script) {
	t.Helper()
	for _, b := range d.blocks {
		s := script{place: place{d.name, b.line}}
		switch b.language {
		case "sh":
			s.lines = commands(b.text)
		case "cron":
			s.lines = jobs(t, s.place, b.text)
		case "yaml":
		default:
			continue
		}
		found = append(found, s)
	}
	d.spans(t, func(line int, code string) {
		if inline.MatchString(code) {
			found = append(found, script{place{d.name, line}, []string{code}})
		}
	})
	slices.SortStableFunc(found, func(a, b script) int { return a.line - b.line })
	return found
}

// inline matches code within prose that is a command and not a name.
var inline = regexp.MustCompile(`^((bin/)?d365backup [a-z-]|make( [a-z-]+)?$|\.ci/|go (run|build|test|doc|mod|tool|generate|get|install|vet)\b|(cd|git|npm|openssl|chmod|export|mkdir|cat) )`)

var comment = regexp.MustCompile(`(^|\s)# .*$`)

// commands returns the lines of a block, joined where they go on, without comments.
func commands(text string) (lines []string) {
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", " ")) {
		if line = strings.TrimSpace(comment.ReplaceAllString(strings.TrimRight(line, "\n"), "")); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

var crontab = regexp.MustCompile(`^(?:[\d*/,-]+ +){5}(.*)$`)

// jobs returns the commands of a crontab. What it sets, such as PATH, is left alone.
func jobs(t *testing.T, at place, text string) (lines []string) {
	t.Helper()
	for _, line := range commands(text) {
		match := crontab.FindStringSubmatch(line)
		switch {
		case match != nil && strings.Contains(match[1], "%"):
			t.Errorf("%s:%d: cron makes a line feed of %%", at.document, at.line)
		case match != nil:
			lines = append(lines, match[1])
		case !regexp.MustCompile(`^[A-Z]+=\S+$`).MatchString(line):
			t.Errorf("%s:%d: %q is no line of a crontab", at.document, at.line, line)
		}
	}
	return lines
}

// configure writes the configuration file that a document shows.
func (d *desk) configure(t *testing.T, doc document, line int) {
	t.Helper()
	i := slices.IndexFunc(doc.blocks, func(b block) bool { return b.line == line })
	path := filepath.Join(d.home, ".config", "d365backup", "config.yaml")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(d.account(doc.blocks[i].text)), 0o600); err != nil {
		t.Fatal(err)
	}
	d.configured = true
}

// execute runs a script, and checks the commands in it that are not run.
func (d *desk) execute(t *testing.T, s script) {
	t.Helper()
	var lines []string
	for i, line := range s.lines {
		begins := func(with string) bool { return strings.HasPrefix(line+" ", with) }
		inProgram := line == "go mod tidy" && i > 0 && strings.HasPrefix(s.lines[0], "go mod edit ") // not in this module
		switch {
		case inProgram || slices.ContainsFunc(executed, begins):
			if endless.MatchString(line) && i < len(s.lines)-1 {
				t.Errorf("%s:%d: %q does not end: it has to be the last of its block", s.document, s.line, line)
				return
			}
			lines = append(lines, d.fill(line))
		default:
			if err := examine(t, line); err != nil {
				t.Errorf("%s:%d: %v", s.document, s.line, err)
			}
		}
	}
	if len(lines) == 0 {
		return
	}
	text := strings.Join(lines, "\n")
	if strings.Contains(text, "…") {
		t.Errorf("%s:%d: the test knows nothing to put for … in %s", s.document, s.line, text)
		return
	}
	if err := d.shell(t, text); err != nil {
		t.Errorf("%s:%d: %v", s.document, s.line, err)
	}
	for _, match := range written.FindAllStringSubmatch(text, -1) {
		path := strings.Replace(match[1], "~", d.home, 1)
		if !filepath.IsAbs(path) {
			path = filepath.Join(d.dir, path)
		}
		if info, err := os.Stat(path); err != nil || info.Size() == 0 {
			t.Errorf("%s:%d: nothing was written to %s", s.document, s.line, match[1])
		}
	}
}

// written matches the names of files that commands write to.
var written = regexp.MustCompile(`(?:>|-o) (\S+[./]\S+)`)

// fill puts into a line what it takes from its surroundings: the account, the checkout that the reader stands
// in or has beside the own program, and a port that is free.
func (d *desk) fill(line string) string {
	checkout, _ := filepath.Abs(root)
	line = d.account(line)
	line = strings.Replace(line, "go run ./cmd/", "go -C "+checkout+" run ./cmd/", 1)
	line = strings.Replace(line, "go doc ", "go -C "+checkout+" doc ", 1)
	line = strings.Replace(line, "go build -o bin/ ./cmd/", "go -C "+checkout+" build -o "+d.dir+"/bin/ ./cmd/", 1)
	line = strings.Replace(line, "--listen 127.0.0.1:8080", "--listen 127.0.0.1:0", 1)
	line = strings.Replace(line, "=../d365backup", "="+checkout, 1)
	return line
}

// shell runs a text in a shell that stops at the first failure. A reader who is asked for the secret types
// it. What is endless is interrupted after the first line that it prints, and has to end well.
func (d *desk) shell(t *testing.T, text string) error {
	t.Helper()
	isEndless := endless.MatchString(text)
	if isEndless { // so that the signal reaches the command itself
		at := strings.LastIndex(text, "\n") + 1
		text = text[:at] + "exec " + text[at:]
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-e", "-x", "-c", text)
	cmd.Dir, cmd.Env = d.dir, d.environment(t)
	cmd.Stdin = strings.NewReader(d.service.ClientSecret() + "\n")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	reader := bufio.NewReader(out)
	if isEndless {
		_, _ = reader.ReadString('\n')
		_ = cmd.Process.Signal(os.Interrupt)
	}
	_, _ = io.Copy(io.Discard, reader)
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%w\n%s", err, errs.String())
	}
	return nil
}
