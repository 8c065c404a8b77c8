package cmdutil

import (
	"cmp"
	"time"

	"github.com/spf13/cobra"

	"github.com/d365backup/d365backup/internal/duration"
	"github.com/d365backup/d365backup/internal/human"
)

// TimeRange holds the flags of a time range, and of the zone in which times are read and shown.
type TimeRange struct {
	// UTC selects UTC instead of the local zone.
	UTC bool
	// Default is the default of --since. Empty: 24h, which includes the last night.
	Default string

	since      time.Duration
	start, end string
	changed    func(flag string) bool
}

// AddFlags adds the flags.
func (r *TimeRange) AddFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	r.changed = flags.Changed
	flags.Var(NewDuration(cmp.Or(r.Default, "24h"), &r.since), "since", "jobs from the last `duration`, such as 90m, 24h or 7d")
	flags.StringVar(&r.start, "start", "", "jobs from this `time`: a date (at 00:00), \"2026-11-01 15:04\" or RFC 3339")
	flags.StringVar(&r.end, "end", "", "jobs until this `time`, in the form of --start; requires --start (default now)")
	flags.BoolVar(&r.UTC, "utc", false, "read and show times in UTC instead of the local zone")
	for _, name := range []string{"since", "start", "end"} {
		Complete(cmd, name)
	}
}

// Zone returns the zone in which times are read and shown.
func (r *TimeRange) Zone() *time.Location {
	if r.UTC {
		return time.UTC
	}
	return time.Local
}

// HasEnd reports whether --end is set.
func (r *TimeRange) HasEnd() bool { return r.changed("end") }

// Resolve returns the range. Its end is now unless --end is set.
func (r *TimeRange) Resolve(now time.Time) (start, end time.Time, err error) {
	if r.start == "" {
		switch start = now.Add(-r.since); {
		case r.changed("start"):
			return start, end, Usagef("--start is empty: write it like 2026-11-01, \"2026-11-01 15:04\" or 2026-11-01T15:04:00Z")
		case r.changed("end"):
			return start, end, Usagef("--end requires a start time: set --start, too")
		case start.Year() < 1:
			return start, end, Usagef("--since goes back before the year 1: use a shorter time")
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
	until := "now, " + end.In(r.Zone()).Format(time.RFC3339)
	if r.changed("end") {
		if end, err = r.parse("end", r.end); err != nil {
			return start, end, err
		}
		until = "--end " + end.Format(time.RFC3339)
	}
	if !start.Before(end) {
		return start, end, Usagef("--start %s is not before %s: choose an earlier start or a later end", start.Format(time.RFC3339), until)
	}
	return start, end, nil
}

func (r *TimeRange) parse(flag, text string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	for _, layout := range []string{time.DateOnly, human.MinuteLayout, time.DateTime, "2006-01-02T15:04", "2006-01-02T15:04:05"} {
		if wall, err := time.Parse(layout, text); err == nil {
			return instant(wall, r.Zone(), flag == "end"), nil
		}
	}
	return time.Time{}, Usagef("--%s: invalid time %q: write it like 2026-11-01, \"2026-11-01 15:04\" or 2026-11-01T15:04:00Z", flag, text)
}

// NewDuration returns a flag value for a duration, with its default: Go's notation and days and weeks, such as 1d12h. A
// day has 24 hours.
func NewDuration(initial string, d *time.Duration) *Value {
	v := NewValue("time", initial, func(text string) (err error) {
		parsed, err := duration.Parse(text)
		if err == nil {
			*d = parsed
		}
		return err
	})
	if initial != "" { // otherwise there is no default, and the duration stays as it is
		_ = v.Set(initial)
	}
	return v
}
