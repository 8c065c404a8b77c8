package sandbox_test

import (
	"math"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/d365backup/d365backup/sandbox"
)

func TestHistoryDependsOnAnchorOnly(t *testing.T) {
	first := start(t).Jobs(sandbox.Filter{})
	if diff := cmp.Diff(first, start(t).Jobs(sandbox.Filter{})); diff != "" {
		t.Errorf("the second start has another history: %s", diff)
	}
	const shift = 1000*time.Hour + 17*time.Minute
	shifted := start(t, sandbox.WithAnchor(anchor.Add(shift))).Jobs(sandbox.Filter{})
	for i, job := range shifted {
		if want := first[i].StartTime.Add(shift); !job.StartTime.Equal(want) || job.Status != first[i].Status {
			t.Fatalf("job %d starts at %v, want %v", i, job.StartTime, want)
		}
	}
}

func TestHistorySuitsDemonstrations(t *testing.T) {
	srv := start(t)
	within := func(d time.Duration) sandbox.Filter {
		return sandbox.Filter{Start: anchor.Add(-d)}
	}
	for _, test := range []struct {
		name     string
		filter   sandbox.Filter
		min, max int
	}{
		{"all", sandbox.Filter{}, 5000, 5000},
		{"a year", within(8760 * time.Hour), 2500, 4000},
		{"a day", within(24 * time.Hour), 25, 40},
		{"older than 600 days", sandbox.Filter{End: anchor.AddDate(0, 0, -600)}, 100, 1000},
		{"after the anchor", sandbox.Filter{Start: anchor}, 0, 0},
	} {
		if got := srv.Count(test.filter); got < test.min || got > test.max {
			t.Errorf("%s: %d jobs, want %d to %d", test.name, got, test.min, test.max)
		}
	}
	types, statuses, names := map[int]int{}, map[int]int{}, map[string]int{}
	for _, job := range srv.Jobs(within(24 * time.Hour)) {
		types[job.Type]++
		statuses[job.Status]++
		names[job.OrganizationName]++
	}
	if len(types) != 6 || len(statuses) != 4 || len(names) < 3 {
		t.Errorf("the last day has types %v, statuses %v, organizations %v", types, statuses, names)
	}
	// A range requested a little later has the same jobs.
	later := sandbox.Filter{Start: anchor.Add(-23 * time.Hour)}
	if a, b := srv.Count(within(24*time.Hour)), srv.Count(later); a != b {
		t.Errorf("%d jobs in the last day, and %d in the last 23 hours", a, b)
	}
}

func TestJobsArePlausible(t *testing.T) {
	jobID := regexp.MustCompile(`^(DCIB|DCRS|DCDR|DCRT|DCAB|DCEX)(\d{14})\d{8}$`)
	seen := map[string]bool{}
	for i, job := range start(t, sandbox.WithJobs(20_000)).Jobs(sandbox.Filter{}) {
		parts := jobID.FindStringSubmatch(job.JobID)
		if parts == nil || parts[2] != job.StartTime.Format("20060102150405") {
			t.Errorf("job id %q of a job at %v", job.JobID, job.StartTime)
		}
		if seen[job.JobID] {
			t.Errorf("job id %q is repeated", job.JobID)
		}
		seen[job.JobID] = true
		if job.Module != "Customer Engagement" || job.StartTime.Nanosecond()%100 != 0 || job.StartTime.Location() != time.UTC {
			t.Errorf("%s: module %q, start %v", job.JobID, job.Module, job.StartTime)
		}
		if job.Status == 2 {
			if !job.FinishTime.IsZero() || job.DurationHours != 0 || job.TotalEntity != 0 || i > 20 {
				t.Errorf("%s is in progress: %+v", job.JobID, job)
			}
			continue
		}
		checkEnded(t, job)
	}
}

// checkEnded checks a job that has ended.
func checkEnded(t *testing.T, job sandbox.Job) {
	t.Helper()
	took := job.FinishTime.Sub(job.StartTime)
	if job.FinishTime.Nanosecond()%100 != 0 || took <= 0 || took > 8*time.Hour || job.FinishTime.After(anchor) || math.Abs(took.Hours()-job.DurationHours) > 1e-4 {
		t.Errorf("%s: took %v, %v hours", job.JobID, took, job.DurationHours)
	}
	if job.SuccessfulRecord+job.FailedRecord+job.SkippedRecord+job.WarningRecord != job.TotalRecord ||
		job.SuccessfulEntity+job.FailedEntity+job.SkippedEntity+job.WarningEntity != job.TotalEntity {
		t.Errorf("%s: the counts do not add up: %+v", job.JobID, job)
	}
	backup := job.Type == 1 || job.Type == 16
	if !backup && job.BackupSize != 0 || job.TotalEntity == 0 || job.SuccessfulRecord < 0 || job.SuccessfulEntity < 0 {
		t.Errorf("%s: %+v", job.JobID, job)
	}
	failed, warned := job.FailedEntity > 0, job.WarningEntity > 0
	records := job.Type != 8
	switch job.Status {
	case 3:
		failed, warned = !failed && job.FailedRecord == 0, true
	case 4:
		failed, warned = failed && (job.FailedRecord > 0 || !records), true
	case 7:
		failed, warned = true, warned && (job.WarningRecord > 0 || !records)
	}
	if !failed || !warned {
		t.Errorf("%s: status %d with %d failed and %d warned of %d records", job.JobID, job.Status, job.FailedRecord, job.WarningRecord, job.TotalRecord)
	}
}

func TestBackupsGrow(t *testing.T) {
	srv := start(t)
	size := func(daysAgo int) (largest int64) {
		for _, job := range srv.Jobs(sandbox.Filter{
			Type: 1, Status: 3, Start: anchor.AddDate(0, 0, -daysAgo-7), End: anchor.AddDate(0, 0, -daysAgo),
			OrganizationID: srv.Jobs(sandbox.Filter{})[0].OrganizationID,
		}) {
			largest = max(largest, job.BackupSize)
		}
		return largest
	}
	if before, now := size(600), size(0); before < 1<<30 || now < before*5/4 {
		t.Errorf("the largest backup of a week had %d bytes 600 days ago and has %d now", before, now)
	}
}
