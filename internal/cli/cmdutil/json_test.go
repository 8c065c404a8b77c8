package cmdutil

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestWriteJSON: the text is ASCII where it matters to a terminal, and means what was written.
func TestWriteJSON(t *testing.T) {
	value := map[string]string{"\u009b31m": "a\u202e\u2028\u2029\x7f\u200b\U000e0001\x1b]0;x\x07 営業 <b>"}
	var out bytes.Buffer
	if err := WriteJSON(&out, value); err != nil {
		t.Fatal(err)
	}
	const want = "{\n" + `  "\u009b31m": "a\u202e\u2028\u2029\u007f\u200b\udb40\udc01\u001b]0;x\u0007 営業 <b>"` + "\n}\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var got map[string]string
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(value, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
