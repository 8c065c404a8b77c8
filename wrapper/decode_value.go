package d365backup

import (
	"bytes"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/d365backup/d365backup/internal/jsonscan"
)

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// How the values of fields are read. None of these fails: the JSON is valid when they are called,
// and what makes no sense is left out and reported as drift. None is called with an absent value.

// text returns the characters of a value.
func (d *decoder) text(v jsonscan.Value, field string) string {
	switch v.Kind {
	case jsonscan.String:
		return string(v.Raw)
	case jsonscan.Escaped:
		text := v.Text()
		if strings.ContainsRune(text, utf8.RuneError) {
			d.tolerate(DriftDamagedText, field, v.Raw)
		}
		return text
	case jsonscan.Object, jsonscan.Array:
		d.tolerate(DriftUnreadable, field, v.Raw)
		return ""
	default:
		d.tolerate(DriftNumberText, field, v.Raw)
		return string(v.Raw)
	}
}

// repeated is a text that is often the same in one job after the other. A page takes 20 % longer without it.
type repeated struct {
	raw  []byte
	text string
}

// same returns the text of a value, without a new string where it is that of the job before.
func (d *decoder) same(last *repeated, v jsonscan.Value, field string) string {
	if !v.IsString() {
		return d.text(v, field)
	}
	if !bytes.Equal(v.Raw, last.raw) {
		*last = repeated{raw: v.Raw, text: d.text(v, field)}
	}
	return last.text
}

// isGUID reports whether text is 8-4-4-4-12 hexadecimal digits.
func isGUID(text string) bool { return len(text) == 36 && uuid.Validate(text) == nil }

// integer returns a whole number; ok is false if the value is not one, or not one that int64 holds.
func (d *decoder) integer(v jsonscan.Value, field string) (n int64, ok bool) {
	if v.Kind == jsonscan.Number {
		if n, ok := parseInteger(v.Raw); ok {
			return n, true
		}
	}
	text, ok := d.numeral(v, field)
	if !ok {
		return 0, false
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil && !math.IsInf(f, 0):
		d.tolerate(DriftUnreadable, field, v.Raw)
		return 0, false
	case f == math.Trunc(f) && math.Abs(f) < 1<<53: // further up, a float is no exact integer
		d.tolerate(DriftDecimal, field, v.Raw)
		return int64(f), true
	}
	d.tolerate(DriftInexact, field, v.Raw)
	switch f = math.Round(f); {
	case f >= 1<<63:
		return math.MaxInt64, false
	case f < -1<<63:
		return math.MinInt64, false
	default:
		return int64(f), false
	}
}

