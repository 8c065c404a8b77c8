package report

import (
	"cmp"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/d365backup/d365backup/internal/human"
)

const (
	minWidth    = 40
	minName     = 16 // columns that a name needs before others are left out for it
	maxTextRows = 10 // gaps and problems of all modules
	columnGap   = "  "
)

// writeText writes the report for a terminal, without color.
func (r *Report) writeText(w io.Writer) error {
	t := textWriter{width: r.Width}
	if t.width > 0 {
		t.width = max(t.width, minWidth)
	}
	v := r.view()
	t.paragraph(v.Verdict)
	if v.Sandbox {
		t.paragraph("Invented data. " + invented)
	}
	for i := range v.Tenants {
		t.tenant(v.Tenants[i], v.Several())
	}
	t.facts(v.Facts)
	_, err := io.WriteString(w, strings.Join(t.parts, "\n\n")+"\n")
	return err
}

// textWriter collects paragraphs that are at most width columns wide; 0 means no limit.
type textWriter struct {
	width int
	parts []string
}

func (t *textWriter) paragraph(s string) {
	if s != "" {
		t.parts = append(t.parts, human.Wrap(s, t.width))
	}
}

func (t *textWriter) tenant(v *tenantView, several bool) {
	if several {
		t.paragraph("== " + v.Name + ": " + v.State.String() + " ==")
		t.paragraph(v.Reason)
	}
	for _, note := range v.Notes {
		t.paragraph("Note: " + note)
	}
	overview := [][]string{{
		"Organization", "State", "Last success", "Age", "Longest gap", "Backups", "Successful", "Records not backed up", "Size",
	}}
	var gaps, problems [][]string
	var lengths []time.Duration // of gaps
	for _, row := range v.Rows {
		overview = append(overview, []string{
			row.Label, row.State.String(), row.LastStart, row.AgeText, row.LongestGap, row.Backups, row.Rate,
			human.Count(row.Records.Failed), size(row.LastGood().Size),
		})
		for _, g := range row.Gaps {
			i, _ := slices.BinarySearchFunc(lengths, g.length, func(a, b time.Duration) int { return cmp.Compare(b, a) })
			lengths = slices.Insert(lengths, i, g.length)
			gaps = slices.Insert(gaps, i, []string{row.Label, g.From, g.To, g.Length})
		}
		for _, p := range row.Problems {
			problems = append(problems, []string{p.Start, row.Label, p.Status, p.NotBackedUp, p.ID})
		}
	}
	if len(v.Rows) > 0 {
		t.parts = append(t.parts, t.strips(v), renderTable(overview, t.width))
	}
	t.list("Longest gaps without a successful backup", []string{"Organization", "From", "To", "Length"}, gaps)
	slices.SortStableFunc(problems, func(a, b []string) int { return strings.Compare(b[0], a[0]) })
	t.list("Newest problems (a later backup may have caught records that are not backed up)",
		[]string{"Started", "Organization", "Status", "Not backed up", "Job"}, problems)
	t.jobs(v.Jobs)
	for _, remark := range v.Remarks {
		t.paragraph(remark)
	}
	t.facts(v.Facts)
}

