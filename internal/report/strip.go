package report

import (
	"strings"

	"github.com/d365backup/d365backup/internal/human"
)

// strip is a drawing of the days of a row: a line of cells, or a week per column if the days are many.
type strip struct {
	Width, Height int
	First, Last   string
	Cells         []stripCell
	Months        []mark // in percent of the width
}

type stripCell struct {
	Shape, Title string
	X, Y         int
}

const (
	cellSize = 12 // with the space around it
	maxWeeks = 54 // that a year can touch
)

// Weekly reports whether strips have a week per column.
func (c calendar) Weekly() bool { return c.count > maxBuckets }

// monday returns the number of the Monday on or before the first day.
func (c calendar) monday() int { return c.first - ((c.first+3)%7+7)%7 } // 1 January 1970 was a Thursday

// columns returns how many columns a strip has.
func (c calendar) columns() int {
	if !c.Weekly() {
		return c.count
	}
	return min((c.first+c.count-1-c.monday())/7+1, maxWeeks)
}

// StripWidth returns the largest width of a strip in pixels.
func (c calendar) StripWidth() int {
	if c.Weekly() {
		return c.columns() * cellSize
	}
	return c.columns() * 2 * cellSize
}

// Strips draws the days of a row. Those of more than a year are divided.
func (row *rowView) Strips() (all []strip) {
	columns, monday := row.days.columns(), row.days.monday()
	for i, c := range row.cells {
		x, y, height := i, 0, 1
		if row.days.Weekly() {
			day := row.days.first + i - monday
			x, y, height = day/7%maxWeeks, day%7, 7
		}
		if i == 0 || x == 0 && y == 0 {
			all = append(all, strip{Width: columns * cellSize, Height: height * cellSize, First: row.days.dateText(i)})
		}
		s := &all[len(all)-1]
		s.Cells = append(s.Cells, stripCell{kinds[c.Kind].ID, c.Title(), x * cellSize, y * cellSize})
		s.Last = row.days.dateText(i)
		if date := row.days.date(i); date.Day() == 1 && x <= columns-3 { // there is room for the name
			s.Months = append(s.Months, mark{round(float64(x) / float64(columns) * 100), date.Format("Jan")})
		}
	}
	return all
}

// StripWords says what the strip shows, for those who do not see it.
func (row *rowView) StripWords() string {
	var counts [len(kinds)]int64
	for _, c := range row.cells {
		counts[c.Kind]++
	}
	var words []string
	for k, n := range counts {
		if n > 0 {
			words = append(words, kinds[k].Words+": "+human.Plural(n, "day", "days"))
		}
	}
	return "Days of " + row.Label + ". " + strings.Join(words, "; ") + "."
}
