package docs

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/d365backup/d365backup"

// TestImports: the packages in the table of docs/design.md import of this module what it says.
func TestImports(t *testing.T) {
	row := regexp.MustCompile("(?m)^\\| `([\\w/]+)` \\| ((?:`[\\w/]+`(?:, )?)+|none) \\|$")
	_, table, _ := strings.Cut(file(t, "docs/design.md"), "\n## Who imports whom\n")
	table, _, _ = strings.Cut(table, "\n## ")
	rows := row.FindAllStringSubmatch(table, -1)
	if len(rows) == 0 {
		t.Fatal("docs/design.md has no table of imports")
	}
	imports := make(map[string]string)
	for line := range strings.Lines(goCommand(t, "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...")) {
		names := strings.Fields(line)
		var own []string
		for _, name := range names[1:] {
			if of, found := strings.CutPrefix(name, module+"/"); found {
				own = append(own, "`"+of+"`")
			}
		}
		slices.Sort(own)
		imports[strings.TrimPrefix(names[0], module+"/")] = cmp.Or(strings.Join(own, ", "), "none")
	}
	for _, r := range rows {
		if want := imports[r[1]]; r[2] != want {
			t.Errorf("docs/design.md: %s imports %s", r[1], want)
		}
	}
}
