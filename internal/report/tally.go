package report

import (
	"cmp"
	"slices"
	"time"

	"github.com/d365backup/d365backup/internal/human"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

const (
	maxFailuresOfAll = 25 // kept of the whole window
	maxFailures      = 10 // kept of an organization
	maxKinds         = 60 // pairs of type and status; the contract knows 24
)

// outcome is how a job ended, as far as a report tells things apart.
type outcome int

const (
	good    outcome = iota // Finished
	flawed                 // FinishedWithException
	failed                 // Failed
	strange                // a status that is not known
	running                // InProgress
	outcomes
)

func outcomeOf(status d365backup.JobStatus) outcome {
	switch status {
	case d365backup.JobStatusFinished:
		return good
	case d365backup.JobStatusFinishedWithException:
		return flawed
	case d365backup.JobStatusFailed:
		return failed
	case d365backup.JobStatusInProgress:
		return running
	default:
		return strange
	}
}

// event is a job as it is counted.
type event struct {
	job          *d365backup.Job
	organization *organization
	when         time.Time // when it started, or ended if that is all that is known; or zero
	bucket       int       // -1 if it has none
	outcome      outcome
	took         time.Duration // 0 if not known
	size, lost   int64
}

func newEvent(job *d365backup.Job, organization *organization) event {
	e := event{
		job:          job,
		organization: organization,
		when:         job.StartTime,
		outcome:      outcomeOf(job.Status),
		size:         max(job.BackupSize, 0),
		lost:         max(job.FailedRecord, 0),
	}
	if e.when.IsZero() {
		e.when = job.FinishTime
	}
	if e.outcome != running {
		e.took = durationOf(job)
	}
	return e
}

// durationOf returns how long a job took: by its times if it has both, else as it says.
func durationOf(job *d365backup.Job) time.Duration {
	if !job.StartTime.IsZero() && job.FinishTime.After(job.StartTime) {
		return job.FinishTime.Sub(job.StartTime)
	}
	return max(human.Hours(job.DurationHours), 0)
}

func (e event) isBackup() bool { return e.job.Type == d365backup.JobTypeBackup }

// kind is what jobs are counted by.
type kind struct {
	jobType d365backup.JobType
	status  d365backup.JobStatus
}

// bucket sums up the backups of a day or another unit of the calendar.
type bucket struct {
	outcomes [outcomes]int64
	largest  int64 // bytes, of those that are good or flawed
	timed    int64 // backups with a duration, good or flawed
	took     time.Duration
	longest  time.Duration
}

// ended returns how many backups are not in progress.
func (b *bucket) ended() int64 {
	return b.outcomes[good] + b.outcomes[flawed] + b.outcomes[failed] + b.outcomes[strange]
}

// average returns how long a backup took; 0 if not known.
func (b *bucket) average() time.Duration { return b.took / time.Duration(max(b.timed, 1)) }

// merge adds the figures of another bucket.
func (b *bucket) merge(other *bucket) {
	for i, n := range other.outcomes {
		b.outcomes[i] += n
	}
	b.largest = max(b.largest, other.largest)
	b.timed += other.timed
	b.took = human.SaturatingAdd(b.took, other.took)
	b.longest = max(b.longest, other.longest)
}

// add counts a backup.
func (b *bucket) add(e event) {
	b.outcomes[e.outcome]++
	if e.outcome != good && e.outcome != flawed {
		return // A failed backup is short and small for the wrong reasons.
	}
	b.largest = max(b.largest, e.size)
	if e.took > 0 {
		b.timed++
		b.took = human.SaturatingAdd(b.took, e.took)
		b.longest = max(b.longest, e.took)
	}
}

// tally sums up jobs: those of an organization or all.
type tally struct {
	jobs       int64
	kinds      map[kind]int64
	backups    bucket   // of the whole window
	buckets    []bucket // over time
	failedJobs int64
	lost       int64 // records
	failures   failures
}

func newTally(buckets, failures int) *tally {
	t := &tally{kinds: map[kind]int64{}, buckets: make([]bucket, buckets)}
	t.failures.limit = failures
	return t
}

func (t *tally) add(e event) {
	t.jobs++
	t.count(kind{e.job.Type, e.job.Status})
	t.lost = human.SaturatingAdd(t.lost, e.lost)
	if e.outcome == failed {
		t.failedJobs++
	}
	if e.outcome == failed || e.lost > 0 {
		t.failures.add(e)
	}
	if e.isBackup() {
		t.backups.add(e)
		if e.bucket >= 0 {
			t.buckets[e.bucket].add(e)
		}
	}
}

// count counts a pair of type and status. A service that makes up ever new values does not fill the
// memory: from some number on they count as unknown.
func (t *tally) count(k kind) {
	if _, ok := t.kinds[k]; !ok && len(t.kinds) >= maxKinds {
		if !k.jobType.Known() {
			k.jobType = d365backup.JobTypeUnknown
		}
		if !k.status.Known() {
			k.status = d365backup.JobStatusUnknown
		}
	}
	t.kinds[k]++
}

// failure is a job that failed or lost records.
type failure struct {
	when         time.Time
	id           string
	organization *organization // nil for one that is not looked at
	jobType      string
	status       string
	lost, total  int64
}

// compareFailures orders the newest first.
func compareFailures(a, b failure) int {
	return cmp.Or(b.when.Compare(a.when), cmp.Compare(a.id, b.id), cmp.Compare(b.lost, a.lost), cmp.Compare(b.total, a.total))
}

// failures keeps the newest failures and counts the others.
type failures struct {
	limit  int
	newest []failure
	count  int64 // of all
}

func (f *failures) add(e event) {
	f.count++
	if len(f.newest) == f.limit && e.when.Before(f.newest[f.limit-1].when) {
		return
	}
	one := failure{
		when:         e.when,
		id:           clean(e.job.JobID),
		organization: e.organization,
		jobType:      human.TypeOf(*e.job),
		status:       human.StatusOf(*e.job),
		lost:         e.lost,
		total:        max(e.job.TotalRecord, 0),
	}
	i, _ := slices.BinarySearchFunc(f.newest, one, compareFailures)
	f.newest = slices.Insert(f.newest, i, one)
	f.newest = f.newest[:min(len(f.newest), f.limit)]
}
