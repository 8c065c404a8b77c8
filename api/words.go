package api

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxFound bounds what a violation shows of a payload, in bytes.
const maxFound = 64

// describe shows a value in few words: a scalar as JSON, anything else by its kind.
func describe(value any) string {
	switch value := value.(type) {
	case map[string]any:
		return "an object"
	case []any:
		return "an array"
	case string:
		return quote(value)
	default:
		return shorten(compact(value))
	}
}

// quote is s as one line in quotes, cut short.
func quote(s string) string {
	return strconv.Quote(shorten(s))
}

// oneLine is s without anything that would break a line.
func oneLine(s string) string {
	quoted := strconv.Quote(s)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}

func shorten(s string) string {
	if len(s) <= maxFound {
		return s
	}
	cut := maxFound
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
