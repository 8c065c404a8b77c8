package docs

import (
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// root is the folder of the repository.
var root, _ = filepath.Abs("../..")

// files returns the contents of the repository's files with a suffix, by their path in it.
func files(t *testing.T, suffix string) map[string]string {
	t.Helper()
	found := make(map[string]string)
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains([]string{".git", "node_modules", "testdata", "bin", "dist"}, entry.Name()):
			return fs.SkipDir
		case strings.HasSuffix(name, suffix):
			found[name] = read(t, name)
		}
		return nil
	})
	if err != nil || len(found) == 0 {
		t.Fatalf("%d files end in %s: %v", len(found), suffix, err)
	}
	return found
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var (
	block = regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$")
	span  = regexp.MustCompile("`([^`\n]+)`")
)

// spans returns the pieces of code within the prose.
func spans(text string) (found []string) {
	for _, match := range span.FindAllStringSubmatch(block.ReplaceAllString(text, ""), -1) {
		found = append(found, match[1])
	}
	return found
}

// TestSnippets checks that each Go snippet is in the examples of packages and in the programs in examples.
func TestSnippets(t *testing.T) {
	var sources strings.Builder
	for name, text := range files(t, ".go") {
		if strings.HasPrefix(name, "examples/") || strings.HasPrefix(path.Base(name), "example_") {
			sources.WriteString(text)
		}
	}
	indent := regexp.MustCompile(`(?m)^(.)`)
	for name, text := range files(t, ".md") {
		for _, match := range block.FindAllStringSubmatch(text, -1) {
			code := match[2]
			if match[1] != "go" {
				continue
			}
			if !strings.HasPrefix(code, "package ") {
				code = "\n" + indent.ReplaceAllString(code, "\t$1")
			}
			if !strings.Contains(sources.String(), code) {
				t.Errorf("%s: no example_*_test.go has this snippet:\n%s", name, match[2])
			}
		}
	}
}

var (
	comment = regexp.MustCompile(`(^|\s+)# .*`)
	crontab = regexp.MustCompile(`^(([\d*/,-]+ +){5}|[A-Z]+=\S+$)`) // a time, or a variable
	inline  = regexp.MustCompile(`^(d365backup|go doc) `)
	target  = regexp.MustCompile(`^make ([a-z-]+)`)
)

// scriptOf returns the file with the script of a document.
func scriptOf(name string) string {
	return "internal/docs/testdata/" + strings.TrimSuffix(path.Base(name), ".md") + ".txtar"
}

// isPrinted reports whether a script has a pattern of the standard output that matches the line.
func isPrinted(script, line string) bool {
	patterns := regexp.MustCompile(`(?m)^stdout '(.*)'$`).FindAllStringSubmatch(script, -1)
	return slices.ContainsFunc(patterns, func(p []string) bool { return regexp.MustCompile(p[1]).MatchString(line) })
}

// TestCommands checks that each command, without its comment, is in the script of its document, which runs it or names
// what does. A target of make must be in the Makefile.
func TestCommands(t *testing.T) {
	makefile := read(t, "Makefile")
	for name, text := range files(t, ".md") {
		var script string
		expect := func(command string) {
			if match := target.FindStringSubmatch(command); match != nil {
				if !strings.Contains(makefile, "\n"+match[1]+":") {
					t.Errorf("%s: the Makefile has no target %s", name, match[1])
				}
				return
			}
			file := scriptOf(name)
			if script == "" {
				script = strings.ReplaceAll(read(t, file), "''", "'")
			}
			if !regexp.MustCompile(`(?m)` + regexp.QuoteMeta(command) + `('|;|$)`).MatchString(script) {
				t.Errorf("%s: %s does not run %q", name, file, command)
			}
		}
		for _, match := range block.FindAllStringSubmatch(text, -1) {
			switch language, code := match[1], match[2]; language {
			case "go": // TestSnippets
			case "sql": // test/interop/history runs that of docs/history.md
				if name != "docs/history.md" {
					t.Errorf("%s: no test runs this:\n%s", name, code)
				}
			case "console":
				for line := range strings.Lines(code) {
					if command, found := strings.CutPrefix(strings.TrimSpace(line), "$ "); found {
						expect(strings.TrimPrefix(command, "bin/"))
					} else if !isPrinted(read(t, scriptOf(name)), strings.TrimSpace(line)) {
						t.Errorf("%s: %s has no stdout that matches this line: %s", name, scriptOf(name), line)
					}
				}
			case "text": // diagrams
				if regexp.MustCompile(`(?m)^\s*(\$|bin/|d365backup |go |make )`).MatchString(code) {
					t.Errorf("%s: this is a command, so the block must have the language sh:\n%s", name, code)
				}
			case "yaml":
				expect(code)
			case "icinga":
				if code != read(t, "test/interop/icinga/d365backup.conf") {
					t.Errorf("%s: this is not the tested file test/interop/icinga/d365backup.conf:\n%s", name, code)
				}
			case "sh", "cron":
				for line := range strings.Lines(code) {
					line = strings.TrimSpace(comment.ReplaceAllString(line, ""))
					if language == "cron" {
						line = crontab.ReplaceAllString(line, "")
					}
					expect(strings.TrimPrefix(line, "bin/"))
				}
			default:
				t.Errorf("%s: no test knows blocks of the language %q", name, language)
			}
		}
		for _, code := range spans(text) {
			if inline.MatchString(code) || target.MatchString(code) {
				expect(code)
			}
		}
	}
}

