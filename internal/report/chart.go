package report

import (
	"encoding/xml"
	"errors"
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
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
			if ended > 0 {
				share = float64(buckets[i].outcomes[o]) / float64(ended) * 100
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
	return draw(func(p *charts.Painter) error { return p.BarChart(option) })
}

// sizeChart draws the size of the largest backup over time.
func sizeChart(buckets []bucket, days calendar) (template.HTML, error) {
	values := make([]float64, len(buckets))
	for i := range buckets {
		values[i] = float64(buckets[i].largest)
	}
	names := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	divisor, name := 1.0, 0
	for slices.Max(values)/divisor >= 1024 && name < len(names)-1 {
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
	return draw(func(p *charts.Painter) error { return p.LineChart(option) })
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

// labelGap keeps a label off its line.
const labelGap = "\u00a0\u00a0"

const axisFontSize = 8.5 * chartScale // points

var padding = charts.Box{Top: 8 * chartScale, Right: 16 * chartScale, Bottom: 2 * chartScale, Left: 2 * chartScale, IsSet: true}

func categoryAxis(days calendar) charts.CategoryAxisOption {
	ticks := make([]string, days.count)
	for i := range ticks {
		ticks[i] = days.tick(i)
	}
	return charts.CategoryAxisOption{
		Labels:         ticks,
		LabelCount:     min(len(ticks), 4),
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

// draw returns what is inside of the SVG element of a chart.
func draw(chart func(*charts.Painter) error) (template.HTML, error) {
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
	return recolour(string(svg))
}

// recolour takes the shapes out of an SVG of the chart library and writes them anew with classes in the
// place of styles: nothing else of the library's output gets into a report. Shapes of one class that
// follow each other become one, which makes the charts a third of their size.
func recolour(svg string) (template.HTML, error) {
	var out strings.Builder
	var path struct{ class, d string }
	flush := func() {
		if path.d != "" {
			fmt.Fprintf(&out, "<path class=\"%s\" d=\"%s\"/>\n", path.class, path.d)
		}
		path.class, path.d = "", ""
	}
	decoder := xml.NewDecoder(strings.NewReader(svg))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			flush()
			return template.HTML(out.String()), nil //nolint:gosec // Only the elements below, escaped.
		} else if err != nil {
			return "", fmt.Errorf("reading a chart: %w", err)
		}
		start, ok := token.(xml.StartElement)
		if !ok || start.Name.Local == "svg" {
			continue
		}
		shape, err := readShape(decoder, start)
		if err != nil {
			return "", err
		}
		switch {
		case shape.class == "": // transparent
		case shape.name == "path":
			if shape.class != path.class {
				flush()
			}
			path.class, path.d = shape.class, path.d+shape.d
		case shape.name == "circle":
			flush()
			fmt.Fprintf(&out, "<circle class=\"%s\" cx=\"%s\" cy=\"%s\" r=\"%s\"/>\n", shape.class, shape.x, shape.y, shape.r)
		case shape.name == "text":
			flush()
			fmt.Fprintf(&out, "<text class=\"%s\" x=\"%s\" y=\"%s\">%s</text>\n", shape.class, shape.x, shape.y, shape.text)
		}
	}
}

// shape is an element of a chart. All of it is escaped.
type shape struct{ name, class, d, x, y, r, text string }

// compactPath shortens the data of a path.
var compactPath = strings.NewReplacer("\n", "", "M ", "M", "L ", "L")

func readShape(decoder *xml.Decoder, start xml.StartElement) (shape, error) {
	var element struct {
		Style string `xml:"style,attr"`
		D     string `xml:"d,attr"`
		X     string `xml:"x,attr"`
		Y     string `xml:"y,attr"`
		CX    string `xml:"cx,attr"`
		CY    string `xml:"cy,attr"`
		R     string `xml:"r,attr"`
		Text  string `xml:",chardata"`
	}
	if err := decoder.DecodeElement(&element, &start); err != nil {
		return shape{}, fmt.Errorf("reading a chart: %w", err)
	}
	class, err := classOf(element.Style)
	if err != nil {
		return shape{}, err
	}
	escape := template.HTMLEscapeString
	s := shape{
		name:  start.Name.Local,
		class: class,
		d:     escape(compactPath.Replace(element.D)),
		x:     escape(element.X + element.CX),
		y:     escape(element.Y + element.CY),
		r:     escape(element.R),
		text:  escape(element.Text),
	}
	if !slices.Contains([]string{"path", "circle", "text"}, s.name) {
		return shape{}, fmt.Errorf("a chart has an element <%s>, which reports do not know", s.name)
	}
	return s, nil
}

// classOf returns the classes for a style; none for something that does not show.
func classOf(style string) (string, error) {
	var classes []string
	for declaration := range strings.SplitSeq(style, ";") {
		property, value, _ := strings.Cut(declaration, ":")
		if property != "fill" && property != "stroke" || value == "none" {
			continue
		}
		i := slices.IndexFunc(paints, func(p paint) bool { return p.color.String() == value })
		if i < 0 {
			return "", fmt.Errorf("a chart has the colour %q, which reports do not know", value)
		}
		classes = append(classes, property+"-"+paints[i].class)
	}
	return strings.Join(classes, " "), nil
}
