package report

import (
	_ "embed"
	"fmt"
	"io"
	"regexp"
	"strings"
	"text/template"
)

var (
	//go:embed report.md.tmpl
	markdownText string

	markdownTemplate = template.Must(template.New("report").Funcs(funcs).Funcs(template.FuncMap{
		"code": codeSpan,
		"md":   escapeMarkdown,
		// rule returns the line below the header of a table: a column of text, and n of numbers.
		"rule": func(n int) string { return "| --- |" + strings.Repeat(" ---: |", n) },
	}).Parse(markdownText))
)

// writeMarkdown writes the report as Markdown with tables. The strips are text, and the charts are tables.
func (r *Report) writeMarkdown(w io.Writer) error {
	if err := markdownTemplate.Execute(w, r.view()); err != nil {
		return fmt.Errorf("writing the report as Markdown: %w", err)
	}
	return nil
}

// plainWord matches words that no renderer takes for anything else: no link, mention, number of an issue, commit or formatting.
// Renderers look for those even in text that is escaped.
var (
	plainWord = regexp.MustCompile(`^\(?(\pL[\pL\pM]*([-'’]\pL[\pL\pM]*)*[.]?|\d{1,6}[a-z]{0,3}|\d{1,3}(,\d{3})+\.?|\d{1,6}\.\d{1,2}%?|` +
		`\d{1,6}%|\d{4}-\d\d-\d\d|\d\d:\d\d|[–…·])\)?[,;:.]?$`)
	hexWord = regexp.MustCompile(`[0-9a-fA-F]{7,}`)
)

// escapeMarkdown makes a text stand for itself in any renderer: words that are not plain become code.
func escapeMarkdown(s string) string {
	words := strings.Fields(s)
	for i, word := range words {
		if !plainWord.MatchString(word) || hexWord.MatchString(word) {
			words[i] = codeSpan(word)
		}
	}
	return strings.Join(words, " ")
}

// inCode replaces the characters that could end code or the cell of a table by similar ones.
var inCode = strings.NewReplacer("`", "'", "|", "¦", "\\", "∖")

// codeSpan returns a text as code.
func codeSpan(s string) string { return "`" + inCode.Replace(s) + "`" }

// Marks returns the strip of a row as text, with a line for each month.
func (row *rowView) Marks() string {
	var b strings.Builder
	for i, c := range row.cells {
		if date := row.days.date(i); i == 0 || date.Day() == 1 {
			fmt.Fprintf(&b, "\n%s %s", date.Format("2006-01"), strings.Repeat(" ", date.Day()-1))
		}
		b.WriteString(kinds[c.Kind].Mark)
	}
	return strings.TrimPrefix(b.String(), "\n")
}
