package report

import (
	"fmt"
	"html/template"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/go-analyze/charts"
)

// The library rounds to whole units: three to a pixel keep narrow bars in shape.
const (
	chartScale  = 3
	chartWidth  = 400 * chartScale
	chartHeight = 160 * chartScale
)

// paints are the colours that the charts are drawn in and the classes that the drawn shapes get, so that
// the style sheet has the say: in a dark window, on paper. The library never makes up colours of its own
// from these; recolour fails if a release does.
var paints = []paint{
	{charts.ColorRGB(1, 2, 3), "text"},
	{charts.ColorRGB(1, 2, 4), "axis"},
	{charts.ColorRGB(1, 2, 5), "grid"},
	{charts.ColorRGB(1, 2, 6), "good"},
	{charts.ColorRGB(1, 2, 7), "flawed"},
	{charts.ColorRGB(1, 2, 8), "failed"},
	{charts.ColorRGB(1, 2, 9), "strange"},
	{charts.ColorRGB(1, 2, 10), "average"},
	{charts.ColorRGB(1, 2, 11), "longest"},
}

type paint struct {
	color charts.Color
	class string
}

// theme is these colours for a chart whose series have these classes.
func theme(series ...string) charts.ColorPalette {
	of := func(class string) charts.Color {
		for _, p := range paints {
			if p.class == class {
				return p.color
			}
		}
		return charts.ColorTransparent
	}
	option := charts.ThemeOption{
		TextColor:          of("text"),
		AxisStrokeColor:    of("axis"),
		AxisSplitLineColor: of("grid"),
		BackgroundColor:    charts.ColorTransparent,
	}
	for _, class := range series {
		option.SeriesColors = append(option.SeriesColors, of(class))
	}
	return charts.MakeTheme(option)
}

// outcomeChart draws how the backups of each bucket ended, in shares of their number.
func outcomeChart(buckets []bucket, days calendar) (template.HTML, error) {
	shown := []outcome{good, flawed, failed, strange}
	values := make([][]float64, len(shown))
	for i := range buckets {
		ended := buckets[i].ended()
		for row, o := range shown {
			share := charts.GetNullValue()
			if n := buckets[i].outcomes[o]; n > 0 {
				share = float64(n) / float64(ended) * 100
			}
			values[row] = append(values[row], share)
		}
	}
	option := charts.NewBarChartOptionWithData(values)
	option.Theme = theme("good", "flawed", "failed", "strange")
	option.Padding = padding
	option.StackSeries = new(true)
	option.BarSize = 0.8
	option.CategoryAxis = categoryAxis(days)
	option.ValueAxis = valueAxis(100, "%")
	return draw(days, func(p *charts.Painter) error { return p.BarChart(option) })
}

// sizeChart draws the size of the largest backup over time.
func sizeChart(buckets []bucket, days calendar) (template.HTML, error) {
	values := make([]float64, len(buckets))
	for i := range buckets {
		values[i] = float64(buckets[i].largest)
	}
	names := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	divisor, name := 1.0, 0
	for niceCeiling(slices.Max(values)/divisor) >= 1024 && name < len(names)-1 {
		divisor, name = divisor*1024, name+1
	}
	return lineChart([][]float64{scale(values, divisor)}, days, names[name], "good")
}

// durationChart draws the average and the longest duration of backups over time.
func durationChart(buckets []bucket, days calendar) (template.HTML, error) {
	average, longest := make([]float64, len(buckets)), make([]float64, len(buckets))
	for i := range buckets {
		average[i], longest[i] = float64(buckets[i].average()), float64(buckets[i].longest)
	}
	divisor, name := time.Second, "s"
	switch most := time.Duration(slices.Max(longest)); {
	case most >= 72*time.Hour:
		divisor, name = 24*time.Hour, "d"
	case most >= 2*time.Hour:
		divisor, name = time.Hour, "h"
	case most >= 2*time.Minute:
		divisor, name = time.Minute, "min"
	}
	return lineChart([][]float64{scale(longest, float64(divisor)), scale(average, float64(divisor))},
		days, name, "longest", "average")
}

// scale divides the values. A zero says that there is none, and makes a hole in the line.
func scale(values []float64, divisor float64) []float64 {
	scaled := make([]float64, len(values))
	for i, v := range values {
		if scaled[i] = v / divisor; v <= 0 {
			scaled[i] = charts.GetNullValue()
		}
	}
	return scaled
}

// lineChart draws lines, without the buckets that the window cuts: a part of a day has no figure of a day.
func lineChart(values [][]float64, days calendar, unit string, classes ...string) (template.HTML, error) {
	most := 0.0
	from, to := days.whole()
	for _, line := range values {
		for i, v := range line {
			if i < from || i >= to {
				line[i] = charts.GetNullValue()
			} else if v != charts.GetNullValue() {
				most = max(most, v)
			}
		}
	}
	option := charts.NewLineChartOptionWithData(values)
	option.Theme = theme(classes...)
	option.Padding = padding
	option.Symbol = charts.Symbol{Shape: charts.SymbolNone}
	option.LineStrokeWidth = 2 * chartScale
	option.XAxis = categoryAxis(days)
	option.YAxis = valueAxis(niceCeiling(most), unit)
	return draw(days, func(p *charts.Painter) error { return p.LineChart(option) })
}

// niceCeiling returns a round number at or above a value, so that half of it is round, too.
func niceCeiling(value float64) float64 {
	if value <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(value)))
	for _, step := range []float64{1, 1.2, 1.6, 2, 3, 4, 5, 6, 8} {
		if step*power >= value {
			return step * power
		}
	}
	return 10 * power
}

// labelGap makes the library leave room between a label and the axis.
const labelGap = "\u00a0\u00a0"

const axisFontSize = 10 * chartScale // points; the style sheet has the same in pixels

var padding = charts.Box{Top: 10 * chartScale, Right: 16 * chartScale, Bottom: 2 * chartScale, Left: 2 * chartScale, IsSet: true}

// categoryAxis has the room for the labels, which addAxis draws: the library spreads labels evenly and
// not where their buckets are.
func categoryAxis(days calendar) charts.CategoryAxisOption {
	return charts.CategoryAxisOption{
		Labels:         slices.Repeat([]string{" "}, days.count),
		BoundaryGap:    new(true), // a bucket is as wide in every chart
		LabelFontStyle: charts.NewFontStyleWithSize(axisFontSize),
	}
}

// valueAxis goes from 0 to a value and has a label at each end and in the middle.
func valueAxis(most float64, unit string) []charts.ValueAxisOption {
	return []charts.ValueAxisOption{{
		Min:                    new(0.0),
		Max:                    new(most),
		RangeValuePaddingScale: new(0.0),
		LabelCount:             3,
		LabelFontStyle:         charts.NewFontStyleWithSize(axisFontSize),
		ValueFormatter: func(v float64) string {
			return strconv.FormatFloat(math.Round(v*100)/100, 'f', -1, 64) + " " + unit + labelGap
		},
	}}
}

// draw returns what is inside of the SVG element of a chart over time.
func draw(days calendar, chart func(*charts.Painter) error) (template.HTML, error) {
	painter := charts.NewPainter(charts.PainterOptions{
		OutputFormat: charts.ChartOutputSVG,
		Width:        chartWidth,
		Height:       chartHeight,
	})
	if err := chart(painter); err != nil {
		return "", fmt.Errorf("drawing a chart: %w", err)
	}
	svg, err := painter.Bytes()
	if err != nil {
		return "", fmt.Errorf("drawing a chart: %w", err)
	}
	return recolour(string(svg), days)
}
