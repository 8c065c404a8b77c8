package d365backup

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// How the values of fields are read. None of these fails: the JSON is valid when they are called,
// and what makes no sense is left out and reported as drift. None is called with an absent value.

// text returns the characters of a value.
func (d *decoder) text(v lexeme, field string) string {
	switch v.kind {
	case kindText:
		return string(v.raw)
	case kindEscaped:
		text := unescape(v.raw)
		if strings.ContainsRune(text, utf8.RuneError) {
			d.drifts.add(DriftDamagedText, field, v.raw)
		}
		return text
	case '{', '[':
		d.drifts.add(DriftUnreadable, field, v.raw)
		return ""
	default:
		d.drifts.add(DriftNumberText, field, v.raw)
		return string(v.raw)
	}
}

// unescape returns the text of a string with escapes. Half of a surrogate pair becomes U+FFFD.
func unescape(raw []byte) string {
	quoted := make([]byte, 0, len(raw)+2)
	quoted = append(append(append(quoted, '"'), raw...), '"')
	var text string
	_ = json.Unmarshal(quoted, &text) // cannot fail: the scanner has seen a valid string
	return text
}

// repeated is a text that is often the same in one job after the other.
type repeated struct {
	raw  []byte
	text string
}

// same returns the text of a value, without a new string where it is that of the job before.
func (d *decoder) same(last *repeated, v lexeme, field string) string {
	if !v.isText() {
		return d.text(v, field)
	}
	if !bytes.Equal(v.raw, last.raw) {
		*last = repeated{raw: v.raw, text: d.text(v, field)}
	}
	return last.text
}

// isGUID reports whether text is 8-4-4-4-12 hexadecimal digits.
func isGUID(text string) bool {
	if len(text) != 36 {
		return false
	}
	for i := range len(text) {
		c := text[i]
		if hyphen := i == 8 || i == 13 || i == 18 || i == 23; hyphen != (c == '-') || !hyphen && !isHex(c) {
			return false
		}
	}
	return true
}

// integer returns a whole number; ok is false where the value is none, or none that int64 holds.
func (d *decoder) integer(v lexeme, field string) (n int64, ok bool) {
	if v.kind == kindInteger {
		return parseInteger(v.raw), true
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
		d.drifts.add(DriftUnreadable, field, v.raw)
		return 0, false
	case f == math.Trunc(f) && math.Abs(f) < 1<<53: // further up, a float is no exact integer
		d.drifts.add(DriftDecimal, field, v.raw)
		return int64(f), true
	}
	d.drifts.add(DriftInexact, field, v.raw)
	switch f = math.Round(f); {
	case f >= 1<<63:
		return math.MaxInt64, false
	case f < -1<<63:
		return math.MinInt64, false
	default:
		return int64(f), false
	}
}

// parseInteger returns the number that the digits of a kindInteger make.
func parseInteger(raw []byte) (n int64) {
	for _, c := range raw {
		if c != '-' {
			n = n*10 + int64(c-'0')
		}
	}
	if raw[0] == '-' {
		return -n
	}
	return n
}

// float returns a number. One out of range becomes the nearest limit: infinity cannot be marshalled.
func (d *decoder) float(v lexeme, field string) float64 {
	if v.kind == kindInteger || v.kind == kindNumber {
		if f, err := strconv.ParseFloat(string(v.raw), 64); err == nil {
			return f
		}
	}
	text, ok := d.numeral(v, field)
	f, err := strconv.ParseFloat(text, 64)
	switch {
	case ok && math.IsInf(f, 0):
		d.drifts.add(DriftInexact, field, v.raw)
		return math.Copysign(math.MaxFloat64, f)
	case ok && err != nil:
		d.drifts.add(DriftUnreadable, field, v.raw)
	}
	return f
}

