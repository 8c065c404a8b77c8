package surface

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden fails where lines are not those of a file in testdata.
func golden(t *testing.T, name string, lines []string) {
	t.Helper()
	if len(lines) == 0 {
		t.Fatalf("nothing was found for %s", name)
	}
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n"); !slices.Equal(want, lines) {
		t.Errorf(`the public surface is not that of internal/surface/%s:
%s
Programs and scripts depend on it. If the change is meant, run 'go test ./internal/surface -update',
commit the file, and say in CHANGELOG.md what it means to users.`, path, diff(want, lines))
	}
}

// diff returns the lines that only one side has. Each line says all of itself, so it needs no other
// around it.
func diff(want, got []string) string {
	var b strings.Builder
	for _, line := range want {
		if !slices.Contains(got, line) {
			b.WriteString("- " + line + "\n")
		}
	}
	for _, line := range got {
		if !slices.Contains(want, line) {
			b.WriteString("+ " + line + "\n")
		}
	}
	if b.Len() == 0 {
		return "the same lines in another order\n"
	}
	return b.String()
}
