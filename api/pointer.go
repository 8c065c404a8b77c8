package api

import (
	"cmp"
	"strconv"
	"strings"
)

var pointerEscaper = strings.NewReplacer("~", "~0", "/", "~1")

// pointer is the JSON pointer (RFC 6901) of path, cut short if long.
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

// comparePointers orders pointers token by token, numbers by value and before words: /jobs/2 comes
// before /jobs/10.
func comparePointers(a, b string) int {
	moreA, moreB := true, true
	for restA, restB := a, b; moreA && moreB; {
		var x, y string
		x, restA, moreA = strings.Cut(restA, "/")
		y, restB, moreB = strings.Cut(restB, "/")
		if c := compareTokens(x, y); c != 0 {
			return c
		}
	}
	switch {
	case moreA:
		return 1
	case moreB:
		return -1
	}
	return strings.Compare(a, b)
}

func compareTokens(x, y string) int {
	i, isX := index(x)
	j, isY := index(y)
	switch {
	case isX && isY:
		return cmp.Compare(i, j)
	case isX:
		return -1
	case isY:
		return 1
	}
	return strings.Compare(x, y)
}

// index reads a place in a list. What cannot be one is not tried: the error would copy it.
func index(token string) (int, bool) {
	const digits = 10 // of the longest index that a payload has room for
	if token == "" || len(token) > digits || token[0] < '0' || token[0] > '9' {
		return 0, false
	}
	i, err := strconv.Atoi(token)
	return i, err == nil
}

// lookup gives the value at path in root.
func lookup(root any, path []string) any {
	for _, token := range path {
		switch value := root.(type) {
		case map[string]any:
			root = value[token]
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i >= len(value) {
				return nil
			}
			root = value[i]
		default:
			return nil
		}
	}
	return root
}
