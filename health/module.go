package health

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	d365backup "github.com/d365backup/d365backup/wrapper"
)

// outcome is how a backup ended.
type outcome int

const (
	success outcome = iota
	exception
	failure
	unknownStatus
	inProgress
)

func outcomeOf(status d365backup.JobStatus) outcome {
	switch status {
	case d365backup.JobStatusFinished:
		return success
	case d365backup.JobStatusFinishedWithException:
		return exception
	case d365backup.JobStatusFailed:
		return failure
	case d365backup.JobStatusInProgress:
		return inProgress
	default:
		return unknownStatus
	}
}

// module is what is known about a module of an organization.
type module struct {
	last      [inProgress]Backup // the newest by outcome
	problems  []Backup           // the newest, newest first
	running   []time.Time        // when backups in progress started
	firstSeen time.Time          // when the oldest job started
	undated   [inProgress + 1]int64
	cells     map[cellKey]*cell
	counts    map[countKey]int64 // jobs that are not in cells
}

// cellKey is a day or, if the shortest maximum age is shorter, a part of it: a slot is that long. So a longer time without a
// success never lies within one cell, and the first and the last success of each are enough to find it.
type cellKey struct {
	day  day
	slot int64
}

// longestDay is that of a local day. Only days on which a zone crossed the date line were longer, the last one in 1969.
const longestDay = 26 * time.Hour

func (a *Accumulator) cellKey(start time.Time, d day) cellKey {
	if a.width >= longestDay {
		return cellKey{day: d}
	}
	return cellKey{d, nanos(start) / int64(a.width)}
}

// cell sums up the dated backups of a part of a day.
type cell struct {
	jobs              [inProgress + 1]int64
	firstAt, lastAt   [exception + 1]int64 // of successes and exceptions, in nanoseconds since 1970, if there are any
	records, entities Outcomes
	size              int64
	longest           time.Duration
}

// countKey is what the jobs are counted by that are no backups or have no start time or an unknown status.
type countKey struct {
	day    day // undated if it is not known
	typ    d365backup.JobType
	status d365backup.JobStatus
}

// undated is the day of jobs without a start time. They count in every window.
const undated day = math.MaxInt32

// add adds a job that did not start too early.
func (m *module) add(a *Accumulator, job *d365backup.Job) {
	start, outcome := job.StartTime, outcomeOf(job.Status)
	isBackup := job.Type == d365backup.JobTypeBackup
	when := undated
	if !start.IsZero() {
		m.sawFirst(start)
		when = dayOf(start, a.policy.Location)
	}
	if !isBackup || start.IsZero() || outcome == unknownStatus {
		m.count(a, countKey{when, job.Type, job.Status}, 1)
	}
	if !isBackup {
		return
	}
	backup := newBackup(job, outcome)
	if start.IsZero() {
		m.undated[outcome]++
	} else {
		if c := m.cell(a, a.cellKey(start, when)); c != nil {
			c.add(&backup, outcome)
		}
		if outcome == inProgress {
			m.addRunning(a, start)
		} else if compareBackups(backup, m.last[outcome]) < 0 {
			m.last[outcome] = backup
			m.last[outcome].JobID = strings.Clone(backup.JobID)
		}
	}
	if outcome != inProgress && (outcome != success || backup.Records.Failed > 0) {
		m.addProblem(backup)
	}
}

func (m *module) merge(a *Accumulator, other *module) {
	m.sawFirst(other.firstSeen)
	for i, backup := range other.last {
		if compareBackups(backup, m.last[i]) < 0 {
			m.last[i] = backup
		}
	}
	for _, backup := range other.problems {
		m.addProblem(backup)
	}
	for _, start := range other.running {
		m.addRunning(a, start)
	}
	for i, n := range other.undated {
		m.undated[i] += n
	}
	for k, c := range other.cells {
		if own := m.cell(a, k); own != nil {
			own.merge(c)
		}
	}
	for k, n := range other.counts {
		m.count(a, k, n)
	}
}

func (m *module) sawFirst(start time.Time) {
	if !start.IsZero() && (m.firstSeen.IsZero() || start.Before(m.firstSeen)) {
		m.firstSeen = start
	}
}

func (m *module) addRunning(a *Accumulator, start time.Time) {
	if a.spend() {
		m.running = append(m.running, start)
	}
}

