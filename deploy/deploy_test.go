// Package deploy has only tests of the files in this folder, which need no other programs. test/interop has more.
package deploy

import (
	"context"
	"encoding/json"
	"io/fs"
	"log/slog"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/d365backup/d365backup/internal/exporter"
	"github.com/d365backup/d365backup/sandbox"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

var metric = regexp.MustCompile(`\bd365backup_[a-z_]+`)

// metrics returns the names of all metrics: of probes from the golden files of the exporter, its own from an exporter that
// has probed.
func metrics(t *testing.T) map[string]bool {
	t.Helper()
	service, err := sandbox.Start(sandbox.WithJobs(1))
	if err != nil {
		t.Fatal(err)
	}
	defer service.Close()
	connection := []d365backup.Option{
		d365backup.WithBaseURL(service.URL()), d365backup.WithTokenURL(service.TokenURL()), d365backup.WithLoopbackHTTP(),
		d365backup.WithClientSecret(service.ClientID(), service.ClientSecret()),
	}
	profile := exporter.Profile{Name: "sandbox", Client: func(options ...d365backup.Option) (*d365backup.Client, error) {
		return d365backup.New(slices.Concat(connection, options)...)
	}}
	e, err := exporter.New(exporter.Options{
		Load:        func() ([]exporter.Profile, error) { return []exporter.Profile{profile}, nil },
		MaxRequests: exporter.DefaultMaxRequests, MaxOrganizations: exporter.DefaultMaxOrganizations, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	golden, err := os.ReadFile("../internal/exporter/testdata/probe.txt")
	if err != nil {
		t.Fatal(err)
	}
	text := string(golden)
	for _, path := range []string{"/probe?target=sandbox", "/metrics"} {
		response := httptest.NewRecorder()
		e.Handler().ServeHTTP(response, httptest.NewRequestWithContext(context.Background(), "GET", path, nil))
		text += response.Body.String()
	}
	names := map[string]bool{"d365backup_probe_error_info": true} // of a probe that fails
	for _, name := range regexp.MustCompile(`(?m)^# TYPE (\w+) `).FindAllStringSubmatch(text, -1) {
		names[name[1]] = true
	}
	return names
}

// TestMetricsExist: every metric that these files name is one of the exporter.
func TestMetricsExist(t *testing.T) {
	exist := metrics(t)
	named := 0
	for path, text := range files(t) {
		for _, name := range metric.FindAllString(text, -1) {
			named++
			if !exist[name] {
				t.Errorf("%s: the exporter has no metric %s", path, name)
			}
		}
	}
	if named < 50 {
		t.Errorf("these files name %d metrics", named)
	}
}

// TestAlerts: each alert is in README.md, and is expected to fire in a test.
func TestAlerts(t *testing.T) {
	texts := files(t)
	alerts := regexp.MustCompile(`(?m)^ *- alert: (\w+)$`).FindAllStringSubmatch(texts["prometheus/alerts.yaml"], -1)
	if len(alerts) == 0 {
		t.Fatal("there are no alerts")
	}
	for _, alert := range alerts {
		fires := regexp.MustCompile(`alertname: ` + alert[1] + `(\n +|, )exp_alerts:`)
		if !fires.MatchString(texts["prometheus/alerts_test.yaml"]) {
			t.Errorf("%s fires in no test", alert[1])
		}
		if !strings.Contains(texts["README.md"], "\n| `"+alert[1]+"` |") {
			t.Errorf("%s is not in README.md", alert[1])
		}
	}
}

// TestCommands: each command that an alert advises exists, with these flags.
func TestCommands(t *testing.T) {
	commands := surface(t)
	advice := regexp.MustCompile(`"d365backup ([a-z]+)([^"]*)"`).FindAllStringSubmatch(files(t)["prometheus/alerts.yaml"], -1)
	if len(advice) == 0 {
		t.Fatal("no alert advises a command")
	}
	for _, command := range advice {
		for _, flag := range regexp.MustCompile(`--[a-z-]+`).FindAllString(command[2], -1) {
			if !regexp.MustCompile(`(?m)^d365backup ` + command[1] + ` (-\w, )?` + flag + ` `).MatchString(commands) {
				t.Errorf("alerts.yaml: there is no flag %s of %s", flag, command[1])
			}
		}
	}
}

// surface returns the list of all commands and flags.
func surface(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../internal/surface/testdata/commands.txt")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestPort: these files name the port on which the exporter listens by default, and no other one of it.
func TestPort(t *testing.T) {
	found := regexp.MustCompile(`web\.listen-address string, default "127\.0\.0\.1:(\d+)"`).FindStringSubmatch(surface(t))
	if found == nil {
		t.Fatal("the exporter has no default address")
	}
	other := regexp.MustCompile(`(?:127\.0\.0\.1|exporter(?:-\d)?|listen-address=):(\d+)|(?i:port|expose):? (\d+)`)
	ports := 0
	for path, text := range files(t) {
		for _, match := range other.FindAllStringSubmatch(text, -1) {
			ports++
			if match[1]+match[2] != found[1] {
				t.Errorf("%s: %s, but the port is %s", path, match[0], found[1])
			}
		}
	}
	if ports < 10 {
		t.Errorf("these files name %d ports", ports)
	}
}

// TestDashboard: panels have different ids and do not overlap, and each query is for the profiles that are selected.
func TestDashboard(t *testing.T) {
	var board struct {
		UID    string
		Panels []struct {
			ID      int
			Title   string
			GridPos struct{ X, Y, W, H int }
			Targets []struct{ Expr, RefID string }
		}
	}
	text, err := os.ReadFile("grafana/dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &board); err != nil || board.UID == "" || len(board.Panels) == 0 {
		t.Fatal(board, err)
	}
	ids, cells := make(map[int]bool), make(map[[2]int]string)
	for _, p := range board.Panels {
		if ids[p.ID] || p.ID == 0 {
			t.Errorf("panel %q: id %d", p.Title, p.ID)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other, taken := cells[[2]int{x, y}]; taken || x >= 24 {
					t.Fatalf("panel %q is at (%d, %d), as is %q", p.Title, x, y, other)
				}
				cells[[2]int{x, y}] = p.Title
			}
		}
		for _, target := range p.Targets {
			for _, name := range metric.FindAllStringIndex(target.Expr, -1) {
				rest := target.Expr[name[1]:]
				selector, _, _ := strings.Cut(rest, "}")
				isOwn := strings.Contains(target.Expr, "d365backup_requests_total")
				if !isOwn && (!strings.HasPrefix(rest, "{") || !strings.Contains(selector, `profile=~"$profile"`)) {
					t.Errorf("panel %q: no selection of profiles in %s", p.Title, target.Expr)
				}
			}
		}
	}
}

// files returns the text of all files in this folder, except Go files, by path.
func files(t *testing.T) map[string]string {
	t.Helper()
	texts := make(map[string]string)
	err := fs.WalkDir(os.DirFS("."), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(path, ".go") {
			return err
		}
		text, err := fs.ReadFile(os.DirFS("."), path)
		texts[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}
