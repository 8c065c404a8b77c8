package httpfail_test

import (
	"math"
	"math/big"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/d365backup/d365backup/internal/httpfail"
)

var digits = regexp.MustCompile(`^[0-9]+$`)

// FuzzRetryAfter compares RetryAfter with net/http for dates and with math/big for seconds.
func FuzzRetryAfter(f *testing.F) {
	now := time.Date(2026, time.July, 1, 12, 0, 0, 0, time.UTC)
	f.Add("120")
	f.Add(" 0 ")
	f.Add("Wed, 01 Jul 2026 12:00:30 GMT")
	f.Add("Wednesday, 01-Jul-26 12:01:00 GMT")
	f.Fuzz(func(t *testing.T, header string) {
		got := httpfail.RetryAfter(http.Header{"Retry-After": {header}}, now)
		text := strings.TrimSpace(header)
		var want time.Duration
		if digits.MatchString(text) {
			seconds, _ := new(big.Int).SetString(text, 10)
			want = time.Duration(math.MaxInt64).Truncate(time.Second)
			if limit := big.NewInt(int64(want / time.Second)); seconds.Cmp(limit) < 0 {
				want = time.Duration(seconds.Int64()) * time.Second
			}
		} else if at, err := http.ParseTime(text); err == nil && at.After(now) {
			want = at.Sub(now)
		}
		if got != want || got < 0 {
			t.Errorf("RetryAfter(%q) = %v, want %v", header, got, want)
		}
	})
}