// addProblem keeps a backup if it is among the newest problems.
func (m *module) addProblem(backup Backup) {
	i, _ := slices.BinarySearchFunc(m.problems, backup, compareBackups)
	if i == MaxProblems {
		return
	}
	backup.JobID = strings.Clone(backup.JobID)
	m.problems = slices.Insert(m.problems, i, backup)
	m.problems = m.problems[:min(len(m.problems), MaxProblems)]
}

func (m *module) count(a *Accumulator, k countKey, n int64) {
	if _, known := m.counts[k]; known || a.spend() {
		m.counts[k] += n
	}
}

// cell returns a cell, new or known; nil if there are too many.
func (m *module) cell(a *Accumulator, k cellKey) *cell {
	c := m.cells[k]
	if c == nil && a.spend() {
		c = new(cell)
		m.cells[k] = c
	}
	return c
}

// nanos returns a time in nanoseconds since 1970, or the nearest that there is: they reach from 1678 to 2262.
func nanos(t time.Time) int64 {
	switch {
	case t.Year() < 1678:
		return math.MinInt64
	case t.Year() > 2261:
		return math.MaxInt64
	}
	return t.UnixNano()
}

func (c *cell) add(b *Backup, o outcome) {
	one := cell{}
	one.jobs[o] = 1
	if o <= exception {
		at := nanos(b.Start)
		one.firstAt[o], one.lastAt[o] = at, at
		one.size, one.longest = b.Size, b.Duration
	}
	one.records, one.entities = b.Records, b.Entities
	c.merge(&one)
}

func (c *cell) merge(other *cell) {
	for i := range other.firstAt {
		switch {
		case other.jobs[i] == 0:
		case c.jobs[i] == 0:
			c.firstAt[i], c.lastAt[i] = other.firstAt[i], other.lastAt[i]
		default:
			c.firstAt[i], c.lastAt[i] = min(c.firstAt[i], other.firstAt[i]), max(c.lastAt[i], other.lastAt[i])
		}
	}
	for i, n := range other.jobs {
		c.jobs[i] += n
	}
	c.records.add(other.records)
	c.entities.add(other.entities)
	c.size, c.longest = max(c.size, other.size), max(c.longest, other.longest)
}

func (o *Outcomes) add(other Outcomes) {
	o.Successful = saturatingAdd(o.Successful, other.Successful)
	o.Failed = saturatingAdd(o.Failed, other.Failed)
	o.Skipped = saturatingAdd(o.Skipped, other.Skipped)
	o.Warning = saturatingAdd(o.Warning, other.Warning)
	o.Total = saturatingAdd(o.Total, other.Total)
}

// saturatingAdd adds numbers that are not negative; a sum that is too large is the maximum.
func saturatingAdd(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// newBackup returns a job as a backup. Negative counts are 0.
func newBackup(job *d365backup.Job, o outcome) Backup {
	b := Backup{
		JobID:    bounded(job.JobID),
		Start:    job.StartTime,
		Finish:   job.FinishTime,
		Status:   job.Status.String(),
		Duration: job.Duration(),
		Size:     max(job.BackupSize, 0),
		Records: Outcomes{
			max(job.SuccessfulRecord, 0), max(job.FailedRecord, 0), max(job.SkippedRecord, 0),
			max(job.WarningRecord, 0), max(job.TotalRecord, 0),
		},
		Entities: Outcomes{
			max(job.SuccessfulEntity, 0), max(job.FailedEntity, 0), max(job.SkippedEntity, 0),
			max(job.WarningEntity, 0), max(job.TotalEntity, 0),
		},
	}
	if o == unknownStatus {
		b.Status = strings.Clone(bounded(job.StatusText()))
	}
	return b
}

// compareBackups orders backups, the newest first. Only equal ones compare as equal, so that the order of jobs does not matter.
func compareBackups(a, b Backup) int {
	return cmp.Or(
		b.Start.Compare(a.Start),
		b.Finish.Compare(a.Finish),
		cmp.Compare(a.JobID, b.JobID),
		cmp.Compare(a.Status, b.Status),
		cmp.Compare(b.Duration, a.Duration),
		cmp.Compare(b.Size, a.Size),
		compareOutcomes(a.Records, b.Records),
		compareOutcomes(a.Entities, b.Entities),
	)
}

func compareOutcomes(a, b Outcomes) int {
	return cmp.Or(
		cmp.Compare(b.Failed, a.Failed),
		cmp.Compare(b.Warning, a.Warning),
		cmp.Compare(b.Skipped, a.Skipped),
		cmp.Compare(b.Successful, a.Successful),
		cmp.Compare(b.Total, a.Total),
	)
}
