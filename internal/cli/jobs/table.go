package jobs

import (
	"fmt"
	"io"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

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
	full        = math.MaxInt // columns are not shortened
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
	columns []column // nil before the header is written
	tally   tally
}

// column is a field in a table.
type column struct {
	field
	title string
	show  func(job, *time.Location) string
	width int
}

// texts are the indexes of the properties of a job that are text of the service.
var texts = func() (indexes []int) {
	for f := range reflect.TypeFor[job]().Fields() {
		if f.Type.Kind() == reflect.String {
			indexes = append(indexes, f.Index[0])
		}
	}
	return indexes
}()

func (p *tablePrinter) print(j job) error {
	properties := reflect.ValueOf(&j).Elem()
	for _, i := range texts {
		s := properties.Field(i)
		s.SetString(human.Clip(s.String(), maxText))
	}
	p.block = append(p.block, j)
	p.tally.add(j)
	if len(p.block) < blockRows {
		return nil
	}
	return p.flush()
}

// flush writes the kept rows, the first ones with a header.
func (p *tablePrinter) flush() error {
	if len(p.block) == 0 {
		return nil
	}
	var b strings.Builder
	if p.columns == nil {
		p.columns = layout(p.fields, p.block, p.zone, p.screen.Width, p.droppable)
		p.writeRow(&b, func(c column) (string, text.Colors) { return c.title, text.Colors{text.Bold} })
	}
	for _, j := range p.block {
		p.writeRow(&b, func(c column) (string, text.Colors) { return c.show(j, p.zone), colorsOf(c.name, j) })
	}
	p.block = p.block[:0]
	_, err := io.WriteString(p.out, b.String())
	return err
}

func (p *tablePrinter) writeRow(b *strings.Builder, cell func(column) (string, text.Colors)) {
	cells := make([]string, len(p.columns))
	for i, c := range p.columns {
		content, colors := cell(c)
		if p.screen.Color && colors != nil {
			content = colors.Sprint(content)
		}
		if text.StringWidthWithoutEscSequences(content) > c.width {
			content = text.Snip(content, c.width, "…")
		}
		align := text.AlignLeft
		if c.kind == kindNumber {
			align = text.AlignRight
		}
		cells[i] = align.Apply(content, c.width)
	}
	b.WriteString(strings.TrimRight(strings.Join(cells, gap), " ") + "\n")
}

// colorsOf returns the colors of a cell. They repeat what its text says.
func colorsOf(name string, j job) text.Colors {
	if name == "failedRecord" && j.FailedRecord > 0 {
		return text.Colors{text.FgRed}
	}
	if name != "status" {
		return nil
	}
	return map[d365backup.JobStatus]text.Colors{
		d365backup.JobStatusFailed:                {text.FgRed},
		d365backup.JobStatusFinishedWithException: {text.FgYellow},
		d365backup.JobStatusInProgress:            {text.FgCyan},
		d365backup.JobStatusFinished:              {text.FgGreen},
	}[j.Status]
}

// layout chooses columns and widths so that these jobs fit into a width, 0 for no limit. First it uses short forms, then it
// leaves columns out if it may, and then it shortens columns.
func layout(fields []field, jobs []job, zone *time.Location, limit int, droppable bool) []column {
	columns := measure(fields, jobs, zone, false)
	if limit <= 0 || total(columns, full) <= limit {
		return columns
	}
	columns = measure(fields, jobs, zone, true)
	for _, name := range dropOrder {
		if !droppable || total(columns, comfortable) <= limit {
			break
		}
		columns = slices.DeleteFunc(columns, func(c column) bool { return c.name == name })
	}
	for total(columns, full) > limit {
		widest := -1
		for i, c := range columns {
			if c.width > c.shortened(0) && (widest < 0 || c.width > columns[widest].width) {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		columns[widest].width--
	}
	return columns
}

// measure returns the columns of these fields, with the widths that they need.
func measure(fields []field, jobs []job, zone *time.Location, brief bool) []column {
	columns := make([]column, len(fields))
	for i, f := range fields {
		c := column{field: f, title: f.header, show: f.cell}
		if brief && f.short != "" {
			c.title = f.short
		}
		if brief && f.brief != nil {
			c.show = f.brief
		}
		c.width = text.StringWidth(c.title)
		for _, j := range jobs {
			c.width = max(c.width, text.StringWidth(c.show(j, zone)))
		}
		columns[i] = c
	}
	return columns
}

// shortened returns the width to which a column can be shortened if it is to keep some width.
func (c column) shortened(keep int) int {
	if c.minWidth == 0 {
		return c.width
	}
	return min(c.width, max(c.minWidth, keep, text.StringWidth(c.title)))
}

// total returns the width of a line with columns that are shortened like this.
func total(columns []column, keep int) int {
	sum := len(gap) * max(len(columns)-1, 0)
	for _, c := range columns {
		sum += c.shortened(keep)
	}
	return sum
}

// close writes the kept rows and a summary.
func (p *tablePrinter) close(what listed) error {
	if err := p.flush(); err != nil {
		return err
	}
	_, err := io.WriteString(p.out, human.Wrap(p.tally.footer(what, p.zone), p.screen.Width))
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
	jobs := human.Plural(t.jobs, "job", "jobs")
	if what.limited {
		jobs = "first " + jobs + " (--limit)"
	}
	line := fmt.Sprintf("%s from %s to %s", jobs, what.start.In(zone).Format(human.MinuteLayout), what.end.In(zone).Format(human.MinuteLayout+" MST"))
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
