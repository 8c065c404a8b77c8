package d365backup

import (
	"runtime/debug"
	"slices"
	"strings"
	"sync"
)

// userAgent is the header of that name: the caller's product, if there is one, and this package's.
func (c *config) userAgent() string {
	return strings.TrimSpace(c.product + " d365backup/" + moduleVersion())
}

func isProduct(text string) bool {
	return len(text) <= 256 && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
}

const modulePath = "github.com/d365backup/d365backup"

// moduleVersion returns the version of this module that the program was built with; "devel" if it was built from a work
// tree.
var moduleVersion = sync.OnceValue(func() string {
	info, _ := debug.ReadBuildInfo()
	if info == nil {
		return "devel"
	}
	modules := append([]*debug.Module{&info.Main}, info.Deps...)
	at := slices.IndexFunc(modules, func(m *debug.Module) bool { return m.Path == modulePath })
	if at < 0 || !strings.HasPrefix(modules[at].Version, "v") {
		return "devel"
	}
	return modules[at].Version
})
