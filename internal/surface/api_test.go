package surface

import (
	"fmt"
	"go/types"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"

	"github.com/d365backup/d365backup/internal/golden"
)

// compare compares lines with those of a file in testdata.
func compare(t *testing.T, name string, lines []string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if !golden.Equal(t, file, strings.Join(lines, "\n")+"\n") {
		t.Errorf("the public surface differs from internal/surface/%s: programs and scripts depend on it. If the change is intended, "+
			"run make golden and tell users in CHANGELOG.md", file)
	}
	if len(lines) == 0 {
		t.Errorf("nothing to compare with %s", file)
	}
}

// TestGoAPI compares with testdata the exported names of the packages that people import, one per line: constants with their values,
// variables, functions, and types with their exported fields and methods.
func TestGoAPI(t *testing.T) {
	for _, pkg := range load(t, "./wrapper", "./health", "./config", "./api", "./sandbox", "./sandbox/sandboxtest") {
		var lines []string
		for _, name := range pkg.Scope().Names() {
			if object := pkg.Scope().Lookup(name); object.Exported() {
				lines = append(lines, describe(object)...)
			}
		}
		compare(t, path.Base(pkg.Path())+".txt", lines)
	}
}

// load type-checks packages of this module without their tests.
func load(t *testing.T, patterns ...string) (loaded []*types.Package) {
	t.Helper()
	found, err := packages.Load(&packages.Config{Mode: packages.LoadSyntax, Dir: "../.."}, patterns...)
	if err != nil || packages.PrintErrors(found) > 0 {
		t.Fatal("cannot load packages: ", err)
	}
	for _, pkg := range found {
		loaded = append(loaded, pkg.Types)
	}
	return loaded
}

// describe returns the line of an object, and after that of a type those of its members.
func describe(object types.Object) []string {
	pkg := object.Pkg()
	if constant, ok := object.(*types.Const); ok {
		line := "const " + constant.Name()
		if basic, ok := constant.Type().(*types.Basic); !ok || basic.Info()&types.IsUntyped == 0 {
			line += " " + typeText(pkg, constant.Type())
		}
		return []string{line + " = " + constant.Val().ExactString()}
	}
	line := types.ObjectString(object, inside(pkg))
	name, ok := object.(*types.TypeName)
	if !ok || name.IsAlias() {
		return []string{line}
	}
	hidden, lines := false, []string(nil)
	switch underlying := name.Type().Underlying().(type) {
	case *types.Struct:
		line = "type " + name.Name() + " struct"
		for field := range underlying.Fields() {
			hidden = hidden || !field.Exported()
		}
		lines = fields(pkg, name.Name(), underlying, false)
	case *types.Interface:
		line = "type " + name.Name() + " interface"
		for method := range underlying.Methods() {
			hidden = hidden || !method.Exported()
		}
	}
	if hidden {
		line += ", with unexported members"
	}
	return append(append([]string{line}, lines...), methods(name)...)
}

// fields returns the fields of a struct, in their order, with their tags.
func fields(pkg *types.Package, owner string, s *types.Struct, unexported bool) (lines []string) {
	for i := range s.NumFields() {
		field := s.Field(i)
		if field.Exported() || unexported {
			line := fmt.Sprintf("field %s.%s %s", owner, field.Name(), typeText(pkg, field.Type()))
			if s.Tag(i) != "" {
				line += " `" + s.Tag(i) + "`"
			}
			lines = append(lines, line)
		}
	}
	return lines
}

// methods returns the exported methods of a type and of a pointer to it, except those that the standard library adds by
// embedding, since they grow with Go.
func methods(name *types.TypeName) (lines []string) {
	onValue := types.NewMethodSet(name.Type())
	all := onValue
	if !types.IsInterface(name.Type()) {
		all = types.NewMethodSet(types.NewPointer(name.Type()))
	}
	for selection := range all.Methods() {
		method, receiver := selection.Obj(), "*"+name.Name()
		if !method.Exported() || method.Pkg() != name.Pkg() {
			continue
		}
		if onValue.Lookup(name.Pkg(), method.Name()) != nil {
			receiver = name.Name()
		}
		signature := strings.TrimPrefix(typeText(name.Pkg(), method.Type()), "func")
		lines = append(lines, fmt.Sprintf("method (%s) %s%s", receiver, method.Name(), signature))
	}
	return lines
}

func typeText(pkg *types.Package, t types.Type) string { return types.TypeString(t, inside(pkg)) }

// inside qualifies names as code in pkg does.
func inside(pkg *types.Package) types.Qualifier {
	return func(other *types.Package) string {
		if other == pkg {
			return ""
		}
		return other.Name()
	}
}
