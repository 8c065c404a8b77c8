package api

import (
	"cmp"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The most bytes of a payload in a violation.
const (
	maxFound   = 64
	maxPointer = 1 << 10
)

// describe returns a scalar as JSON, and the kind of any other value.
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

// compact returns a JSON value as text.
func compact(value any) string {
	b, _ := json.Marshal(value) // cannot fail: value was JSON
	return string(b)
}

func quote(s string) string { return strconv.Quote(shorten(s, maxFound)) }

// oneLine escapes what would end the line.
func oneLine(s string) string {
	quoted := strconv.Quote(s)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}

// shorten returns the first bytes of s and an ellipsis if s is longer.
func shorten(s string, bytes int) string {
	if len(s) <= bytes {
		return s
	}
	for bytes > 0 && !utf8.RuneStart(s[bytes]) {
		bytes--
	}
	return s[:bytes] + "…"
}

var pointerEscaper = strings.NewReplacer("~", "~0", "/", "~1")

// pointer returns the JSON pointer (RFC 6901) of path, shortened if it is long.
func pointer(path ...string) string {
	var b strings.Builder
	for _, token := range path {
		b.WriteByte('/')
		b.WriteString(pointerEscaper.Replace(shorten(token, maxPointer)))
		if b.Len() > maxPointer {
			return shorten(b.String(), maxPointer)
		}
	}
	return b.String()
}

// comparePointers compares token by token: /jobs/2 comes before /jobs/10, and that before /jobs/a.
func comparePointers(a, b string) int {
	for restA, restB := a, b; restA != "" && restB != ""; {
		var x, y string
		x, restA, _ = strings.Cut(restA, "/")
		y, restB, _ = strings.Cut(restB, "/")
		if c := cmp.Or(cmp.Compare(index(x), index(y)), strings.Compare(x, y)); c != 0 {
			return c
		}
	}
	return strings.Compare(a, b) // one is the beginning of the other
}

// index returns a token as the index of an array, or more than any index if it is a name.
func index(token string) int {
	if token == "" || len(token) > 10 || strings.Trim(token, "0123456789") != "" {
		return math.MaxInt
	}
	i, _ := strconv.Atoi(token)
	return i
}

// lookup returns the value at path in root.
func lookup(root any, path []string) any {
	for _, token := range path {
		switch value := root.(type) {
		case map[string]any:
			root = value[token]
		case []any:
			i := index(token)
			if i >= len(value) {
				return nil
			}
			root = value[i]
		default:
			return nil
		}
	}
	return root
}
