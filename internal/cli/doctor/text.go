package doctor

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/d365backup/d365backup/internal/cli/cmdutil"
)

// textPrinter writes for people.
type textPrinter struct {
	out    io.Writer
	screen cmdutil.Screen
}

// The width where no screen tells, and the most that is easy to read.
const (
	plainWidth = 80
	maxWidth   = 100
)

func (p *textPrinter) width() int {
	if p.screen.Width == 0 {
		return plainWidth
	}
	return min(p.screen.Width, maxWidth)
}

// marks are how a step ended, with the colour that says so.
var marks = map[status]struct{ word, color string }{
	ok:      {"ok", "32"},
	warning: {"WARN", "33"},
	failed:  {"FAIL", "31"},
	skipped: {"-", "2"},
}

func (p *textPrinter) step(s stepReport) error {
	took := fmt.Sprintf("%.0f ms", s.Milliseconds)
	if s.Status == skipped {
		took = ""
	}
	mark := marks[s.Status]
	head := fmt.Sprintf("%-4s  %-15s  %9s  ", mark.word, s.Name, took)
	text := p.fill(head, s.Detail, len(head))
	if p.screen.Color {
		text = "\x1b[" + mark.color + "m" + text[:4] + "\x1b[0m" + text[4:]
	}
	_, err := io.WriteString(p.out, text)
	return err
}

func (p *textPrinter) end(r *report) error {
	var b strings.Builder
	for _, w := range r.Warnings {
		p.diagnosis(&b, "Note", w)
	}
	switch {
	case r.Diagnosis != nil:
		p.diagnosis(&b, "Diagnosis", *r.Diagnosis)
	case len(r.Warnings) > 0:
		b.WriteString("\nJobs can be read, but see the notes above.\n")
	default:
		b.WriteString("\nAll is well: jobs can be read.\n")
	}
	_, err := io.WriteString(p.out, b.String())
	return err
}

// diagnosis writes one as a block.
func (p *textPrinter) diagnosis(b *strings.Builder, kind string, d diagnosisReport) {
	title := p.fill("", fmt.Sprintf("%s at %q: %s (%s)", kind, d.Step, d.Title, d.Code), 2)
	if p.screen.Color {
		title = "\x1b[1m" + strings.TrimSuffix(title, "\n") + "\x1b[0m\n"
	}
	b.WriteString("\n" + title)
	b.WriteString(p.fill("  Side     ", d.Side.words(), 11))
	b.WriteString(p.fill("  Meaning  ", d.Meaning, 11))
	p.list(b, "Seen", d.Evidence)
	if len(d.Alike) > 0 {
		b.WriteString("  These look the same, the likeliest first:\n")
	}
	for i, a := range d.Alike {
		b.WriteString(p.fill(fmt.Sprintf("    %d. ", i+1), fmt.Sprintf("%s (%s). %s", a.Title, a.Side.words(), strings.Join(a.Next, " ")), 7))
	}
	p.list(b, "Next", d.Next)
}

// list writes paragraphs under one word.
func (p *textPrinter) list(b *strings.Builder, word string, paragraphs []string) {
	for _, text := range paragraphs {
		b.WriteString(p.fill(fmt.Sprintf("  %-7s  ", word), text, 11))
		word = ""
	}
}

// fill writes text behind a head, in lines that fit the width, those after the first indented.
func (p *textPrinter) fill(head, text string, indent int) string {
	var b strings.Builder
	b.WriteString(head)
	column, began := utf8.RuneCountInString(head), false
	for word := range strings.FieldsSeq(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case began && column+1+n > p.width():
			b.WriteString("\n" + strings.Repeat(" ", indent))
			column = indent
		case began:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column, began = column+n, true
	}
	return strings.TrimRight(b.String(), " ") + "\n"
}
