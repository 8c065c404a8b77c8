package report

import (
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/d365backup/d365backup/health"
)

func berlin(t *testing.T) func(string) time.Time {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return func(s string) time.Time {
		at, err := time.ParseInLocation("2006-01-02 15:04", s, zone)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
}

func TestCalendar(t *testing.T) {
	at := berlin(t)
	for name, test := range map[string]struct {
		start, end  string
		count       int
		first, last string
		partial     bool
	}{
		"one minute":           {"2026-11-23 10:00", "2026-11-23 10:01", 1, "2026-11-23", "2026-11-23", true},
		"a whole day":          {"2026-11-23 00:00", "2026-11-24 00:00", 1, "2026-11-23", "2026-11-23", false},
		"until morning":        {"2026-11-20 06:30", "2026-11-23 06:30", 4, "2026-11-20", "2026-11-23", true},
		"clocks forward, 23 h": {"2026-03-28 00:00", "2026-03-31 00:00", 3, "2026-03-28", "2026-03-30", false},
		"clocks back, 25 h":    {"2026-10-24 00:00", "2026-10-27 00:00", 3, "2026-10-24", "2026-10-26", false},
		"backward":             {"2026-10-27 00:00", "2026-10-24 00:00", 1, "2026-10-23", "2026-10-23", false},
		"before 1970":          {"1969-12-30 12:00", "1970-01-02 00:00", 3, "1969-12-30", "1970-01-01", false},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCalendar(at(test.start), at(test.end), at(test.start).Location())
			if c.count != test.count || c.First() != test.first || c.Last() != test.last || c.partial != test.partial {
				t.Errorf("%d days from %s to %s, partial %t", c.count, c.First(), c.Last(), c.partial)
			}
		})
	}
}

func TestCells(t *testing.T) {
	at := berlin(t)
	zone := at("2026-11-23 00:00").Location()
	day := func(date string, d health.Day) health.Day {
		d.Date = at(date + " 00:00")
		return d
	}
	m := health.Module{
		FirstSeen: at("2026-10-24 00:30"),
		Days: []health.Day{
			day("2026-10-24", health.Day{Successes: 2}), day("2026-10-25", health.Day{Successes: 1, Exceptions: 1}),
			day("2026-10-26", health.Day{Running: 1}), day("2026-10-27", health.Day{Running: 1, Unknown: 1}),
			day("2026-10-29", health.Day{Failures: 1, Exceptions: 1}), day("2026-10-30", health.Day{Failures: 1}),
			day("2026-12-31", health.Day{Failures: 1}), // after the window
		},
	}
	row := rowView{days: newCalendar(at("2026-10-22 12:00"), at("2026-10-31 12:00"), zone)}
	row.cells = row.days.cells(&m)
	if got, want := row.Marks(), "2026-10                        #+~x.!x-"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	var marks strings.Builder
	for _, c := range group(row.cells, 7) {
		marks.WriteString(kinds[c.Kind].Mark + c.Span + ";")
	}
	if got, want := marks.String(), "#Thu 2026-10-22 to Sat 2026-10-24;.Sun 2026-10-25 to Sat 2026-10-31;"; got != want {
		t.Errorf("groups: got %q, want %q", got, want)
	}
}

// TestStripsHaveEveryDay: each day has one cell, at a place of its own within the drawing, whatever the length of the window.
func TestStripsHaveEveryDay(t *testing.T) {
	for _, length := range []int{1, 7, 31, 62, 63, 90, 365, 366, 367, 800, 3650} {
		for shift := range 8 {
			end := now.AddDate(0, 0, shift)
			row := rowView{days: newCalendar(end.AddDate(0, 0, 1-length), end, time.UTC)}
			row.cells = row.days.cells(&health.Module{})
			days := 0
			for n, s := range row.Strips() {
				type place struct{ strip, x, y int }
				seen := map[place]bool{}
				for _, c := range s.Cells {
					seen[place{n, c.X, c.Y}] = true
					if c.X < 0 || c.Y < 0 || c.X+cellSize > s.Width || c.Y+cellSize > s.Height {
						t.Fatalf("%d days: a cell at %d, %d is outside of %d, %d", length, c.X, c.Y, s.Width, s.Height)
					}
				}
				if len(seen) != len(s.Cells) {
					t.Errorf("%d days: %d cells at %d places", length, len(s.Cells), len(seen))
				}
				days += len(s.Cells)
			}
			if days != length || length <= 366 && len(row.Strips()) != 1 {
				t.Errorf("%d days: %d cells in %d strips", length, days, len(row.Strips()))
			}
		}
	}
}

