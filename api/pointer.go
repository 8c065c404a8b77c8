package api

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

var pointerEscaper = strings.NewReplacer("~", "~0", "/", "~1")

// pointer is the JSON pointer (RFC 6901) of path.
func pointer(path ...string) string {
	var b strings.Builder
	for _, token := range path {
		b.WriteByte('/')
		b.WriteString(pointerEscaper.Replace(token))
	}
	return b.String()
}

// comparePointers orders pointers token by token, numbers by value and before words: /jobs/2 comes
// before /jobs/10.
func comparePointers(a, b string) int {
	return cmp.Or(
		slices.CompareFunc(strings.Split(a, "/"), strings.Split(b, "/"), compareTokens),
		strings.Compare(a, b),
	)
}

func compareTokens(x, y string) int {
	i, errX := strconv.Atoi(x)
	j, errY := strconv.Atoi(y)
	switch {
	case errX == nil && errY == nil:
		return cmp.Compare(i, j)
	case errX == nil:
		return -1
	case errY == nil:
		return 1
	}
	return strings.Compare(x, y)
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
