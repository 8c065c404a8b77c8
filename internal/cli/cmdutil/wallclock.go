package cmdutil

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// instant returns the time at which a clock in the zone shows what wall shows in UTC. If clocks are turned back, that
// happens twice: the first time starts a range and the last one ends it, so that no job is missing. If clocks are turned
// forward past that time, it is the moment when they are.
func instant(wall time.Time, zone *time.Location, last bool) (found time.Time) {
	const reach = 36 * time.Hour // more than clocks differ from UTC, and than they are turned
	for t := wall.Add(-reach).In(zone); t.Before(wall.Add(reach)); {
		from, until := t.ZoneBounds()
		_, offset := t.Zone()
		candidate := wall.Add(-time.Duration(offset) * time.Second).In(zone)
		switch {
		case !until.IsZero() && !candidate.Before(until): // after this period, if not in the next one
		case !from.IsZero() && candidate.Before(from):
			if found.IsZero() {
				found = from // clocks were turned forward past it
			}
			return found
		case last || found.IsZero():
			found = candidate
		}
		if until.IsZero() {
			return found
		}
		t = until
	}
	return found
}

// NoteZone warns on the standard error if a command that uses local times has to use UTC.
func NoteZone(app *App, cmd *cobra.Command) {
	if utc := cmd.Flags().Lookup("utc"); utc == nil || utc.Value.String() == "true" {
		return
	}
	if fault := zoneFault(app.Getenv("TZ")); fault != "" {
		app.Notef("d365backup: %s", fault)
	}
}

// zoneFault returns why times are in UTC although TZ names another zone, or an empty string. Go supports only the names of
// zones whose files are installed, which small containers do not have; otherwise it silently uses UTC.
func zoneFault(tz string) string {
	name := strings.TrimPrefix(tz, ":")
	if name == "" || name == "UTC0" || runtime.GOOS == "windows" { // Windows does not use TZ
		return ""
	}
	var err error
	if filepath.IsAbs(name) {
		var data []byte
		if data, err = os.ReadFile(name); err == nil { //nolint:gosec // the user names the file
			_, err = time.LoadLocationFromTZData(name, data)
		}
	} else {
		_, err = time.LoadLocation(name)
	}
	if err == nil {
		return ""
	}
	return fmt.Sprintf("times are in UTC: TZ=%q is not the name of an installed time zone; "+
		"set it to one such as Europe/Berlin, install tzdata, or use --utc", tz)
}
