package verdict

import (
	"fmt"
	"slices"
	"strings"

	"github.com/d365backup/d365backup/health"
	"github.com/d365backup/d365backup/internal/human"
)

// Fold returns the same text for names that a policy does not tell apart.
func Fold(name string) string { return strings.ToLower(strings.ToUpper(strings.TrimSpace(name))) }

// Known returns the id and all names of an organization, in the form of Fold.
func Known(o health.Organization) []string {
	known := []string{Fold(o.ID), Fold(o.Name)}
	for _, name := range o.FormerNames {
		known = append(known, Fold(name))
	}
	slices.Sort(known)
	return slices.DeleteFunc(slices.Compact(known), func(name string) bool { return name == "" })
}

// Find returns the only organization that has this name or id or, if there is none, whose name begins like this, in any case.
func Find(organizations []health.Organization, text string) (health.Organization, error) {
	wanted := Fold(text)
	var found []health.Organization
	for _, fits := range []func(string) bool{
		func(known string) bool { return known == wanted },
		func(known string) bool { return strings.HasPrefix(known, wanted) },
	} {
		for _, o := range organizations {
			if slices.ContainsFunc(Known(o), fits) {
				found = append(found, o)
			}
		}
		if len(found) > 0 {
			break
		}
	}
	switch len(found) {
	case 0:
		return health.Organization{}, fmt.Errorf("no organization has the name %q: there are %s", human.Text(text), list(organizations))
	case 1:
		return found[0], nil
	}
	return health.Organization{}, fmt.Errorf("%q matches %d organizations: use the id of one of them: %s", human.Text(text), len(found), list(found))
}

// list returns the names of organizations with their ids.
func list(organizations []health.Organization) string {
	const most = 20
	var names []string
	for _, o := range organizations {
		names = append(names, strings.TrimSpace(human.Clip(o.Name, 60)+" ("+human.Clip(o.ID, 60)+")"))
	}
	slices.Sort(names)
	if more := len(names) - most; more > 0 {
		names = append(names[:most], fmt.Sprintf("and %d more", more))
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
