package jobs

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/d365backup/d365backup/internal/cli/cmdutil"
	"github.com/d365backup/d365backup/internal/human"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// defaultColumns are the columns without --columns.
var defaultColumns = []string{
	"startTime", "type", "status", "durationHours", "organizationName", "totalRecord", "failedRecord", "backupSize", "jobId",
}

// dropOrder lists the default columns that are left out on a narrow screen, in this order.
var dropOrder = []string{"jobId", "totalRecord", "durationHours", "backupSize", "type"}

const (
	// blockRows is the number of rows that determine the widths of the columns, so that a table of any length needs bounded
	// memory and appears early.
	blockRows = 1000
	gap       = "  "
	// maxText is the maximum length of a text of the service in characters, also without a screen: a cell makes its whole
	// column as wide as itself.
	maxText = 120
	// comfortable is the width at which most names can be told apart. Columns are left out to keep it.
	comfortable = 18
)

// tablePrinter writes jobs as a table.
type tablePrinter struct {
	out    io.Writer
	screen cmdutil.Screen
	zone   *time.Location
	fields []field
	// droppable allows columns to be left out, because the user did not choose them.
	droppable bool

	block   []job
	columns []column
	widths  []int
	tally   tally
}

// column is a field in a table.
type column struct {
	field
	title string
	show  func(job, *time.Location) string
}

func (p *tablePrinter) print(j job) error {
	p.block = append(p.block, clipped(j))
	p.tally.add(j)
	if len(p.block) < blockRows {
		return nil
	}
	return p.flush()
}

func clipped(j job) job {
	for _, s := range []*string{&j.Module, &j.UnknownType, &j.JobID, &j.UnknownStatus, &j.OrganizationID, &j.OrganizationName} {
		*s = human.Clip(*s, maxText)
	}
	return j
}

// flush writes the kept rows, the first ones with a header.
func (p *tablePrinter) flush() error {
	if len(p.block) == 0 {
		return nil
	}
	first := p.columns == nil
	if first {
		p.columns, p.widths = layout(p.fields, p.block, p.zone, p.screen.Width, p.droppable)
	}
	w := table.NewWriter()
	w.SetStyle(style)
	w.SuppressTrailingSpaces()
	configs := make([]table.ColumnConfig, len(p.columns))
	for i, c := range p.columns {
		configs[i] = table.ColumnConfig{Number: i + 1, WidthMin: p.widths[i], Align: text.AlignLeft, AlignHeader: text.AlignLeft}
		if c.kind == kindNumber {
			configs[i].Align, configs[i].AlignHeader = text.AlignRight, text.AlignRight
		}
	}
	w.SetColumnConfigs(configs)
	if first {
		w.AppendHeader(p.row(func(c column) string { return p.paint(c.title, text.Bold) }))
	}
	for _, j := range p.block {
		w.AppendRow(p.row(func(c column) string { return p.paint(c.show(j, p.zone), colors(c.name, j)...) }))
	}
	p.block = p.block[:0]
	_, err := io.WriteString(p.out, w.Render()+"\n")
	return err
}

// style has no lines, to save width.
var style = table.Style{
	Box:     table.BoxStyle{MiddleVertical: gap},
	Options: table.Options{SeparateColumns: true},
}

func (p *tablePrinter) row(cell func(column) string) table.Row {
	row := make(table.Row, len(p.columns))
	for i, c := range p.columns {
		row[i] = fit(cell(c), p.widths[i])
	}
	return row
}

// fit shortens a text to a width, and marks that it did.
func fit(cell string, width int) string {
	if text.StringWidthWithoutEscSequences(cell) <= width {
		return cell
	}
	return text.Snip(cell, width, "…")
}

func (p *tablePrinter) paint(cell string, colors ...text.Color) string {
	if !p.screen.Color || len(colors) == 0 {
		return cell
	}
	return text.Colors(colors).Sprint(cell)
}

// colors returns the colors of a cell. They repeat what its text says.
func colors(name string, j job) text.Colors {
	switch {
	case name == "status" && j.Status == d365backup.JobStatusFailed, name == "failedRecord" && j.FailedRecord > 0:
		return text.Colors{text.FgRed}
	case name != "status":
		return nil
	case j.Status == d365backup.JobStatusFinishedWithException:
		return text.Colors{text.FgYellow}
	case j.Status == d365backup.JobStatusInProgress:
		return text.Colors{text.FgCyan}
	case j.Status == d365backup.JobStatusFinished:
		return text.Colors{text.FgGreen}
	}
	return nil
}

