// Package report writes a [health.Summary] for people: as text for a terminal, as one HTML file, as Markdown and as JSON.
//
// Every view begins with the answer. Then come a strip with a cell per organization, module and local day, a table, and the
// details, problems first. The verdict and all figures are those of package health.
package report

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/d365backup/d365backup/health"
	"github.com/d365backup/d365backup/internal/human"
)

// Format is a form of a report, as the command names it.
type Format string

// The formats. Markdown has tables as in GitHub Flavored Markdown. JSON is the [health.Summary] itself if there is one profile
// and it could be read; otherwise an object with state, reason and profiles, each of which has a summary or an error.
const (
	Table    Format = "table"
	HTML     Format = "html"
	Markdown Format = "md"
	JSON     Format = "json"
)

// Report is the verdict about one or several profiles.
type Report struct {
	Tenants []Tenant
	// Version is that of this program.
	Version string
	// Now is when the report is made.
	Now time.Time
	// Location is the time zone that times are shown in; it must be that of the summaries. Nil: UTC.
	Location *time.Location
	// Width is that of the terminal in columns, for Table. Zero: no limit. Lines are never shorter than 40 columns.
	Width int
}

// Tenant is what is known about one profile.
type Tenant struct {
	// Profile is its name; empty if the connection was configured without one.
	Profile string
	// Address and Operation say where the jobs come from.
	Address, Operation string
	// Sandbox says that the jobs are invented.
	Sandbox bool
	Summary health.Summary
	// Err is why there is no Summary: the profile counts as unknown. A summary of an incomplete list has no Err.
	Err error
}

// state returns the state of the profile.
func (t Tenant) state() health.State {
	if t.Err != nil {
		return health.Unknown
	}
	return t.Summary.State
}

// reason returns a sentence without a full stop.
func (t Tenant) reason() string {
	if t.Err != nil {
		return "Jobs cannot be read: " + clip(t.Err.Error())
	}
	return clip(t.Summary.Reason)
}

// name returns the name of the profile.
func (t Tenant) name() string { return cmp.Or(human.Clip(t.Profile, maxName), "(no profile)") }

// Verdict returns the worst state of all profiles, and the reason in one sentence without a full stop, worst first. The state is
// Unknown if there is no profile.
func (r *Report) Verdict() (health.State, string) {
	switch len(r.Tenants) {
	case 0:
		return health.Unknown, "no profile was read"
	case 1:
		return r.Tenants[0].state(), r.Tenants[0].reason()
	}
	var problems []string
	for _, t := range r.worstFirst() {
		if t.state() != health.OK {
			problems = append(problems, t.name()+": "+t.reason())
		}
	}
	verb := "need"
	switch len(problems) {
	case 0:
		return health.OK, fmt.Sprintf("all %d profiles are ok", len(r.Tenants))
	case 1:
		verb = "needs"
	}
	reason := fmt.Sprintf("%d of %d profiles %s attention: ", len(problems), len(r.Tenants), verb)
	return r.worstFirst()[0].state(), reason + strings.Join(problems, "; ")
}

// worstFirst returns the tenants, those with the worst state first.
func (r *Report) worstFirst() []Tenant {
	tenants := slices.Clone(r.Tenants)
	slices.SortStableFunc(tenants, func(a, b Tenant) int { return cmp.Compare(b.state(), a.state()) })
	return tenants
}

// Write writes the report in a format.
func (r *Report) Write(w io.Writer, format Format) error {
	switch format {
	case Table:
		return r.writeText(w)
	case HTML:
		return r.writeHTML(w)
	case Markdown:
		return r.writeMarkdown(w)
	case JSON:
		return r.writeJSON(w)
	default:
		return fmt.Errorf("unknown format %q: use %s, %s, %s or %s", string(format), Table, HTML, Markdown, JSON)
	}
}

// jsonReport is the JSON of several profiles, or of one that could not be read. Its keys are stable.
type jsonReport struct {
	State    health.State `json:"state"`
	Reason   string       `json:"reason"`
	Profiles []jsonTenant `json:"profiles"`
}

type jsonTenant struct {
	Profile string          `json:"profile"`
	Summary *health.Summary `json:"summary,omitempty"`
	Error   string          `json:"error,omitempty"`
}

func (r *Report) writeJSON(w io.Writer) error {
	all := jsonReport{Profiles: make([]jsonTenant, len(r.Tenants))}
	all.State, all.Reason = r.Verdict()
	var value any = all
	for i := range r.Tenants {
		t := &r.Tenants[i]
		all.Profiles[i].Profile = t.Profile
		if t.Err != nil {
			all.Profiles[i].Error = t.Err.Error()
			continue
		}
		all.Profiles[i].Summary = &t.Summary
		if len(r.Tenants) == 1 {
			value = t.Summary
		}
	}
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		return fmt.Errorf("writing the report as JSON: %w", err)
	}
	_, err := w.Write(human.EscapeJSON(buffer.Bytes()))
	return err
}
