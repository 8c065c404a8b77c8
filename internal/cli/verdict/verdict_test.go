package verdict

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/d365backup/d365backup/config"
	"github.com/d365backup/d365backup/health"
)

func TestPolicy(t *testing.T) {
	const day = 24 * time.Hour
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	sales, finance := health.Target{Organization: "Sales"}, health.Target{Organization: "Finance"}
	profile := config.Profile{Policy: health.Policy{
		MaxAge: 2 * day, Expected: []health.Target{sales}, Overrides: []health.Override{{Target: sales, MaxAge: 60 * day, MaxRunning: day}},
	}}
	for name, tt := range map[string]struct {
		flags  Flags
		window Window
		want   health.Policy
	}{
		"profile": {Flags{lookBack: 35 * day}, Window{}, health.Policy{
			Start: now.Add(-61 * day), Now: now, MaxAge: 2 * day, Expected: []health.Target{sales}, Overrides: profile.Policy.Overrides,
		}},
		"flags": {Flags{lookBack: 35 * day, MaxAge: 3 * day, expect: []string{"Finance"}, ignore: []string{"Test"}}, Window{}, health.Policy{
			Start: now.Add(-35 * day), Now: now, MaxAge: 3 * day, Expected: []health.Target{sales, finance},
			Ignored: []health.Target{{Organization: "Test"}}, Overrides: []health.Override{{Target: sales, MaxRunning: day}},
		}},
		"a high maximum age": {Flags{lookBack: 35 * day, MaxAge: 50 * day}, Window{}, health.Policy{
			Start: now.Add(-51 * day), Now: now, MaxAge: 50 * day, Expected: []health.Target{sales},
			Overrides: []health.Override{{Target: sales, MaxRunning: day}},
		}},
		"a short window": {Flags{lookBack: 90 * day}, Window{Start: now.Add(-7 * day)}, health.Policy{
			Start: now.Add(-90 * day), WindowStart: now.Add(-7 * day), Now: now, MaxAge: 2 * day, Expected: []health.Target{sales},
			Overrides: profile.Policy.Overrides,
		}},
		"a long window in the past": {Flags{lookBack: 35 * day, MaxAge: day}, Window{Start: now.Add(-300 * day), End: now.Add(-200 * day)}, health.Policy{
			Start: now.Add(-300 * day), WindowStart: now.Add(-300 * day), End: now.Add(-200 * day), Now: now, MaxAge: day,
			Expected: []health.Target{sales}, Overrides: []health.Override{{Target: sales, MaxRunning: day}},
		}},
	} {
		if diff := cmp.Diff(tt.want, tt.flags.policy(profile, now, tt.window)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if profile.Policy.Overrides[0].MaxAge != 60*day {
		t.Error("the policy of the profile has changed")
	}
}
