package cli

import (
	"go/types"
	"testing"

	"golang.org/x/tools/go/packages"
)

// TestEveryFault: --fault knows the fault of each function of package sandbox that returns one.
func TestEveryFault(t *testing.T) {
	loaded, err := packages.Load(&packages.Config{Mode: packages.LoadSyntax}, "github.com/d365backup/d365backup/sandbox")
	if err != nil || packages.PrintErrors(loaded) > 0 {
		t.Fatal("cannot load package sandbox: ", err)
	}
	scope, functions := loaded[0].Types.Scope(), 0
	for _, name := range scope.Names() {
		function, ok := scope.Lookup(name).(*types.Func)
		if ok && function.Exported() && function.Signature().Results().String() == "(github.com/d365backup/d365backup/sandbox.Fault)" {
			functions++
		}
	}
	names := make(map[string]bool)
	for _, r := range rehearsals {
		names[r.fault.Name] = true
	}
	if len(names) != functions {
		t.Errorf("--fault knows %d faults, package sandbox has %d", len(names), functions)
	}
}