// strips has a line for each row: a character for a day, or for several if the days are too many for the width.
func (t *textWriter) strips(v *tenantView) string {
	names, size := 0, 1
	for _, row := range v.Rows {
		names = max(names, text.StringWidth(row.Label))
	}
	if t.width > 0 {
		names = min(names, max(t.width/4, minName))
		size = daysPer(v.Days.count, t.width-names-len(columnGap))
	}
	head := v.Days.First() + " to " + v.Days.Last() + ", one character a day:"
	if size > 1 {
		head = v.Days.First() + " to " + v.Days.Last() + ", one character for " + unit(size) + ", which shows the worst of them:"
	}
	lines := []string{human.Wrap(head, t.width)}
	var used [len(kinds)]bool
	for _, row := range v.Rows {
		var marks strings.Builder
		for _, c := range group(row.cells, size) {
			used[c.Kind] = true
			marks.WriteString(kinds[c.Kind].Mark)
		}
		lines = append(lines, strings.TrimRight(pad(row.Label, names, false)+columnGap+marks.String(), " "))
	}
	legend := ""
	for k, description := range kinds {
		if entry := description.Mark + " " + description.Words; used[k] && kind(k) != before {
			if t.width > 0 && len(legend)+len(entry) > t.width {
				lines, legend = append(lines, strings.TrimSpace(legend)), ""
			}
			legend += entry + "   "
		}
	}
	return strings.Join(append(lines, strings.TrimSpace(legend)), "\n")
}

// facts has a line for each fact.
func (t *textWriter) facts(facts []fact) {
	var lines []string
	for _, f := range facts {
		lines = append(lines, f.Name+": "+f.Value)
	}
	t.paragraph(strings.Join(lines, "\n"))
}

// list writes the first rows of a table.
func (t *textWriter) list(title string, header []string, rows [][]string) {
	if n := len(rows) - maxTextRows; n > 0 {
		title += "; " + human.Count(int64(n)) + " more not listed"
		rows = rows[:maxTextRows]
	}
	if len(rows) > 0 {
		t.parts = append(t.parts, human.Wrap(title+":", t.width)+"\n"+renderTable(slices.Insert(rows, 0, header), t.width))
	}
}

func (t *textWriter) jobs(jobs kindTable) {
	var lines []string
	for _, row := range jobs.Rows {
		var counts []string
		for i, n := range row.Counts {
			if n > 0 {
				counts = append(counts, human.Count(n)+" "+strings.ToLower(jobs.Statuses[i]))
			}
		}
		lines = append(lines, "  "+row.Type+": "+strings.Join(counts, ", "))
	}
	if len(lines) > 0 {
		t.paragraph("Jobs by type and status:\n" + strings.Join(lines, "\n"))
	}
}

var (
	// dropOrder lists the columns that are left out if a table is too wide, in this order. Then the names are shortened.
	dropOrder = []string{
		"Size", "Records not backed up", "Backups", "Longest gap", "Successful", "Job", "Last success", "To", "Status", "Age",
	}
	numbers = []string{"Size", "Backups", "Not backed up", "Records not backed up", "Successful"}
)

// renderTable lays out rows, the first of which is the header, so that they are at most width columns wide.
func renderTable(rows [][]string, width int) string {
	header := rows[0]
	widths, total := make([]int, len(header)), -len(columnGap)
	for i := range header {
		for _, cells := range rows {
			widths[i] = max(widths[i], text.StringWidth(cells[i]))
		}
		total += widths[i] + len(columnGap)
	}
	names := slices.Index(header, "Organization")
	for _, name := range dropOrder {
		i := slices.Index(header, name)
		if width == 0 || total-max(widths[names]-minName, 0) <= width {
			break
		}
		if i >= 0 {
			total -= widths[i] + len(columnGap)
			widths[i] = 0
		}
	}
	if width > 0 {
		widths[names] = max(widths[names]-max(total-width, 0), 1)
	}
	var lines []string
	for _, cells := range rows {
		var parts []string
		for i, cell := range cells {
			if widths[i] > 0 {
				parts = append(parts, pad(cell, widths[i], slices.Contains(numbers, header[i])))
			}
		}
		lines = append(lines, strings.TrimRight(strings.Join(parts, columnGap), " "))
	}
	return strings.Join(lines, "\n")
}

// pad makes a cell as wide as its column.
func pad(cell string, width int, right bool) string {
	if text.StringWidth(cell) > width {
		cell = text.Snip(cell, width, "…")
	}
	if right {
		return text.AlignRight.Apply(cell, width)
	}
	return text.AlignLeft.Apply(cell, width)
}
