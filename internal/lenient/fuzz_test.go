package lenient

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// FuzzParseTime compares the parser of times with package time, which accepts neither lower-case letters nor leap seconds,
// but more than RFC 3339 otherwise.
func FuzzParseTime(f *testing.F) {
	for _, text := range []string{
		"2026-11-01T03:00:00.1234567Z", "2028-02-29T23:59:59Z", "2026-11-01T03:00:00+01:30", "2026-11-01t03:00:00z",
		"2016-12-31T23:59:60Z", "2016-12-31T20:29:60.5-03:30", "2026-11-01T03:00:00",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, zoned, ok := parseTime([]byte(text))
		plain, leap := strings.ToUpper(text), len(text) >= 19 && text[17:19] == "60"
		if leap {
			plain = plain[:17] + "59" + plain[19:]
		}
		if ok && !zoned {
			plain += "Z"
		}
		var want time.Time
		err := want.UnmarshalText([]byte(plain))
		want = want.UTC()
		if leap {
			err = errors.Join(err, notAt(want, 23, 59))
			want = want.Add(time.Second)
		}
		if year := want.Year(); year < 0 || year > 9999 {
			err = errors.New("cannot be marshaled")
		}
		if !ok && err == nil && isLax(plain) {
			return
		}
		if ok != (err == nil) || ok && got != want {
			t.Errorf("%q: %v, %v, want %v, %v", text, got, ok, want, err)
		}
	})
}

// isLax reports whether text has a form that package time accepts and RFC 3339 does not: an hour of one digit, a comma
// before the fraction, or an offset out of range (https://go.dev/issue/54580).
func isLax(text string) bool {
	offset := text[max(0, len(text)-len("00:00")):]
	return text[13] != ':' || strings.Contains(text, ",") || offset > "23:59" || offset[3:] > "59"
}

func notAt(t time.Time, hour, minute int) error {
	if t.Hour() == hour && t.Minute() == minute {
		return nil
	}
	return errors.New("no place for a leap second")
}
