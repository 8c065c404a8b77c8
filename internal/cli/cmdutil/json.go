package cmdutil

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode"
	"unicode/utf16"
)

// WriteJSON writes a value as indented JSON that is safe to show on a terminal.
func WriteJSON(out io.Writer, value any) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		return err
	}
	_, err := out.Write(EscapeJSON(text.Bytes()))
	return err
}

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
