package cmdutil

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"time"

	"github.com/spf13/cobra"
)

// TimeRange is which time range a command looks at, and in which zone it shows times.
type TimeRange struct {
	// UTC says to read and show times in UTC, not in the local zone.
	UTC bool
	// Default is the span where none is asked for; zero is a day, with the last night in it.
	Default Span

	since      Span
	start, end string
	changed    func(flag string) bool
}

// AddFlags gives the command the flags of the time range.
func (r *TimeRange) AddFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	r.since = cmp.Or(r.Default, Span(24*time.Hour))
	r.changed = flags.Changed
	flags.Var(&r.since, "since", "jobs of the last `span`, such as 90m, 24h or 7d")
	flags.StringVar(&r.start, "start", "", "jobs from this `time` on: a date (its 00:00), \"2026-11-01 15:04\" or RFC 3339")
	flags.StringVar(&r.end, "end", "", "jobs up to this `time`, written like --start; needs --start (default now)")
	flags.BoolVar(&r.UTC, "utc", false, "read and show times in UTC, not in the local zone")
	for _, name := range []string{"since", "start", "end"} {
		complete(cmd, name)
	}
}

// Zone returns the zone that times are read and shown in.
func (r *TimeRange) Zone() *time.Location {
	if r.UTC {
		return time.UTC
	}
	return time.Local
}

// Resolve returns the range. The end is now where none was asked for.
func (r *TimeRange) Resolve(now time.Time) (start, end time.Time, err error) {
	if r.start == "" {
		switch {
		case r.changed("start"):
			return start, end, Usagef("--start is empty: write it like 2026-11-01, \"2026-11-01 15:04\" or 2026-11-01T15:04:00Z")
		case r.changed("end"):
			return start, end, Usagef("--end is given and the start time is missing: give --start, too")
		}
		start = now.Add(-time.Duration(r.since))
		if start.Year() < 1 {
			return start, end, Usagef("--since %s reaches back before the year 1", r.since.String())
		}
		return start, now, nil
	}
	if r.changed("since") {
		return start, end, Usagef("--since and --start are both given: choose one")
	}
	if start, err = r.parse("start", r.start); err != nil {
		return start, end, err
	}
	end = now
	if r.changed("end") {
		if end, err = r.parse("end", r.end); err != nil {
			return start, end, err
		}
	}
	if !start.Before(end) {
		until := "--end " + end.Format(time.RFC3339)
		if !r.changed("end") {
			until = "the present, " + end.In(r.Zone()).Format(time.RFC3339)
		}
		return start, end, Usagef("--start %s is not before %s: choose an earlier start or a later end", start.Format(time.RFC3339), until)
	}
	return start, end, nil
}

// Ends reports whether an end was asked for.
func (r *TimeRange) Ends() bool { return r.changed("end") }

func (r *TimeRange) parse(flag, text string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	for _, layout := range []string{time.DateOnly, "2006-01-02 15:04", time.DateTime, "2006-01-02T15:04", "2006-01-02T15:04:05"} {
		if wall, err := time.Parse(layout, text); err == nil {
			return instant(wall, r.Zone(), flag == "end"), nil
		}
	}
	return time.Time{}, Usagef("--%s %q is no time: write it like 2026-11-01, \"2026-11-01 15:04\" or 2026-11-01T15:04:00Z", flag, text)
}

// Span is a length of time as a flag: Go's notation, with days and weeks added, such as 1d12h. A day
// has 24 hours.
type Span time.Duration

var spanParts = regexp.MustCompile(`^(?:(\d{1,9})w)?(?:(\d{1,9})d)?(.*)$`)

// Set reads the notation.
func (s *Span) Set(text string) error {
	parts := spanParts.FindStringSubmatch(text)
	if parts == nil || text == "" {
		return errSpan
	}
	weeks, _ := strconv.Atoi("0" + parts[1])
	days, _ := strconv.Atoi("0" + parts[2])
	var rest time.Duration
	if parts[3] != "" {
		var err error
		if rest, err = time.ParseDuration(parts[3]); err != nil {
			return errSpan
		}
	}
	total := (float64(weeks)*7+float64(days))*24*float64(time.Hour) + float64(rest)
	if total <= 0 || rest < 0 || total >= math.MaxInt64 {
		return errSpan
	}
	*s = Span(time.Duration(7*weeks+days)*24*time.Hour + rest)
	return nil
}

var errSpan = errors.New("write a time such as 90m, 24h, 7d or 1d12h, more than 0")

// String returns the notation that Set reads.
func (s *Span) String() string {
	d := time.Duration(*s)
	if d > 0 && d%(24*time.Hour) == 0 && d != 24*time.Hour {
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	}
	if d > 0 && d%time.Hour == 0 {
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	if d > 0 && d%time.Minute == 0 {
		return fmt.Sprintf("%dm", d/time.Minute)
	}
	return d.String()
}

// Type is what help calls the value.
func (s *Span) Type() string { return "time" }
