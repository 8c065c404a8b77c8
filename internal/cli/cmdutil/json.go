package cmdutil

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode"
	"unicode/utf16"
)

// WriteJSON writes a value as indented JSON for programs, which a terminal may show.
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

// EscapeJSON returns JSON of the same meaning in which what could drive a terminal, break a line or turn
// text around stands as an escape. Encoders do so for ASCII alone, since JSON asks for no more.
func EscapeJSON(text []byte) []byte {
	if !bytes.ContainsFunc(text, drives) {
		return text
	}
	var escaped bytes.Buffer
	for _, r := range string(text) {
		if !drives(r) {
			escaped.WriteRune(r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			fmt.Fprintf(&escaped, `\u%04x`, unit)
		}
	}
	return escaped.Bytes()
}

// drives tells the characters that JSON lets into a string and a terminal should not get: DEL, the control
// characters C1, the separators of lines and all that is invisible.
func drives(r rune) bool {
	return r > '~' && (unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp))
}
