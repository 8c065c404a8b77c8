package cmdutil

import (
	"bytes"
	"encoding/json"
	"io"

	"github.com/d365backup/d365backup/internal/human"
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
	_, err := out.Write(human.EscapeJSON(text.Bytes()))
	return err
}
