package doctor

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/d365backup/d365backup/internal/cli/cmdutil"
	"github.com/d365backup/d365backup/internal/human"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// report is the JSON output.
type report struct {
	Program string    `json:"program"`
	Time    time.Time `json:"time"`
	Healthy bool      `json:"healthy"`
	Steps   []step    `json:"steps"`
	// Diagnosis is that of the step that failed, if any.
	Diagnosis *finding `json:"diagnosis,omitempty"`
	// Warnings did not end the examination.
	Warnings []finding `json:"warnings"`
}

// step is the result of one step.
type step struct {
	Name         string  `json:"name"`
	Status       status  `json:"status"`
	Milliseconds float64 `json:"milliseconds"`
	Detail       string  `json:"detail"`

	finding *finding // for a warning or a failure
}

// status is how a step ended.
type status string

const (
	ok      status = "ok"
	warning status = "warning" // the examination goes on
	failed  status = "failed"  // the examination ends here
	skipped status = "skipped" // nothing to check
)

// finding is a diagnosis with its evidence.
type finding struct {
	Step     string        `json:"step"`
	Code     string        `json:"code"`
	Title    string        `json:"title"`
	Side     Side          `json:"side"`
	Meaning  string        `json:"meaning"`
	Evidence []string      `json:"evidence"`
	Alike    []alternative `json:"alike,omitempty"`
	Next     []string      `json:"next"`
	Request  *request      `json:"request,omitempty"`
}

// alternative is a diagnosis that cannot be told apart from another one.
type alternative struct {
	Code  string   `json:"code"`
	Title string   `json:"title"`
	Side  Side     `json:"side"`
	Next  []string `json:"next"`
}

// request lets the vendor find the request.
type request struct {
	Host              string  `json:"host,omitempty"`
	Status            int     `json:"status,omitempty"`
	ID                string  `json:"id,omitempty"`
	RetryAfterSeconds float64 `json:"retryAfterSeconds,omitempty"`
}

func pass(name, detail string) step { return step{Name: name, Status: ok, Detail: detail} }
func skip(name, detail string) step { return step{Name: name, Status: skipped, Detail: detail} }

func fail(name, code, detail string, evidence ...string) step {
	f := &finding{Step: name, Evidence: append([]string{}, evidence...)}
	f.diagnose(code)
	return step{Name: name, Status: failed, Detail: detail, finding: f}
}

func warn(name, code, detail string, evidence ...string) step {
	s := fail(name, code, detail, evidence...)
	s.Status = warning
	return s
}

// failWith returns a failed step for an error of the client. Its diagnosis is the reason of the error.
func failWith(name string, err *d365backup.Error) step {
	s := fail(name, err.Reason, err.Message, facts(err)...)
	if err.StatusCode != 0 {
		s.Detail = fmt.Sprintf("status %d from %s", err.StatusCode, err.Host)
	}
	if err.Host != "" {
		s.finding.Request = &request{err.Host, err.StatusCode, err.RequestID, err.RetryAfter.Seconds()}
	}
	return s
}

// after returns the step with its duration.
func (s step) after(d time.Duration) step {
	s.Milliseconds = float64(d.Round(10*time.Microsecond)) / float64(time.Millisecond)
	return s
}

// diagnose sets the diagnosis; the evidence stays.
func (f *finding) diagnose(code string) {
	d := Find(code)
	f.Code, f.Title, f.Side, f.Meaning, f.Next, f.Alike = d.Code, d.Title, d.Side, d.Meaning, d.Next, nil
	for _, code := range d.Alike {
		a := Find(code)
		f.Alike = append(f.Alike, alternative{a.Code, a.Title, a.Side, a.Next})
	}
}

func (f *finding) addEvidence(text string) { f.Evidence = append(f.Evidence, text) }

func newReport(program string) *report {
	return &report{Program: program, Time: time.Now().UTC().Truncate(time.Second), Healthy: true, Steps: []step{}, Warnings: []finding{}}
}

func (r *report) add(s step) {
	r.Steps = append(r.Steps, s)
	switch s.Status {
	case failed:
		r.Healthy, r.Diagnosis = false, s.finding
	case warning:
		r.Warnings = append(r.Warnings, *s.finding)
	}
}

// exitError returns the exit code as an error without a message: the report says everything.
func (r *report) exitError() error {
	switch {
	case r.Healthy:
		return nil
	case r.Diagnosis.Step == configuration:
		return &cmdutil.ExitError{Code: cmdutil.ExitUsage}
	}
	return &cmdutil.ExitError{Code: cmdutil.ExitFailed}
}

// printer writes the report as text.
type printer struct {
	out    io.Writer
	screen cmdutil.Screen
}

// marks are the words and the ANSI colors of a status.
var marks = map[status]struct{ word, color string }{
	ok: {"ok", "32"}, warning: {"WARN", "33"}, failed: {"FAIL", "31"}, skipped: {"-", "2"},
}

func (p printer) step(s step) error {
	took := fmt.Sprintf("%.0f ms", s.Milliseconds)
	if s.Status == skipped {
		took = ""
	}
	mark := marks[s.Status]
	text := p.paragraph(fmt.Sprintf("%-4s  %-15s  %9s  ", mark.word, s.Name, took), s.Detail)
	if p.screen.Color {
		text = "\x1b[" + mark.color + "m" + text[:4] + "\x1b[0m" + text[4:]
	}
	_, err := io.WriteString(p.out, text)
	return err
}

// end writes the diagnosis and the warnings.
func (p printer) end(r *report) error {
	var b strings.Builder
	for _, w := range r.Warnings {
		p.writeFinding(&b, "Warning", w)
	}
	switch {
	case r.Diagnosis != nil:
		p.writeFinding(&b, "Diagnosis", *r.Diagnosis)
	case len(r.Warnings) > 0:
		b.WriteString("\nJobs can be read, but see the warnings above.\n")
	default:
		b.WriteString("\nEverything works: jobs can be read.\n")
	}
	_, err := io.WriteString(p.out, b.String())
	return err
}

func (p printer) writeFinding(b *strings.Builder, kind string, f finding) {
	title := p.paragraph("", fmt.Sprintf("%s at %q: %s (%s)", kind, f.Step, f.Title, f.Code))
	if p.screen.Color {
		title = "\x1b[1m" + strings.TrimSuffix(title, "\n") + "\x1b[0m\n"
	}
	b.WriteString("\n" + title)
	list := func(label string, paragraphs ...string) {
		for _, text := range paragraphs {
			b.WriteString(p.paragraph(fmt.Sprintf("  %-12s  ", label), text))
			label = ""
		}
	}
	list("Who must act", f.Side.String())
	list("Meaning", f.Meaning)
	list("Evidence", f.Evidence...)
	if len(f.Alike) > 0 {
		b.WriteString("  These look the same, the most likely first:\n")
	}
	for i, a := range f.Alike {
		b.WriteString(p.paragraph(fmt.Sprintf("    %d. ", i+1), fmt.Sprintf("%s (%s). %s", a.Title, a.Side, strings.Join(a.Next, " "))))
	}
	list("Next", f.Next...)
}

// paragraph writes text after a label, in lines that fit the screen and align with the first one.
func (p printer) paragraph(label, text string) string {
	const widthWithoutScreen, maxWidth = 80, 100 // longer lines are hard to read
	width := widthWithoutScreen
	if p.screen.Width > 0 {
		width = min(p.screen.Width, maxWidth)
	}
	text = human.Wrap(text, max(width-len(label), 20))
	return strings.TrimRight(label+strings.ReplaceAll(text, "\n", "\n"+strings.Repeat(" ", len(label))), " ") + "\n"
}
