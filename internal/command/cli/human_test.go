package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spf13/cobra"

	d365backup "github.com/d365backup/d365backup/wrapper"
)

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 1: "1 B", 1023: "1023 B", 1024: "1.0 KiB", 1536: "1.5 KiB", 1<<20 - 1: "1.0 MiB", 1 << 20: "1.0 MiB",
		734003200: "700.0 MiB", 5 << 40: "5.0 TiB", math.MaxInt64: "8.0 EiB", -2048: "-2.0 KiB", math.MinInt64: "-8.0 EiB",
	} {
		if got := Bytes(n); got != want {
			t.Errorf("%d: got %s, want %s", n, got, want)
		}
	}
}

func TestCount(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0", 999: "999", 1000: "1,000", -1000: "-1,000", 123456: "123,456", -100: "-100",
		math.MaxInt64: "9,223,372,036,854,775,807", math.MinInt64: "-9,223,372,036,854,775,808",
	} {
		if got := Count(n); got != want {
			t.Errorf("%d: got %s, want %s", n, got, want)
		}
	}
}

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 499 * time.Millisecond: "0s", 59500 * time.Millisecond: "1m 00s", 65 * time.Second: "1m 05s",
		time.Hour: "1h 00m", 26*time.Hour + 15*time.Minute: "1d 02h", -90 * time.Second: "-1m 30s",
		Hours(math.NaN()): "0s", Hours(1e300): "106751d 23h", Hours(-1e300): "-106751d 23h", Hours(0.0125): "45s",
	} {
		if got := Duration(d); got != want {
			t.Errorf("%d: got %s, want %s", d, got, want)
		}
	}
}

func TestText(t *testing.T) {
	for text, want := range map[string]string{
		"Contoso": "Contoso", "a\nb\tc": "a b c", "\x1b[31mred\x1b[0m": "[31mred[0m", "\u202eabc\u200b": "abc", "営業": "営業",
		"\x9b31m": "31m", "\u009b31m": "31m",
	} {
		if got := Text(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestSpan(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"24h": 24 * time.Hour, "7d": 7 * 24 * time.Hour, "2w": 14 * 24 * time.Hour, "1d12h": 36 * time.Hour,
		"1w1d1h1m": 8*24*time.Hour + time.Hour + time.Minute, "90m": 90 * time.Minute, "1.5h": 90 * time.Minute,
	} {
		var s Span
		if err := s.Set(text); err != nil || time.Duration(s) != want {
			t.Errorf("%s: got %s, %v", text, time.Duration(s), err)
		}
		var again Span
		if err := again.Set(s.String()); err != nil || again != s {
			t.Errorf("%s: %s does not come back: %v", text, s.String(), err)
		}
	}
	for _, text := range []string{"", "0", "0s", "0d", "-1h", "1d-1h", "7", "d", "1h1d", "1.5d", "1y", "99999999999d", "999999999w", "106752d", "NaN"} {
		if s := Span(1); s.Set(text) == nil || s != 1 {
			t.Errorf("%q was taken as %s", text, time.Duration(s))
		}
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
		"--utc --start 2026-11-01 --end 2026-11-01":                {"2026-11-01T00:00:00Z", "2026-11-01T00:00:00Z"},
		"--utc --start 2026-11-01 --end 2027-11-01":                {"2026-11-01T00:00:00Z", "2027-11-01T00:00:00Z"},
	} {
		start, end, err := resolveRange(t, now, strings.Fields(args)...)
		if want[0] == "" {
			if err == nil {
				t.Errorf("%s was taken as %s", args, start)
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

func TestTerminal(t *testing.T) {
	for _, tt := range []struct {
		env  []string
		want Screen
	}{
		{[]string{"TERM=xterm"}, Screen{Terminal: true, Width: 90, Color: true, Cursor: true}},
		{[]string{"TERM=xterm", "NO_COLOR=0"}, Screen{Terminal: true, Width: 90, Cursor: true}},
		{[]string{"TERM=xterm", "NO_COLOR="}, Screen{Terminal: true, Width: 90, Color: true, Cursor: true}},
		{[]string{"TERM=dumb"}, Screen{Terminal: true, Width: 90}},
	} {
		if got := terminal(90, NewApp(tt.env, nil, nil, nil).Getenv); got != tt.want {
			t.Errorf("%v: got %+v, want %+v", tt.env, got, tt.want)
		}
	}
	if got := screenOf(new(bytes.Buffer), func(string) string { return "" }); got != (Screen{}) {
		t.Errorf("a buffer is no terminal: %+v", got)
	}
}

func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var screen bytes.Buffer
		app := NewApp(nil, nil, nil, &screen)
		if p := NewProgress(app); p != nil {
			t.Error("it shows where there is no terminal")
		}
		app.StderrScreen = Screen{Terminal: true, Width: 80, Cursor: true}
		p := NewProgress(app)
		p.Update(100, 3306, 1) // too early to be worth it
		p.Clear()
		if screen.Len() > 0 {
			t.Errorf("got %q", screen.String())
		}
		time.Sleep(progressDelay)
		p.Update(1500, 3306, 15)
		p.Update(1600, 3306, 16) // too soon after the last
		if want := "\r1,500 of 3,306 jobs (45%), 15 pages, 3,000 jobs/s\x1b[K"; screen.String() != want {
			t.Errorf("got %q, want %q", screen.String(), want)
		}
		screen.Reset()
		_, _ = fmt.Fprint(p.Writer(&screen), "job\n")
		if want := "\r\x1b[Kjob\n"; screen.String() != want {
			t.Errorf("got %q, want %q", screen.String(), want)
		}
		p.Clear() // again is nothing
		time.Sleep(progressEvery)
		screen.Reset()
		p.width = 10
		p.Update(1, -1, 1)
		if want := "\r1 job, 1 \x1b[K"; screen.String() != want {
			t.Errorf("got %q, want %q", screen.String(), want)
		}
	})
	var none *Progress
	none.Update(1, 1, 1)
	none.Clear()
	if none.Writer(io.Discard) != io.Discard {
		t.Error("nil changes the writer")
	}
}

func TestExitCode(t *testing.T) {
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tt := range []struct {
		ctx  context.Context
		err  error
		code int
		text string
	}{
		{t.Context(), nil, 0, ""},
		{t.Context(), errors.New("x"), 1, "x"},
		{t.Context(), &ExitError{Code: 3}, 3, ""},
		{t.Context(), fmt.Errorf("y: %w", &ExitError{Code: 3, Err: errors.New("x")}), 3, "x"},
		{t.Context(), Usagef("x %d", 1), 2, "x 1"},
		{t.Context(), &d365backup.Error{Kind: d365backup.ErrConfig, Message: "WithTokenURL is wrong"}, 2, "--token-url is wrong"},
		{t.Context(), &d365backup.Error{Kind: d365backup.ErrServer, Host: "h"}, 1, "server error (host h)"},
		{t.Context(), &OutputError{io.ErrClosedPipe}, 0, ""},
		{t.Context(), context.Canceled, 1, "context canceled"},
		{canceled, fmt.Errorf("x: %w", context.Canceled), 130, "interrupted"},
	} {
		if code, text := ExitCode(tt.ctx, tt.err); code != tt.code || text != tt.text {
			t.Errorf("%v: got %d, %q, want %d, %q", tt.err, code, text, tt.code, tt.text)
		}
	}
}
