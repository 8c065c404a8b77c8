package health_test

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/d365backup/d365backup/health"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// falseGreen begins the worst kind of problem: a state that is better than the oracle allows.
const falseGreen = "false green"

// compareVerdict returns the first difference between a summary and what the oracle allows.
func compareVerdict(w world, v verdict, got health.Summary, err error) string {
	switch {
	case v.ambiguous != nil:
		return compareAmbiguous(v, got, err)
	case v.contradictory:
		return ""
	case w.incomplete && !errors.Is(err, errCut), !w.incomplete && err != nil:
		return fmt.Sprintf("error: %v", err)
	case w.incomplete != (got.Incomplete != ""):
		return fmt.Sprintf("incomplete: %q", got.Incomplete)
	}
	rest := slices.Clone(got.Organizations)
	for _, want := range v.organizations {
		i := slices.IndexFunc(rest, want.is)
		if i < 0 {
			return fmt.Sprintf(falseGreen+": organization %q %.40q is not listed", want.id, want.text)
		}
		if different := want.compare(w, rest[i]); different != "" {
			return different + fmt.Sprintf("\norganization %q %.40q", rest[i].ID, rest[i].Name)
		}
		rest = slices.Delete(rest, i, i+1)
	}
	for _, o := range rest {
		if o.ID != "" || o.Name != "" || o.State != health.Unknown || len(v.unidentified) == 0 {
			return fmt.Sprintf("extra organization: %q %.40q", o.ID, o.Name)
		}
	}
	return compareAll(w, v, got)
}

func compareAmbiguous(v verdict, got health.Summary, err error) string {
	if !errors.Is(err, d365backup.ErrConfig) {
		return fmt.Sprintf("no error for a name with two organizations: %v", err)
	}
	if got.State == health.OK || got.State == health.Warning {
		return falseGreen + ": beside an error"
	}
	for _, o := range v.ambiguous {
		if !v.contradictory && !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(o.id)) {
			return fmt.Sprintf("error does not list the ids: %v", err)
		}
	}
	return ""
}

// is reports whether a listed organization is the one wanted.
func (o *wantOrganization) is(got health.Organization) bool {
	switch {
	case o.text != "":
		return strings.EqualFold(got.ID, o.text) || got.ID == "" && isName(strings.ToLower(got.Name), strings.ToLower(o.text))
	case o.id != "":
		return canonicalID(got.ID) == o.id
	default:
		return got.ID == "" && slices.ContainsFunc(o.jobs, func(job d365backup.Job) bool { return isName(got.Name, job.OrganizationName) })
	}
}

func (o *wantOrganization) compare(w world, got health.Organization) string {
	if different := o.compareNames(got); different != "" {
		return different
	}
	if got.Expected != o.expected {
		return fmt.Sprintf("expected organization: got %t, want %t", got.Expected, o.expected)
	}
	rest := slices.Clone(got.Modules)
	for _, want := range o.modules {
		i := slices.IndexFunc(rest, func(m health.Module) bool {
			return m.Name == want.name || want.jobs == nil && strings.EqualFold(m.Name, want.name)
		})
		if i < 0 && want.optional {
			continue
		}
		if i < 0 {
			return fmt.Sprintf(falseGreen+": module %q is not listed", want.name)
		}
		if different := want.compare(w, rest[i]); different != "" {
			return different + fmt.Sprintf("\nmodule %q", want.name)
		}
		rest = slices.Delete(rest, i, i+1)
	}
	if len(rest) > 0 {
		return fmt.Sprintf("extra module: %q", rest[0].Name)
	}
	if len(got.Modules) == 0 {
		return compareState("organization", got.State, o.states)
	}
	worst := slices.MaxFunc(got.Modules, func(a, b health.Module) int { return cmp.Compare(a.State, b.State) })
	return compareState("organization", got.State, states{worst.State})
}

// compareNames checks the name, which is the newest, and the former names.
func (o *wantOrganization) compareNames(got health.Organization) string {
	var newest time.Time
	var current, all []string
	for _, job := range o.jobs {
		name := job.OrganizationName
		if name == "" {
			continue
		}
		if !slices.Contains(all, name) {
			all = append(all, name)
		}
		switch start := job.StartTime; {
		case start.After(newest):
			newest, current = start, []string{name}
		case start.Equal(newest):
			current = append(current, name)
		}
	}
	if all == nil {
		return ""
	}
	if !slices.ContainsFunc(current, func(name string) bool { return isName(got.Name, name) }) {
		return fmt.Sprintf("name: got %.40q, want %.40q", got.Name, current)
	}
	listed := append([]string{got.Name}, got.FormerNames...)
	for _, name := range all {
		if !slices.ContainsFunc(listed, func(got string) bool { return isName(got, name) }) {
			return fmt.Sprintf("former names: got %.40q, want %.40q", listed, name)
		}
	}
	if len(listed) != len(all) {
		return fmt.Sprintf("former names: got %.40q, want %.40q", listed, all)
	}
	return ""
}

