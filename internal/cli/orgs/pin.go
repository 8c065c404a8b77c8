package orgs

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/d365backup/d365backup/health"
	"github.com/d365backup/d365backup/internal/cli/verdict"
	"github.com/d365backup/d365backup/internal/human"
)

// pins returns the lines of a profile that expect the organizations, sorted by name. Each is pinned by its name or, if another
// one has that name, too, by its id with the name in a comment. If it has several modules, so are those, since one that stops
// is forgotten otherwise.
func pins(organizations []health.Organization) string {
	const indent = "    " // of the keys of a profile
	organizations = slices.SortedFunc(slices.Values(organizations), func(a, b health.Organization) int {
		return cmp.Or(strings.Compare(verdict.Fold(a.Name), verdict.Fold(b.Name)), strings.Compare(a.ID, b.ID))
	})
	fits := make(map[string]int)
	for _, o := range organizations {
		for _, name := range verdict.Known(o) {
			fits[name]++
		}
	}
	var b strings.Builder
	isPinned := make(map[string]bool)
	for _, o := range organizations {
		name, pin, comment := human.Clip(o.Name, 60), o.Name, ""
		if !usable(o.Name) || o.ID != "" && fits[verdict.Fold(o.Name)] > 1 {
			pin, comment = o.ID, "  # "+name
		}
		if !usable(pin) {
			fmt.Fprintf(&b, "%s  # %q has no id and a name that cannot be written here\n", indent, name)
			continue
		}
		if folded := verdict.Fold(pin); !isPinned[folded] {
			isPinned[folded] = true
			b.WriteString(strings.TrimRight(indent+"  - "+quote(pin)+modules(o)+comment, " #") + "\n")
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return indent + "expect:\n" + b.String()
}

// modules returns what pins the modules of an organization, if there are several. Those whose name cannot be written are left out.
func modules(o health.Organization) string {
	var names []string
	for _, m := range o.Modules {
		isListed := func(name string) bool { return strings.EqualFold(name, m.Name) } // in another case: one target matches both
		if usable(m.Name) && !slices.ContainsFunc(names, isListed) {
			names = append(names, m.Name)
		}
	}
	if len(o.Modules) < 2 || len(names) == 0 {
		return ""
	}
	slices.Sort(names)
	for i, name := range names {
		names[i] = quote(name)
	}
	return ": [" + strings.Join(names, ", ") + "]"
}

// usable reports whether package config accepts a text as a name.
func usable(s string) bool {
	return strings.TrimSpace(s) != "" && !strings.HasPrefix(s, "\ufeff") && !strings.ContainsFunc(s, unicode.IsControl)
}

var plain = regexp.MustCompile(`^[\pL\pN][\pL\pN _.()&+-]*$`)

// quote returns a text as YAML, as a key or an element of a list on one line.
func quote(s string) string {
	var value any
	if plain.MatchString(s) && yaml.Unmarshal([]byte(s), &value) == nil && value == s {
		return s
	}
	return strconv.Quote(s) // its escapes are those of YAML, too
}
