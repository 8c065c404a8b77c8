package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"regexp"
)

var (
	//go:embed report.css
	css string
	//go:embed report.html.tmpl
	htmlText string

	htmlTemplate = template.Must(template.New("report").Funcs(template.FuncMap{
		"css":    func() template.CSS { return template.CSS(css) }, //nolint:gosec // Our own file.
		"stamps": stamps,
	}).Parse(htmlText))
)

var stamp = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d`)

// stamps keeps the times in a text from being broken at a hyphen.
func stamps(text string) template.HTML {
	escaped := template.HTMLEscapeString(text)
	return template.HTML(stamp.ReplaceAllString(escaped, `<span class="time">$0</span>`)) //nolint:gosec // Escaped.
}

// htmlView is a view with its charts.
type htmlView struct {
	view
	Sections []htmlSection
}

type htmlSection struct {
	section
	Charts []chart
}

// chart is a drawing with what it says to those who do not see it.
type chart struct {
	ID, Title, Description string
	Width, Height          int
	Shapes                 template.HTML
	Legend                 []legendEntry
}

type legendEntry struct{ Class, Name string }

// WriteHTML writes the report as one HTML file without script that asks for nothing: its style and its
// charts are in it, and its Content-Security-Policy refuses all else. It is made for windows of any
// width, light and dark, for paper and for screen readers.
func (s *Summary) WriteHTML(w io.Writer) error {
	v := htmlView{view: s.view()}
	for _, sec := range v.view.Sections {
		drawn, err := chartsOf(sec)
		if err != nil {
			return err
		}
		v.Sections = append(v.Sections, htmlSection{sec, drawn})
	}
	if err := htmlTemplate.Execute(w, v); err != nil {
		return fmt.Errorf("writing the HTML report: %w", err)
	}
	return nil
}

// chartsOf draws what a section has figures for.
func chartsOf(sec section) ([]chart, error) {
	var backups bucket
	for i := range sec.buckets {
		backups.merge(&sec.buckets[i])
	}
	largest := "Largest backup"
	if !sec.Single {
		largest = "Largest backups, summed up"
	}
	var all []chart
	for _, c := range []struct {
		wanted           bool
		id, title, words string
		draw             func([]bucket, calendar) (template.HTML, error)
		legend           []legendEntry
	}{
		{backups.ended() > 0, "outcomes", "Backups by outcome, per " + sec.Unit, sec.Outcomes, outcomeChart, outcomeLegend(&backups)},
		{backups.largest > 0, "sizes", largest + ", per " + sec.Unit, sec.Sizes, sizeChart, nil},
		{backups.timed > 0, "durations", "Duration of backups, per " + sec.Unit, sec.Durations, durationChart,
			[]legendEntry{{"average", "Average"}, {"longest", "Longest"}}},
	} {
		if !c.wanted {
			continue
		}
		shapes, err := c.draw(sec.buckets, sec.days)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", sec.Title, err)
		}
		all = append(all, chart{sec.Anchor + "-" + c.id, c.title, c.words, chartWidth, chartHeight, shapes, c.legend})
	}
	return all, nil
}

// outcomeLegend names the outcomes that occur.
func outcomeLegend(b *bucket) []legendEntry {
	var legend []legendEntry
	for o, entry := range []legendEntry{
		good: {"good", "Finished"}, flawed: {"flawed", "With exception"}, failed: {"failed", "Failed"}, strange: {"strange", "Unknown"},
	} {
		if b.outcomes[o] > 0 {
			legend = append(legend, entry)
		}
	}
	return legend
}
