package health_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/d365backup/d365backup/health"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

type (
	jobs    = []d365backup.Job
	d365Job = d365backup.Job
)

const newStatus, newType = d365backup.JobStatus(1 << 30), d365backup.JobType(1 << 30)

// TestStates has every line of the specification of states, in its order.
func TestStates(t *testing.T) {
	for _, test := range []struct {
		name   string
		policy health.Policy
		jobs   jobs
		want   health.State
		reason string // of the only organization or, if there is none, of the summary
	}{
		{"success within max age", policy(), jobs{job(3, finished)}, health.OK, "was last backed up 3 hours ago"},
		{"success exactly at max age", policy(), jobs{job(36, finished)}, health.OK, "was last backed up 36 hours ago"},
		{"success after a failure", policy(), jobs{job(5, failed), job(3, finished)}, health.OK, "was last backed up 3 hours ago"},
		{"another runs since", policy(), jobs{job(3, finished), job(1, running)}, health.OK, "was last backed up 3 hours ago"},

		{"newest finished with an exception", policy(), jobs{job(5, finished), job(3, exception)}, health.Warning,
			"was last backed up 5 hours ago, but its newest backup, started at 2026-11-26 09:00 UTC, finished with an exception"},
		{"newest failed", policy(), jobs{job(5, finished), job(3, failed)}, health.Warning,
			"was last backed up 5 hours ago, but its newest backup, started at 2026-11-26 09:00 UTC, failed"},
		{"one failed at the same time", policy(), jobs{job(3, failed), job(3, finished)}, health.Warning,
			"was last backed up 3 hours ago, but its newest backup, started at 2026-11-26 09:00 UTC, failed"},
		{"newest failed, another runs", policy(), jobs{job(5, finished), job(3, failed), job(1, running)}, health.Warning,
			"was last backed up 5 hours ago, but its newest backup, started at 2026-11-26 09:00 UTC, failed"},

		{"running for too long", policy(), jobs{job(30, finished), job(25, running)}, health.Warning,
			"was last backed up 30 hours ago, but a backup has been running since 2026-11-25 11:00 UTC, longer than 24 hours"},
		{"running for too long, newer one running", policy(), jobs{job(30, finished), job(25, running), job(2, running)}, health.Warning,
			"was last backed up 30 hours ago, but a backup has been running since 2026-11-25 11:00 UTC, longer than 24 hours"},
		{"running for exactly as long as allowed", policy(), jobs{job(30, finished), job(24, running)}, health.OK, "was last backed up 30 hours ago"},
		{"running for too long, later success", policy(), jobs{job(25, running), job(3, finished)}, health.OK, "was last backed up 3 hours ago"},
		{"running for too long on both sides of a success", policy(), jobs{job(33, running), job(30, finished), job(27, running), job(2, running)},
			health.Warning, "was last backed up 30 hours ago, but a backup has been running since 2026-11-25 09:00 UTC, longer than 24 hours"},
		{"running for too long, success at the same time", policy(), jobs{job(25, running), job(25, finished)}, health.Warning,
			"was last backed up 25 hours ago, but a backup has been running since 2026-11-25 11:00 UTC, longer than 24 hours"},
		{"running, last success too old", policy(), jobs{job(40, finished), job(25, running)}, health.Overdue,
			"has had no successful backup for 40 hours, and one has been running since 2026-11-25 11:00 UTC"},

		{"last success too old", policy(), jobs{job(31*24, finished)}, health.Overdue, "has had no successful backup for 31 days"},
		{"a second too old", policy(), jobs{job(36+1.0/3600, finished)}, health.Overdue, "has had no successful backup for 36 hours"},
		{"last success too old, failures since", policy(), jobs{job(50, finished), job(2, failed)}, health.Overdue,
			"has had no successful backup for 2 days, and its newest backup, started at 2026-11-26 10:00 UTC, failed"},
		{"last success too old, exception since", policy(), jobs{job(50, finished), job(2, exception)}, health.Overdue,
			"has had no successful backup for 2 days, and its newest backup, started at 2026-11-26 10:00 UTC, finished with an exception"},
		{"last success too old, unknown status since", policy(), jobs{job(50, finished), job(2, newStatus)}, health.Overdue,
			`has had no successful backup for 2 days, and its newest backup, started at 2026-11-26 10:00 UTC, has a status that this version does not know: "1073741824"`},
		{"last success too old, unknown type since", policy(), jobs{job(50, finished), job(2, finished, ofType(newType))}, health.Overdue,
			"has had no successful backup for 2 days"},

		{"always with exception", policy(), jobs{job(27, exception), job(3, exception)}, health.Missing,
			"has had no successful backup in the last 35 days, and its newest backup, started at 2026-11-26 09:00 UTC, finished with an exception"},
		{"always with exception, tolerated", policy(tolerant), jobs{job(27, exception), job(3, exception)}, health.OK,
			"was last backed up 3 hours ago, with an exception, which is tolerated"},
		{"tolerated exception too old", policy(tolerant), jobs{job(50, exception)}, health.Overdue, "has had no successful backup for 2 days"},
		{"success and tolerated exception at once", policy(tolerant), jobs{job(3, finished), job(3, exception)}, health.OK, "was last backed up 3 hours ago"},
		{"failure after a tolerated exception", policy(tolerant), jobs{job(3, exception), job(2, failed)}, health.Warning,
			"was last backed up 3 hours ago, but its newest backup, started at 2026-11-26 10:00 UTC, failed"},

		{"no success, seen", policy(), jobs{job(27, failed), job(3, failed)}, health.Missing,
			"has had no successful backup in the last 35 days, and its newest backup, started at 2026-11-26 09:00 UTC, failed"},
		{"no job, expected", policy(expecting("Sales")), nil, health.Missing, "is expected, but has had no job in the last 35 days"},
		{"first backup running", policy(), jobs{job(3, running)}, health.Missing,
			"has had no successful backup in the last 35 days, but its first backup has been running since 2026-11-26 09:00 UTC"},

		{"short range without success", policy(since(12)), jobs{job(3, failed)}, health.Unknown,
			"has had no successful backup in the last 12 hours, which is less than the maximum age of 36 hours"},
		{"short range without job, expected", policy(since(12), expecting("Sales")), nil, health.Unknown,
			"has had no successful backup in the last 12 hours, which is less than the maximum age of 36 hours"},
		{"range as long as max age", policy(since(36)), jobs{job(3, failed)}, health.Missing,
			"has had no successful backup in the last 36 hours, and its newest backup, started at 2026-11-26 09:00 UTC, failed"},
		{"short range with success", policy(since(12)), jobs{job(3, finished)}, health.OK, "was last backed up 3 hours ago"},

		{"newest has an unknown status", policy(), jobs{job(5, finished), job(3, newStatus)}, health.Unknown,
			`was last backed up 5 hours ago, but its newest backup, started at 2026-11-26 09:00 UTC, has a status that this version does not know: "1073741824"`},
		{"unknown status at the same time", policy(), jobs{job(3, finished), job(3, newStatus)}, health.Unknown,
			`was last backed up 3 hours ago, but its newest backup, started at 2026-11-26 09:00 UTC, has a status that this version does not know: "1073741824"`},
		{"unknown status before the last success", policy(), jobs{job(5, newStatus), job(3, finished)}, health.OK, "was last backed up 3 hours ago"},
		{"only an unknown status", policy(), jobs{job(3, newStatus)}, health.Unknown,
			`has had no successful backup in the last 35 days, and its newest backup, started at 2026-11-26 09:00 UTC, has a status that this version does not know: "1073741824"`},
		{"status missing", policy(), jobs{job(5, finished), job(3, 0)}, health.Unknown,
			`was last backed up 5 hours ago, but its newest backup, started at 2026-11-26 09:00 UTC, has a status that this version does not know: "Any"`},

		{"success in the future", policy(), jobs{job(3, finished), job(-1.5, finished)}, health.Unknown,
			"has a backup that starts later than now, at 2026-11-26 13:30 UTC: a clock is wrong"},
		{"failure in the future", policy(), jobs{job(3, finished), job(-1.5, failed)}, health.Unknown,
			"has a backup that starts later than now, at 2026-11-26 13:30 UTC: a clock is wrong"},
		{"running in the future", policy(), jobs{job(3, finished), job(-1.5, running)}, health.Unknown,
			"has a backup that starts later than now, at 2026-11-26 13:30 UTC: a clock is wrong"},
		{"failure in the future, last success too old", policy(), jobs{job(50, finished), job(-1.5, failed)}, health.Overdue,
			"has had no successful backup for 2 days, and its newest backup, started at 2026-11-26 13:30 UTC, failed"},
		{"success less than an hour in the future", policy(), jobs{job(-1, finished)}, health.OK, "was last backed up less than a minute ago"},

		{"only retention", policy(), jobs{job(3, finished, ofType(d365backup.JobTypeRetention))}, health.Missing, "has had no backup in the last 35 days, only other jobs"},
		{"only export", policy(), jobs{job(3, finished, ofType(d365backup.JobTypeExport))}, health.Missing, "has had no backup in the last 35 days, only other jobs"},
		{"only dry run", policy(), jobs{job(3, finished, ofType(d365backup.JobTypeDryRun))}, health.Missing, "has had no backup in the last 35 days, only other jobs"},
		{"only restore", policy(), jobs{job(3, finished, ofType(d365backup.JobTypeRestore))}, health.Missing, "has had no backup in the last 35 days, only other jobs"},
		{"only audit backup", policy(), jobs{job(3, finished, ofType(d365backup.JobTypeAuditBackup))}, health.Missing, "has had no backup in the last 35 days, only other jobs"},
		{"restore after a success", policy(), jobs{job(5, finished), job(3, failed, ofType(d365backup.JobTypeRestore))}, health.OK, "was last backed up 5 hours ago"},

		{"only an unknown type", policy(), jobs{job(3, finished, ofType(newType))}, health.Unknown,
			"has had no backup in the last 35 days, but jobs of a type that this version does not know"},
		{"type missing", policy(), jobs{job(3, finished, ofType(0))}, health.Unknown,
			"has had no backup in the last 35 days, but jobs of a type that this version does not know"},

		{"renamed", policy(expecting("old name")), jobs{job(27, finished, org(salesID, "Old name")), job(3, finished)}, health.OK, "was last backed up 3 hours ago"},
		{"malformed id", policy(), jobs{job(3, finished, org("not-a-guid", "Sales"))}, health.OK, "was last backed up 3 hours ago"},
		{"no id", policy(), jobs{job(3, finished, org("", "Sales"))}, health.OK, "was last backed up 3 hours ago"},
		{"neither id nor name", policy(), jobs{job(3, finished, org(" ", ""))}, health.Unknown, "No organization was seen; 1 backup names no organization"},

		{"no organization", policy(), nil, health.Unknown, "No organization was seen"},
		{"stopped within the look-back", policy(), jobs{job(34*24, finished)}, health.Overdue, "has had no successful backup for 34 days"},
		{"stopped before the look-back", policy(), jobs{job(36*24, finished)}, health.Unknown, "No organization was seen"},
		{"stopped before the look-back, expected", policy(expecting("Sales")), jobs{job(36*24, finished)}, health.Missing, "is expected, but has had no job in the last 35 days"},

		{"success without a start", policy(), jobs{job(3, finished, undated)}, health.Unknown, "has no successful backup with a start time, so its age is unknown"},
		{"failure without a start", policy(), jobs{job(3, finished), job(2, failed, undated)}, health.Warning,
			"was last backed up 3 hours ago, but a backup without a start time has not succeeded"},
		{"running without a start", policy(), jobs{job(3, running, undated)}, health.Missing, "has had no successful backup in the last 35 days"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := assess(t, test.policy, test.jobs...)
			reason := s.Reason
			if len(s.Organizations) == 1 {
				reason = s.Organizations[0].Reason
			}
			if s.State != test.want || reason != test.reason {
				t.Errorf("%v: %s\nwant %v: %s", s.State, reason, test.want, test.reason)
			}
		})
	}
}