// parseInteger returns the number of at most 18 digits, which int64 holds. A page takes 8 % longer with strconv.
func parseInteger(raw []byte) (n int64, ok bool) {
	digits := bytes.TrimPrefix(raw, []byte("-"))
	for _, c := range digits {
		if !isDigit(c) {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	if len(digits) < len(raw) {
		n = -n
	}
	return n, len(digits) <= 18
}

// float returns a number. One out of range becomes the nearest limit: infinity cannot be marshalled.
func (d *decoder) float(v jsonscan.Value, field string) float64 {
	if v.Kind == jsonscan.Number {
		if f, err := strconv.ParseFloat(string(v.Raw), 64); err == nil {
			return f
		}
	}
	text, ok := d.numeral(v, field)
	f, err := strconv.ParseFloat(text, 64)
	switch {
	case ok && math.IsInf(f, 0):
		d.tolerate(DriftInexact, field, v.Raw)
		return math.Copysign(math.MaxFloat64, f)
	case ok && err != nil:
		d.tolerate(DriftUnreadable, field, v.Raw)
	}
	return f
}

// numeral returns the characters of a number or of a text that may be one.
func (d *decoder) numeral(v jsonscan.Value, field string) (text string, ok bool) {
	if v.Kind == jsonscan.Number {
		return string(v.Raw), true
	}
	if v.IsString() {
		text = strings.TrimSpace(string(v.Raw))
	}
	if !isNumeral(text) {
		d.tolerate(DriftUnreadable, field, v.Raw)
		return "", false
	}
	d.tolerate(DriftTextNumber, field, v.Raw)
	return text, true
}

// isNumeral tells "12", "-1.0" and "1e3" from words. strconv would take "Inf" and "0x1p-2", too.
func isNumeral(text string) bool {
	return text != "" && strings.Trim(text, "0123456789+-.eE") == ""
}

// enumValue returns a type or a status from its number or its name. A number without a constant is kept.
// For anything else it returns -1 and the characters that were sent.
func enumValue[E interface {
	~int32
	Known() bool
}](d *decoder, v jsonscan.Value, field string, names map[string]E) (value E, unknown string) {
	var n int64
	var ok bool
	if v.IsString() {
		word := d.text(v, field)
		if value := names[foldName(word)]; value > 0 {
			d.tolerate(DriftWord, field, v.Raw)
			return value, ""
		}
		var err error
		n, err = strconv.ParseInt(strings.TrimSpace(word), 10, 32)
		if ok = err == nil; ok && !d.strict { // MarshalText writes an unknown number like this
			d.tolerate(DriftTextNumber, field, v.Raw)
		}
	} else {
		n, ok = d.integer(v, field)
	}
	switch value = E(n); {
	case !ok || n != int64(int32(n)) || n == 0 || n == -1: // 0 is a filter, and -1 is this package's own
		return -1, d.unknownValue(v, field)
	case !value.Known():
		d.tolerate(DriftUnknownValue, field, v.Raw)
	}
	return value, ""
}

// unknownValue reports a type or a status that is not known, and returns what to keep of it.
func (d *decoder) unknownValue(v jsonscan.Value, field string) string {
	kind, sent := DriftUnknownValue, v.Text()
	if sent == "" {
		kind = DriftUnreadable
	}
	d.tolerate(kind, field, v.Raw)
	if v.Kind == jsonscan.Object || v.Kind == jsonscan.Array || sent == unknownText {
		return ""
	}
	return sent
}

// time returns a time in UTC; what is finer than a nanosecond is cut off.
func (d *decoder) time(v jsonscan.Value, field string) (t time.Time, ok bool) {
	raw := v.Raw
	if v.Kind == jsonscan.Escaped {
		raw = []byte(v.Text())
	}
	t, zoned, ok := parseTime(raw)
	if !ok {
		d.tolerate(DriftUnreadable, field, v.Raw)
	} else if !zoned {
		d.tolerate(DriftNoZone, field, v.Raw)
	}
	return t, ok
}

// parseTime parses a date-time of RFC 3339, section 5.6, as the contract has it: T and Z in either case, a
// fraction of any length, an offset, and a leap second at the end of a day in UTC, which becomes the
// second after it. One without an offset is taken as UTC; then zoned is false. A time whose year in UTC is
// not one of 0 to 9999 cannot be marshalled, and is not ok.
func parseTime(raw []byte) (t time.Time, zoned, ok bool) {
	const form = "0000-00-00T00:00:00"
	if len(raw) < len(form) || !hasForm(raw[:len(form)], form) {
		return time.Time{}, false, false
	}
	two := func(i int) int { return int(raw[i]-'0')*10 + int(raw[i+1]-'0') }
	year, month, day := two(0)*100+two(2), time.Month(two(5)), two(8)
	hour, minute, second := two(11), two(14), two(17)
	nanosecond, zone, ok := cutFraction(raw[len(form):])
	if !ok || month < 1 || month > 12 || hour > 23 || minute > 59 || second > 60 {
		return time.Time{}, false, false
	}
	offset, ok := parseZone(zone)
	t = time.Date(year, month, day, hour, minute, min(second, 59), nanosecond, time.UTC)
	ok = ok && t.Day() == day // 31 June is 1 July
	if offset != 0 {
		t = t.Add(-offset)
	}
	if second == 60 {
		ok = ok && t.Hour() == 23 && t.Minute() == 59
		t = t.Add(time.Second)
	}
	if !ok || t.Year() < 0 || t.Year() > 9999 {
		return time.Time{}, false, false
	}
	return t, len(zone) > 0, true
}

// hasForm reports whether text has a digit for each 0 of form and is form otherwise, but for the case of
// its T.
func hasForm(text []byte, form string) bool {
	if len(text) != len(form) {
		return false
	}
	for i := range len(form) {
		if c := text[i]; c != form[i] && (form[i] != '0' || !isDigit(c)) && (form[i] != 'T' || c != 't') {
			return false
		}
	}
	return true
}

// cutFraction parses the fraction of a second that raw may begin with, such as .1234567, and returns what
// comes after it.
func cutFraction(raw []byte) (nanosecond int, rest []byte, ok bool) {
	if len(raw) == 0 || raw[0] != '.' {
		return 0, raw, true
	}
	i := 1
	for unit := 100_000_000; i < len(raw) && isDigit(raw[i]); unit, i = unit/10, i+1 {
		nanosecond += unit * int(raw[i]-'0')
	}
	return nanosecond, raw[i:], i > 1
}

// parseZone parses an offset from UTC: Z, one such as +01:30, or none.
func parseZone(raw []byte) (offset time.Duration, ok bool) {
	if len(raw) == 0 || len(raw) == 1 && raw[0]|0x20 == 'z' {
		return 0, true
	}
	if !hasForm(raw, "+00:00") && !hasForm(raw, "-00:00") || string(raw[1:3]) > "23" || string(raw[4:]) > "59" {
		return 0, false
	}
	hours, minutes := int(raw[1]-'0')*10+int(raw[2]-'0'), int(raw[4]-'0')*10+int(raw[5]-'0')
	offset = time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
	if raw[0] == '-' {
		offset = -offset
	}
	return offset, true
}
