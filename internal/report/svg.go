package report

import (
	"encoding/xml"
	"errors"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
)

// recolour takes the shapes out of an SVG of the chart library and writes them anew with classes in the
// place of styles: nothing else of the library's output gets into a report. Shapes of one class that
// follow each other become one, which makes the charts a third of their size.
func recolour(svg string, days calendar) (template.HTML, error) {
	shapes, err := readShapes(svg)
	if err != nil {
		return "", err
	}
	base, err := baseLine(shapes)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	var path struct{ class, d string }
	flush := func() {
		if path.d != "" {
			fmt.Fprintf(&out, "<path class=\"%s\" d=\"%s\"/>\n", path.class, path.d)
		}
		path.class, path.d = "", ""
	}
	for _, s := range shapes {
		switch {
		case s.class == "stroke-axis": // addAxis draws it
		case s.name == "path":
			if s.class != path.class {
				flush()
			}
			path.class, path.d = s.class, path.d+s.d
		case s.name == "circle":
			flush()
			fmt.Fprintf(&out, "<circle class=\"%s\" cx=\"%s\" cy=\"%s\" r=\"%s\"/>\n", s.class, s.x, s.y, s.r)
		case strings.TrimSpace(s.text) != "":
			flush()
			label(&out, "value", base.left-4*chartScale, s.y, s.text)
		}
	}
	flush()
	addAxis(&out, base, days)
	return template.HTML(out.String()), nil //nolint:gosec // Only the elements above, escaped.
}

// label writes a text. Its class says which end of it is at x, since fonts differ in width.
func label(out *strings.Builder, class string, x int, y, text string) {
	fmt.Fprintf(out, "<text class=\"%s\" x=\"%d\" y=\"%s\">%s</text>\n", class, x, y, strings.Trim(text, " \u00a0"))
}

// line is the axis that the buckets stand on.
type line struct{ left, right, y int }

// baseLine finds the axis: the library draws it first, and then its ticks.
func baseLine(shapes []shape) (line, error) {
	for _, s := range shapes {
		var l line
		var end int
		if s.class != "stroke-axis" {
			continue
		}
		if _, err := fmt.Sscanf(s.d, "M%d %dL%d %d", &l.left, &l.y, &l.right, &end); err == nil && end == l.y && l.right > l.left {
			return l, nil
		}
	}
	return line{}, errors.New("a chart has no axis of the form that reports know")
}

// labelRoom is the room for half a label of a bucket.
const labelRoom = 30 * chartScale

// addAxis draws the axis and under the middle of some buckets a tick and the bucket's name.
func addAxis(out *strings.Builder, base line, days calendar) {
	var labels strings.Builder
	fmt.Fprintf(out, "<path class=\"stroke-axis\" d=\"M%d %dL%d %d", base.left, base.y, base.right, base.y)
	for i := 0; i < days.count; i += days.step() {
		middle := base.left + (base.right-base.left)*(2*i+1)/(2*days.count)
		fmt.Fprintf(out, "M%d %dL%d %d", middle, base.y, middle, base.y+2*chartScale)
		class, x := "middle", middle
		if middle < base.left+labelRoom {
			class, x = "start", base.left
		} else if middle > chartWidth-labelRoom {
			class, x = "end", chartWidth
		}
		label(&labels, class, x, fmt.Sprint(chartHeight-2*chartScale), days.tick(i))
	}
	fmt.Fprintf(out, "\"/>\n%s", labels.String())
}

// readShapes returns the shapes that show.
func readShapes(svg string) ([]shape, error) {
	var shapes []shape
	decoder := xml.NewDecoder(strings.NewReader(svg))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return shapes, nil
		} else if err != nil {
			return nil, fmt.Errorf("reading a chart: %w", err)
		}
		start, ok := token.(xml.StartElement)
		if !ok || start.Name.Local == "svg" {
			continue
		}
		s, err := readShape(decoder, start)
		if err != nil {
			return nil, err
		}
		if s.class != "" {
			shapes = append(shapes, s)
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
