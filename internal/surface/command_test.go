package surface

import (
	"bytes"
	"errors"
	"go/types"
	"io/fs"
	"maps"
	"os"
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

// walk visits every command, including the hidden ones, sorted by name.
func walk(cmd *cobra.Command, visit func(*cobra.Command)) {
	visit(cmd)
	for _, sub := range cmd.Commands() {
		walk(sub, visit)
	}
}

// TestCommands compares with testdata the commands, how each is called, and its flags with their types and defaults.
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
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			line := cmd.CommandPath()
			if f.Shorthand != "" {
				line += " -" + f.Shorthand + ","
			}
			line += " --" + f.Name + " " + f.Value.Type()
			if f.Value.Type() != "bool" && f.NoOptDefVal != "" {
				line += ", alone " + strconv.Quote(f.NoOptDefVal)
			}
			lines = append(lines, line+", default "+strconv.Quote(f.DefValue))
		})
	})
	compare(t, "commands.txt", lines)
}

// TestExitCodes compares with testdata the exit codes in the help.
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
	compare(t, "exit-codes.txt", lines)
}

// TestEnvironment compares with testdata the environment variables: those in the help, with their keys in the configuration file, and
// those that the code reads by name.
func TestEnvironment(t *testing.T) {
	topic, _, err := cli.Root().Find([]string{"environment"})
	if err != nil {
		t.Fatal(err)
	}
	variables := make(map[string]string)
	for _, row := range regexp.MustCompile(`(?m)^  ([A-Z][A-Z0-9_]+)(?: \((.*)\))?$`).FindAllStringSubmatch(topic.Long, -1) {
		variables[row[1]] = row[2]
	}
	note := func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, call := range regexp.MustCompile(`etenv\("(\w+)"\)`).FindAllStringSubmatch(string(source), -1) {
			variables[call[1]] += ""
		}
		return err
	}
	if err := errors.Join(filepath.WalkDir("../cli", note), filepath.WalkDir("../../config", note)); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for name, key := range variables {
		lines = append(lines, strings.TrimSpace(name+" "+key))
	}
	slices.Sort(lines)
	compare(t, "environment.txt", lines)
}

// TestJobFields compares with testdata the columns of jobs as CSV and the names of their fields as JSON, in order.
func TestJobFields(t *testing.T) {
	names := map[string]string{"csv": `(\w+)[,\n]`, "json": `"(\w+)":`, "ndjson": `"(\w+)":`}
	var lines []string
	for _, format := range slices.Sorted(maps.Keys(names)) {
		var out, errs bytes.Buffer
		if code := cli.Run(t.Context(), []string{"jobs", "--sandbox", "-o", format}, nil, nil, &out, &errs); code != 0 {
			t.Fatalf("%s: exit code %d: %s", format, code, errs.String())
		}
		first, _, _ := strings.Cut(strings.TrimPrefix(out.String(), "[\n"), "\n")
		for _, match := range regexp.MustCompile(names[format]).FindAllStringSubmatch(first+"\n", -1) {
			lines = append(lines, format+" "+match[1])
		}
	}
	compare(t, "job-fields.txt", lines)
}

// TestJSONReports compares with testdata the fields of what other commands print as JSON: all structs in their packages that have tags.
// Their names in Go may change without a line in CHANGELOG.md.
func TestJSONReports(t *testing.T) {
	var lines []string
	for _, pkg := range load(t, "./internal/cli/...") {
		_, folder, _ := strings.Cut(pkg.Path(), "/internal/cli/")
		for _, name := range pkg.Scope().Names() {
			object, isType := pkg.Scope().Lookup(name).(*types.TypeName)
			if !isType || object.IsAlias() {
				continue
			}
			s, isStruct := object.Type().Underlying().(*types.Struct)
			if isStruct && s.NumFields() > 0 && strings.HasPrefix(s.Tag(0), "json:") {
				lines = append(lines, fields(pkg, folder+" "+name, s, true)...)
			}
		}
	}
	slices.Sort(lines)
	compare(t, "json-reports.txt", lines)
}
