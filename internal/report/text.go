package report

import (
	"io"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/d365backup/d365backup/internal/human"
)

const (
	maxTextFailures = 10
	columnGap       = 2
	minWidth        = 40 // what is narrower gets lines of this width
)

// WriteText writes the verdict, a line for each organization and the newest failures, for a terminal.
// Lines are at most width columns wide, and at least 40; 0 is without limit. There is no colour in it.
func (s *Summary) WriteText(w io.Writer, width int) error {
	if width > 0 {
		width = max(width, minWidth)
	}
	v := s.view()
	paragraphs := []string{human.Wrap(v.Verdict, width), human.Wrap(v.Window+".", width)}
	for _, warning := range v.Warnings {
		paragraphs = append(paragraphs, human.Wrap("Note. "+warning, width))
	}
	if len(v.Overview) > 0 {
		paragraphs = append(paragraphs, renderTable(overviewColumns, overviewCells(v.Overview), width))
	}
	if v.More != "" {
		paragraphs = append(paragraphs, human.Wrap(v.More, width))
	}
	all := v.Sections[0]
	paragraphs = append(paragraphs, human.Wrap(all.Outcomes, width)+"\n"+human.Wrap(all.Sizes, width)+"\n"+human.Wrap(all.Durations, width))
	if n := min(len(all.Failures), maxTextFailures); n > 0 {
		paragraphs = append(paragraphs, "The newest failed jobs and lost records\n\n"+
			renderTable(failureColumns, failureCells(all.Failures[:n]), width))
	}
	_, err := io.WriteString(w, strings.Join(paragraphs, "\n\n")+"\n")
	return err
}

// textColumn is a column of a table. Where the width does not do, those with the highest drop go first,
// and at last the flexible one is cut.
type textColumn struct {
	name           string
	number, flexes bool
	drop           int
}

var overviewColumns = []textColumn{
	{name: "Organization", flexes: true},
	{name: "State"},
	{name: "Last good", drop: 2},
	{name: "Age", drop: 1},
	{name: "Longest gap", drop: 4},
	{name: "Backups", number: true, drop: 6},
	{name: "Good", number: true, drop: 3},
	{name: "Failed jobs", number: true, drop: 5},
	{name: "Lost records", number: true, drop: 2},
	{name: "Largest", number: true, drop: 7},
}

func overviewCells(rows []overviewRow) [][]string {
	var cells [][]string
	for _, r := range rows {
		cells = append(cells, []string{
			r.Name, r.State.String(), r.LastGood, r.LastGoodAge, r.Gap, r.Backups, r.Rate, r.FailedJobs, r.Lost, r.Largest,
		})
	}
	return cells
}

var failureColumns = []textColumn{
	{name: "Started"},
	{name: "Organization", flexes: true},
	{name: "Type", drop: 2},
	{name: "Status", drop: 1},
	{name: "Lost records", number: true},
	{name: "Job", drop: 3},
}

func failureCells(rows []failureRow) [][]string {
	var cells [][]string
	for _, r := range rows {
		cells = append(cells, []string{r.When, r.Organization, r.Type, r.Status, r.Lost, r.ID})
	}
	return cells
}

// renderTable lays out a table that is at most width columns wide, where that can be.
func renderTable(columns []textColumn, rows [][]string, width int) string {
	columns, widths, kept := fitColumns(columns, rows, width)
	t := table.NewWriter()
	t.SetStyle(table.Style{
		Box:     table.BoxStyle{MiddleVertical: strings.Repeat(" ", columnGap)},
		Options: table.Options{SeparateColumns: true},
	})
	t.SuppressTrailingSpaces()
	header, configs := table.Row{}, []table.ColumnConfig{}
	for i, c := range columns {
		header = append(header, snip(c.name, widths[i]))
		align := text.AlignLeft
		if c.number {
			align = text.AlignRight
		}
		configs = append(configs, table.ColumnConfig{Number: i + 1, Align: align, AlignHeader: align})
	}
	t.AppendHeader(header)
	t.SetColumnConfigs(configs)
	for _, cells := range rows {
		row := table.Row{}
		for i, from := range kept {
			row = append(row, snip(cells[from], widths[i]))
		}
		t.AppendRow(row)
	}
	return t.Render()
}

// fitColumns leaves columns out until the rest fits, and returns the rest with its widths and places.
func fitColumns(columns []textColumn, rows [][]string, width int) (fit []textColumn, widths, kept []int) {
	for i, c := range columns {
		w := text.StringWidth(c.name)
		for _, cells := range rows {
			w = max(w, text.StringWidth(cells[i]))
		}
		fit, widths, kept = append(fit, c), append(widths, w), append(kept, i)
	}
	total := func() int {
		sum := columnGap * (len(widths) - 1)
		for _, w := range widths {
			sum += w
		}
		return sum
	}
	flexible := func() int { return slices.IndexFunc(fit, func(c textColumn) bool { return c.flexes }) }
	const comfortable = 16 // what a name needs before columns are left out for it
	for width > 0 && total()-max(widths[flexible()]-comfortable, 0) > width {
		worst := 0
		for i, c := range fit {
			if c.drop > fit[worst].drop {
				worst = i
			}
		}
		if fit[worst].drop == 0 {
			break
		}
		fit, widths, kept = slices.Delete(fit, worst, worst+1), slices.Delete(widths, worst, worst+1), slices.Delete(kept, worst, worst+1)
	}
	if over := total() - width; width > 0 && over > 0 {
		i := flexible()
		widths[i] = max(widths[i]-over, 1)
	}
	return fit, widths, kept
}

func snip(cell string, width int) string {
	if text.StringWidth(cell) <= width {
		return cell
	}
	return text.Snip(cell, width, "…")
}
