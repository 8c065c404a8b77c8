package docs

import (
	"path"
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
	for _, r := range rows {
		imports := []string{}
		for _, name := range strings.Fields(command(t, "go", "list", "-f", `{{join .Imports " "}}`, path.Join(module, r[1]))) {
			if own, found := strings.CutPrefix(name, module+"/"); found {
				imports = append(imports, "`"+own+"`")
			}
		}
		slices.Sort(imports)
		want := strings.Join(imports, ", ")
		if want == "" {
			want = "none"
		}
		if r[2] != want {
			t.Errorf("docs/design.md: %s imports %s", r[1], want)
		}
	}
}
