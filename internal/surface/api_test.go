package surface

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"testing"
)

const module = "github.com/d365backup/d365backup"

// TestGoAPI keeps the exported names of the packages that people import, a line each: constants with
// their values, variables, functions, types, and of these the exported fields and the method sets.
func TestGoAPI(t *testing.T) {
	for name, pkg := range load(t, "./wrapper", "./api", "./sandbox") {
		golden(t, name+".txt", exported(pkg))
	}
}

// load type-checks packages of this module without their tests. Its keys are their paths in the module.
func load(t *testing.T, patterns ...string) map[string]*types.Package {
	t.Helper()
	type listed struct {
		ImportPath, Dir, Export string
		GoFiles                 []string
		DepOnly                 bool
	}
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list", "-export", "-deps", "-json=ImportPath,Dir,Export,GoFiles,DepOnly"}, patterns...)...)
	cmd.Dir, cmd.Stderr = "../..", t.Output()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	exports, sources := make(map[string]string), []listed{}
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		exports[p.ImportPath] = p.Export
		if !p.DepOnly {
			sources = append(sources, p)
		}
	}
	fset := token.NewFileSet()
	imports := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	packages := make(map[string]*types.Package)
	for _, p := range sources {
		var files []*ast.File
		for _, name := range p.GoFiles {
			file, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, file)
		}
		pkg, err := (&types.Config{Importer: imports}).Check(p.ImportPath, fset, files, nil)
		if err != nil {
			t.Fatal(err)
		}
		packages[p.ImportPath[len(module)+1:]] = pkg
	}
	return packages
}

// exported returns the exported names of a package, the members of a type after it.
func exported(pkg *types.Package) (lines []string) {
	for _, name := range pkg.Scope().Names() {
		object := pkg.Scope().Lookup(name)
		if !object.Exported() {
			continue
		}
		switch object := object.(type) {
		case *types.Const:
			lines = append(lines, constLine(pkg, object))
		case *types.TypeName:
			lines = append(lines, typeLines(pkg, object)...)
		default:
			lines = append(lines, text(pkg, object))
		}
	}
	return lines
}

func constLine(pkg *types.Package, c *types.Const) string {
	kind := " " + types.TypeString(c.Type(), inside(pkg))
	if basic, ok := c.Type().(*types.Basic); ok && basic.Info()&types.IsUntyped != 0 {
		kind = ""
	}
	return fmt.Sprintf("const %s%s = %s", c.Name(), kind, c.Val().ExactString())
}

func typeLines(pkg *types.Package, name *types.TypeName) (lines []string) {
	if name.IsAlias() {
		return []string{text(pkg, name)}
	}
	switch underlying := name.Type().Underlying().(type) {
	case *types.Struct:
		lines = append(lines, "type "+name.Name()+" struct"+sealed(hidesFields(underlying)))
		lines = append(lines, fieldLines(pkg, name.Name(), underlying, ast.IsExported)...)
	case *types.Interface:
		hides := func(m *types.Func) bool { return !m.Exported() }
		lines = append(lines, "type "+name.Name()+" interface"+sealed(slices.ContainsFunc(slices.Collect(underlying.Methods()), hides)))
	default:
		lines = append(lines, text(pkg, name))
	}
	return append(lines, methodLines(pkg, name)...)
}

// sealed tells a type that only its own package can make or implement.
func sealed(hides bool) string {
	if hides {
		return ", with unexported members"
	}
	return ""
}

func hidesFields(s *types.Struct) bool {
	return slices.ContainsFunc(slices.Collect(s.Fields()), func(f *types.Var) bool { return !f.Exported() })
}

// fieldLines returns the fields of a struct, in their order, with their tags.
func fieldLines(pkg *types.Package, owner string, s *types.Struct, shown func(name string) bool) (lines []string) {
	for i := range s.NumFields() {
		field := s.Field(i)
		if !shown(field.Name()) {
			continue
		}
		line := fmt.Sprintf("field %s.%s %s", owner, field.Name(), types.TypeString(field.Type(), inside(pkg)))
		if s.Tag(i) != "" {
			line += " `" + s.Tag(i) + "`"
		}
		lines = append(lines, line)
	}
	return lines
}

// methodLines returns what can be called on a type or on a pointer to it, whatever embedding it comes
// from; but not what the standard library gives, which grows with Go.
func methodLines(pkg *types.Package, name *types.TypeName) (lines []string) {
	onValue := types.NewMethodSet(name.Type())
	methods := onValue
	if !types.IsInterface(name.Type()) {
		methods = types.NewMethodSet(types.NewPointer(name.Type()))
	}
	for selection := range methods.Methods() {
		method := selection.Obj()
		if !method.Exported() || method.Pkg() != pkg {
			continue
		}
		receiver := "*" + name.Name()
		if onValue.Lookup(pkg, method.Name()) != nil {
			receiver = name.Name()
		}
		signature := types.TypeString(method.Type(), inside(pkg))
		lines = append(lines, fmt.Sprintf("method (%s) %s%s", receiver, method.Name(), signature[len("func"):]))
	}
	return lines
}

func text(pkg *types.Package, object types.Object) string {
	return types.ObjectString(object, inside(pkg))
}

// inside names packages as code in pkg does.
func inside(pkg *types.Package) types.Qualifier {
	return func(other *types.Package) string {
		if other == pkg {
			return ""
		}
		return path.Base(other.Path())
	}
}
