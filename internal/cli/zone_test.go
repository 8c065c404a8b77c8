package cli_test

import (
	"runtime"
	"strings"
	"testing"
)

// TestUnusableZone: a TZ that Go does not understand is reported if the command reads or shows local times.
func TestUnusableZone(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows keeps the zone elsewhere")
	}
	for _, test := range []struct {
		tz, args string
		notes    int
	}{
		{"CET-1CEST,M3.5.0,M10.5.0/3", "jobs --sandbox", 1},
		{"CET-1CEST,M3.5.0,M10.5.0/3", "report --sandbox", 1},
		{"CET-1CEST,M3.5.0,M10.5.0/3", "jobs --sandbox --utc", 0},
		{"CET-1CEST,M3.5.0,M10.5.0/3", "spec", 0},
		{"Europe/Nowhere", "jobs --sandbox", 1},
		{"UTC", "jobs --sandbox", 0},
		{"", "jobs --sandbox", 0},
	} {
		got := run(t, []string{"TZ=" + test.tz}, strings.Fields(test.args)...)
		notes := strings.Count(got.stderr, "times are in UTC: TZ=")
		if notes != test.notes {
			t.Errorf("TZ=%s %s: got %q", test.tz, test.args, got.stderr)
		}
	}
}
