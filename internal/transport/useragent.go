package transport

import (
	"runtime/debug"
	"slices"
	"strings"
	"sync"
)

// UserAgent returns the User-Agent header: the caller's product, if there is one, and this module with its version.
func UserAgent(product string) string {
	return strings.TrimSpace(product + " d365backup/" + moduleVersion())
}

// IsProduct reports whether text can be part of a User-Agent header.
func IsProduct(text string) bool {
	return len(text) <= 256 && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
}

const modulePath = "github.com/d365backup/d365backup"

// moduleVersion returns the version of this module in the running program; "devel" if it was built from a work tree.
var moduleVersion = sync.OnceValue(func() string {
	info, _ := debug.ReadBuildInfo()
	if info == nil {
		return "devel"
	}
	modules := append([]*debug.Module{&info.Main}, info.Deps...)
	i := slices.IndexFunc(modules, func(m *debug.Module) bool { return m.Path == modulePath })
	if i < 0 || !strings.HasPrefix(modules[i].Version, "v") {
		return "devel"
	}
	return modules[i].Version
})
