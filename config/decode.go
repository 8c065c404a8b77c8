package config

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/d365backup/d365backup/health"
	"github.com/d365backup/d365backup/internal/duration"
)

// decode reads the text of the file. The error is one about the file as a whole; those about a profile are in its entry.
func (f *file) decode(text []byte) error {
	root, err := parse(f.path, text)
	if err != nil || root == nil || isNull(root) {
		return err
	}
	d := decoder{path: f.path}
	for _, top := range d.fields(root, "the configuration file") {
		switch top.key {
		case "default":
			if !isNull(target(top.value)) {
				f.selected, _ = d.text(top.value, top.key)
			}
		case "profiles":
			if isNull(target(top.value)) {
				continue
			}
			for _, profile := range d.fields(top.value, top.key) {
				if problem := badName(profile.key); problem != "" {
					d.fail(profile.name, "invalid name of a profile %q: %s", profile.key, problem)
					continue
				}
				f.entries = append(f.entries, f.entry(profile))
			}
		default:
			d.fail(top.name, "unknown key %q: use default and profiles", top.key)
		}
	}
	return d.err()
}

// badName returns why a profile cannot have this name, or an empty string.
func badName(name string) string {
	switch {
	case name == All:
		return "the word selects all profiles"
	case strings.Contains(name, ","):
		return "a comma separates several names"
	case name != strings.TrimSpace(name):
		return "remove the spaces around it"
	}
	return ""
}

// policyKeys are the keys of a profile besides settings.
var policyKeys = []string{"labels", "max_age", "max_running", "tolerate_exceptions", "expect", "ignore", "organizations", "client_secret_expires"}

// entry reads a profile.
func (f *file) entry(profile field) entry {
	d := decoder{path: f.path, profile: profile.key}
	e := entry{name: profile.key, position: d.position(profile.name), values: make(map[string]value)}
	if isNull(target(profile.value)) {
		return e
	}
	var limits health.Override
	var ignore, expires *yaml.Node
	for _, v := range d.fields(profile.value, profile.key) {
		switch v.key {
		case "labels":
			e.labels = d.labels(v.value)
		case "expect":
			e.policy.Expected = d.targets(v.value, v.key)
		case "ignore":
			e.policy.Ignored, ignore = d.targets(v.value, v.key), v.name
		case "organizations":
			e.policy.Overrides = d.overrides(v.value, v.key, "")
		case "client_secret_expires":
			e.secretExpires, expires = d.date(v), v.name
		default:
			if !d.limit(v, &limits) {
				f.setting(&d, v, e.values)
			}
		}
	}
	e.policy.MaxAge, e.policy.MaxRunning = limits.MaxAge, limits.MaxRunning
	e.policy.TolerateExceptions = limits.TolerateExceptions != nil && *limits.TolerateExceptions
	for _, t := range e.policy.Expected {
		if slices.ContainsFunc(e.policy.Ignored, func(i health.Target) bool { return contains(i, t) }) {
			d.fail(ignore, "%s is both expected and ignored: remove it from one of the lists", describe(t))
		}
	}
	if expires != nil && e.values["certificate"].text != "" {
		d.fail(expires, "client_secret_expires is for a client secret, but certificate is given: remove one of them")
	}
	e.err = d.err()
	return e
}

// setting reads a setting of the connection. One without a value is not set.
func (f *file) setting(d *decoder, v field, values map[string]value) {
	s, ok := settingByKey(v.key)
	switch {
	case !ok:
		var keys []string
		for _, s := range settings {
			if !s.Secret {
				keys = append(keys, s.Key())
			}
		}
		d.fail(v.name, "unknown key %q: use one of %s", v.key, strings.Join(append(keys, policyKeys...), ", "))
		return
	case s.Secret:
		d.fail(v.name, "%s must not be in this file: write it to a file of its own and name that with %[1]s_file", v.key)
		return
	case values[s.Name].text != "":
		d.fail(v.name, "both data_center and data_centre are given: choose one")
		return
	case isNull(target(v.value)):
		return
	}
	text, ok := d.text(v.value, v.key)
	if !ok {
		return
	}
	if s.isPath() {
		text = f.resolve(text)
	}
	values[s.Name] = value{
		text: text, origin: fmt.Sprintf("%s of profile %s", v.key, d.profile), line: fmt.Sprintf("%s:%d: ", d.path, v.name.Line),
	}
}

