package main

import (
	"debug/buildinfo"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	root   = "../.."
	module = "github.com/d365backup/d365backup"
	// maxModules is what an importer links at most besides the standard library, this project included.
	maxModules = 14
)

// TestModulesLinked keeps the list of modules that an importer links in testdata/modules.txt. A line more
// there is a price for every user: think before adding it.
func TestModulesLinked(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "consumer")
	run(t, ".", "go", "build", "-o", binary, ".")
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, module := range info.Deps {
		paths = append(paths, module.Path)
	}
	want, err := os.ReadFile(filepath.Join("testdata", "modules.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(paths, "\n") + "\n"; got != string(want) {
		t.Errorf("linked:\n%s\ntestdata/modules.txt:\n%s", got, want)
	}
	if len(paths) > maxModules {
		t.Errorf("%d modules linked, want at most %d", len(paths), maxModules)
	}
}

// TestImports keeps the contract and kin-openapi, which only api may import, out of every program that
// calls the service, and what belongs to the command out of what it is made of.
func TestImports(t *testing.T) {
	for from, banned := range map[string][]string{
		"./wrapper":         {"github.com/getkin/kin-openapi", "go.yaml.in/yaml", module + "/api", module + "/config"},
		"./health":          {"github.com/jedib0t/go-pretty", "github.com/getkin/kin-openapi", "go.yaml.in/yaml", module + "/internal/cli", module + "/config"},
		"./config":          {"github.com/jedib0t/go-pretty", "github.com/getkin/kin-openapi", "github.com/spf13", module + "/internal/cli"},
		"./internal/report": {module + "/internal/cli"},
		"./internal/human":  {module + "/internal/cli"},
	} {
		packages := strings.Fields(run(t, root, "go", "list", "-deps", from))
		if len(packages) < 2 {
			t.Fatalf("go list -deps gave %q", packages)
		}
		for _, path := range packages {
			for _, prefix := range banned {
				if path == prefix || strings.HasPrefix(path, prefix+"/") {
					t.Errorf("%s imports %s", from, path)
				}
			}
		}
	}
}

// run gives what a command prints in dir.
func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	command := exec.Command(name, args...)
	command.Dir = dir
	out, err := command.Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, exit.Stderr)
		}
		t.Fatal(err)
	}
	return string(out)
}
