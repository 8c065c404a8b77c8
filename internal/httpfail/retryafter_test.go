package httpfail_test

import (
	"math"
	"testing"
	"time"

	"github.com/d365backup/d365backup/internal/httpfail"
)

func TestParseRetryAfter(t *testing.T) {
	now := time.Date(2026, time.July, 1, 12, 0, 0, 0, time.UTC)
	const longest = math.MaxInt64 / time.Second * time.Second
	tests := []struct {
		header string
		want   time.Duration
		ok     bool
	}{
		{"", 0, false},
		{"   ", 0, false},
		{"0", 0, true},
		{"120", 2 * time.Minute, true},
		{" 7 ", 7 * time.Second, true},
		{"9223372036854775807", longest, true},
		{"99999999999999999999999999", longest, true},
		{"-1", 0, false},
		{"+1", 0, false},
		{"1.5", 0, false},
		{"soon", 0, false},
		{"Wed, 01 Jul 2026 12:00:30 GMT", 30 * time.Second, true}, // IMF-fixdate
		{"Wednesday, 01-Jul-26 12:01:00 GMT", time.Minute, true},  // RFC 850
		{"Wed Jul  1 13:00:00 2026", time.Hour, true},             // asctime
		{"Wed, 01 Jul 2026 11:59:59 GMT", 0, true},                // past
		{"Wed, 01 Jul 2026 14:00:30 +0200", 0, false},             // not a date of HTTP
		{"Wed, 31 Dec 9999 23:59:59 GMT", math.MaxInt64, true},    // further than a Duration reaches
	}
	for _, test := range tests {
		t.Run(test.header, func(t *testing.T) {
			got, ok := httpfail.ParseRetryAfter(test.header, now)
			if got != test.want || ok != test.ok {
				t.Errorf("ParseRetryAfter(%q) = %v, %v; want %v, %v", test.header, got, ok, test.want, test.ok)
			}
		})
	}
}
