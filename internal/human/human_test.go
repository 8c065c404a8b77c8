package human

import (
	"math"
	"strings"
	"testing"
	"time"

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
		0: "0s", 499 * time.Millisecond: "0s", 59500 * time.Millisecond: "1m", 65 * time.Second: "1m 5s",
		time.Hour: "1h", 26*time.Hour + 15*time.Minute: "1d 2h", -90 * time.Second: "-1m 30s",
		math.MaxInt64: "106751d 23h", math.MinInt64: "-106751d 23h", 45 * time.Second: "45s",
	} {
		if got := Duration(d); got != want {
			t.Errorf("%d: got %s, want %s", d, got, want)
		}
	}
}

func TestText(t *testing.T) {
	for text, want := range map[string]string{
		"Contoso": "Contoso", "a\nb\tc": "a b c", "\x1b[31mred\x1b[0m": "[31mred[0m", "\u202eabc\u200b": "abc", "営業": "営業",
		"\x9b31m": "31m", "\u009b31m": "31m", "a\u2028b\u2029c\u0085d": "a b c d",
	} {
		if got := Text(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestClip(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "Contoso": "Contoso", "12345678": "12345678", "123456789": "1234567…", "\t a\n": "a", "営業部営業部営業部": "営業部営業部営…",
		"\x1b\x1b\x1b\x1b\x1b\x1b12345678": "12345678", strings.Repeat("\u202e", 1000) + "a": "…",
	} {
		if got := Clip(text, 8); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestNames(t *testing.T) {
	for got, want := range map[string]string{
		Type(d365backup.JobTypeAuditBackup): "Audit backup", Type(d365backup.JobTypeDryRun): "Dry run",
		Type(1 << 30): "Unknown (1073741824)", Type(d365backup.JobTypeUnknown): "Unknown",
		Status(d365backup.JobStatusFinishedWithException): "Finished with exception",
		Status(1 << 30): "Unknown (1073741824)", Status(d365backup.JobStatusUnknown): "Unknown",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestWrap(t *testing.T) {
	const said = "one two three\n\nfour\n\tfive\n"
	for width, want := range map[int]string{0: said, 7: "one two\nthree\n\nfour\n\tfive\n", 80: said} {
		if got := Wrap(said, width); got != want {
			t.Errorf("%d: got %q, want %q", width, got, want)
		}
	}
}
