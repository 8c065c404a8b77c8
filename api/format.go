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
	}
	return format
}

var errFormat = errors.New("not of this format")

// checkDateTime takes what RFC 3339, section 5.6, takes: T and Z in either case, and a leap second
// at the end of a day in UTC.
func checkDateTime(s string) error {
	const seconds = len("2006-01-02T15:04:")
	s = strings.ToUpper(s)
	leap := len(s) > seconds && strings.HasPrefix(s[seconds:], "60")
	if leap {
		s = s[:seconds] + "59" + s[seconds+2:]
	}
	var t time.Time
	if err := t.UnmarshalText([]byte(s)); err != nil {
		return errFormat
	}
	if t = t.UTC(); leap && (t.Hour() != 23 || t.Minute() != 59) {
		return errFormat
	}
	return nil
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
