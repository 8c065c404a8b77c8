package doctor

import (
	"io"
	"time"

	"github.com/d365backup/d365backup/internal/cli/cmdutil"
)

// report is what a ticket needs. Its JSON form is part of the command's surface.
type report struct {
	Program string       `json:"program"`
	Time    time.Time    `json:"time"`
	Healthy bool         `json:"healthy"`
	Steps   []stepReport `json:"steps"`
	// Diagnosis is of the step that failed; absent where none did.
	Diagnosis *diagnosisReport `json:"diagnosis,omitempty"`
	// Warnings stop nothing.
	Warnings []diagnosisReport `json:"warnings"`
}

type stepReport struct {
	Name         string  `json:"name"`
	Status       status  `json:"status"`
	Milliseconds float64 `json:"milliseconds"`
	Detail       string  `json:"detail"`
}

type diagnosisReport struct {
	Step     string         `json:"step"`
	Code     string         `json:"code"`
	Title    string         `json:"title"`
	Side     side           `json:"side"`
	Meaning  string         `json:"meaning"`
	Evidence []string       `json:"evidence"`
	Alike    []alternative  `json:"alike,omitempty"`
	Next     []string       `json:"next"`
	Request  *requestReport `json:"request,omitempty"`
}

// alternative is a diagnosis that looks the same.
type alternative struct {
	Code  string   `json:"code"`
	Title string   `json:"title"`
	Side  side     `json:"side"`
	Next  []string `json:"next"`
}

// requestReport lets the vendor find the request.
type requestReport struct {
	Host              string  `json:"host,omitempty"`
	Status            int     `json:"status,omitempty"`
	ID                string  `json:"id,omitempty"`
	RetryAfterSeconds float64 `json:"retryAfterSeconds,omitempty"`
}

func newReport(program string) *report {
	return &report{
		Program: program, Time: time.Now().UTC().Truncate(time.Second), Healthy: true,
		Steps: []stepReport{}, Warnings: []diagnosisReport{},
	}
}

// add takes the result of a step in.
func (r *report) add(name string, found result, took time.Duration) stepReport {
	milliseconds := float64(took.Round(10*time.Microsecond)) / float64(time.Millisecond)
	step := stepReport{name, found.status, milliseconds, found.detail}
	r.Steps = append(r.Steps, step)
	switch {
	case found.finding == nil:
	case found.status == failed:
		r.Healthy, r.Diagnosis = false, new(describe(name, found.finding))
	default:
		r.Warnings = append(r.Warnings, describe(name, found.finding))
	}
	return step
}

func describe(step string, f *finding) diagnosisReport {
	d := diagnosisReport{
		Step: step, Code: f.code, Title: f.title, Side: f.side, Meaning: f.meaning, Evidence: f.evidence, Next: f.next,
	}
	if d.Evidence == nil {
		d.Evidence = []string{}
	}
	for _, code := range f.alike {
		a := find(code)
		d.Alike = append(d.Alike, alternative{a.code, a.title, a.side, a.next})
	}
	if f.err != nil && f.err.Host != "" {
		d.Request = &requestReport{f.err.Host, f.err.StatusCode, f.err.RequestID, f.err.RetryAfter.Seconds()}
	}
	return d
}

func (r *report) exitCode() int {
	switch {
	case r.Diagnosis == nil:
		return cmdutil.ExitOK
	case r.Diagnosis.Step == steps[0].name:
		return cmdutil.ExitUsage
	}
	return cmdutil.ExitFailed
}

// printer shows a report.
type printer interface {
	// step shows a step as soon as it was taken.
	step(stepReport) error
	// end shows the rest.
	end(*report) error
}

// jsonPrinter writes one object.
type jsonPrinter struct{ out io.Writer }

func (p *jsonPrinter) step(stepReport) error { return nil }

func (p *jsonPrinter) end(r *report) error { return cmdutil.WriteJSON(p.out, r) }