// numeral returns the characters of a number or of a text that may be one.
func (d *decoder) numeral(v lexeme, field string) (text string, ok bool) {
	if v.kind == kindInteger || v.kind == kindNumber {
		return string(v.raw), true
	}
	if v.isText() {
		text = strings.TrimSpace(string(v.raw))
	}
	if !isNumeral(text) {
		d.drifts.add(DriftUnreadable, field, v.raw)
		return "", false
	}
	d.drifts.add(DriftTextNumber, field, v.raw)
	return text, true
}

// isNumeral tells "12", "-1.0" and "1e3" from words. strconv would take "Inf" and "0x1p-2", too.
func isNumeral(text string) bool {
	return text != "" && strings.Trim(text, "0123456789+-.eE") == ""
}

// enumValue returns a type or a status from its number or its name. A number without a constant is
// kept.
func enumValue[E interface {
	~int32
	Known() bool
}](d *decoder, v lexeme, field string, names map[string]E) E {
	if v.isText() {
		word := d.text(v, field)
		if value := names[foldName(word)]; value > 0 {
			d.drifts.add(DriftWord, field, v.raw)
			return value
		}
		if !isNumeral(strings.TrimSpace(word)) {
			d.drifts.add(DriftUnknownValue, field, v.raw)
			return -1
		}
	}
	n, ok := d.integer(v, field)
	if !ok || n != int64(int32(n)) {
		n = -1
	}
	value := E(n)
	if value <= 0 || !value.Known() {
		d.drifts.add(DriftUnknownValue, field, v.raw)
	}
	if value == 0 { // which asks for all, and is no answer
		return -1
	}
	return value
}

// time returns a time in UTC; what is finer than a nanosecond is cut off.
func (d *decoder) time(v lexeme, field string) time.Time {
	raw := v.raw
	if v.kind == kindEscaped {
		raw = []byte(unescape(raw))
	}
	if t, ok := parseUTC(raw); ok {
		return t
	}
	if t, err := time.Parse(time.RFC3339, string(raw)); err == nil {
		if t = t.UTC(); t.Year() >= 0 && t.Year() <= 9999 { // others cannot be marshalled
			return t
		}
	}
	if t, err := time.Parse("2006-01-02T15:04:05", string(raw)); err == nil {
		d.drifts.add(DriftNoZone, field, v.raw)
		return t
	}
	d.drifts.add(DriftUnreadable, field, v.raw)
	return time.Time{}
}

// parseUTC parses the form that the service sends, 2026-11-01T03:00:00.1234567Z. For every other
// one, ok is false.
func parseUTC(raw []byte) (t time.Time, ok bool) {
	const form = "0000-00-00T00:00:00"
	if len(raw) <= len(form) || raw[len(raw)-1] != 'Z' {
		return t, false
	}
	for i := range len(form) {
		if c := raw[i]; c != form[i] && (form[i] != '0' || !isDigit(c)) {
			return t, false
		}
	}
	two := func(i int) int { return int(raw[i]-'0')*10 + int(raw[i+1]-'0') }
	year, month, day := two(0)*100+two(2), time.Month(two(5)), two(8)
	hour, minute, second := two(11), two(14), two(17)
	nanosecond, ok := parseFraction(raw[len(form) : len(raw)-1])
	if !ok || month < 1 || month > 12 || hour > 23 || minute > 59 || second > 59 {
		return t, false
	}
	t = time.Date(year, month, day, hour, minute, second, nanosecond, time.UTC)
	return t, t.Day() == day // 31 June is 1 July
}

// parseFraction parses a fraction of a second, such as .1234567 or nothing, to nanoseconds.
func parseFraction(raw []byte) (nanoseconds int, ok bool) {
	if len(raw) == 0 {
		return 0, true
	}
	if raw[0] != '.' || len(raw) == 1 {
		return 0, false
	}
	for unit, i := 100_000_000, 1; i < len(raw); unit, i = unit/10, i+1 {
		if !isDigit(raw[i]) {
			return 0, false
		}
		nanoseconds += unit * int(raw[i]-'0')
	}
	return nanoseconds, true
}
