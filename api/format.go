package api

import (
	"errors"
	"math"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"
)

// The formats are passed to each visit of a schema. kin-openapi's own registry is global, so a program that
// changes it while this package reads it would be a data race.
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

// formatNames describe the formats in a violation. The empty one stands for a number without a format.
var formatNames = map[string]string{
	"date-time": "date-time: RFC 3339, such as 2026-11-01T03:00:00Z",
	"uuid":      "uuid: 32 hexadecimal digits as 8-4-4-4-12",
	"int32":     "int32: an integer of 32 bits",
	"int64":     "int64: an integer of 64 bits",
	"double":    "double: a number that fits a float64",
	"":          "a number that fits a float64",
}

var errFormat = errors.New("invalid format")

// checkDateTime accepts the times of RFC 3339, section 5.6. These include T and Z in lower case, and a leap
// second at the end of a day in UTC.
func checkDateTime(s string) error {
	const hour, minute = "2026-11-01T03", "2026-11-01T03:00:"
	s = strings.ToUpper(s)
	leap := len(s) > len(minute) && strings.HasPrefix(s[len(minute):], "60")
	if leap {
		s = s[:len(minute)] + "59" + s[len(minute)+2:]
	}
	t, err := time.Parse(time.RFC3339, s)
	switch {
	case err != nil, leap && t.UTC().Format("15:04") != "23:59":
		return errFormat
	case strings.Index(s, ":") != len(hour), strings.Contains(s, ","): // which Parse accepts
		return errFormat
	case s[len(s)-1] != 'Z' && (s[len(s)-5:] > "23:59" || s[len(s)-2:] > "59"): // likewise
		return errFormat
	}
	return nil
}

// checkUUID accepts the text form of RFC 4122, of any version and variant.
func checkUUID(s string) error {
	if len(s) != len(uuid.Nil.String()) { // uuid.Validate accepts longer and shorter forms, too
		return errFormat
	}
	return uuid.Validate(s)
}
