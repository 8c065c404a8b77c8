package jobs

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/d365backup/d365backup/generated"
	"github.com/d365backup/d365backup/internal/command/cli"
	"github.com/d365backup/d365backup/sandbox"
)

// TestProgressShows: on a terminal a slow list says how far it is. The line stays while jobs go
// elsewhere, makes room for jobs on the same screen, and is gone at the end.
func TestProgressShows(t *testing.T) {
	// The first page alone takes longer than the line waits for.
	server, err := sandbox.Start(sandbox.WithJobs(0), sandbox.WithFault(sandbox.Latency(600*time.Millisecond)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Close() }()
	for i := range 3 {
		server.Put(generated.Job{JobID: string(rune('a' + i)), Type: 1, Status: 3, StartTime: time.Now().Add(-time.Hour).UTC()})
	}
	terminal := cli.Screen{Terminal: true, Width: 80, Cursor: true}
	for name, tt := range map[string]struct {
		stdout cli.Screen
		format string
		shows  bool
	}{
		"file":             {cli.Screen{}, formatCSV, true},
		"table on screen":  {terminal, formatTable, true},
		"ndjson on screen": {terminal, formatNDJSON, false},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			app := cli.NewApp([]string{
				"D365BACKUP_BASE_URL=" + server.URL(), "D365BACKUP_TOKEN_URL=" + server.TokenURL(),
				"D365BACKUP_CLIENT_ID=" + server.ClientID(), "D365BACKUP_CLIENT_SECRET=" + server.ClientSecret(),
			}, nil, &stdout, &stderr)
			app.StdoutScreen, app.StderrScreen = tt.stdout, terminal
			cmd := New(app)
			cmd.SetArgs([]string{"--page-size", "1", "-o", tt.format})
			if err := cmd.ExecuteContext(t.Context()); err != nil {
				t.Fatal(err)
			}
			text := stderr.String()
			if shown := strings.Contains(text, " of 3 jobs ("); shown != tt.shows {
				t.Errorf("got %q", text)
			}
			if cleared := strings.HasSuffix(text, "\r\x1b[K") && strings.Count(text, "\r\x1b[K") == 1; cleared != tt.shows {
				t.Errorf("the line is not taken away once: %q", text)
			}
		})
	}
}
