package jobs

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	d365backup "github.com/d365backup/d365backup/wrapper"
)

// ranges are the meanings that the time range of a query may have; the documents name none.
var ranges = map[string]func(j job, from, to time.Time) bool{
	"start":  func(j job, from, to time.Time) bool { return within(j.StartTime, from, to) },
	"finish": func(j job, from, to time.Time) bool { return within(j.FinishTime, from, to) },
	"finish or running": func(j job, from, to time.Time) bool {
		return within(j.FinishTime, from, to) || j.FinishTime.IsZero() && j.StartTime.Before(to)
	},
	"both": func(j job, from, to time.Time) bool {
		return within(j.StartTime, from, to) && (j.FinishTime.IsZero() || within(j.FinishTime, from, to))
	},
}

func within(t, from, to time.Time) bool { return !t.Before(from) && t.Before(to) }

// plannedJob is a job that the service lists from some time on, first in progress and then finished.
type plannedJob struct {
	job
	listed time.Time
}

// at returns the job as the service lists it at some time.
func (p plannedJob) at(now time.Time) (j job, listed bool) {
	if j = p.job; now.Before(j.FinishTime) {
		j.Status, j.FinishTime = d365backup.JobStatusInProgress, time.Time{}
	}
	return j, !now.Before(p.listed)
}

// TestSweeps: whatever the time range means, runs at any times write the last state of every job, and nothing twice. Jobs run
// for up to 30 days and are listed up to 47 hours late.
func TestSweeps(t *testing.T) {
	for name, inRange := range ranges {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(40) {
				random := rand.New(rand.NewPCG(seed, 20))
				tenant := plan(random)
				written := export(t, random, tenant, inRange)
				for _, p := range tenant {
					if last, ok := written[p.JobID]; !ok || last != fingerprintOf(p.job) {
						t.Fatalf("seed %d: job %s, %s to %s, listed %s: written %v, not in its last state", seed, p.JobID,
							p.StartTime, p.FinishTime, p.listed, ok)
					}
				}
			}
		})
	}
}

func plan(random *rand.Rand) (tenant []plannedJob) {
	hours := func(n int) time.Duration { return time.Duration(random.IntN(n*3600)) * time.Second }
	jobs, long := 3+random.IntN(300), random.IntN(2) == 0
	for i := range jobs {
		j := job{JobID: fmt.Sprint(i), Status: d365backup.JobStatusFinished, StartTime: night.Add(hours(60 * 24))}
		j.FinishTime = j.StartTime.Add(hours(6))
		if long && i%10 == 0 {
			j.FinishTime = j.StartTime.Add(hours(30 * 24))
		}
		p := plannedJob{j, j.StartTime}
		if i%3 == 0 {
			p.listed = p.listed.Add(hours(47))
		}
		tenant = append(tenant, p)
	}
	return tenant
}

// export runs until every job has ended, and returns the last state written of each job.
func export(t *testing.T, random *rand.Rand, tenant []plannedJob, inRange func(j job, from, to time.Time) bool) map[string]fingerprint {
	t.Helper()
	written := make(map[string]fingerprint)
	s := state{Reached: night, OverlapHours: overlapHours}
	for now := night; now.Before(night.Add(100 * 24 * time.Hour)); now = now.Add(time.Duration(1+random.IntN(40)) * time.Hour) {
		sweep := newSweep(s, now)
		for _, p := range tenant {
			j, listed := p.at(now)
			if !listed || !inRange(j, s.from(), now) {
				continue
			}
			sweep.observe(j)
			if !sweep.isNew(j) {
				continue
			}
			if written[j.JobID] == fingerprintOf(j) {
				t.Fatalf("job %s is written twice at %s: from %s reached %s %+v", j.JobID, now, s.from(), s.Reached, j)
			}
			written[j.JobID] = fingerprintOf(j)
		}
		s = sweep.state()
		if len(s.Seen) > len(tenant) || len(s.Open) > len(tenant) || s.Reached.After(now) {
			t.Fatalf("%d seen, %d open, reached %s", len(s.Seen), len(s.Open), s.Reached)
		}
	}
	return written
}

// TestStuckJob: a job that stays in progress does not make runs read back ever further.
func TestStuckJob(t *testing.T) {
	now := night.Add(100 * 24 * time.Hour)
	sweep := newSweep(state{Reached: now, OverlapHours: overlapHours}, now)
	for _, days := range []int{1, 34, 36, 99} {
		j := job{JobID: fmt.Sprint(days), Status: d365backup.JobStatusInProgress, StartTime: now.AddDate(0, 0, -days)}
		sweep.observe(j)
		sweep.isNew(j)
	}
	next := sweep.state()
	if from := next.from(); !from.Equal(now.AddDate(0, 0, -34)) || len(next.Open) != 2 || len(next.Seen) != 2 {
		t.Errorf("the next run reads from %s, with %d open and %d seen", from, len(next.Open), len(next.Seen))
	}
}
