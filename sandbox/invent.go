package sandbox

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	"github.com/d365backup/d365backup/generated"
)

const (
	module = "Customer Engagement"
	seed   = 365 // another makes another history of the same pattern
)

// organization is one that the invented customer has, as it is at the anchor.
type organization struct {
	id       uuid.UUID
	name     string
	days     int     // for how many days it has been backed up
	entities int64   // kinds of record, such as accounts
	records  float64 // records today
}

var organizations = []organization{
	{uuid.MustParse("69cb1ecc-f8e8-439b-8077-a4b7fd45e87f"), "Larkfield Sales", math.MaxInt, 412, 1_900_000},
	{uuid.MustParse("2f8a6d10-94c3-4b7b-8d52-6e0f3c1a7b95"), "Larkfield Service", math.MaxInt, 388, 2_600_000},
	{uuid.MustParse("b41d7e02-5a6f-4c38-9e1d-07c2f5a8d364"), "Larkfield Field Operations", 540, 296, 840_000},
	{uuid.MustParse("7c0e95f3-1b28-4da6-a3f7-d95b8e42c016"), "Tidewell Logistics", 400, 341, 1_200_000},
	{uuid.MustParse("d83f2b64-e7a9-4051-8c6b-3a1f90d5e72c"), "Larkfield Marketing", 210, 203, 3_100_000},
	{uuid.MustParse("0a5ce81b-36d4-4f92-b7e0-c48d16f3a95e"), "Larkfield Training", 90, 178, 62_000},
}

// plan says which jobs an organization runs.
type plan struct {
	kind    generated.BackupRestoreType
	letters string        // open the job id; only those of a backup are documented
	before  time.Duration // how long before the end of its day it starts
	every   int           // days between two runs
	recent  int           // if set, it has run only for so many days
	share   float64       // of the organization's records
	length  time.Duration // for a million records, about
	bytes   int64         // of backup for each record
}

// plans keep clear of the ends of the day, so that a window of whole days up to the anchor has the
// same jobs whether it is asked for at once or a minute later.
var plans = []plan{
	{generated.BackupRestoreTypeBackup, "DCIB", 9 * time.Hour, 1, 0, 1, 50 * time.Minute, 2150},
	{generated.BackupRestoreTypeBackup, "DCIB", 3 * time.Hour, 1, 30, 0.04, 150 * time.Minute, 2150},
	{generated.BackupRestoreTypeBackup, "DCIB", 15 * time.Hour, 1, 30, 0.03, 150 * time.Minute, 2150},
	{generated.BackupRestoreTypeBackup, "DCIB", 21 * time.Hour, 1, 30, 0.05, 150 * time.Minute, 2150},
	{generated.BackupRestoreTypeAuditBackup, "DCAB", 7 * time.Hour, 3, 0, 0.2, 25 * time.Minute, 310},
	{generated.BackupRestoreTypeRetention, "DCRT", 5 * time.Hour, 7, 0, 0, 0, 0},
	{generated.BackupRestoreTypeRestore, "DCRS", 19 * time.Hour, 31, 0, 0.002, 5 * time.Hour, 0},
	{generated.BackupRestoreTypeDryRun, "DCDR", 20 * time.Hour, 29, 0, 0.002, 4 * time.Hour, 0},
	{generated.BackupRestoreTypeExport, "DCEX", 17 * time.Hour, 37, 0, 0.08, time.Hour, 0},
}

// running are the jobs in progress at the anchor.
var running = []plan{
	{kind: generated.BackupRestoreTypeBackup, letters: "DCIB", before: 11 * time.Minute},
	{kind: generated.BackupRestoreTypeExport, letters: "DCEX", before: 38 * time.Minute},
}

// troubles are the bad days of the history; beside them, single jobs fail at random.
var troubles = []struct {
	organization    int
	newest, oldest  int // ages in days
	status          generated.JobStatus
	failed, warning float64 // shares of the records
}{
	{5, 0, 2, generated.JobStatusFailed, 0.62, 0},
	{1, 0, 0, generated.JobStatusFinishedWithException, 0.0004, 0.006},
	{2, 41, 44, generated.JobStatusFailed, 1, 0},
	{3, 96, 102, generated.JobStatusFinishedWithException, 0.001, 0.02},
	{0, 230, 231, generated.JobStatusFailed, 0.85, 0},
}

