package cmdutil

import (
	"archive/zip"
	"go/build"
	"io"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

const wallLayout = "2006-01-02 15:04"

func wall(t testing.TB, text string) time.Time {
	t.Helper()
	parsed, err := time.Parse(wallLayout, text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestInstant(t *testing.T) {
	zones := allZones(t)
	for _, test := range []struct{ zone, wall, start, end string }{
		{"America/Santiago", "2026-09-05 00:00", "2026-09-05 04:00", "2026-09-05 04:00"},
		{"America/Santiago", "2026-09-06 00:00", "2026-09-06 04:00", "2026-09-06 04:00"}, // which does not exist
		{"America/Santiago", "2026-09-07 00:00", "2026-09-07 03:00", "2026-09-07 03:00"},
		{"America/Santiago", "2026-04-04 23:30", "2026-04-05 02:30", "2026-04-05 03:30"},
		{"America/Santiago", "2026-04-05 00:00", "2026-04-05 04:00", "2026-04-05 04:00"},
		{"America/Havana", "2026-03-08 00:00", "2026-03-08 05:00", "2026-03-08 05:00"},
		{"America/Havana", "2026-11-01 00:00", "2026-11-01 04:00", "2026-11-01 05:00"},
		{"Europe/Berlin", "2026-10-25 02:30", "2026-10-25 00:30", "2026-10-25 01:30"},
		{"Europe/Berlin", "2026-10-25 03:00", "2026-10-25 02:00", "2026-10-25 02:00"},
		{"Europe/Berlin", "2026-03-29 02:30", "2026-03-29 01:00", "2026-03-29 01:00"},
		{"Australia/Lord_Howe", "2026-04-05 01:45", "2026-04-04 14:45", "2026-04-04 15:15"},
		{"Pacific/Apia", "2011-12-30 12:00", "2011-12-30 10:00", "2011-12-30 10:00"}, // a day that was skipped
		{"UTC", "2026-01-01 00:00", "2026-01-01 00:00", "2026-01-01 00:00"},
		{"Asia/Kolkata", "2026-01-01 00:00", "2025-12-31 18:30", "2025-12-31 18:30"},
	} {
		zone := zones[test.zone]
		start, end := instant(wall(t, test.wall), zone, false), instant(wall(t, test.wall), zone, true)
		if !start.Equal(wall(t, test.start)) || !end.Equal(wall(t, test.end)) {
			t.Errorf("%s in %s: got %s and %s, want %s and %s", test.wall, test.zone,
				start.UTC().Format(wallLayout), end.UTC().Format(wallLayout), test.start, test.end)
		}
	}
}

// TestInstantInAllZones compares instant with what a clock shows minute by minute, around midnight of every day and around
// every change of the clocks of a year. A range from a time starts when the clock first shows that time, or a later one; a
// range until it ends when the clock shows it for the last time, or has shown an earlier one.
func TestInstantInAllZones(t *testing.T) {
	const year = 2026
	begin, end := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(year+1, 1, 1, 0, 0, 0, 0, time.UTC)
	changes := 0
	for name, zone := range allZones(t) {
		for day := begin; day.Before(end); day = day.AddDate(0, 0, 1) {
			checkMidnight(t, name, day, zone)
		}
		for at := begin.In(zone); at.Before(end); {
			_, until := at.ZoneBounds()
			if until.IsZero() || !until.Before(end) {
				break
			}
			changes++
			checkChange(t, name, until)
			at = until
		}
	}
	if changes < 100 {
		t.Errorf("only %d changes of clocks in all zones", changes)
	}
}

func checkMidnight(t *testing.T, name string, day time.Time, zone *time.Location) {
	t.Helper()
	start, end := instant(day, zone, false), instant(day, zone, true)
	date := day.Format(time.DateOnly)
	if before := start.Add(-time.Second).Format(time.DateOnly); start.Format(time.DateOnly) != date || before >= date {
		t.Errorf("%s %s begins at %s", name, date, start)
	}
	if end.Before(start) || end.Format(time.DateOnly) != date {
		t.Errorf("%s %s as an end is %s", name, date, end)
	}
}

// checkChange compares instant with the clock around one change.
func checkChange(t *testing.T, name string, change time.Time) {
	t.Helper()
	const reach = 4 * time.Hour
	var clock []time.Time // what it shows in each minute, as if in UTC
	for at := change.Add(-reach); at.Before(change.Add(reach)); at = at.Add(time.Minute) {
		_, offset := at.Zone()
		clock = append(clock, at.UTC().Add(time.Duration(offset)*time.Second))
	}
	for from := -2 * time.Hour; from <= 2*time.Hour; from += 5 * time.Minute {
		shown := clock[len(clock)/2].Add(from)
		first, last := -1, 0
		for i, now := range clock {
			if first < 0 && !now.Before(shown) {
				first = i
			}
			switch {
			case now.Equal(shown):
				last = i
			case now.Before(shown):
				last = i + 1
			}
		}
		at := func(i int) time.Time { return change.Add(-reach).Add(time.Duration(i) * time.Minute) }
		if got := instant(shown, change.Location(), false); !got.Equal(at(first)) {
			t.Errorf("%s: a range from %s starts at %s, want %s", name, shown.Format(wallLayout), got, at(first))
		}
		if got := instant(shown, change.Location(), true); !got.Equal(at(last)) {
			t.Errorf("%s: a range until %s ends at %s, want %s", name, shown.Format(wallLayout), got, at(last))
		}
	}
}

// allZones returns the zones that come with Go.
func allZones(t *testing.T) map[string]*time.Location {
	t.Helper()
	archive, err := zip.OpenReader(filepath.Join(build.Default.GOROOT, "lib", "time", "zoneinfo.zip"))
	if err != nil {
		t.Skip(err)
	}
	defer archive.Close()
	zones := make(map[string]*time.Location)
	for _, file := range archive.File {
		if strings.HasSuffix(file.Name, "/") {
			continue
		}
		opened, err := file.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(opened)
		opened.Close()
		if err != nil {
			t.Fatal(err)
		}
		if zones[file.Name], err = time.LoadLocationFromTZData(file.Name, data); err != nil {
			t.Fatal(err)
		}
	}
	if len(zones) < 400 {
		t.Fatalf("only %d zones", len(zones))
	}
	return zones
}

func TestZoneFault(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows does not use TZ")
	}
	for tz, fault := range map[string]bool{
		"": false, "UTC": false, "UTC0": false, "CET-1CEST,M3.5.0,M10.5.0/3": true, ":CET-1CEST": true, "Europe/Nowhere": true,
		"/no/such/file": true, "/dev/null": true,
	} {
		if got := zoneFault(tz); (got != "") != fault || strings.Contains(got, "\n") {
			t.Errorf("TZ=%s: %q", tz, got)
		}
	}
}