// chartRow returns a completed row.
func chartRow(history string) *rowView {
	s := summary(len(history)-1, organization("A", "id", module("", health.OK, "is fine", history)))
	return contoso(s).view().Tenants[0].Rows[0]
}

// TestBars: the parts of a bar stand on each other, as high as there are backups, and no bar leaves the drawing.
func TestBars(t *testing.T) {
	row := chartRow("##!x+.~#")
	c := row.Charts()[0]
	one := (plotBottom - plotTop) / 2
	for i, want := range [][]string{{"success"}, {"success"}, {"exception"}, {"failure"}, {"success", "failure"}, nil, nil, {"success"}} {
		y, bars := plotBottom, c.Slots[i].Bars
		if len(bars) != len(want) {
			t.Errorf("day %d has %v, want %v", i, bars, want)
			continue
		}
		for j, b := range bars {
			y -= one
			if b.Class != want[j] || math.Abs(b.Y-y) > 0.1 || math.Abs(b.H-one) > 0.1 || b.X < c.Slots[i].X || b.X+b.W > c.Slots[i].X+c.Slots[i].Width {
				t.Errorf("day %d has %+v, want %s at %v", i, b, want[j], y)
			}
		}
	}
	if got, want := c.Slots[4].Title, "Fri 2026-11-20: 1 finished, 1 failed"; got != want {
		t.Errorf("the title is %q, want %q", got, want)
	}
	if got, want := c.Text, "4 finished, 1 with exception, 2 failed, 1 running, 1,003 records not backed up."; got != want {
		t.Errorf("the text is %q, want %q", got, want)
	}
}

// TestLine: a line is interrupted where there is no figure, and a lone figure is a dot.
func TestLine(t *testing.T) {
	charts := chartRow("##.#.###x#").Charts()
	if len(charts) != 3 || charts[1].Title != "Largest backup, per day" || charts[2].Title != "Longest backup, per day" {
		t.Fatalf("the charts are %+v", charts)
	}
	for _, c := range charts[1:] {
		if got := regexp.MustCompile(`[^ML]`).ReplaceAllString(c.Line, ""); got != "MLMLL" {
			t.Errorf("%s: the line is %q", c.Title, c.Line)
		}
		if len(c.Dots) != 2 || c.Dots[0].X != round(c.Slots[3].X+c.Slots[3].Width/2) {
			t.Errorf("%s: the dots are %v", c.Title, c.Dots)
		}
	}
	if got, want := charts[1].Text, "At most 909.0 MiB, on Mon 2026-11-23."; got != want {
		t.Errorf("the text is %q, want %q", got, want)
	}
}

// TestTicks: under each label is the day that it names, and the labels are few enough to stand side by side.
func TestTicks(t *testing.T) {
	for _, length := range []int{1, 2, 5, 8, 11, 14, 29, 31, 62, 63, 90, 365, 430, 1000, 9000} {
		row := chartRow(strings.Repeat("#", length))
		c := row.Charts()[0]
		if len(c.Slots) > maxBuckets || len(c.Ticks) == 0 || len(c.Ticks) > maxTicks {
			t.Errorf("%d days: %d bars, %d labels", length, len(c.Slots), len(c.Ticks))
		}
		for _, tick := range c.Ticks {
			found := false
			for i, s := range c.Slots {
				if tick.At >= s.X && tick.At <= s.X+s.Width+0.1 {
					date := row.days.date(row.buckets[i].from)
					found = found || tick.Label == date.Format("2 Jan") || tick.Label == date.Format("Jan 2006")
				}
			}
			if !found {
				t.Errorf("%d days: no bar for %+v", length, tick)
			}
		}
	}
}

func TestNiceCeiling(t *testing.T) {
	for value, want := range map[float64]float64{1: 1, 1.1: 1.2, 2: 2, 7: 8, 9: 10, 0.03: 0.03, 950: 1000, 1e18: 1e18} {
		if got := niceCeiling(value); math.Abs(got-want) > want*1e-9 {
			t.Errorf("%v: got %v, want %v", value, got, want)
		}
	}
}
