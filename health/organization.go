package health

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"time"

	d365backup "github.com/d365backup/d365backup/wrapper"
)

// key identifies an organization: by its id or, if it has none, by its name. The zero key is for jobs with neither.
type key struct{ id, name string }

// keyOf returns the key of a job's organization. The case of a GUID does not matter. The GUID of zeros is no id: otherwise all
// organizations without one would be taken for one.
func keyOf(job *d365backup.Job) key {
	id := bounded(strings.TrimSpace(job.OrganizationID))
	if isGUID(id) {
		id = strings.ToLower(id)
	}
	if id == "" || id == "00000000-0000-0000-0000-000000000000" {
		return key{name: strings.TrimSpace(bounded(job.OrganizationName))}
	}
	return key{id: id}
}

// isGUID reports whether an id is a GUID with hyphens.
func isGUID(id string) bool {
	if len(id) != 36 {
		return false
	}
	for i := range len(id) {
		c := id[i]
		isHex := '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
		if isHyphen := i == 8 || i == 13 || i == 18 || i == 23; isHyphen != (c == '-') || isHyphen == isHex {
			return false
		}
	}
	return true
}

// bounded returns a text of the service in at most 256 bytes. A long one is cut, and a hash keeps it apart from others with the
// same beginning. The hash does not depend on case, as the matching of names does not.
func bounded(s string) string {
	const limit = 256
	if len(s) <= limit {
		return s
	}
	hash := sha256.Sum256([]byte(strings.ToLower(s)))
	end := "…" + hex.EncodeToString(hash[:8])
	return strings.ToValidUTF8(s[:limit-len(end)], "") + end
}

// organization is what is known about one.
type organization struct {
	names   map[string]*time.Time // when the newest job under each name started
	modules map[string]*module
}

// organization returns the organization with a key, new or known. A new one is kept once it has a module.
func (a *Accumulator) organization(k key) *organization {
	o := a.organizations[k]
	if o == nil {
		o = &organization{names: make(map[string]*time.Time), modules: make(map[string]*module)}
		if a.modules < maxModules {
			a.organizations[key{strings.Clone(k.id), strings.Clone(k.name)}] = o
		}
	}
	return o
}

// module returns a module of an organization, new or known; nil if there are too many.
func (a *Accumulator) module(o *organization, name string) *module {
	m := o.modules[name]
	if m != nil {
		return m
	}
	if a.modules == maxModules {
		a.overflow("modules", maxModules)
		return nil
	}
	a.modules++
	m = &module{cells: make(map[cellKey]*cell), counts: make(map[countKey]int64)}
	o.modules[strings.Clone(name)] = m
	return m
}

// addName notes that a job under a name started at a time.
func (o *organization) addName(a *Accumulator, name string, start time.Time) {
	if strings.TrimSpace(name) == "" {
		return
	}
	newest := o.names[name]
	switch {
	case newest == nil && len(o.names) == maxNames:
		a.overflow("names of an organization", maxNames)
	case newest == nil:
		o.names[strings.Clone(name)] = &start
	case start.After(*newest):
		*newest = start // to assign to the map would keep the string, and the whole page that it is from
	}
}

// namesSince returns the names of the jobs since a time, newest first; all names if the jobs since then have none.
func (o *organization) namesSince(from time.Time) []string {
	names := slices.SortedFunc(maps.Keys(o.names), func(x, y string) int {
		return cmp.Or(o.names[y].Compare(*o.names[x]), cmp.Compare(x, y))
	})
	recent := slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return !o.names[name].IsZero() && o.names[name].Before(from)
	})
	if len(recent) > 0 {
		return recent
	}
	return names
}
