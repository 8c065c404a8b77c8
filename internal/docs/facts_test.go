package docs

import (
	"cmp"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/d365backup/d365backup/internal/cli/doctor"
	"github.com/d365backup/d365backup/internal/cli/jobs"
	"github.com/d365backup/d365backup/internal/golden"
)

const catalogue = "docs/errors.md"

// TestCatalogue compares lists in docs/errors.md with the code, in any order.
func TestCatalogue(t *testing.T) {
	for _, list := range []struct{ source, inSource, inDocument string }{
		{"wrapper/errors.go", `(?m)^\t(Err\w+) += errors\.New\("(.*)"\)$`,
			"(?s)\n### (Err\\w+)\n\n`([^`]*)`: .*?\nWho must act: .*? Retried: .*?\nNext: "},
		{"internal/auth/error.go", `(?m)^\t"(\w+)": +\{`, "\n\\| `(\\w+)` \\| "},
		{"internal/cli/cmdutil/errors.go", `\n\tExit\w+ += (\d+)`, `\n\| (\d+) \| `},
	} {
		code := matches(read(t, list.source), list.inSource)
		if diff := gocmp.Diff(code, matches(read(t, catalogue), list.inDocument)); diff != "" || len(code) == 0 {
			t.Errorf("%s (-%s +document):\n%s", catalogue, list.source, diff)
		}
	}
	diagnoses := matches(read(t, catalogue), `\n### ([a-z][a-z0-9-]*)\n`)
	for _, reason := range matches(read(t, "internal/httpfail/httpfail.go"), `Reason = "(.*)"`) {
		if !slices.Contains(diagnoses, reason) {
			t.Errorf("%s: the doctor does not explain the reason %q", catalogue, reason)
		}
	}
}

// matches returns what the pattern's groups match in the text, sorted.
func matches(text, pattern string) (found []string) {
	for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		found = append(found, strings.Join(match[1:], ": "))
	}
	slices.Sort(found)
	return found
}

// TestDiagnoses compares the section on the doctor with the doctor's diagnoses.
func TestDiagnoses(t *testing.T) {
	const title = "\n## What the doctor says\n"
	before, _, _ := strings.Cut(read(t, catalogue), title)
	command := regexp.MustCompile(`'?(d365backup [a-z][a-z0-9 -]*[a-z0-9])'?`)
	var text strings.Builder
	text.WriteString("\nGenerated from `internal/cli/doctor/diagnoses.yaml` by `make golden`, in the order of the doctor's steps.\n")
	for _, d := range doctor.Diagnoses() {
		fmt.Fprintf(&text, "\n### %s\n\n%s. Who must act: %s.\n\n%s\n\n", d.Code, d.Title, d.Side, d.Meaning)
		if len(d.Alike) > 0 {
			alike := regexp.MustCompile(`[a-z0-9-]+`).ReplaceAllString(strings.Join(d.Alike, ", "), "[$0](#$0)")
			fmt.Fprintf(&text, "These look the same, the most likely first: %s.\n\n", alike)
		}
		for i, next := range d.Next {
			fmt.Fprintf(&text, "%d. %s\n", i+1, command.ReplaceAllString(next, "`$1`"))
		}
	}
	golden.Equal(t, filepath.Join(root, catalogue), before+title+text.String())
}

// TestHistoryColumns: each block of docs/history.md that lists the columns of jobs lists all of them.
func TestHistoryColumns(t *testing.T) {
	const document = "docs/history.md"
	tables := 0
	for _, block := range block.FindAllString(read(t, document), -1) {
		if !strings.Contains(block, "warningEntity") {
			continue
		}
		tables++
		for _, name := range jobs.FieldNames() {
			if !regexp.MustCompile(`\b` + name + `\b`).MatchString(block) {
				t.Errorf("a column is missing: add %s wherever %s lists the columns of jobs, as in:\n%s", name, document, block)
			}
		}
	}
	if tables == 0 {
		t.Errorf("%s has no table of jobs", document)
	}
}

// TestImports compares the table of imports in docs/design.md with the code.
func TestImports(t *testing.T) {
	const module = "github.com/d365backup/d365backup/"
	cmd := exec.CommandContext(t.Context(), "go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...")
	cmd.Dir, cmd.Stderr = root, t.Output()
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	imports := make(map[string]string)
	for line := range strings.Lines(string(out)) {
		var own []string
		for _, name := range strings.Fields(line)[1:] {
			if name, found := strings.CutPrefix(name, module); found {
				own = append(own, "`"+name+"`")
			}
		}
		imports[strings.TrimPrefix(strings.Fields(line)[0], module)] = cmp.Or(strings.Join(own, ", "), "none")
	}
	_, table, _ := strings.Cut(read(t, "docs/design.md"), "\n## Who imports whom\n")
	table, _, _ = strings.Cut(table, "\n## ")
	rows := regexp.MustCompile("(?m)^\\| `([\\w/]+)` \\| (.*) \\|$").FindAllStringSubmatch(table, -1)
	for _, row := range rows {
		if want := imports[row[1]]; row[2] != want {
			t.Errorf("docs/design.md: %s imports %s", row[1], want)
		}
	}
	if len(rows) == 0 {
		t.Error("docs/design.md has no table of imports")
	}
}
