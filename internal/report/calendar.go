package report

import "time"

// maxBuckets is how many bars a chart bears.
const maxBuckets = 62

// unit is how long a bucket of the calendar is.
type unit int

const (
	day unit = iota
	week
	month
	year
)

func (u unit) String() string { return [...]string{"day", "week", "month", "year"}[u] }

// calendar divides a window into days of a zone or, where those would be too many, into weeks that
// begin on Monday, months or years. It counts dates and not hours: a day over which the clocks change
// is one day.
type calendar struct {
	unit  unit
	zone  *time.Location
	first int // bucket number of the window's start, counted from 1970
	count int
	// cutFirst and cutLast say that the window has only a part of its first or last bucket.
	cutFirst, cutLast bool
}

// newCalendar divides the time from start to before end.
func newCalendar(start, end time.Time, zone *time.Location) calendar {
	for u := day; ; u++ {
		c := calendar{unit: u, zone: zone}
		c.first = c.number(start)
		c.count = c.number(end.Add(-1)) - c.first + 1
		if c.count <= maxBuckets || u == year {
			c.cutFirst = c.number(start.Add(-1)) == c.number(start)
			c.cutLast = c.number(end) == c.number(end.Add(-1))
			return c
		}
	}
}

// whole returns from which to before which bucket they are whole. Where that would leave next to nothing,
// it is all of them.
func (c calendar) whole() (from, to int) {
	from, to = 0, c.count
	if c.cutFirst {
		from++
	}
	if c.cutLast {
		to--
	}
	if to-from < 2 {
		return 0, c.count
	}
	return from, to
}

// index returns in which bucket a time is; the first one is 0.
func (c calendar) index(t time.Time) int { return c.number(t) - c.first }

func (c calendar) number(t time.Time) int {
	y, m, d := t.In(c.zone).Date()
	switch c.unit {
	case day:
		return dayNumber(y, m, d)
	case week:
		return (dayNumber(y, m, d) - monday) / 7
	case month:
		return y*12 + int(m) - 1
	default:
		return y
	}
}

// monday is the number of a Monday so long ago that weeks since then are never negative.
const monday = -3 - 7*150_000

// dayNumber counts dates; 1 January 1970, a Thursday, is 0.
func dayNumber(y int, m time.Month, d int) int {
	return int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / (24 * 60 * 60))
}

// date returns the date on which a bucket begins, as midnight UTC.
func (c calendar) date(i int) time.Time {
	n := c.first + i
	switch c.unit {
	case day:
		return time.Unix(0, 0).UTC().AddDate(0, 0, n)
	case week:
		return time.Unix(0, 0).UTC().AddDate(0, 0, n*7+monday)
	case month:
		return time.Date(n/12, time.Month(n%12+1), 1, 0, 0, 0, 0, time.UTC)
	default:
		return time.Date(n, 1, 1, 0, 0, 0, 0, time.UTC)
	}
}

// name returns how tables call a bucket.
func (c calendar) name(i int) string {
	return c.date(i).Format([...]string{"Mon 2006-01-02", "2006-01-02", "2006-01", "2006"}[c.unit])
}

// tick returns how the axis of a chart calls a bucket.
func (c calendar) tick(i int) string {
	layout := [...]string{"2 Jan", "2 Jan", "Jan 2006", "2006"}[c.unit]
	if c.unit == week && c.step() == third {
		layout = "Jan 2006" // a date without a year would come twice
	}
	return c.date(i).Format(layout)
}

const (
	maxTicks = 5  // names that the axis of a chart bears, one less where they have a year
	third    = 17 // weeks: of a year
)

// step returns from how many buckets on the axis names one: weeks of days, months of weeks and so on.
func (c calendar) step() int {
	most := maxTicks
	if c.unit == month {
		most--
	}
	for _, step := range [...][]int{{1, 2, 3, 7}, {1, 2, 4, 8}, {1, 2, 3, 6, 12}, {1, 2, 5, 10}}[c.unit] {
		if (c.count-1)/step < most {
			return step
		}
	}
	return [...]int{14, third, 24, 25}[c.unit]
}
