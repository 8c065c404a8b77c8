package health_test

import (
	"testing"
	"time"

	"github.com/d365backup/d365backup/health"
)

func TestLookBack(t *testing.T) {
	const day = 24 * time.Hour
	for name, tt := range map[string]struct {
		policy  health.Policy
		atLeast time.Duration
		want    time.Duration
	}{
		"default":              {want: health.DefaultLookBack},
		"shorter":              {atLeast: 10 * day, want: 10 * day},
		"shorter than an age":  {atLeast: time.Hour, want: health.DefaultMaxAge + day},
		"longer":               {atLeast: 90 * day, want: 90 * day},
		"a long maximum age":   {policy: health.Policy{MaxAge: 40 * day}, want: 41 * day},
		"that of one override": {policy: health.Policy{Overrides: []health.Override{{MaxAge: 50 * day}, {MaxRunning: day}}}, want: 51 * day},
	} {
		if got := tt.policy.LookBack(tt.atLeast); got != tt.want {
			t.Errorf("%s: got %v, want %v", name, got, tt.want)
		}
	}
}

// TestLookBackShowsOverdue: an organization that is not expected is overdue before it is forgotten, however long the maximum
// age is.
func TestLookBackShowsOverdue(t *testing.T) {
	p := policy(func(p *health.Policy) { p.MaxAge = 60 * 24 * time.Hour })
	p.Start = now.Add(-p.LookBack(0))
	if s := assess(t, p, job(60*24+20, finished)); s.State != health.Overdue {
		t.Errorf("got %v: %s", s.State, s.Reason)
	}
}
