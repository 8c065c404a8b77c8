package httpfail

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// retryAfter returns how long a response asks to wait; 0 if it does not. A date counts from the response's own Date, so
// that a wrong clock on either side does not matter, or from now if there is none.
func retryAfter(header http.Header, now time.Time) time.Duration {
	if date, err := http.ParseTime(header.Get("Date")); err == nil {
		now = date
	}
	wait, _ := ParseRetryAfter(header.Get("Retry-After"), now)
	return wait
}

// ParseRetryAfter returns how long the header of that name (RFC 9110, section 10.2.3) asks to wait from now: a number of
// seconds, or a date in one of HTTP's three forms. A date in the past is 0, and a number beyond what time.Duration holds
// is the longest one. It reports false if the header is absent or invalid.
func ParseRetryAfter(header string, now time.Time) (time.Duration, bool) {
	header = strings.TrimSpace(header)
	if header == "" {
		return 0, false
	}
	if strings.Trim(header, "0123456789") == "" {
		seconds, _ := strconv.ParseUint(header, 10, 64) // the greatest one if out of range
		return time.Duration(min(seconds, math.MaxInt64/uint64(time.Second))) * time.Second, true
	}
	at, err := http.ParseTime(header)
	if err != nil {
		return 0, false
	}
	return max(0, at.Sub(now)), true
}