// invent makes up the newest n jobs of a history that ends at the anchor. It makes up the same ones
// every time, but for the anchor.
func invent(anchor time.Time, n int) []generated.Job {
	anchor = anchor.UTC().Truncate(time.Second)
	jobs := make([]generated.Job, 0, n)
	for i, p := range running {
		jobs = append(jobs, begin(rand.New(rand.NewPCG(seed, uint64(i))), p, organizations[i], anchor))
	}
	for age := 0; len(jobs) < n; age++ {
		dayEnd := anchor.AddDate(0, 0, -age)
		rnd := rand.New(rand.NewPCG(^uint64(seed), uint64(age)))
		for i, org := range organizations {
			for _, p := range plans {
				if age < org.days && p.due(age, i) {
					jobs = append(jobs, inventJob(rnd, p, i, age, dayEnd))
				}
			}
		}
	}
	sortNewestFirst(jobs)
	return jobs[:n]
}

// due spreads the runs of a plan over the organizations. On the last day every plan runs in the first.
func (p plan) due(age, organization int) bool {
	return (p.recent == 0 || age < p.recent) && (age+organization*5)%p.every == 0
}

// begin makes a job in progress.
func begin(rnd *rand.Rand, p plan, org organization, dayEnd time.Time) generated.Job {
	// Two minutes of spread, in the service's unit of 100 ns.
	spread := 100 * time.Duration(rnd.Int64N(int64(2*time.Minute)/100))
	start := dayEnd.Add(spread - p.before)
	return generated.Job{
		Module:           new(module),
		Type:             p.kind,
		JobID:            fmt.Sprintf("%s%s%08d", p.letters, start.Format("20060102150405"), rnd.IntN(1e8)),
		StartTime:        start,
		Status:           generated.JobStatusInProgress,
		OrganizationID:   new(org.id),
		OrganizationName: new(org.name),
	}
}

// inventJob makes a job that has ended.
func inventJob(rnd *rand.Rand, p plan, organization, age int, dayEnd time.Time) generated.Job {
	org := organizations[organization]
	p.before += time.Duration(organization) * 11 * time.Minute // They do not all start at once.
	job := begin(rnd, p, org, dayEnd)

	var o outcome
	o, job.Status = p.outcome(rnd, organization, age)
	growth := math.Exp(-0.3 * float64(age) / 365) // about a third a year
	records := split(int64(org.records*growth*p.share*(0.97+0.06*rnd.Float64())), o)
	entities := split(max(1, int64(float64(org.entities)*min(1, p.share*20))), o)
	if p.share == 0 { // Retention looks at every entity and at no record.
		records, entities = counts{}, split(org.entities, o)
	}
	job.SuccessfulRecord, job.FailedRecord, job.SkippedRecord = &records.successful, &records.failed, &records.skipped
	job.WarningRecord, job.TotalRecord = &records.warning, new(records.total())
	job.SuccessfulEntity, job.FailedEntity, job.SkippedEntity = &entities.successful, &entities.failed, &entities.skipped
	job.WarningEntity, job.TotalEntity = &entities.warning, new(entities.total())
	job.BackupSize = new((records.successful + records.warning) * p.bytes)

	length := float64(3*time.Minute) + float64(p.length)*float64(records.total())/1e6
	took := time.Duration(length * (0.8 + 0.4*rnd.Float64())).Truncate(100) // nanoseconds
	job.FinishTime = new(job.StartTime.Add(took))
	job.DurationHours = new(math.Round(took.Hours()*1e4) / 1e4)
	return job
}

// outcome is how much of a job went wrong, in shares of its whole.
type outcome struct{ failed, warning, skipped float64 }

// outcome makes a job end as the troubles have it, or as luck has it.
func (p plan) outcome(rnd *rand.Rand, organization, age int) (outcome, generated.JobStatus) {
	luck, skipped := rnd.Float64(), 0.0002*rnd.Float64()
	for _, t := range troubles {
		if p.kind == generated.BackupRestoreTypeBackup && t.organization == organization && t.newest <= age && age <= t.oldest {
			return outcome{t.failed * (0.8 + 0.2*rnd.Float64()), t.warning, skipped}, t.status
		}
	}
	switch {
	case luck < 0.015:
		return outcome{0.05 + 0.6*rnd.Float64(), 0.002, skipped}, generated.JobStatusFailed
	case luck < 0.055:
		return outcome{0.0003 * rnd.Float64(), 0.004, skipped}, generated.JobStatusFinishedWithException
	default:
		return outcome{0, 0, skipped}, generated.JobStatusFinished
	}
}

// counts are the parts of a job's records or entities. They add up to the whole.
type counts struct{ successful, failed, skipped, warning int64 }

func (c counts) total() int64 { return c.successful + c.failed + c.skipped + c.warning }

// split divides the whole by the shares of an outcome, each taken of what is left. What went wrong is
// at least one, if it did.
func split(whole int64, o outcome) counts {
	failed := int64(math.Ceil(float64(whole) * o.failed))
	left := whole - failed
	warning := int64(math.Ceil(float64(left) * o.warning))
	left -= warning
	skipped := int64(float64(left) * o.skipped)
	return counts{successful: left - skipped, failed: failed, skipped: skipped, warning: warning}
}
