package httpfail

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// RetryAfter returns how long a response asks to wait (RFC 9110, section 10.2.3): a number of seconds, or until a date in
// one of HTTP's three forms. It is 0 if the header is absent, invalid or in the past, and at most the longest
// time.Duration. A date counts from the response's own Date, so that a wrong clock on either side does not matter, or from
// now if there is none.
func RetryAfter(header http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(header.Get("Retry-After"))
	if text != "" && strings.Trim(text, "0123456789") == "" {
		seconds, _ := strconv.ParseUint(text, 10, 64) // the greatest one if out of range
		return time.Duration(min(seconds, math.MaxInt64/uint64(time.Second))) * time.Second
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(header.Get("Date")); err == nil {
		now = date
	}
	return max(0, at.Sub(now))
}
