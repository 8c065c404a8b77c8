package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"

	"github.com/d365backup/d365backup/internal/human"
)

var (
	//go:embed report.css
	css string
	//go:embed report.html.tmpl
	htmlText string

	// funcs are those of both templates.
	funcs = template.FuncMap{
		"count":    human.Count,
		"duration": duration,
		"invented": func() string { return invented },
		"kinds":    func() any { return kinds[pending:] },
		"size":     size,
	}
	htmlTemplate = template.Must(template.New("report").Funcs(funcs).Funcs(template.FuncMap{
		"css": func() template.CSS { return template.CSS(css) }, //nolint:gosec // our own file
	}).Parse(htmlText))
)

// writeHTML writes the report as one HTML file that loads nothing and runs no script: its style and its charts are in it, and
// its Content-Security-Policy refuses anything else.
func (r *Report) writeHTML(w io.Writer) error {
	if err := htmlTemplate.Execute(w, r.view()); err != nil {
		return fmt.Errorf("writing the report as HTML: %w", err)
	}
	return nil
}
