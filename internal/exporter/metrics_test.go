package exporter

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"

	"github.com/d365backup/d365backup/health"
	"github.com/d365backup/d365backup/internal/golden"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// expose returns the metrics of a probe as text, and what promtool check metrics would say about them.
func expose(t *testing.T, c prometheus.Collector) (string, []promlint.Problem) {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(c)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, family := range families {
		if _, err := expfmt.MetricFamilyToText(&text, family); err != nil {
			t.Fatal(err)
		}
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil {
		t.Fatal(err)
	}
	return text.String(), problems
}

func at(text string) time.Time {
	t, err := time.Parse("2006-01-02 15:04", text)
	if err != nil {
		panic(err)
	}
	return t
}

// summary has every metric: a module that is well, one whose exceptions are tolerated, an expected organization that was
// never seen, and names that Prometheus needs escaped.
func summary() health.Summary {
	return health.Summary{
		State:       health.Missing,
		WindowStart: at("2026-11-19 00:00"), End: at("2026-11-26 20:00"),
		Organizations: []health.Organization{
			{ID: "2f8a6d10-94c3-4b7b-8d52-6e0f3c1a7b95", Name: "Say \"hi\"\\\nnow \xff", State: health.Warning, Modules: []health.Module{
				{
					Name: "Dynamics CRM", State: health.Warning, MaxAge: 36 * time.Hour, TolerateExceptions: true,
					LastSuccess: health.Backup{Start: at("2026-11-25 03:00"), Duration: time.Hour, Size: 1000},
					LastException: health.Backup{Start: at("2026-11-26 03:00"), Duration: 90 * time.Minute, Size: 2000,
						Records: health.Outcomes{Successful: 90, Failed: 1, Skipped: 2, Warning: 7, Total: 100}},
					LastFailure: health.Backup{Start: at("2026-11-26 15:00"), Duration: time.Minute, Records: health.Outcomes{Failed: 9}},
					Running:     1, RunningSince: at("2026-11-26 19:30"),
					Jobs: []health.Count{
						{Type: d365backup.JobTypeBackup, Status: d365backup.JobStatusFinished, Jobs: 7},
						{Type: 1 << 30, Status: 1 << 30, Jobs: 2}, {Type: 1<<30 + 1, Status: 1<<30 + 1, Jobs: 3}, // unknown ones share a series
					},
				},
				{Name: "", State: health.Unknown, MaxAge: time.Hour},
			}},
			{ID: "69cb1ecc-f8e8-439b-8077-a4b7fd45e87f", Name: "Sales", State: health.OK, Expected: true, Modules: []health.Module{
				{
					Name: "Dynamics CRM", Expected: true, State: health.OK, MaxAge: 36 * time.Hour,
					LastSuccess: health.Backup{Start: at("2026-11-26 03:00").Add(123 * time.Millisecond),
						Records:  health.Outcomes{Successful: 5, Total: 5},
						Entities: health.Outcomes{Successful: 3, Warning: 1, Total: 4}},
					LastException: health.Backup{Start: at("2026-11-20 03:00"), Duration: time.Minute, Size: 5},
				},
			}},
			{Name: "Finance", State: health.Missing, Expected: true, Modules: []health.Module{}},
		},
	}
}

func TestMetrics(t *testing.T) {
	got, problems := expose(t, probeResult{
		result: &result{summary: summary(), requests: 3, drift: map[d365backup.DriftKind]int{d365backup.DriftUnknownField: 4}},
		took:   1500 * time.Millisecond, expires: at("2027-01-31 00:00"), maxOrganizations: 10,
	})
	golden.Equal(t, filepath.Join("testdata", "probe.txt"), got)
	if len(problems) > 0 {
		t.Errorf("promtool check metrics would report %v", problems)
	}
}

// TestFailedProbe: a probe without a complete list shows why, and nothing about health.
func TestFailedProbe(t *testing.T) {
	for name, tt := range map[string]struct {
		result *result
		want   string
	}{
		"timeout":    {nil, `kind="timeout",reason=""`},
		"auth":       {&result{err: &d365backup.Error{Kind: d365backup.ErrAuth, Reason: "invalid-client"}}, `kind="auth",reason="invalid-client"`},
		"incomplete": {&result{err: &d365backup.Error{Kind: d365backup.ErrIncomplete}, summary: summary()}, `kind="incomplete",reason=""`},
		"canceled":   {&result{err: &d365backup.Error{}}, `kind="timeout",reason=""`},
		"policy":     {&result{err: errors.New("Sales matches two organizations")}, `kind="config",reason=""`},
	} {
		t.Run(name, func(t *testing.T) {
			got, problems := expose(t, probeResult{result: tt.result, took: time.Second, maxOrganizations: 10})
			if !strings.Contains(got, "d365backup_probe_error_info{"+tt.want+"} 1\n") || value(t, got, "probe_success") != 0 || value(t, got, "probe_complete") != 0 {
				t.Errorf("got\n%s", got)
			}
			for _, part := range []string{"organization", "backup_", "window", "Sales"} {
				if strings.Contains(got, "d365backup_"+part) || strings.Contains(got, "Sales") {
					t.Errorf("%s in\n%s", part, got)
				}
			}
			if len(problems) > 0 {
				t.Error(problems)
			}
		})
	}
}

// TestEveryKindHasAName: a new kind of error needs a name.
func TestEveryKindHasAName(t *testing.T) {
	seen := make(map[string]bool)
	for err, name := range kinds {
		if got := kindOf(&d365backup.Error{Kind: err}); got != name || seen[name] {
			t.Errorf("%v is %q", err, got)
		}
		seen[name] = true
	}
	if len(kinds) != 13 {
		t.Errorf("%d kinds", len(kinds))
	}
}

// TestMaxOrganizations: expected organizations are kept first, then those that need attention; a list cut short is incomplete.
func TestMaxOrganizations(t *testing.T) {
	for limit, want := range [][]string{1: {"Sales"}, 2: {"Sales", "Finance"}, 3: {"Sales", "Finance", "2f8a6d10"}} {
		got, _ := expose(t, probeResult{result: &result{summary: summary()}, maxOrganizations: limit})
		if n := strings.Count(got, "d365backup_organization_info{"); limit > 0 && n != limit {
			t.Errorf("limit %d: %d organizations", limit, n)
		}
		for _, name := range want {
			if !strings.Contains(got, name) {
				t.Errorf("limit %d: %s is left out", limit, name)
			}
		}
		if complete := value(t, got, "probe_complete"); complete != number(limit == 3) || value(t, got, "probe_success") != 1 {
			t.Errorf("limit %d: complete is %v", limit, complete)
		}
	}
}

// TestSameLabels: organizations and modules whose labels are equal do not make the probe fail.
func TestSameLabels(t *testing.T) {
	module := health.Module{Name: "\xff", State: health.OK}
	one := health.Organization{ID: "\xfe", Modules: []health.Module{module, {Name: "\xfe", State: health.Missing}}}
	two := health.Organization{Name: "\xff", Modules: []health.Module{module}}
	got, _ := expose(t, probeResult{result: &result{summary: health.Summary{Organizations: []health.Organization{one, two}}}, maxOrganizations: 10})
	if value(t, got, "probe_complete") != 0 || value(t, got, "probe_success") != 1 {
		t.Errorf("an organization is missing, but complete:\n%s", got)
	}
}
