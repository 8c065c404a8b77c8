package lenient

import (
	"bytes"
	"cmp"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/d365backup/d365backup/internal/jsonscan"
)

// The functions in this file read the values of fields. None of them fails: the JSON is valid already, and a value that
// makes no sense for its field is left out and reported as drift. They are not called for absent values.

// Text returns the characters of a value.
func (r *Reader) Text(v jsonscan.Value, field string) string {
	switch v.Kind {
	case jsonscan.String:
		return string(v.Raw)
	case jsonscan.Escaped:
		text := v.Text()
		if strings.ContainsRune(text, utf8.RuneError) {
			r.Tolerate(DamagedText, field, v.Raw)
		}
		return text
	case jsonscan.Object, jsonscan.Array:
		r.Tolerate(Unreadable, field, v.Raw)
		return ""
	default:
		r.Tolerate(NumberText, field, v.Raw)
		return string(v.Raw)
	}
}

// Shared is the last string of a field that often repeats from job to job. Decoding a page takes 20% longer without this.
type Shared struct {
	raw  []byte
	text string
}

// SharedText returns the characters of a value, and allocates no string if they are the same as in the previous job.
func (r *Reader) SharedText(last *Shared, v jsonscan.Value, field string) string {
	if !v.IsString() {
		return r.Text(v, field)
	}
	if !bytes.Equal(v.Raw, last.raw) {
		*last = Shared{raw: v.Raw, text: r.Text(v, field)}
	}
	return last.text
}

// Integer returns a whole number; ok is false if the value is not one, or int64 cannot hold it.
func (r *Reader) Integer(v jsonscan.Value, field string) (n int64, ok bool) {
	if v.Kind == jsonscan.Number {
		if n, ok := parseInteger(v.Raw); ok {
			return n, true
		}
	}
	text, ok := r.numeral(v, field)
	if !ok {
		return 0, false
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil && !math.IsInf(f, 0):
		r.Tolerate(Unreadable, field, v.Raw)
		return 0, false
	case f == math.Trunc(f) && math.Abs(f) < 1<<53: // beyond that, a float is not an exact integer
		r.Tolerate(Decimal, field, v.Raw)
		return int64(f), true
	}
	r.Tolerate(Inexact, field, v.Raw)
	switch f = math.Round(f); {
	case f >= 1<<63:
		return math.MaxInt64, false
	case f < -1<<63:
		return math.MinInt64, false
	default:
		return int64(f), false
	}
}

// parseInteger parses a number of at most 18 digits, which int64 holds. Decoding a page takes 8% longer with strconv.
func parseInteger(raw []byte) (n int64, ok bool) {
	digits := bytes.TrimPrefix(raw, []byte("-"))
	for _, c := range digits {
		if c < '0' || '9' < c {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	if len(digits) < len(raw) {
		n = -n
	}
	return n, len(digits) <= 18
}

// Float returns a number. One out of range becomes the nearest limit, since infinity cannot be marshaled.
func (r *Reader) Float(v jsonscan.Value, field string) float64 {
	if v.Kind == jsonscan.Number {
		if f, err := strconv.ParseFloat(string(v.Raw), 64); err == nil {
			return f
		}
	}
	text, ok := r.numeral(v, field)
	f, err := strconv.ParseFloat(text, 64)
	switch {
	case ok && math.IsInf(f, 0):
		r.Tolerate(Inexact, field, v.Raw)
		return math.Copysign(math.MaxFloat64, f)
	case ok && err != nil:
		r.Tolerate(Unreadable, field, v.Raw)
	}
	return f
}

// numeral returns the characters of a number, or of a string that may contain one.
func (r *Reader) numeral(v jsonscan.Value, field string) (text string, ok bool) {
	if v.Kind == jsonscan.Number {
		return string(v.Raw), true
	}
	if v.IsString() {
		text = strings.TrimSpace(string(v.Raw))
	}
	if !jsonscan.IsNumeral(text) {
		r.Tolerate(Unreadable, field, v.Raw)
		return "", false
	}
	r.Tolerate(TextNumber, field, v.Raw)
	return text, true
}

// Time returns a time in UTC, truncated to the nanosecond.
func (r *Reader) Time(v jsonscan.Value, field string) (t time.Time, ok bool) {
	raw := v.Raw
	if v.Kind == jsonscan.Escaped {
		raw = []byte(v.Text())
	}
	t, zoned, ok := parseTime(raw)
	if !ok {
		r.Tolerate(Unreadable, field, v.Raw)
	} else if !zoned {
		r.Tolerate(NoZone, field, v.Raw)
	}
	return t, ok
}

// The groups of rfc3339 are everything before the second, the second, the fraction and the zone. Package time accepts more
// than RFC 3339, such as a comma, and does not accept leap seconds.
var rfc3339 = regexp.MustCompile(`^(\d{4}-\d\d-\d\dT\d\d:\d\d:)(\d\d)(\.\d+)?(Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)?$`)

// parseTime parses a date-time of RFC 3339, section 5.6: T and Z in either case, a fraction of any length, an offset, and
// a leap second at the end of a day in UTC, which becomes the second after it. Without an offset it is taken as UTC; then
// zoned is false. A year in UTC outside 0 to 9999 cannot be marshaled, and is not ok.
func parseTime(raw []byte) (t time.Time, zoned, ok bool) {
	const usual = "2006-01-02T15:04:05Z"
	if n := len(raw); n >= len(usual) && raw[n-1] == 'Z' && raw[13] == ':' && (n == len(usual) || raw[19] == '.') && t.UnmarshalText(raw) == nil {
		return t, true, true
	}
	match := rfc3339.FindStringSubmatch(strings.ToUpper(string(raw)))
	if match == nil {
		return time.Time{}, false, false
	}
	minute, second, fraction, zone := match[1], match[2], match[3], match[4]
	isLeap := second == "60"
	if isLeap {
		second = "59"
	}
	t, err := time.Parse(time.RFC3339, minute+second+fraction+cmp.Or(zone, "Z"))
	t = t.UTC()
	ok = err == nil
	if isLeap {
		ok = ok && t.Hour() == 23 && t.Minute() == 59
		t = t.Add(time.Second)
	}
	if !ok || t.Year() < 0 || t.Year() > 9999 {
		return time.Time{}, false, false
	}
	return t, zone != "", true
}