// limit reads a limit. It reports false for a key that is none.
func (d *decoder) limit(v field, o *health.Override) bool {
	switch v.key {
	case "max_age":
		o.MaxAge = d.duration(v)
		if o.MaxAge > 0 && o.MaxAge < health.MinMaxAge {
			d.fail(v.value, "max_age is too short: use at least %s", health.MinMaxAge)
		}
	case "max_running":
		o.MaxRunning = d.duration(v)
	case "tolerate_exceptions":
		text, ok := d.text(v.value, v.key)
		if ok && text != "true" && text != "false" {
			d.fail(v.value, "%s: use true or false", v.key)
		}
		o.TolerateExceptions = new(text == "true")
	default:
		return false
	}
	return true
}

func (d *decoder) duration(v field) time.Duration {
	text, ok := d.text(v.value, v.key)
	parsed, err := duration.Parse(text)
	if ok && err != nil {
		d.fail(v.value, "%s %q: %v", v.key, text, err)
	}
	return parsed
}

func (d *decoder) date(v field) time.Time {
	text, ok := d.text(v.value, v.key)
	date, err := time.Parse(time.DateOnly, text)
	if ok && err != nil {
		d.fail(v.value, "%s %q: write a date like 2027-01-31", v.key, text)
	}
	return date
}

// targets reads a list of organizations, each by its name or with a list of modules.
func (d *decoder) targets(n *yaml.Node, what string) (all []health.Target) {
	add := func(at *yaml.Node, t health.Target) {
		if slices.ContainsFunc(all, func(other health.Target) bool { return same(other, t) }) {
			d.fail(at, "%s: %s is listed twice", what, describe(t))
		}
		all = append(all, t)
	}
	for _, item := range d.list(n, what) {
		if target(item).Kind != yaml.MappingNode {
			if name, ok := d.text(item, "a name in "+what); ok {
				add(item, health.Target{Organization: name})
			}
			continue
		}
		for _, organization := range d.fields(item, what) {
			modules := d.list(organization.value, "the modules of "+organization.key)
			if target(organization.value).Kind == yaml.SequenceNode && len(modules) == 0 {
				d.fail(organization.name, "%s: %s has an empty list of modules: name some, or write only the organization", what, organization.key)
			}
			for _, module := range modules {
				if name, ok := d.text(module, "a module of "+organization.key); ok {
					add(module, health.Target{Organization: organization.key, Module: name})
				}
			}
		}
	}
	return all
}

func (d *decoder) list(n *yaml.Node, what string) []*yaml.Node {
	n = target(n)
	if n.Kind != yaml.SequenceNode {
		d.fail(n, "%s must be a list: write it like [one, two]", what)
		return nil
	}
	return n.Content
}

// contains reports whether a target is another one or its organization. The case of names does not matter.
func contains(t, other health.Target) bool {
	return strings.EqualFold(t.Organization, other.Organization) && (t.Module == "" || strings.EqualFold(t.Module, other.Module))
}

func same(t, other health.Target) bool { return contains(t, other) && contains(other, t) }

func describe(t health.Target) string {
	if t.Module == "" {
		return strconv.Quote(t.Organization)
	}
	return fmt.Sprintf("%q of %q", t.Module, t.Organization)
}

// overrides reads the limits of organizations, or of the modules of one.
func (d *decoder) overrides(n *yaml.Node, what, organization string) (all []health.Override) {
	for _, f := range d.fields(n, what) {
		o := health.Override{Target: health.Target{Organization: f.key}}
		if organization != "" {
			o.Target = health.Target{Organization: organization, Module: f.key}
		}
		if slices.ContainsFunc(all, func(other health.Override) bool { return same(other.Target, o.Target) }) {
			d.fail(f.name, "%s: %q is listed twice", what, f.key)
		}
		all = append(all, o)
		last := len(all) - 1
		for _, v := range d.fields(f.value, f.key) {
			switch {
			case v.key == "modules" && organization == "":
				all = append(all, d.overrides(v.value, "modules", f.key)...)
			case !d.limit(v, &all[last]):
				d.fail(v.name, "unknown key %q of %s: use max_age, max_running, tolerate_exceptions or, for an organization, modules", v.key, f.key)
			}
		}
	}
	return all
}

var labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

// reservedLabels are those of the exporter's metrics and those that Prometheus sets.
var reservedLabels = []string{
	"organization_id", "organization", "module", "state", "outcome", "job_type", "status", "kind", "profile", "job", "instance",
}

func (d *decoder) labels(n *yaml.Node) map[string]string {
	labels := make(map[string]string)
	for _, label := range d.fields(n, "labels") {
		switch {
		case !labelName.MatchString(label.key) || strings.HasPrefix(label.key, "__"):
			d.fail(label.name, "invalid label %q: use letters, digits and _, not beginning with a digit or __", label.key)
		case slices.Contains(reservedLabels, label.key):
			d.fail(label.name, "the label %q is used by the metrics themselves: choose another name", label.key)
		default:
			labels[label.key], _ = d.text(label.value, "the label "+label.key)
		}
	}
	return labels
}
