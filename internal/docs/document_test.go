package docs

import (
	"go/format"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

// document is a Markdown file of the repository.
type document struct {
	name   string   // its path from the root, with slashes
	prose  []string // its lines; those of code blocks are empty
	blocks []block
}

// block is a code block.
type block struct {
	language string
	line     int // the number of its first line of code
	text     string
}

// place is a line of a document.
type place struct {
	document string
	line     int
}

// documents returns every Markdown file that people read. The walk over the whole tree also tells the go
// command that the outcome of these tests depends on all of it, so that none comes from its cache after a
// change of the command, which is built and run outside of the test's binary.
func documents(t *testing.T) (found []document) {
	t.Helper()
	others := []string{".git", "node_modules", "testdata", "bin", "dist"}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains(others, entry.Name()):
			return fs.SkipDir
		case filepath.Ext(path) == ".md":
			name, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			found = append(found, read(t, filepath.ToSlash(name)))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

var fence = regexp.MustCompile("^```(\\w*)$")

func read(t *testing.T, name string) document {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	d := document{name: name}
	var open *block
	for i, line := range strings.Split(string(text), "\n") {
		mark := fence.FindStringSubmatch(line)
		switch {
		case mark == nil && strings.HasPrefix(strings.TrimSpace(line), "```"):
			t.Errorf("%s:%d: a code block begins and ends at the margin, with three backticks and a language", name, i+1)
		case mark != nil && open == nil:
			open = &block{language: mark[1], line: i + 2}
		case mark != nil:
			d.blocks, open = append(d.blocks, *open), nil
		case open != nil:
			open.text += line + "\n"
		}
		if mark != nil || open != nil {
			line = ""
		}
		d.prose = append(d.prose, line)
	}
	if open != nil {
		t.Errorf("%s:%d: the code block has no end", name, open.line)
	}
	return d
}

var span = regexp.MustCompile("`([^`]+)`")

// spans calls visit for every piece of code within the prose.
func (d document) spans(t *testing.T, visit func(line int, code string)) {
	t.Helper()
	for i, line := range d.prose {
		if strings.Count(line, "`")%2 != 0 {
			t.Errorf("%s:%d: code within a line has to end on it, or no test sees it", d.name, i+1)
		}
		for _, match := range span.FindAllStringSubmatch(line, -1) {
			visit(i+1, match[1])
		}
	}
}

// TestBlocks: every code block is in a language that a test here does something with.
func TestBlocks(t *testing.T) {
	for _, d := range documents(t) {
		for _, b := range d.blocks {
			switch b.language {
			case "sh", "cron", "yaml": // run by the other tests
			case "go":
				if formatted, err := format.Source([]byte(b.text)); err != nil || string(formatted) != b.text {
					t.Errorf("%s:%d: gofmt writes this differently: %v\n%s", d.name, b.line, err, formatted)
				}
			case "text": // pictures, and what a program prints
				if regexp.MustCompile(`(?m)^\s*(\$|bin/|d365backup |go |make )`).MatchString(b.text) {
					t.Errorf("%s:%d: text is not run: a command belongs into a block of sh", d.name, b.line)
				}
			default:
				t.Errorf("%s:%d: no test knows what to do with a block of %q", d.name, b.line, b.language)
			}
		}
	}
}
