package sandbox

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// seed determines the history. Another seed gives another history of the same pattern.
const seed = 365

// organization is an organization of the fictional customer.
type organization struct {
	id, name string
	days     int     // since its first backup
	entities int64   // at the anchor
	records  float64 // at the anchor
}

var organizations = []organization{
	{"69cb1ecc-f8e8-439b-8077-a4b7fd45e87f", "Larkfield Sales", math.MaxInt, 412, 1_900_000},
	{"2f8a6d10-94c3-4b7b-8d52-6e0f3c1a7b95", "Larkfield Service", math.MaxInt, 388, 2_600_000},
	{"b41d7e02-5a6f-4c38-9e1d-07c2f5a8d364", "Larkfield Field Operations", 540, 296, 840_000},
	{"7c0e95f3-1b28-4da6-a3f7-d95b8e42c016", "Tidewell Logistics", 400, 341, 1_200_000},
	{"d83f2b64-e7a9-4051-8c6b-3a1f90d5e72c", "Larkfield Marketing", 210, 203, 3_100_000},
	{"0a5ce81b-36d4-4f92-b7e0-c48d16f3a95e", "Larkfield Training", 90, 178, 62_000},
}

// plan is a schedule of jobs that each organization runs.
type plan struct {
	jobType int
	prefix  string        // of the job id; only that of a backup is documented
	before  time.Duration // from the start of the job to the end of its day
	every   int           // days
	recent  int           // number of days that the plan has existed; 0 for always
	share   float64       // of the organization's records
	length  time.Duration // of a job with a million records
	bytes   int64         // of backup for each record
}

// Jobs of plans start and end well inside the day. So a time range of whole days before the anchor has the
// same jobs if it is requested a minute later.
var plans = []plan{
	{backup, "DCIB", 9 * time.Hour, 1, 0, 1, 50 * time.Minute, 2150},
	{backup, "DCIB", 3 * time.Hour, 1, 30, 0.04, 150 * time.Minute, 2150},
	{backup, "DCIB", 15 * time.Hour, 1, 30, 0.03, 150 * time.Minute, 2150},
	{backup, "DCIB", 21 * time.Hour, 1, 30, 0.05, 150 * time.Minute, 2150},
	{auditBackup, "DCAB", 7 * time.Hour, 3, 0, 0.2, 25 * time.Minute, 310},
	{retention, "DCRT", 5 * time.Hour, 7, 0, 0, 0, 0},
	{restore, "DCRS", 19 * time.Hour, 31, 0, 0.002, 5 * time.Hour, 0},
	{dryRun, "DCDR", 20 * time.Hour, 29, 0, 0.002, 4 * time.Hour, 0},
	{export, "DCEX", 17 * time.Hour, 37, 0, 0.08, time.Hour, 0},
}

// incidents are times in which no backup of an organization finishes without errors. Other jobs fail at random.
var incidents = []struct {
	organization    int
	newest, oldest  int // ages in days
	status          int
	failed, warning float64 // shares of the records
}{
	{5, 0, 2, failed, 0.62, 0},
	{1, 0, 0, finishedWithException, 0.0004, 0.006},
	{2, 41, 44, failed, 1, 0},
	{3, 96, 102, finishedWithException, 0.001, 0.02},
	{0, 230, 231, failed, 0.85, 0},
}

// generate returns the newest n jobs of the history that ends at the anchor, newest first.
func generate(anchor time.Time, n int) []Job {
	anchor = anchor.UTC().Truncate(time.Second)
	jobs := make([]Job, 0, n)
	for i, p := range []plan{ // the jobs in progress
		{jobType: backup, prefix: "DCIB", before: 11 * time.Minute},
		{jobType: export, prefix: "DCEX", before: 38 * time.Minute},
	} {
		jobs = append(jobs, startJob(rand.New(rand.NewPCG(seed, uint64(i))), p, organizations[i], anchor))
	}
	for age := 0; len(jobs) < n; age++ {
		dayEnd := anchor.AddDate(0, 0, -age)
		rnd := rand.New(rand.NewPCG(^uint64(seed), uint64(age)))
		for i, org := range organizations {
			for _, p := range plans {
				existed := age < org.days && (p.recent == 0 || age < p.recent)
				if existed && (age+i*5)%p.every == 0 { // organizations run a plan on different days
					jobs = append(jobs, endedJob(rnd, p, i, age, dayEnd))
				}
			}
		}
	}
	sortNewestFirst(jobs)
	return jobs[:n]
}

