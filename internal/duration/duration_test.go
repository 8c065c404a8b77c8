package duration

import (
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"24h": 24 * time.Hour, "7d": 7 * 24 * time.Hour, "2w": 14 * 24 * time.Hour, "1d12h": 36 * time.Hour,
		"1w1d1h1m": 8*24*time.Hour + time.Hour + time.Minute, "90m": 90 * time.Minute, "1.5h": 90 * time.Minute,
	} {
		if d, err := Parse(text); err != nil || d != want {
			t.Errorf("%s: got %s, %v", text, d, err)
		}
	}
	for _, text := range []string{"", "0", "0s", "0d", "-1h", "1d-1h", "7", "d", "1h1d", "1.5d", "1y", "99999999999d", "999999999w", "106752d", "NaN"} {
		if d, err := Parse(text); err == nil {
			t.Errorf("%q is read as %s", text, d)
		}
	}
}
