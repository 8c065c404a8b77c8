package report

import (
	_ "embed"
	"fmt"
	"io"
	"strings"
	"text/template"
)

var (
	//go:embed report.md.tmpl
	markdownText string

	markdownTemplate = template.Must(template.New("report").Funcs(template.FuncMap{
		"md": escapeMarkdown,
		// rule returns the line below the header of a table: a column of text, and n of numbers.
		"rule": func(n int) string { return "| --- |" + strings.Repeat(" ---: |", n) },
	}).Parse(markdownText))
)

// WriteMarkdown writes the report as Markdown with tables (GitHub Flavored Markdown). It has the words
// and figures of the HTML report; the charts are tables.
func (s *Summary) WriteMarkdown(w io.Writer) error {
	if err := markdownTemplate.Execute(w, s.view()); err != nil {
		return fmt.Errorf("writing the Markdown report: %w", err)
	}
	return nil
}

// escapeMarkdown makes text stand for itself: nothing in it starts an element, a link or a tag.
func escapeMarkdown(text string) string {
	var b strings.Builder
	for _, r := range text {
		if strings.ContainsRune("\\`*_{}[]<>()#+-.!|~&:@/=$^", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
