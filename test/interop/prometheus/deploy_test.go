//go:build interop

package prometheus

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// promtool runs promtool in deploy/prometheus or another folder.
func promtool(t *testing.T, folder, input string, arguments ...string) {
	t.Helper()
	command := exec.Command("promtool", arguments...)
	command.Dir, command.Stdin = folder, strings.NewReader(input)
	if output, err := command.CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(arguments, " "), err, output)
	}
}

// TestFiles: promtool accepts all files in deploy/prometheus, and the alerting rules pass their tests.
func TestFiles(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(deploy, "prometheus")
	promtool(t, folder, "", "check", "config", "prometheus.yml")
	promtool(t, folder, "", "check", "config", "sharded.yml")
	promtool(t, folder, "", "check", "rules", "alerts.yaml")
	promtool(t, folder, "", "test", "rules", "alerts_test.yaml", "alerts_90d_test.yaml")
}

// TestCommentedParts: prometheus.yml is also valid with the parts that are comments in it.
func TestCommentedParts(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS(filepath.Join(deploy, "prometheus"))); err != nil {
		t.Fatal(err)
	}
	config := read(t, filepath.Join(folder, "prometheus.yml"))
	edited := regexp.MustCompile(`(?m)^( *)# ((  )?[a-z_]+: *(\[.*)?)$`).ReplaceAllString(config, "$1$2")
	for _, key := range []string{"\nalerting:", "\n  alertmanagers: [", "\n    file_sd_configs: ["} {
		if !strings.Contains(edited, key) || strings.Contains(config, key) {
			t.Errorf("got\n%s", edited)
		}
	}
	write(t, filepath.Join(folder, "prometheus.yml"), edited)
	promtool(t, folder, "", "check", "config", "prometheus.yml")
}

// checkMetrics lets promtool check what an exporter exposes.
func checkMetrics(t *testing.T, exporter *program, target string) {
	t.Helper()
	for _, path := range []string{"/metrics", "/probe?target=" + target} {
		text, err := get(t.Context(), exporter.url+path)
		if err != nil {
			t.Fatal(err)
		}
		promtool(t, ".", string(text), "check", "metrics")
	}
}

// dashboard is what queries a Grafana dashboard has.
type dashboard struct {
	Templating struct {
		List []struct {
			Type  string
			Query json.RawMessage
		}
	}
	Panels []struct {
		Title   string
		Targets []struct{ Expr string }
	}
}

// checkDashboard runs every query of the dashboard. Each has a result on one of the servers.
func checkDashboard(t *testing.T, servers ...*program) {
	t.Helper()
	var board dashboard
	if err := json.Unmarshal([]byte(read(t, filepath.Join(deploy, "grafana", "dashboard.json"))), &board); err != nil {
		t.Fatal(err)
	}
	queries := 0
	for _, panel := range board.Panels {
		for _, target := range panel.Targets {
			queries++
			query := strings.ReplaceAll(target.Expr, "$profile", ".*")
			eventually(t, "panel "+panel.Title, func() error { return anyResult(query, servers...) })
		}
	}
	if queries < len(board.Panels) || queries == 0 {
		t.Errorf("%d queries in %d panels", queries, len(board.Panels))
	}
	for _, variable := range board.Templating.List {
		if variable.Type != "query" {
			continue
		}
		var query struct{ Query string }
		if err := json.Unmarshal(variable.Query, &query); err != nil {
			t.Fatal(err)
		}
		values := regexp.MustCompile(`^label_values\((\w+), (\w+)\)$`).FindStringSubmatch(query.Query)
		if values == nil {
			t.Fatalf("variable %q", query.Query)
		}
		var found []string
		if err := servers[0].api("label/"+values[2]+"/values?match[]="+values[1], &found); err != nil || len(found) == 0 {
			t.Errorf("variable %q: %v, %v", query.Query, found, err)
		}
	}
}

// anyResult returns an error unless a server has a result of a query.
func anyResult(query string, servers ...*program) error {
	for _, server := range servers {
		var found struct{ Result []json.RawMessage }
		if err := server.api("query?query="+url.QueryEscape(query), &found); err != nil || len(found.Result) > 0 {
			return err
		}
	}
	return fmt.Errorf("no result of %s", query)
}
