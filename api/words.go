package api

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// These bound what a violation shows of a payload, in bytes.
const (
	maxFound   = 64
	maxPointer = 1 << 10
)

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
		return shorten(compact(value), maxFound)
	}
}

// quote is s as one line in quotes, cut short.
func quote(s string) string {
	return strconv.Quote(shorten(s, maxFound))
}

// oneLine is s without anything that would break a line.
func oneLine(s string) string {
	quoted := strconv.Quote(s)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}

// shorten is s, cut short behind its first bytes if it has more than those.
func shorten(s string, bytes int) string {
	if len(s) <= bytes {
		return s
	}
	cut := bytes
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
