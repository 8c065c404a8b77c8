package report

import (
	"slices"
	"time"

	"github.com/d365backup/d365backup/health"
	"github.com/d365backup/d365backup/internal/human"
)

const (
	maxBuckets = 62        // bars of a chart, and rows of a table of figures
	maxDays    = 100 * 366 // of a window
)

// calendar is the local days of a window. It counts dates and not hours: a day on which the clocks change is one day.
type calendar struct {
	zone    *time.Location
	first   int // number of the first day
	count   int
	partial bool // the last day is not over
}

func newCalendar(start, end time.Time, zone *time.Location) calendar {
	last := dayNumber(end.Add(-1), zone)
	count := min(max(last-dayNumber(start, zone)+1, 1), maxDays)
	return calendar{zone, last + 1 - count, count, dayNumber(end, zone) == last}
}

// dayNumber counts dates; 1 January 1970 is 0.
func dayNumber(t time.Time, zone *time.Location) int {
	y, m, d := t.In(zone).Date()
	return int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / (24 * 60 * 60))
}

// date returns the date of a day of the window, as midnight UTC.
func (c calendar) date(i int) time.Time { return time.Unix(0, 0).UTC().AddDate(0, 0, c.first+i) }

func (c calendar) dateText(i int) string { return c.date(i).Format(time.DateOnly) }

// First and Last are the first and the last day.
func (c calendar) First() string { return c.dateText(0) }
func (c calendar) Last() string  { return c.dateText(c.count - 1) }

// kind is how the backups of a day ended. A greater one is worse.
type kind int

const (
	before    kind = iota // the module was not seen yet
	pending               // the day is not over, and has no backup so far
	success               // all succeeded
	mixed                 // one succeeded, another did not
	running               // no backup has ended
	exception             // the best one finished with an exception
	failure               // the best one failed, or has an unknown status
	nothing               // no backup
)

// kinds are how a text shows a kind, the id of its shape, and its words.
var kinds = [...]struct{ Mark, ID, Words string }{
	before:    {" ", "before", "not seen yet"},
	pending:   {"-", "pending", "no backup yet"},
	success:   {"#", "success", "success"},
	mixed:     {"+", "mixed", "success and a problem"},
	running:   {"~", "running", "running"},
	exception: {"!", "exception", "exception"},
	failure:   {"x", "failure", "failure"},
	nothing:   {".", "none", "no backup"},
}

func kindOf(d health.Day) kind {
	switch problems := d.Exceptions + d.Failures + d.Unknown; {
	case d.Successes > 0 && problems > 0:
		return mixed
	case d.Successes > 0:
		return success
	case d.Exceptions > 0:
		return exception
	case problems > 0:
		return failure
	case d.Running > 0:
		return running
	default:
		return nothing
	}
}

// cell is a day, or several that are shown as one.
type cell struct {
	health.Day
	Kind     kind   // the worst of the days
	Span     string // what the days are called
	from, to int    // the first and the last day
}

// Result says in words what the cell shows.
func (c cell) Result() string { return kinds[c.Kind].Words }

// cells returns the days of a module.
func (c calendar) cells(m *health.Module) []cell {
	cells := make([]cell, c.count)
	for i := range cells {
		cells[i] = cell{Kind: nothing, Span: c.date(i).Format("Mon 2006-01-02"), from: i, to: i}
		if !m.FirstSeen.IsZero() && c.first+i < dayNumber(m.FirstSeen, c.zone) {
			cells[i].Kind = before
		} else if i == c.count-1 && c.partial {
			cells[i].Kind = pending
		}
	}
	for _, d := range m.Days {
		if i := dayNumber(d.Date, c.zone) - c.first; i >= 0 && i < c.count {
			cells[i].Kind, cells[i].Day = kindOf(d), d
		}
	}
	return cells
}

// daysPer returns how many days must be shown as one, if there is room for so many: one, or whole weeks.
func daysPer(days, room int) int {
	if days <= room {
		return 1
	}
	return (days + 7*room - 1) / (7 * room) * 7
}

// group joins each run of so many cells. The last group is whole.
func group(cells []cell, size int) []cell {
	if size == 1 {
		return cells
	}
	var groups []cell
	for end := len(cells); end > 0; end -= size {
		one := cells[max(end-size, 0)]
		for _, c := range cells[one.from+1 : end] {
			one.Kind, one.to, one.Day = max(one.Kind, c.Kind), c.to, sum(one.Day, c.Day)
		}
		one.Span += " to " + cells[one.to].Span
		groups = append(groups, one)
	}
	slices.Reverse(groups)
	return groups
}

// sum returns the figures of two days; of size and duration the larger one.
func sum(a, b health.Day) health.Day {
	return health.Day{
		Successes: a.Successes + b.Successes, Exceptions: a.Exceptions + b.Exceptions, Failures: a.Failures + b.Failures,
		Running: a.Running + b.Running, Unknown: a.Unknown + b.Unknown,
		RecordsNotBackedUp: human.SaturatingAdd(a.RecordsNotBackedUp, b.RecordsNotBackedUp),
		Size:               max(a.Size, b.Size), Longest: max(a.Longest, b.Longest),
	}
}
