package jobs

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/d365backup/d365backup/internal/cli/cmdutil"
)

// hostile is a name that would set a terminal's title, clear the screen in two ways and reverse text.
const hostile = "\x1b]0;title\x07\x1b[2J\u009b2J\u202e\u2028Contoso"

// TestFormatsOnTerminal: in no format can a name control the terminal.
func TestFormatsOnTerminal(t *testing.T) {
	for _, name := range []string{"table", "json", "ndjson", "csv"} {
		shown := printHostile(t, name, cmdutil.Screen{Terminal: true, Width: 200})
		if i := strings.IndexAny(shown, "\x1b\x07\u009b\u202e\u2028"); i >= 0 || !strings.Contains(shown, "Contoso") {
			t.Errorf("%s, at byte %d: %q", name, i, shown)
		}
	}
}

// TestFormatsKeepText: programs get every character.
func TestFormatsKeepText(t *testing.T) {
	var array []job
	if err := json.Unmarshal([]byte(printHostile(t, "json", cmdutil.Screen{})), &array); err != nil || array[0].OrganizationName != hostile {
		t.Errorf("json: got %+v, %v", array, err)
	}
	var line job
	if err := json.Unmarshal([]byte(printHostile(t, "ndjson", cmdutil.Screen{})), &line); err != nil || line.OrganizationName != hostile {
		t.Errorf("ndjson: got %+v, %v", line, err)
	}
	rows, err := csv.NewReader(strings.NewReader(printHostile(t, "csv", cmdutil.Screen{}))).ReadAll()
	if err != nil || rows[1][slices.Index(rows[0], "organizationName")] != hostile {
		t.Errorf("csv: got %q, %v", rows, err)
	}
}

func printHostile(t *testing.T, name string, screen cmdutil.Screen) string {
	t.Helper()
	var out bytes.Buffer
	c := &command{app: cmdutil.NewApp(nil, nil, &out, nil), output: cmdutil.NewChoice("format", name)}
	c.app.StdoutScreen = screen
	p := c.newPrinter(nil)
	j := filled()
	j.OrganizationName = hostile
	if err := p.print(j); err != nil {
		t.Fatal(err)
	}
	if err := p.close(listed{}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