// isName reports whether a listed name is one of a job. Long ones are cut.
func isName(got, name string) bool {
	return got == name || len(name) > 256 && strings.HasPrefix(got, name[:200])
}

func (m *wantModule) compare(w world, got health.Module) string {
	if different := compareState("module", got.State, m.states); different != "" {
		return different
	}
	if got.Expected != m.expected {
		return fmt.Sprintf("expected module: got %t, want %t", got.Expected, m.expected)
	}
	if l := (limits{got.MaxAge, got.MaxRunning, got.TolerateExceptions}); l != m.limits {
		return fmt.Sprintf("limits: got %+v, want %+v", l, m.limits)
	}
	if different := m.compareReason(got); different != "" {
		return different
	}
	return compareFigures(w, m, got)
}

// compareReason checks what the table says about reasons.
func (m *wantModule) compareReason(got health.Module) string {
	var last d365backup.Job
	onlyRunning, undated := false, false
	for _, job := range m.jobs {
		if m.limits.isSuccess(job) && job.StartTime.After(last.StartTime) {
			last = job
		}
		undated = undated || !isDated(job)
	}
	for i, job := range slices.DeleteFunc(slices.Clone(m.jobs), func(job d365backup.Job) bool { return !isBackup(job) }) {
		onlyRunning = (i == 0 || onlyRunning) && isRunning(job)
	}
	saysFirst := strings.Contains(got.Reason, "first backup") && strings.Contains(got.Reason, "running since")
	if got.State == health.Missing && onlyRunning && !undated && !saysFirst {
		return fmt.Sprintf("reason: %q does not say that the first backup is running", got.Reason)
	}
	tied := slices.ContainsFunc(m.jobs, func(job d365backup.Job) bool {
		return job.StartTime.Equal(last.StartTime) && job.Status == d365backup.JobStatusFinished
	})
	if got.State == health.OK && last.Status == d365backup.JobStatusFinishedWithException && !tied && !strings.Contains(got.Reason, "exception") {
		return fmt.Sprintf("reason: %q does not say that an exception counts as a success", got.Reason)
	}
	return ""
}

func compareState(what string, got health.State, want states) string {
	switch {
	case slices.Contains(want, got):
		return ""
	case got <= health.Warning && got < slices.Min(want):
		return fmt.Sprintf(falseGreen+" of %s: got %v, want %v", what, got, want)
	default:
		return fmt.Sprintf("state of %s: got %v, want %v", what, got, want)
	}
}

func mayBeBackup(job d365backup.Job) bool { return isBackup(job) || isUnknownType(job) }

// compareAll checks the state of all organizations together.
func compareAll(w world, v verdict, got health.Summary) string {
	worst := health.State(0)
	for _, o := range got.Organizations {
		worst = max(worst, o.State)
	}
	switch {
	case w.incomplete || len(got.Organizations) == 0:
		worst = health.Unknown
	case slices.ContainsFunc(v.unidentified, mayBeBackup):
		worst = max(worst, health.Unknown)
	}
	allowed := states{worst}
	if len(v.unidentified) > 0 { // whether retention of an unknown organization matters is open
		allowed = allowed.with(max(worst, health.Unknown))
	}
	if different := compareState("all", got.State, allowed); different != "" {
		return different
	}
	unpinned := 0
	for _, o := range v.organizations {
		if !o.expected {
			unpinned++
		}
	}
	if got.Unpinned != unpinned && len(v.unidentified) == 0 {
		return fmt.Sprintf("unpinned: got %d, want %d", got.Unpinned, unpinned)
	}
	if n := int64(len(v.ignored)); got.IgnoredJobs != n {
		return fmt.Sprintf("ignored jobs: got %d, want %d", got.IgnoredJobs, n)
	}
	if n := int64(len(v.unidentified)); got.UnidentifiedJobs != n {
		return fmt.Sprintf("unidentified jobs: got %d, want %d", got.UnidentifiedJobs, n)
	}
	var jobs []d365backup.Job
	for _, o := range v.organizations {
		for _, m := range o.modules {
			jobs = append(jobs, m.jobs...)
		}
	}
	return compareCounts(w, "all", got.Jobs, jobs, v.unidentified)
}
