// Package retryafter reads the Retry-After header of HTTP (RFC 9110, section 10.2.3). It does not
// wait and does not decide whether to retry.
package retryafter

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Of returns how long a response asks to wait, and false if it does not. A date counts from the response's own
// Date, so that a wrong clock on either side does not matter, or from now if it has none.
func Of(header http.Header, now time.Time) (time.Duration, bool) {
	if date, err := http.ParseTime(header.Get("Date")); err == nil {
		now = date
	}
	return Parse(header.Get("Retry-After"), now)
}

// Parse returns how long the header asks to wait from now: a number of seconds, or a date in one of
// HTTP's three forms. A date in the past is 0. It is false where the header is absent or neither.
// A number beyond what time.Duration holds is cut to it.
func Parse(header string, now time.Time) (time.Duration, bool) {
	header = strings.TrimSpace(header)
	if header == "" {
		return 0, false
	}
	if strings.Trim(header, "0123456789") == "" {
		// Too long a number for ParseUint comes back as the greatest one.
		seconds, _ := strconv.ParseUint(header, 10, 64)
		return time.Duration(min(seconds, math.MaxInt64/uint64(time.Second))) * time.Second, true
	}
	at, err := http.ParseTime(header)
	if err != nil {
		return 0, false
	}
	return max(0, at.Sub(now)), true
}
