package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/d365backup/d365backup/health"
	"github.com/d365backup/d365backup/internal/human"
)

// The part of a chart that the bars and the line take, in units of the drawing in the template.
const (
	plotLeft, plotRight = 62.0, 396.0
	plotTop, plotBottom = 8.0, 126.0
	maxTicks            = 5
)

// chart is a drawing of figures over time, as stacked bars or as a line. The template turns it into SVG.
type chart struct {
	ID, Title, Text string
	Keys            []key
	Grid, Ticks     []mark
	Slots           []slot
	Line            string // the data of a path, interrupted where there is no figure
	Dots            []dot  // figures without a neighbor
}

// key explains a color.
type key struct{ Class, Name string }

// mark is a label at a place of an axis.
type mark struct {
	At    float64
	Label string
}

// slot is the place of a bucket, with the words that a pointer shows.
type slot struct {
	X, Width float64
	Title    string
	Bars     []bar
}

type bar struct {
	Class      string
	X, Y, W, H float64
}

type dot struct{ X, Y float64 }

// Charts returns the charts that the row has figures for.
func (row *rowView) Charts() (all []chart) {
	var total health.Day
	for _, b := range row.buckets {
		total = sum(total, b.Day)
	}
	if len(outcomesOf(total)) > 0 {
		all = append(all, row.barChart(total))
	}
	if total.Size > 0 {
		all = append(all, row.lineChart("Largest backup", sizeUnits, func(d health.Day) int64 { return d.Size }, size))
	}
	if total.Longest > 0 {
		all = append(all, row.lineChart("Longest backup", durationUnits, func(d health.Day) int64 { return int64(d.Longest) },
			func(n int64) string { return duration(time.Duration(n)) }))
	}
	for i := range all {
		all[i].ID = row.Anchor + "-chart-" + strconv.Itoa(i+1)
		all[i].Title += ", per " + row.Unit
	}
	return all
}

// outcome is a part of a bar.
type outcome struct {
	key
	count int64
}

// outcomesOf returns how the backups of a day ended, from the bottom of its bar to the top.
func outcomesOf(d health.Day) (outcomes []outcome) {
	for _, o := range []outcome{
		{key{"success", "finished"}, d.Successes}, {key{"exception", "with exception"}, d.Exceptions},
		{key{"failure", "failed"}, d.Failures}, {key{"unknown", "with unknown status"}, d.Unknown},
	} {
		if o.count > 0 {
			outcomes = append(outcomes, o)
		}
	}
	return outcomes
}

// dayWords says how the backups of a day ended.
func dayWords(d health.Day) string {
	var words []string
	for _, o := range outcomesOf(d) {
		words = append(words, human.Count(o.count)+" "+o.Name)
	}
	if d.Running > 0 {
		words = append(words, human.Count(d.Running)+" running")
	}
	if d.RecordsNotBackedUp > 0 {
		words = append(words, human.Plural(d.RecordsNotBackedUp, "record", "records")+" not backed up")
	}
	return strings.Join(words, ", ")
}

// Title says in words what the cell shows.
func (c cell) Title() string {
	if words := dayWords(c.Day); words != "" {
		return c.Span + ": " + words
	}
	return c.Span + ": " + c.Result()
}

func (row *rowView) barChart(total health.Day) chart {
	most := int64(2)
	for _, b := range row.buckets {
		most = max(most, b.Successes+b.Exceptions+b.Failures+b.Unknown)
	}
	ceiling := niceCeiling(float64(most))
	c := row.newChart("Backups by outcome", ceiling, "")
	c.Text = sentence(dayWords(total))
	for _, o := range outcomesOf(total) {
		c.Keys = append(c.Keys, o.key)
	}
	for i, b := range row.buckets {
		s, y := &c.Slots[i], plotBottom
		s.Title = b.Title()
		for _, o := range outcomesOf(b.Day) {
			height := float64(o.count) / ceiling * (plotBottom - plotTop)
			y -= height
			s.Bars = append(s.Bars, bar{o.Class, round(s.X + s.Width*0.1), round(y), round(s.Width * 0.8), round(height)})
		}
	}
	return c
}