// startJob returns a job in progress.
func startJob(rnd *rand.Rand, p plan, org organization, dayEnd time.Time) Job {
	// A delay of up to two minutes, in the service's unit of 100 ns.
	delay := 100 * time.Duration(rnd.Int64N(int64(2*time.Minute)/100))
	start := dayEnd.Add(delay - p.before)
	return Job{
		Module:           "Customer Engagement",
		Type:             p.jobType,
		JobID:            fmt.Sprintf("%s%s%08d", p.prefix, start.Format("20060102150405"), rnd.IntN(1e8)),
		StartTime:        start,
		Status:           inProgress,
		OrganizationID:   org.id,
		OrganizationName: org.name,
	}
}

// endedJob returns a job that has ended.
func endedJob(rnd *rand.Rand, p plan, organization, age int, dayEnd time.Time) Job {
	org := organizations[organization]
	p.before += time.Duration(organization) * 11 * time.Minute // so that they do not all start at once
	job := startJob(rnd, p, org, dayEnd)

	outcome := p.outcome(rnd, organization, age)
	job.Status = outcome.status
	growth := math.Exp(-0.3 * float64(age) / 365) // about a third a year
	records := int64(org.records * growth * p.share * (0.97 + 0.06*rnd.Float64()))
	entities := max(1, int64(float64(org.entities)*min(1, p.share*20)))
	if p.jobType == retention { // processes every entity and counts no records
		records, entities = 0, org.entities
	}
	job.SuccessfulRecord, job.FailedRecord, job.SkippedRecord, job.WarningRecord, job.TotalRecord = outcome.divide(records)
	job.SuccessfulEntity, job.FailedEntity, job.SkippedEntity, job.WarningEntity, job.TotalEntity = outcome.divide(entities)
	job.BackupSize = (job.SuccessfulRecord + job.WarningRecord) * p.bytes

	length := float64(3*time.Minute) + float64(p.length)*float64(records)/1e6
	took := time.Duration(length * (0.8 + 0.4*rnd.Float64())).Truncate(100)
	job.FinishTime = job.StartTime.Add(took)
	job.DurationHours = math.Round(took.Hours()*1e4) / 1e4
	return job
}

// outcome is how a job ended, with the shares of its records and entities that went wrong.
type outcome struct {
	status                   int
	failed, warning, skipped float64
}

// outcome returns the outcome of an incident, or a random one.
func (p plan) outcome(rnd *rand.Rand, organization, age int) outcome {
	luck, skipped := rnd.Float64(), 0.0002*rnd.Float64()
	for _, i := range incidents {
		if p.jobType == backup && i.organization == organization && i.newest <= age && age <= i.oldest {
			return outcome{i.status, i.failed * (0.8 + 0.2*rnd.Float64()), i.warning, skipped}
		}
	}
	switch {
	case luck < 0.015:
		return outcome{failed, 0.05 + 0.6*rnd.Float64(), 0.002, skipped}
	case luck < 0.055:
		return outcome{finishedWithException, 0.0003 * rnd.Float64(), 0.004, skipped}
	default:
		return outcome{finished, 0, 0, skipped}
	}
}

// divide divides a total by the shares, each of what is left. Failures and warnings are rounded up, so that
// there is at least one.
func (o outcome) divide(total int64) (successful, failed, skipped, warning, sum int64) {
	failed = int64(math.Ceil(float64(total) * o.failed))
	warning = int64(math.Ceil(float64(total-failed) * o.warning))
	skipped = int64(float64(total-failed-warning) * o.skipped)
	return total - failed - warning - skipped, failed, skipped, warning, total
}
