package surface

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/d365backup/d365backup/internal/cli"
)

// walk visits every command, the hidden ones too, in the order of their names.
func walk(cmd *cobra.Command, visit func(*cobra.Command)) {
	visit(cmd)
	for _, sub := range cmd.Commands() {
		walk(sub, visit)
	}
}

// TestCommands keeps the commands, how each is called, and its flags with their types and defaults.
func TestCommands(t *testing.T) {
	var lines []string
	walk(cli.Root(), func(cmd *cobra.Command) {
		line := cmd.UseLine()
		if len(cmd.Aliases) > 0 {
			line += ", also " + strings.Join(cmd.Aliases, ", ")
		}
		if !cmd.Runnable() {
			line += ", not run itself"
		}
		lines = append(lines, line)
		cmd.InitDefaultHelpFlag()
		cmd.InitDefaultVersionFlag()
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) { lines = append(lines, cmd.CommandPath()+" "+flagLine(f)) })
	})
	golden(t, "commands.txt", lines)
}

func flagLine(f *pflag.Flag) string {
	line := "--" + f.Name
	if f.Shorthand != "" {
		line = "-" + f.Shorthand + ", " + line
	}
	line += " " + f.Value.Type()
	if f.Value.Type() != "bool" && f.NoOptDefVal != "" {
		line += ", alone " + strconv.Quote(f.NoOptDefVal)
	}
	return line + ", default " + strconv.Quote(f.DefValue)
}

// TestExitCodes keeps what the help says of exit codes: that of all commands, and what some add.
func TestExitCodes(t *testing.T) {
	var lines []string
	walk(cli.Root(), func(cmd *cobra.Command) {
		for paragraph := range strings.SplitSeq(cmd.Long, "\n\n") {
			if cmd.Name() == "exit-codes" || strings.Contains(strings.ToLower(paragraph), "exit code") {
				for line := range strings.SplitSeq(paragraph, "\n") {
					lines = append(lines, cmd.CommandPath()+": "+line)
				}
			}
		}
	})
	golden(t, "exit-codes.txt", lines)
}

// TestEnvironment keeps the variables of the environment: those that the help names, with their keys in
// the configuration file, and those that the code asks for by name.
func TestEnvironment(t *testing.T) {
	topic, _, err := cli.Root().Find([]string{"environment"})
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, row := range regexp.MustCompile(`(?m)^  ([A-Z][A-Z0-9_]+)(?: \((.*)\))?$`).FindAllStringSubmatch(topic.Long, -1) {
		lines = append(lines, strings.TrimSpace(row[1]+" "+row[2]))
	}
	for _, name := range append(asked(t, "../../internal/cli"), asked(t, "../../internal/config")...) {
		if !slices.ContainsFunc(lines, func(line string) bool { return line == name || strings.HasPrefix(line, name+" ") }) {
			lines = append(lines, name)
		}
	}
	slices.Sort(lines)
	golden(t, "environment.txt", lines)
}

// asked returns the names in calls of getenv and Getenv.
func asked(t *testing.T, root string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(node ast.Node) bool {
			call, ok := node.(*ast.CallExpr)
			if !ok || len(call.Args) != 1 || !strings.HasSuffix(strings.ToLower(types.ExprString(call.Fun)), "getenv") {
				return true
			}
			if literal, ok := call.Args[0].(*ast.BasicLit); ok {
				if name, err := strconv.Unquote(literal.Value); err == nil && !slices.Contains(names, name) {
					names = append(names, name)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// TestJobFields keeps the columns of jobs as CSV and the names of its fields as JSON, in their order.
func TestJobFields(t *testing.T) {
	header, _, _ := strings.Cut(output(t, "jobs", "--sandbox", "-o", "csv"), "\n")
	var lines []string
	for column := range strings.SplitSeq(header, ",") {
		lines = append(lines, "csv "+column)
	}
	for _, format := range []string{"json", "ndjson"} {
		for _, key := range keys(t, output(t, "jobs", "--sandbox", "-o", format)) {
			lines = append(lines, format+" "+key)
		}
	}
	golden(t, "job-fields.txt", lines)
}

func output(t *testing.T, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := cli.Run(t.Context(), args, nil, strings.NewReader(""), &stdout, &stderr); code != 0 {
		t.Fatalf("%v: exit code %d: %s", args, code, stderr.String())
	}
	return stdout.String()
}

// keys returns the keys of the first object in a text.
func keys(t *testing.T, text string) (names []string) {
	t.Helper()
	_, object, _ := strings.Cut(text, "{")
	decoder := json.NewDecoder(strings.NewReader("{" + object))
	next := func() json.Token {
		token, err := decoder.Token()
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	next() // the brace
	for decoder.More() {
		names = append(names, fmt.Sprint(next()))
		next() // the value
	}
	return names
}

// TestJSONReports keeps the fields of what other commands print as JSON: all structs in their packages
// that have tags. Their names in Go are nobody's but ours; renaming one needs no line in the changelog.
func TestJSONReports(t *testing.T) {
	var lines []string
	packages := load(t, "./internal/cli/...")
	for path, pkg := range packages {
		for _, name := range pkg.Scope().Names() {
			object, isType := pkg.Scope().Lookup(name).(*types.TypeName)
			if !isType || object.IsAlias() {
				continue
			}
			s, isStruct := object.Type().Underlying().(*types.Struct)
			if !isStruct || s.NumFields() == 0 || !strings.HasPrefix(s.Tag(0), "json:") {
				continue
			}
			owner := strings.TrimPrefix(path, "internal/cli/") + " " + name
			lines = append(lines, fieldLines(pkg, owner, s, func(string) bool { return true })...)
		}
	}
	slices.Sort(lines)
	golden(t, "json-reports.txt", lines)
}
