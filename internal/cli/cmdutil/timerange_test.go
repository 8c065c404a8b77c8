package cmdutil

import (
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

func TestDuration(t *testing.T) {
	var d time.Duration
	v := NewDuration("1m", &d)
	if d != time.Minute {
		t.Errorf("the default is read as %s", d)
	}
	if err := v.Set("1d12h"); err != nil || d != 36*time.Hour || v.String() != "1d12h" {
		t.Errorf("got %s, shown as %s, %v", d, v, err)
	}
	if v.Set("1y") == nil || d != 36*time.Hour || v.String() != "1d12h" {
		t.Errorf("an invalid value: got %s, shown as %s", d, v)
	}
}

func TestTimeRange(t *testing.T) {
	now := time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)
	for args, want := range map[string][2]string{
		"":                                    {"2026-11-01T12:00:00Z", "2026-11-02T12:00:00Z"},
		"--since 1d":                          {"2026-11-01T12:00:00Z", "2026-11-02T12:00:00Z"},
		"--since 90m":                         {"2026-11-02T10:30:00Z", "2026-11-02T12:00:00Z"},
		"--start 2026-11-01 --utc":            {"2026-11-01T00:00:00Z", "2026-11-02T12:00:00Z"},
		"--start 2026-11-01T01:02Z":           {},
		"--start 2026-11-01T01:02:03.5+01:00": {"2026-11-01T00:02:03.5Z", "2026-11-02T12:00:00Z"},
		"--utc --start 2026-11-01T01:02 --end 2026-11-01T01:02:03": {"2026-11-01T01:02:00Z", "2026-11-01T01:02:03Z"},
		"--utc --start 2026-11-01 --end 2026-11-01":                {},
		"--utc --start 2026-11-01 --end 2027-11-01":                {"2026-11-01T00:00:00Z", "2027-11-01T00:00:00Z"},
	} {
		start, end, err := resolveRange(t, now, strings.Fields(args)...)
		if want[0] == "" {
			if err == nil {
				t.Errorf("%s is read as %s", args, start)
			}
			continue
		}
		got := [2]string{start.UTC().Format(time.RFC3339Nano), end.UTC().Format(time.RFC3339Nano)}
		if err != nil || got != want {
			t.Errorf("%s: got %v, %v, want %v", args, got, err, want)
		}
	}
	local, _, err := resolveRange(t, now, "--start", "2026-11-01 15:04")
	if want := time.Date(2026, 11, 1, 15, 4, 0, 0, time.Local); err != nil || !local.Equal(want) {
		t.Errorf("got %s, want %s in the local zone", local, want)
	}
}

func resolveRange(t *testing.T, now time.Time, args ...string) (start, end time.Time, err error) {
	t.Helper()
	var r TimeRange
	cmd := &cobra.Command{Use: "test"}
	r.AddFlags(cmd)
	if err := cmd.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	return r.Resolve(now)
}