func (row *rowView) lineChart(title string, units []chartUnit, figure func(health.Day) int64, words func(int64) string) chart {
	most := int64(0)
	for _, b := range row.buckets {
		most = max(most, figure(b.Day))
	}
	for len(units) > 1 && float64(most) >= units[1].from {
		units = units[1:]
	}
	ceiling := niceCeiling(float64(most) / units[0].size)
	c := row.newChart(title, ceiling, " "+units[0].name)
	isGap := func(i int) bool { return i < 0 || i >= len(row.buckets) || figure(row.buckets[i].Day) <= 0 }
	for i, b := range row.buckets {
		s, n := &c.Slots[i], figure(b.Day)
		s.Title = b.Span + ": " + words(n)
		if isGap(i) {
			continue
		}
		if n == most {
			c.Text = "At most " + words(n) + ", on " + b.Span + "."
		}
		d := dot{round(s.X + s.Width/2), round(plotBottom - float64(n)/units[0].size/ceiling*(plotBottom-plotTop))}
		switch {
		case !isGap(i - 1):
			c.Line += fmt.Sprintf("L%g %g", d.X, d.Y)
		case isGap(i + 1):
			c.Dots = append(c.Dots, d)
		default:
			c.Line += fmt.Sprintf("M%g %g", d.X, d.Y)
		}
	}
	return c
}

// newChart returns a chart with axes, and a slot for each bucket.
func (row *rowView) newChart(title string, ceiling float64, unit string) chart {
	c := chart{Title: title}
	for _, share := range []float64{0, 0.5, 1} {
		label := strconv.FormatFloat(ceiling*share, 'g', 6, 64) + unit
		c.Grid = append(c.Grid, mark{round(plotBottom - share*(plotBottom-plotTop)), label})
	}
	layout := "2 Jan"
	if row.days.count > 360 {
		layout = "Jan 2006"
	}
	width := (plotRight - plotLeft) / float64(len(row.buckets))
	step := daysPer(len(row.buckets), maxTicks)
	if len(row.buckets) <= 2*maxTicks {
		step = (len(row.buckets) + maxTicks - 1) / maxTicks
	}
	for i, b := range row.buckets {
		x := plotLeft + float64(i)*width
		c.Slots = append(c.Slots, slot{X: round(x), Width: round(width)})
		if at := round(x + width/2); i%step == 0 && at < plotRight-10 {
			c.Ticks = append(c.Ticks, mark{at, row.days.date(b.from).Format(layout)})
		}
	}
	return c
}

func round(x float64) float64 { return math.Round(x*10) / 10 }

// niceCeiling returns a round number at or above a positive value, so that half of it is round, too.
func niceCeiling(value float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(value)))
	for _, step := range []float64{1, 1.2, 1.6, 2, 3, 4, 5, 6, 8} {
		if step*power >= value {
			return step * power
		}
	}
	return 10 * power
}

// chartUnit is a unit of an axis, for figures from some size on.
type chartUnit struct {
	size, from float64
	name       string
}

var (
	sizeUnits = []chartUnit{
		{1, 0, "B"}, {1 << 10, 1000, "KiB"}, {1 << 20, 1000 << 10, "MiB"}, {1 << 30, 1000 << 20, "GiB"},
		{1 << 40, 1000 << 30, "TiB"}, {1 << 50, 1000 << 40, "PiB"},
	}
	durationUnits = []chartUnit{
		{float64(time.Second), 0, "s"}, {float64(time.Minute), float64(2 * time.Minute), "min"},
		{float64(time.Hour), float64(2 * time.Hour), "h"}, {float64(24 * time.Hour), float64(72 * time.Hour), "d"},
	}
)
