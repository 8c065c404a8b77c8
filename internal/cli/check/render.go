package check

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/d365backup/d365backup/health"
	"github.com/d365backup/d365backup/internal/cli/verdict"
	"github.com/d365backup/d365backup/internal/human"
)

// The limits of the output, in bytes unless stated otherwise. Nagios keeps 8 KiB of it.
const (
	maxStatus  = 1024 // up to the performance data
	maxProblem = 600
	maxName    = 80
	maxData    = 6 * 1024
	maxLines   = 500 // of -v
)

// codeUnknown is the exit code for everything that is not a verdict.
const codeUnknown = 3

// level returns the exit code of a monitoring plugin for a state, and its word.
func level(s health.State) (code int, word string) {
	switch s {
	case health.OK:
		return 0, "OK"
	case health.Warning:
		return 1, "WARNING"
	case health.Overdue, health.Missing:
		return 2, "CRITICAL"
	default:
		return codeUnknown, "UNKNOWN"
	}
}

// problem is a reason for a state that is not OK.
type problem struct {
	state health.State
	text  string
}

// result is what the output is made of.
type result struct {
	state         health.State
	problems      []problem
	organizations int
	affected      int // organizations that are not OK
	unpinned      int
	several       bool // profiles
	invented      bool // by a sandbox
	counts        map[health.State]int
	ages, sizes   []string // performance data of modules
	lines         []string // long output
}

// render returns the exit code and the output, which ends with a line break. Successes older than the age for warnings, unless
// it is 0, are a warning.
//
// The notes are lines about how jobs were read, for the long output.
func render(tenants []verdict.Tenant, warnAge time.Duration, verbose bool, notes string) (code int, output string) {
	r := result{several: len(tenants) > 1, counts: make(map[health.State]int)}
	used := make(map[string]int)
	for _, t := range tenants {
		if len(tenants) == 1 {
			t.Profile = "" // which the caller knows
		}
		warnEarly(&t.Summary, warnAge)
		r.addTenant(t)
		if t.Failure == nil { // ages in an incomplete list may be too high
			r.addValues(t, warnAge, used)
		}
	}
	slices.SortStableFunc(r.problems, func(a, b problem) int { return cmp.Compare(b.state, a.state) })
	code, word := level(r.state)
	output = fmt.Sprintf("BACKUP %s - %s", word, r.status())
	if r.organizations > 0 {
		output += " | " + r.data()
	}
	output += "\n"
	if verbose {
		r.lines = append(r.lines, slices.Collect(strings.Lines(notes))...)
		output += r.long()
	}
	return code, output
}

// warnEarly turns OK into a warning if the last success is older than this age.
func warnEarly(s *health.Summary, age time.Duration) {
	if age == 0 {
		return
	}
	s.Organizations = slices.Clone(s.Organizations)
	for i := range s.Organizations {
		o := &s.Organizations[i]
		o.Modules = slices.Clone(o.Modules)
		for j := range o.Modules {
			m := &o.Modules[j]
			if m.State != health.OK || m.Age <= age {
				continue
			}
			m.State = health.Warning
			m.Reason = fmt.Sprintf("was last backed up %s ago, more than %s", human.Duration(m.Age), human.Duration(age))
			if o.State == health.OK {
				o.State, o.Reason = m.State, m.Reason
			}
			s.State = max(s.State, health.Warning)
		}
	}
}

func (r *result) addTenant(t verdict.Tenant) {
	prefix := ""
	if t.Profile != "" {
		prefix = clip(t.Profile, maxName) + ": "
	}
	worst := health.State(0)
	if t.Failure != nil {
		worst = health.Unknown
		r.problems = append(r.problems, problem{worst, prefix + explain(t.Failure)})
	}
	labels := t.Summary.Labels()
	for i, o := range t.Summary.Organizations {
		worst = max(worst, o.State)
		r.organizations++
		r.counts[o.State]++
		if o.State != health.OK {
			r.affected++
			r.problems = append(r.problems, problem{o.State, prefix + labels[i] + " " + o.Reason})
		}
		if len(o.Modules) == 0 {
			r.lines = append(r.lines, fmt.Sprintf("%s: %s%s %s", o.State, prefix, labels[i], o.Reason))
		}
		for _, m := range o.Modules {
			r.lines = append(r.lines, fmt.Sprintf("%s: %s%s %s", m.State, prefix, join(labels[i], m.Name, " / "), m.Reason))
		}
	}
	if n := t.Summary.UnidentifiedJobs; n > 0 {
		r.lines = append(r.lines, prefix+human.Plural(n, "job names", "jobs name")+" no organization")
	}
	r.unpinned += t.Summary.Unpinned
	r.invented = r.invented || t.Sandbox
	if t.Summary.State > worst { // for a reason that is not one of an organization
		worst = t.Summary.State
		r.problems = append(r.problems, problem{worst, prefix + t.Summary.Reason})
	}
	r.state = max(r.state, cmp.Or(worst, health.Unknown))
}

