package health

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// subject is an organization that was seen or is expected, with what the policy says about it.
type subject struct {
	key       key
	names     []string // newest first; the expected one if it was never seen
	modules   map[string]*module
	expected  []Target
	ignored   []Target
	overrides []Override
}

// subjects returns the organizations with a job since the start of the time range, and those that are expected. Jobs without an
// organization are not among them.
func (a *Accumulator) subjects() ([]*subject, error) {
	var all []*subject
	for k, o := range a.organizations {
		s := &subject{key: k, names: o.namesSince(a.from), modules: o.modulesSince(a.firstDay())}
		if k != (key{}) && len(s.modules) > 0 {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(x, y *subject) int {
		return cmp.Or(cmp.Compare(x.key.id, y.key.id), cmp.Compare(x.key.name, y.key.name))
	})
	for _, t := range a.policy.Expected {
		matches, err := match(all, t, "Expected")
		if err != nil {
			return nil, err
		}
		if len(matches) == 0 {
			matches = []*subject{neverSeen(t)}
			all = append(all, matches[0])
		}
		for _, s := range matches {
			s.expected = append(s.expected, t)
		}
	}
	for _, t := range a.policy.Ignored {
		matches, err := match(all, t, "Ignored")
		if err != nil {
			return nil, err
		}
		for _, s := range matches {
			s.ignored = append(s.ignored, t)
			if err := s.conflict(t); err != nil {
				return nil, err
			}
		}
	}
	for _, o := range a.policy.Overrides {
		matches, err := match(all, o.Target, "Overrides")
		if err != nil {
			return nil, err
		}
		for _, s := range matches {
			s.overrides = append(s.overrides, o)
		}
	}
	return all, nil
}

// neverSeen returns the subject for an expected organization without a job.
func neverSeen(t Target) *subject {
	if name := strings.TrimSpace(t.Organization); !isGUID(name) {
		return &subject{names: []string{bounded(name)}}
	}
	return &subject{key: key{id: strings.TrimSpace(t.Organization)}}
}

// match returns the organizations that a target names: the one with that id or, if there is none, those with that name. At most
// one of them has an id.
func match(all []*subject, t Target, setting string) ([]*subject, error) {
	var byID, byName []*subject
	for _, s := range all {
		switch {
		case s.key.id != "" && sameName(s.key.id, t.Organization):
			byID = append(byID, s)
		case slices.ContainsFunc(s.names, func(name string) bool { return sameName(name, t.Organization) }):
			byName = append(byName, s)
		}
	}
	matches := byID
	if len(byID) == 0 {
		matches = byName
	}
	var ids []string
	for _, s := range matches {
		if s.key.id != "" {
			ids = append(ids, s.key.id)
		}
	}
	if len(ids) > 1 {
		const most = 10
		list := strings.Join(ids[:min(len(ids), most)], ", ")
		if len(ids) > most {
			list += fmt.Sprintf(" and %d more", len(ids)-most)
		}
		return nil, invalid(setting, "%q is the name of %d organizations: use the id of one of them: %s", t.Organization, len(ids), list)
	}
	return matches, nil
}

// sameName reports whether a name of the service is the one in a policy. Case and spaces around it do not matter.
func sameName(name, wanted string) bool {
	return strings.EqualFold(strings.TrimSpace(name), strings.TrimSpace(bounded(wanted)))
}

// names reports whether a target is the module, or all modules.
func (t Target) names(module string) bool { return t.Module == "" || sameName(module, t.Module) }

// expects reports whether a module, which may be the only one, is expected: then it is not forgotten.
func (s *subject) expects(module string, isOnly bool) bool {
	return slices.ContainsFunc(s.expected, func(t Target) bool {
		return t.Module == "" && isOnly || t.Module != "" && sameName(module, t.Module)
	})
}

func (s *subject) ignores(module string) bool {
	return slices.ContainsFunc(s.ignored, func(t Target) bool { return t.names(module) })
}

// conflict returns an error if an ignored target is expected.
func (s *subject) conflict(ignored Target) error {
	for _, t := range s.expected {
		if ignored.Module == "" || t.Module != "" && sameName(t.Module, ignored.Module) {
			return invalid("Ignored", "%q is also expected, as %q: remove one of them", ignored.text(), t.text())
		}
	}
	return nil
}

// limits returns those of a module: of the policy, then the overrides of the organization, then those of the module.
func (s *subject) limits(p Policy, module string) limits {
	l := limits{p.MaxAge, p.MaxRunning, p.TolerateExceptions}
	for _, o := range s.overrides {
		if o.Module == "" {
			l.override(o)
		}
	}
	for _, o := range s.overrides {
		if o.Module != "" && o.names(module) {
			l.override(o)
		}
	}
	return l
}
