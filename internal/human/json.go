package human

import (
	"bytes"
	"fmt"
	"unicode"
	"unicode/utf16"
)

// EscapeJSON escapes the characters of JSON that JSON itself allows, but that could control a terminal, break a line or
// reverse text.
func EscapeJSON(text []byte) []byte {
	if !bytes.ContainsFunc(text, isUnsafe) {
		return text
	}
	var escaped bytes.Buffer
	for _, r := range string(text) {
		if !isUnsafe(r) {
			escaped.WriteRune(r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			fmt.Fprintf(&escaped, `\u%04x`, unit)
		}
	}
	return escaped.Bytes()
}

// isUnsafe reports whether a character is DEL, a C1 control character, a line separator or invisible. Encoders escape the
// other control characters.
func isUnsafe(r rune) bool {
	return r > '~' && (unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp))
}
