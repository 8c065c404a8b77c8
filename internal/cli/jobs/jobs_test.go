package jobs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/oauth2"

	"github.com/d365backup/d365backup/generated"
	"github.com/d365backup/d365backup/internal/cli/cmdutil"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// TestProgressShown: on a terminal, reading a slow list shows its progress. The line stays while jobs are written to a
// file, is removed before jobs on the same screen, and at the end.
func TestProgressShown(t *testing.T) {
	terminal := cmdutil.Screen{Terminal: true, Width: 80, Cursor: true}
	for name, tt := range map[string]struct {
		stdout cmdutil.Screen
		format string
		shows  bool
	}{
		"file":             {cmdutil.Screen{}, "csv", true},
		"table on screen":  {terminal, "table", true},
		"ndjson on screen": {terminal, "ndjson", false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var stdout, stderr bytes.Buffer
				app := cmdutil.NewApp(nil, nil, &stdout, &stderr)
				app.StdoutScreen, app.StderrScreen = tt.stdout, terminal
				c := &command{app: app, output: cmdutil.NewChoice("format", tt.format)}
				listSlowly(t, c)
				text := stderr.String()
				if shown := strings.Contains(text, " of 3 jobs ("); shown != tt.shows {
					t.Errorf("got %q", text)
				}
				if cleared := strings.HasSuffix(text, "\r\x1b[K") && strings.Count(text, "\r\x1b[K") == 1; cleared != tt.shows {
					t.Errorf("the line is not removed once: %q", text)
				}
			})
		})
	}
}

// listSlowly lists three jobs, each on a page that takes longer than the delay of the progress line.
func listSlowly(t *testing.T, c *command) {
	t.Helper()
	cmd := &cobra.Command{}
	c.times.AddFlags(cmd)
	if err := c.check(cmd.Flags().Changed); err != nil {
		t.Fatal(err)
	}
	progress := c.newProgress()
	client, err := d365backup.New(progress.Option(), d365backup.WithPageSize(1), d365backup.WithDataCenter("us"),
		d365backup.WithTokenSource(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "t"})),
		d365backup.WithHTTPClient(&http.Client{Transport: slowPages{}}))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.list(client.Jobs(t.Context(), c.query), progress); err != nil {
		t.Fatal(err)
	}
}

// slowPages responds with pages of one job each, three in all.
type slowPages struct{}

func (slowPages) RoundTrip(r *http.Request) (*http.Response, error) {
	var filter generated.JobFilterModel
	if err := json.NewDecoder(r.Body).Decode(&filter); err != nil {
		return nil, err
	}
	page := *filter.PageInfo.CurrentPage
	time.Sleep(time.Duration(page) * time.Second)
	body := generated.JobPage{TotalCount: 3, Jobs: []generated.Job{}}
	if page <= 3 {
		body.Jobs = append(body.Jobs, sent(fmt.Sprint(page), 0, generated.JobStatus(3)))
	}
	text, err := json.Marshal(body)
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
		Body: io.NopCloser(bytes.NewReader(text)),
	}, err
}