// TestIncomplete has the states of organizations if jobs are missing from the list.
func TestIncomplete(t *testing.T) {
	cause := errors.New("page 3 is missing")
	for _, test := range []struct {
		name string
		jobs jobs
		want health.State // of the organization
	}{
		{"ok", jobs{job(3, finished)}, health.OK},
		{"warning", jobs{job(5, finished), job(3, failed)}, health.Warning},
		{"overdue", jobs{job(50, finished)}, health.Unknown},
		{"missing", jobs{job(3, failed)}, health.Unknown},
		{"never seen", nil, health.Unknown},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, err := health.Assess(all(test.jobs, cause), policy(expecting("Sales")))
			if !errors.Is(err, cause) {
				t.Errorf("error %v", err)
			}
			if s.State != health.Unknown || s.Organizations[0].State != test.want || s.Incomplete != cause.Error() {
				t.Errorf("%v, organization %v, incomplete %q", s.State, s.Organizations[0].State, s.Incomplete)
			}
			if !strings.HasPrefix(s.Reason, "The list of jobs is incomplete (page 3 is missing). ") {
				t.Errorf("reason %q", s.Reason)
			}
		})
	}
}

// TestIncompleteOnce: that the list is incomplete is said once.
func TestIncompleteOnce(t *testing.T) {
	s, _ := health.Assess(all(nil, &d365backup.Error{Kind: d365backup.ErrIncomplete, Message: "page 3 is missing"}), policy())
	if s.Reason != "The list of jobs is incomplete (page 3 is missing). No organization was seen" {
		t.Errorf("reason %q", s.Reason)
	}
}

