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

// TestProgressShows: on a terminal a slow list says how far it is. The line stays while jobs go
// elsewhere, makes room for jobs on the same screen, and is gone at the end.
func TestProgressShows(t *testing.T) {
	terminal := cmdutil.Screen{Terminal: true, Width: 80, Cursor: true}
	for name, tt := range map[string]struct {
		stdout cmdutil.Screen
		format format
		shows  bool
	}{
		"file":             {cmdutil.Screen{}, formatCSV, true},
		"table on screen":  {terminal, formatTable, true},
		"ndjson on screen": {terminal, formatNDJSON, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var stdout, stderr bytes.Buffer
				c := &command{app: cmdutil.NewApp(nil, nil, &stdout, &stderr), output: tt.format, pageSize: 1}
				c.app.StdoutScreen, c.app.StderrScreen = tt.stdout, terminal
				listSlowly(t, c)
				text := stderr.String()
				if shown := strings.Contains(text, " of 3 jobs ("); shown != tt.shows {
					t.Errorf("got %q", text)
				}
				if cleared := strings.HasSuffix(text, "\r\x1b[K") && strings.Count(text, "\r\x1b[K") == 1; cleared != tt.shows {
					t.Errorf("the line is not taken away once: %q", text)
				}
			})
		})
	}
}

// listSlowly lists three jobs, each on a page that takes longer than the progress line waits for.
func listSlowly(t *testing.T, c *command) {
	t.Helper()
	cmd := &cobra.Command{}
	c.times.AddFlags(cmd)
	c.filter.AddFlags(cmd)
	p, err := c.plan(cmd.Flags().Changed)
	if err != nil {
		t.Fatal(err)
	}
	progress := c.progress()
	client, err := d365backup.New(append(c.options(progress), d365backup.WithDataCenter("us"),
		d365backup.WithTokenSource(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "t"})),
		d365backup.WithHTTPClient(&http.Client{Transport: slowPages{}}))...)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.list(client.Jobs(t.Context(), p.query), p, progress); err != nil {
		t.Fatal(err)
	}
}

// slowPages answers pages of one job each, three in all.
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