// layout chooses columns and widths so that these jobs fit into a width, 0 for no limit. First it uses short forms, then it
// leaves columns out if it may, and then it shortens columns.
func layout(fields []field, jobs []job, zone *time.Location, limit int, droppable bool) ([]column, []int) {
	columns, widths := measure(fields, jobs, zone, false)
	if limit <= 0 || total(widths) <= limit {
		return columns, widths
	}
	columns, widths = measure(fields, jobs, zone, true)
	for _, name := range dropOrder {
		if !droppable || total(smallest(columns, widths, comfortable)) <= limit {
			break
		}
		if i := slices.IndexFunc(columns, func(c column) bool { return c.name == name }); i >= 0 {
			columns, widths = slices.Delete(columns, i, i+1), slices.Delete(widths, i, i+1)
		}
	}
	minimum := smallest(columns, widths, 0)
	for total(widths) > limit {
		widest := -1
		for i := range widths {
			if widths[i] > minimum[i] && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		widths[widest]--
	}
	return columns, widths
}

// measure returns the columns of these fields, and the widths that they need.
func measure(fields []field, jobs []job, zone *time.Location, brief bool) ([]column, []int) {
	columns, widths := make([]column, len(fields)), make([]int, len(fields))
	for i, f := range fields {
		c := column{field: f, title: f.header, show: f.cell}
		if brief && f.short != "" {
			c.title = f.short
		}
		if brief && f.brief != nil {
			c.show = f.brief
		}
		columns[i], widths[i] = c, text.StringWidth(c.title)
		for _, j := range jobs {
			widths[i] = max(widths[i], text.StringWidth(c.show(j, zone)))
		}
	}
	return columns, widths
}

// smallest returns the minimum widths of the columns, of which shortened ones keep some width.
func smallest(columns []column, widths []int, keep int) []int {
	minimum := slices.Clone(widths)
	for i, c := range columns {
		if c.minWidth > 0 {
			minimum[i] = min(widths[i], max(c.minWidth, keep, text.StringWidth(c.title)))
		}
	}
	return minimum
}

func total(widths []int) int {
	sum := len(gap) * max(len(widths)-1, 0)
	for _, w := range widths {
		sum += w
	}
	return sum
}

// close writes the kept rows and a summary.
func (p *tablePrinter) close(what listed) error {
	if err := p.flush(); err != nil {
		return err
	}
	_, err := fmt.Fprint(p.out, human.Wrap(p.tally.footer(what, p.zone), p.screen.Width))
	return err
}

// tally counts jobs.
type tally struct {
	jobs, failedRecords int64
	byStatus            map[d365backup.JobStatus]int64
}

func (t *tally) add(j job) {
	if t.byStatus == nil {
		t.byStatus = make(map[d365backup.JobStatus]int64)
	}
	t.jobs++
	t.failedRecords = human.SaturatingAdd(t.failedRecords, max(j.FailedRecord, 0))
	t.byStatus[j.Status]++
}

// footerOrder begins with failures.
var footerOrder = []d365backup.JobStatus{
	d365backup.JobStatusFailed, d365backup.JobStatusFinishedWithException, d365backup.JobStatusInProgress, d365backup.JobStatusFinished,
}

func (t *tally) footer(what listed, zone *time.Location) string {
	from, to := what.start.In(zone), what.end.In(zone)
	jobs := human.Plural(t.jobs, "job", "jobs")
	if what.limited {
		jobs = "first " + jobs + " (--limit)"
	}
	line := fmt.Sprintf("%s from %s to %s", jobs, from.Format(minuteLayout), to.Format(minuteLayout+" MST"))
	if t.jobs == 0 {
		return line + "\n"
	}
	var parts []string
	others := t.jobs
	for _, s := range footerOrder {
		if n := t.byStatus[s]; n > 0 {
			parts = append(parts, human.Count(n)+" "+strings.ToLower(human.Status(s)))
			others -= n
		}
	}
	if others > 0 {
		parts = append(parts, human.Count(others)+" other")
	}
	footer := "\n" + line + "\n" + strings.Join(parts, ", ") + "\n"
	if t.failedRecords > 0 {
		footer += human.Plural(t.failedRecords, "record", "records") + " failed\n"
	}
	return footer
}
