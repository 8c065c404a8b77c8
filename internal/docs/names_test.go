package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"testing"
)

// index has the folders of every test function, by its name.
var index = sync.OnceValues(func() (map[string][]string, error) {
	found := make(map[string][]string)
	function := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark|Example)\w*)\(`)
	return found, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() && entry.Name() == "node_modules" {
			return errOr(err, fs.SkipDir)
		}
		if match, _ := filepath.Match("*_test.go", entry.Name()); !match {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel(root, filepath.Dir(path))
		for _, name := range function.FindAllSubmatch(text, -1) {
			found[string(name[1])] = append(found[string(name[1])], filepath.ToSlash(dir))
		}
		return err
	})
})

func errOr(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// places returns the folders that have a test of this name.
func places(t *testing.T, name string) []string {
	t.Helper()
	found, err := index()
	if err != nil {
		t.Fatal(err)
	}
	return found[name]
}

var named = regexp.MustCompile(`^(?:([\w/]+)\.)?((?:Test|Fuzz|Benchmark|Example)[A-Z]\w*)$`)

// TestNamedTests: every test that a document names is there, in the package that it names.
func TestNamedTests(t *testing.T) {
	seen := make(map[string]int)
	for _, d := range documents(t) {
		d.spans(t, func(line int, code string) {
			match := named.FindStringSubmatch(code)
			if match == nil {
				return
			}
			seen[d.name]++
			dirs := places(t, match[2])
			if len(dirs) == 0 || match[1] != "" && !slices.Contains(dirs, match[1]) {
				t.Errorf("%s:%d: there is no test %s; a test of that name is in %q", d.name, line, code, dirs)
			}
		})
	}
	if seen["docs/threats.md"] == 0 {
		t.Error("docs/threats.md names no test: a threat is written with the test that shows what stops it")
	}
}
