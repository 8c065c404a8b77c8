// Package codegen has the configuration of the generator and a test that the generated files are up to date. It
// has no other Go code.
package codegen

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestCheckGenerated runs check-generated.sh on changed copies of the files that the generator reads and writes.
func TestCheckGenerated(t *testing.T) {
	const types = "generated/types.gen.go"
	tests := []struct {
		name   string
		change func(t *testing.T, root *os.Root)
		want   string // in the output of the failure; empty if there is none
	}{
		{"unchanged", func(*testing.T, *os.Root) {}, ""},
		{"changed by hand", func(t *testing.T, root *os.Root) {
			write(t, root, types, read(t, root, types)+"\n// A comment.\n")
		}, types},
		{"deleted", func(t *testing.T, root *os.Root) {
			remove(t, root, types)
		}, "types.gen.go"},
		{"embedded contract deleted", func(t *testing.T, root *os.Root) {
			remove(t, root, "api/spec.gen.go")
		}, "spec.gen.go"},
		{"extra generated file", func(t *testing.T, root *os.Root) {
			write(t, root, "generated/server.gen.go", "package generated\n")
		}, "server.gen.go"},
		{"extra file", func(t *testing.T, root *os.Root) {
			write(t, root, "generated/helper.go", "package generated\n")
		}, "helper.go"},
		{"contract changed", func(t *testing.T, root *os.Root) {
			contract := read(t, root, "openapi.yaml")
			write(t, root, "openapi.yaml", strings.ReplaceAll(contract, "backupSize:", "backupBytes:"))
		}, types},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			copyInputs(t, dir)
			root, err := os.OpenRoot(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer root.Close()
			test.change(t, root)

			script := exec.Command(filepath.Join(dir, "api", "codegen", "check-generated.sh"))
			script.Dir = dir
			out, err := script.CombinedOutput()
			switch {
			case test.want == "" && err != nil:
				t.Errorf("%v\n%s", err, out)
			case test.want != "" && (err == nil || !strings.Contains(string(out), test.want)):
				t.Errorf("want a failure with %s, got %v\n%s", test.want, err, out)
			}
		})
	}
}

// copyInputs copies the files of the repository that the generator reads and writes to dir.
func copyInputs(t *testing.T, dir string) {
	t.Helper()
	repository := os.DirFS(filepath.Join("..", ".."))
	patterns := []string{"go.mod", "go.sum", "gen.go", "tools.go", "openapi.yaml", "generated/*", "api/*.gen.go", "api/codegen/*"}
	for _, pattern := range patterns {
		names, err := fs.Glob(repository, pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("no file matches %s: %v", pattern, err)
		}
		for _, name := range names {
			copyFile(t, repository, name, filepath.Join(dir, filepath.FromSlash(name)))
		}
	}
}

func copyFile(t *testing.T, from fs.FS, name, to string) {
	t.Helper()
	data, err := fs.ReadFile(from, name)
	if err != nil {
		t.Fatal(err)
	}
	info, err := fs.Stat(from, name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, data, info.Mode()); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, root *os.Root, name string) string {
	t.Helper()
	data, err := root.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func write(t *testing.T, root *os.Root, name, text string) {
	t.Helper()
	if err := root.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, root *os.Root, name string) {
	t.Helper()
	if err := root.Remove(name); err != nil {
		t.Fatal(err)
	}
}
