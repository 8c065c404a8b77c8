package health

import "time"

// day is a local date, as the number of days since 1970-01-01.
type day int32

const secondsPerDay = 24 * 60 * 60

// dayOf returns the local date of a time.
func dayOf(t time.Time, location *time.Location) day {
	y, m, d := t.In(location).Date()
	return day(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / secondsPerDay)
}

// startOfDay returns the first instant of a local date. That is not midnight if the clocks are put forward then, and the earlier
// of two midnights if they are put back. For a date that a zone has skipped it is about when that would have been.
func startOfDay(d day, location *time.Location) time.Time {
	utc := time.Unix(int64(d)*secondsPerDay, 0).UTC()
	guess := time.Date(utc.Year(), utc.Month(), utc.Day(), 0, 0, 0, 0, location)
	candidates := []time.Time{guess}
	start, end := guess.ZoneBounds()
	for _, change := range []time.Time{start, end} {
		if change.IsZero() {
			continue
		}
		_, before := change.Add(-1).Zone()
		_, after := change.Zone()
		candidates = append(candidates, change, utc.Add(-time.Duration(before)*time.Second), utc.Add(-time.Duration(after)*time.Second))
	}
	var first time.Time
	for _, t := range candidates {
		if dayOf(t, location) == d && (first.IsZero() || t.Before(first)) {
			first = t.In(location)
		}
	}
	if first.IsZero() {
		return guess
	}
	return first
}
