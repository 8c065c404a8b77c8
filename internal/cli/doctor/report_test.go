package doctor

import (
	"strings"
	"testing"

	"github.com/d365backup/d365backup/internal/cli/cmdutil"
)

// TestJSONOnTerminal: what a server said cannot drive the terminal that a ticket is copied from.
func TestJSONOnTerminal(t *testing.T) {
	var out strings.Builder
	r := newReport("test")
	r.Diagnosis = &finding{Evidence: []string{"\x1b[2J\u009b2J\u202e\u2028"}}
	if err := cmdutil.WriteJSON(&out, r); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), `"\u001b[2J\u009b2J\u202e\u2028"`) {
		t.Errorf("got %q", out.String())
	}
}
