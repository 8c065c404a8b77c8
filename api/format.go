package api

import (
	"errors"
	"math"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
)

// The formats, handed to every schema visit. kin-openapi's own registry is global, so a program that
// adds to it while this package reads it would race.
var (
	stringFormats = map[string]openapi3.StringFormatValidator{
		"date-time": openapi3.NewCallbackValidator(checkDateTime),
		"uuid":      openapi3.NewCallbackValidator(checkUUID),
	}
	integerFormats = map[string]openapi3.IntegerFormatValidator{
		"int32": openapi3.NewRangeFormatValidator[int64](math.MinInt32, math.MaxInt32),
		"int64": openapi3.NewRangeFormatValidator[int64](math.MinInt64, math.MaxInt64),
	}
	numberFormats = map[string]openapi3.NumberFormatValidator{
		"double": openapi3.NewRangeFormatValidator(-math.MaxFloat64, math.MaxFloat64),
	}
)

// formatInWords says what a format demands.
func formatInWords(format string) string {
	switch format {
	case "date-time":
		return "date-time: RFC 3339, such as 2026-11-01T03:00:00Z"
	case "uuid":
		return "uuid: 32 hexadecimal digits as 8-4-4-4-12"
	case "int32":
		return "int32: an integer of 32 bits"
	case "int64":
		return "int64: an integer of 64 bits"
	case "double":
		return "double: a number that fits a float64"
	}
	return "a number that fits a float64"
}

var errFormat = errors.New("not of this format")

// checkDateTime takes what RFC 3339, section 5.6, takes: T and Z in either case, and a leap second
// at the end of a day in UTC. [time.Parse] alone takes more: a comma before the fraction, an hour of
// one digit, an offset of a day.
func checkDateTime(s string) error {
	const shape = "0000-00-00T00:00:00"
	s = strings.ToUpper(s)
	if len(s) <= len(shape) || !hasShape(s[:len(shape)], shape) || !checkFraction(s[len(shape):]) {
		return errFormat
	}
	leap := s[len(shape)-2:len(shape)] == "60"
	if leap {
		s = s[:len(shape)-2] + "59" + s[len(shape):]
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || leap && t.UTC().Format("15:04") != "23:59" {
		return errFormat
	}
	return nil
}

// checkFraction takes what follows the seconds: a fraction, if any, and the offset.
func checkFraction(s string) bool {
	if fraction, ok := strings.CutPrefix(s, "."); ok {
		s = strings.TrimLeft(fraction, "0123456789")
		if len(s) == len(fraction) {
			return false
		}
	}
	return s == "Z" || (hasShape(s, "+00:00") || hasShape(s, "-00:00")) && s[1:3] <= "23" && s[4:] <= "59"
}

// hasShape tells whether s has a digit where shape has a 0, and else is shape.
func hasShape(s, shape string) bool {
	if len(s) != len(shape) {
		return false
	}
	for i := range len(s) {
		if digit := '0' <= s[i] && s[i] <= '9'; shape[i] == '0' && !digit || shape[i] != '0' && s[i] != shape[i] {
			return false
		}
	}
	return true
}

// checkUUID takes RFC 4122's text form, of any version and variant.
func checkUUID(s string) error {
	if len(s) != 36 {
		return errFormat
	}
	for i, c := range []byte(s) {
		switch hyphen := i == 8 || i == 13 || i == 18 || i == 23; {
		case hyphen && c == '-':
		case !hyphen && ('0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'):
		default:
			return errFormat
		}
	}
	return nil
}