// status returns the text between the state and the performance data.
func (r *result) status() string {
	end := ""
	if r.unpinned > 0 {
		end = fmt.Sprintf("; %d not pinned", r.unpinned)
	}
	if r.invented {
		end += "; sandbox data, not from a real service"
	}
	switch {
	case len(r.problems) == 0 && r.state != health.OK: // there is nothing to assess
		return "no profile was read"
	case len(r.problems) == 0:
		return human.Plural(int64(r.organizations), "organization is", "organizations are") + " backed up" + end
	}
	var b strings.Builder
	b.WriteString(r.heading())
	room := maxStatus - len("BACKUP CRITICAL - ; and 1000000000 more | ") - len(end)
	for i, p := range r.problems {
		text := clip(p.text, maxProblem)
		if i > 0 && b.Len()+len("; ")+len(text) > room {
			fmt.Fprintf(&b, "; and %d more", len(r.problems)-i)
			break
		}
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(text)
	}
	return b.String() + end
}

// heading says how many organizations and profiles have a problem; nothing if it is clear from the problems.
func (r *result) heading() string {
	others := len(r.problems) - r.affected // profiles with a problem that is not one of an organization
	affected := fmt.Sprintf("%d of %s", r.affected, human.Plural(int64(r.organizations), "organization", "organizations"))
	switch {
	case r.affected == 0, others == 0 && r.organizations == 1, others > 0 && !r.several:
		return ""
	case others > 0:
		return affected + " and " + human.Plural(int64(others), "profile", "profiles") + " need attention: "
	case r.affected == 1:
		return affected + " needs attention: "
	}
	return affected + " need attention: "
}

// data returns the performance data.
func (r *result) data() string {
	var b strings.Builder
	fmt.Fprintf(&b, "organizations=%d;;;0", r.organizations)
	for state := health.OK; state <= health.Missing; state++ {
		fmt.Fprintf(&b, " %s=%d;;;0", state, r.counts[state])
	}
	fmt.Fprintf(&b, " unpinned=%d;;;0", r.unpinned)
	for _, value := range slices.Concat(r.ages, r.sizes) { // if there is no room for all, ages matter more
		if b.Len()+1+len(value) > maxData {
			break
		}
		b.WriteString(" " + value)
	}
	return b.String()
}

// long returns the lines of -v.
func (r *result) long() string {
	var b strings.Builder
	for i, line := range r.lines {
		if i == maxLines {
			fmt.Fprintf(&b, "and %d more\n", len(r.lines)-i)
			break
		}
		b.WriteString(clip(line, maxProblem) + "\n")
	}
	return b.String()
}

// addValues adds the age of the last success and its size for each module, in the order of names, so that a limit leaves out
// the same ones each time. Used counts the labels in use.
func (r *result) addValues(t verdict.Tenant, warnAge time.Duration, used map[string]int) {
	labels, order := t.Summary.Labels(), make([]int, len(t.Summary.Organizations))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return strings.Compare(labels[a], labels[b]) })
	warn := ""
	if warnAge > 0 {
		warn = strconv.FormatInt(int64(warnAge/time.Second), 10)
	}
	for _, i := range order {
		modules := slices.Clone(t.Summary.Organizations[i].Modules)
		slices.SortStableFunc(modules, func(a, b health.Module) int { return strings.Compare(a.Name, b.Name) })
		for _, m := range modules {
			if m.Age < 0 {
				continue // no success
			}
			name := label(join(t.Profile, join(labels[i], m.Name, "/"), "/"), used)
			r.ages = append(r.ages, fmt.Sprintf("'%s age'=%ds;%s;%d;0", name, m.Age/time.Second, warn, m.MaxAge/time.Second))
			r.sizes = append(r.sizes, fmt.Sprintf("'%s size'=%dB;;;0", name, m.LastGood().Size))
		}
	}
}

// label returns a name that is not in use as a label, without what ends one or has a meaning in it to some reader: quotation
// marks, =, |, backslashes and colons.
func label(name string, used map[string]int) string {
	clean := strings.Map(func(r rune) rune {
		if strings.ContainsRune(`'"=|\:;`, r) {
			return '_'
		}
		return r
	}, clip(name, maxName))
	unique := clean
	for used[unique] > 0 {
		used[clean]++
		unique = fmt.Sprintf("%s (%d)", clean, used[clean])
	}
	used[unique]++
	return unique
}

// clip returns text on one line of at most limit bytes, without control characters and without the | that begins performance
// data.
func clip(s string, limit int) string {
	const more = "…"
	s = strings.ReplaceAll(human.Clip(s, limit), "|", "/")
	if len(s) <= limit {
		return s
	}
	end := limit - len(more)
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + more
}

// join joins two texts, and leaves the separator out if one is empty.
func join(a, b, separator string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + separator + b
}