// TestLastGood: the age is that of the backup that is shown as the last success.
func TestLastGood(t *testing.T) {
	list := jobs{job(50, finished), job(27, exception), job(3, failed)}
	for _, test := range []struct {
		policy health.Policy
		want   time.Duration
	}{{policy(), 50 * time.Hour}, {policy(tolerant), 27 * time.Hour}} {
		m := assess(t, test.policy, list...).Organizations[0].Modules[0]
		if age := now.Sub(m.LastGood().Start); age != test.want || m.Age != age {
			t.Errorf("shown age %v, age %v, want %v", age, m.Age, test.want)
		}
	}
}

// TestEndBeforeNow counts ages to the end of the time range.
func TestEndBeforeNow(t *testing.T) {
	past := policy(func(p *health.Policy) { p.End = now.Add(-100 * time.Hour) })
	if s := assess(t, past, job(110, finished)); s.State != health.OK || s.Organizations[0].Modules[0].Age != 10*time.Hour {
		t.Errorf("%v, age %v", s.State, s.Organizations[0].Modules[0].Age)
	}
	if s := assess(t, past, job(110, finished), job(50, finished)); s.State != health.Unknown {
		t.Errorf("success after the time range: %v", s.State)
	}
}

func TestStateText(t *testing.T) {
	for state, want := range map[health.State]string{
		health.OK: "ok", health.Warning: "warning", health.Unknown: "unknown", health.Overdue: "overdue", health.Missing: "missing", 0: "unknown",
	} {
		if text, err := state.MarshalText(); string(text) != want || err != nil {
			t.Errorf("%d is %s, %v", state, text, err)
		}
	}
}
