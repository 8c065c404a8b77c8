package docs

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/d365backup/d365backup/internal/cli/doctor"
)

var update = flag.Bool("update", false, "write anew what of the documents is made from the code")

const catalogue = "docs/errors.md"

// section returns what stands under a heading of the second level.
func section(t *testing.T, title string) string {
	t.Helper()
	_, text, found := strings.Cut(file(t, catalogue), "\n## "+title+"\n")
	if !found {
		t.Fatalf("%s has no section %q", catalogue, title)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	return text
}

// expectSame compares what stands in a document with what the code has, in any order.
func expectSame(t *testing.T, documented, real []string) {
	t.Helper()
	slices.Sort(documented)
	slices.Sort(real)
	if diff := cmp.Diff(real, documented); diff != "" {
		t.Errorf("%s (-in the code +in the document):\n%s", catalogue, diff)
	}
}

// TestKinds: each kind of error of the library has its entry, with its text, a side, whether requests are
// repeated and what to do; and there is no entry for another.
func TestKinds(t *testing.T) {
	kinds := make(map[string]string)
	for _, value := range declarations(t, "wrapper/errors.go", token.VAR) {
		call, ok := value.value.(*ast.CallExpr)
		if ok && strings.HasPrefix(value.name, "Err") {
			kinds[value.name], _ = strconv.Unquote(call.Args[0].(*ast.BasicLit).Value)
		}
	}
	var documented, real []string
	for entry := range strings.SplitSeq(section(t, "Kinds of errors of the library"), "\n### ") {
		name, text, found := strings.Cut(entry, "\n")
		if !found || strings.TrimSpace(name) == "" {
			continue
		}
		documented = append(documented, name)
		for _, want := range []string{"`" + kinds[name] + "`: ", "\nSide: ", " Repeated: ", "\nNext: "} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: the entry %s lacks %q", catalogue, name, want)
			}
		}
	}
	for name := range kinds {
		real = append(real, name)
	}
	expectSame(t, documented, real)
}

// TestReasons: each reason of an error is a diagnosis of the doctor, which explains it.
func TestReasons(t *testing.T) {
	var codes []string
	for _, d := range doctor.Diagnoses() {
		codes = append(codes, d.Code)
	}
	for _, value := range declarations(t, "internal/httpfail/httpfail.go", token.CONST) {
		if reason, _ := strconv.Unquote(value.value.(*ast.BasicLit).Value); !slices.Contains(codes, reason) {
			t.Errorf("the doctor does not explain %s (%q)", value.name, reason)
		}
	}
}

// TestTokenCodes: each error code that the token source knows has its row, and no other.
func TestTokenCodes(t *testing.T) {
	var real []string
	for _, value := range declarations(t, "internal/token/error.go", token.VAR) {
		if literal, ok := value.value.(*ast.CompositeLit); ok && value.name == "codes" {
			for _, element := range literal.Elts {
				code, _ := strconv.Unquote(element.(*ast.KeyValueExpr).Key.(*ast.BasicLit).Value)
				real = append(real, code)
			}
		}
	}
	expectSame(t, rows(t, "What the token endpoint says", "^\\| `(\\w+)` \\| "), real)
}

// TestExitCodes: each exit code of the command has its row, and no other.
func TestExitCodes(t *testing.T) {
	var real []string
	for _, value := range declarations(t, "internal/cli/cmdutil/errors.go", token.CONST) {
		if strings.HasPrefix(value.name, "Exit") {
			real = append(real, value.value.(*ast.BasicLit).Value)
		}
	}
	expectSame(t, rows(t, "Exit codes", `^\| (\d+) \| `), real)
}

// rows returns what the pattern finds in the rows of a section's table.
func rows(t *testing.T, title, pattern string) (found []string) {
	t.Helper()
	for _, match := range regexp.MustCompile("(?m)"+pattern).FindAllStringSubmatch(section(t, title), -1) {
		found = append(found, match[1])
	}
	return found
}

// declaration is a variable or a constant of a package, with the expression that it gets.
type declaration struct {
	name  string
	value ast.Expr
}

func declarations(t *testing.T, name string, kind token.Token) (found []declaration) {
	t.Helper()
	syntax, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, filepath.FromSlash(name)), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range syntax.Decls {
		general, ok := d.(*ast.GenDecl)
		if !ok || general.Tok != kind {
			continue
		}
		for _, spec := range general.Specs {
			value := spec.(*ast.ValueSpec)
			for i, expression := range value.Values {
				found = append(found, declaration{value.Names[i].Name, expression})
			}
		}
	}
	if len(found) == 0 {
		t.Fatalf("%s declares nothing", name)
	}
	return found
}

// said matches a command within what the doctor says. In the document it is code, which is run.
var said = regexp.MustCompile(`'?(d365backup [a-z][a-z0-9 -]*[a-z0-9])'?`)

// TestDiagnoses: the section on the doctor is what the doctor says. With -update it is written anew.
func TestDiagnoses(t *testing.T) {
	const title = "What the doctor says"
	var want strings.Builder
	want.WriteString("\nGenerated from `internal/cli/doctor/diagnoses.yaml` by `go test ./internal/docs -args -update`, in the order of the\n" +
		"doctor's steps.\n")
	for _, d := range doctor.Diagnoses() {
		fmt.Fprintf(&want, "\n### %s\n\n%s. Who must act: %s.\n\n%s\n\n", d.Code, d.Title, d.Side, d.Meaning)
		var alike []string
		for _, code := range d.Alike {
			alike = append(alike, fmt.Sprintf("[%s](#%[1]s)", code))
		}
		if len(alike) > 0 {
			fmt.Fprintf(&want, "These look the same, the most likely first: %s.\n\n", strings.Join(alike, ", "))
		}
		for i, next := range d.Next {
			fmt.Fprintf(&want, "%d. %s\n", i+1, said.ReplaceAllString(next, "`$1`"))
		}
	}
	if *update {
		before, _, _ := strings.Cut(file(t, catalogue), "\n## "+title+"\n")
		if err := os.WriteFile(filepath.Join(root, catalogue), []byte(before+"\n## "+title+"\n"+want.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want.String(), section(t, title)); diff != "" {
		t.Errorf("%s (-what the doctor says +the document):\n%s", catalogue, diff)
	}
}
