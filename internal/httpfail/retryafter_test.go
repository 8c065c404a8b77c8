package httpfail_test

import (
	"math"
	"net/http"
	"testing"
	"time"

	"github.com/d365backup/d365backup/internal/httpfail"
)

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, time.July, 1, 12, 0, 0, 0, time.UTC)
	const longest = math.MaxInt64 / time.Second * time.Second
	tests := []struct {
		header string
		want   time.Duration
	}{
		{"", 0},
		{"   ", 0},
		{"0", 0},
		{"120", 2 * time.Minute},
		{" 7 ", 7 * time.Second},
		{"9223372036854775807", longest},
		{"99999999999999999999999999", longest},
		{"-1", 0},
		{"+1", 0},
		{"1.5", 0},
		{"soon", 0},
		{"Wed, 01 Jul 2026 12:00:30 GMT", 30 * time.Second}, // IMF-fixdate
		{"Wednesday, 01-Jul-26 12:01:00 GMT", time.Minute},  // RFC 850
		{"Wed Jul  1 13:00:00 2026", time.Hour},             // asctime
		{"Wed, 01 Jul 2026 11:59:59 GMT", 0},                // past
		{"Wed, 01 Jul 2026 14:00:30 +0200", 0},              // not a date of HTTP
		{"Wed, 31 Dec 9999 23:59:59 GMT", math.MaxInt64},    // further than a Duration reaches
	}
	for _, test := range tests {
		t.Run(test.header, func(t *testing.T) {
			header := http.Header{"Retry-After": {test.header}}
			if got := httpfail.RetryAfter(header, now); got != test.want {
				t.Errorf("RetryAfter(%q) = %v, want %v", test.header, got, test.want)
			}
		})
	}
}

// A date counts from the Date of the response, not from this machine's clock.
func TestRetryAfterCountsFromDate(t *testing.T) {
	header := http.Header{"Retry-After": {"Wed, 01 Jul 2026 12:00:30 GMT"}, "Date": {"Wed, 01 Jul 2026 12:00:00 GMT"}}
	wrong := time.Date(2027, time.July, 1, 12, 0, 0, 0, time.UTC)
	if got := httpfail.RetryAfter(header, wrong); got != 30*time.Second {
		t.Errorf("RetryAfter = %v, want 30s", got)
	}
}
