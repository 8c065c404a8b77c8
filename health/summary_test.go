package health_test

import (
	"testing"

	"github.com/d365backup/d365backup/health"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

func TestLastGoodAndFinished(t *testing.T) {
	for name, tt := range map[string]struct {
		policy         health.Policy
		jobs           []d365backup.Job
		good, finished string // ids of jobs; empty: none
	}{
		"a success":                  {policy(), []d365backup.Job{job(5, finished), job(1, failed)}, "J5", "J5"},
		"an exception":               {policy(), []d365backup.Job{job(5, exception)}, "", "J5"},
		"a later exception":          {policy(), []d365backup.Job{job(5, finished), job(1, exception)}, "J5", "J1"},
		"an earlier exception":       {policy(tolerant), []d365backup.Job{job(5, exception), job(1, finished)}, "J1", "J1"},
		"a tolerated exception":      {policy(tolerant), []d365backup.Job{job(5, finished), job(1, exception)}, "J1", "J1"},
		"only failures":              {policy(tolerant), []d365backup.Job{job(5, failed)}, "", ""},
		"only a tolerated exception": {policy(tolerant), []d365backup.Job{job(5, exception)}, "J5", "J5"},
	} {
		m := assess(t, tt.policy, tt.jobs...).Organizations[0].Modules[0]
		if good, last := m.LastGood(), m.LastFinished(); good.JobID != tt.good || last.JobID != tt.finished {
			t.Errorf("%s: got %q and %q, want %q and %q", name, good.JobID, last.JobID, tt.good, tt.finished)
		}
		if good := m.LastGood(); good.Start.IsZero() != (m.Age < 0) || m.Age > 0 && now.Sub(good.Start) != m.Age {
			t.Errorf("%s: started %v, age %v", name, good.Start, m.Age)
		}
	}
}