// TestNames checks that the tests, files and folders that documents name exist.
func TestNames(t *testing.T) {
	tests := make(map[string][]string) // the folders that have a test, by its name
	function := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark|Example)\w*)\(`)
	for name, text := range files(t, "_test.go") {
		for _, match := range function.FindAllStringSubmatch(text, -1) {
			tests[match[1]] = append(tests[match[1]], path.Dir(name))
		}
	}
	file := regexp.MustCompile(`^(\.ci|\.github|api|cmd|deploy|generated|internal|release|sandbox|test|wrapper)/[\w./-]*$`)
	test := regexp.MustCompile(`^(?:([\w/-]+)\.)?((?:Test|Fuzz|Benchmark|Example)[A-Z]\w*)$`)
	for name, text := range files(t, ".md") {
		for _, code := range spans(text) {
			if match := test.FindStringSubmatch(code); match != nil {
				if dirs := tests[match[2]]; len(dirs) == 0 || match[1] != "" && !slices.Contains(dirs, match[1]) {
					t.Errorf("%s: there is no test %s; tests of that name are in %q", name, code, dirs)
				}
			} else if file.MatchString(code) {
				if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(code))); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	}
	for line := range strings.Lines(read(t, "docs/threats.md")) {
		if cells := strings.Split(line, "|"); len(cells) > 1 && !strings.Contains(cells[3], "`") && !strings.HasPrefix(line, "| attack |") && !strings.HasPrefix(line, "|---|") {
			t.Errorf("docs/threats.md: no test shows this defense: %s", line)
		}
	}
}

// TestFailures checks that the messages from which a maintainer finds what to do are those that tests print.
func TestFailures(t *testing.T) {
	const document = "docs/changing-the-api.md"
	tests := strings.Join(slices.Collect(maps.Values(files(t, "_test.go"))), "\n") + read(t, "internal/golden/golden.go")
	_, table, _ := strings.Cut(read(t, document), "| a test prints |")
	table, _, found := strings.Cut(table, "\n\n")
	if !found {
		t.Fatalf("%s has no table of what tests print", document)
	}
	for row := range strings.Lines(table) {
		cells := strings.Split(row, "|")
		for _, message := range spans(cells[min(1, len(cells)-1)]) {
			literal := strings.ReplaceAll(regexp.QuoteMeta(message), "…", ".*")
			if name, ok := strings.CutPrefix(message, "FAIL: "); ok { // which go test prints
				literal = "func " + strings.TrimSuffix(name, "/…") + `\(`
			}
			if !regexp.MustCompile(literal).MatchString(tests) {
				t.Errorf("%s: no test prints %q", document, message)
			}
		}
	}
}

// TestLinks follows the links to files and headings.
func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\[[^\]]*\]\(([^)\s]+)\)`)
	documents := files(t, ".md")
	for name, text := range documents {
		for _, match := range link.FindAllStringSubmatch(span.ReplaceAllString(block.ReplaceAllString(text, ""), ""), -1) {
			u, err := url.Parse(match[1])
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if u.IsAbs() { // needs a network
				continue
			}
			to := name
			if u.Path != "" {
				to = path.Join(path.Dir(name), u.Path)
			}
			if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(to))); err != nil {
				t.Errorf("%s: broken link %s: %v", name, match[1], err)
			} else if u.Fragment != "" && !slices.Contains(anchors(documents[to]), u.Fragment) {
				t.Errorf("%s: broken link %s: %s has no such heading", name, match[1], to)
			}
		}
	}
}

// anchors returns the names that GitHub gives to the headings of a document, which here are all different.
func anchors(text string) (names []string) {
	heading := regexp.MustCompile(`(?m)^#{1,6} (.*)$`)
	dropped := regexp.MustCompile(`[^\p{L}\p{N}_\- ]`)
	for _, match := range heading.FindAllStringSubmatch(block.ReplaceAllString(text, ""), -1) {
		names = append(names, strings.ReplaceAll(dropped.ReplaceAllString(strings.ToLower(match[1]), ""), " ", "-"))
	}
	return names
}
