package health_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"sort"
	"strings"
	"time"
	"unicode"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/d365backup/d365backup/health"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// placement says whether a job is in the window of the figures.
type placement int

const (
	outside placement = iota
	inside
	atEdge // undated, or at or after the end: either
)

func (w world) place(job d365backup.Job) placement {
	switch {
	case !isDated(job), !job.StartTime.Before(w.at()):
		return atEdge
	case job.StartTime.Before(w.windowStart):
		return outside
	default:
		return inside
	}
}

// compareCounts checks numbers of jobs by type and status. The optional jobs may be counted.
func compareCounts(w world, what string, got []health.Count, jobs, optional []d365backup.Job) string {
	type key struct {
		kind   d365backup.JobType
		status d365backup.JobStatus
	}
	least, most := make(map[key]int64), make(map[key]int64)
	for i, job := range slices.Concat(jobs, optional) {
		k := key{job.Type, job.Status}
		if place := w.place(job); place != outside {
			most[k]++
			if place == inside && i < len(jobs) {
				least[k]++
			}
		}
	}
	seen := make(map[key]bool)
	for _, count := range got {
		k := key{count.Type, count.Status}
		if seen[k] || count.Jobs < max(least[k], 1) || count.Jobs > most[k] {
			return fmt.Sprintf("jobs of %s: got %d of type %v and status %v, want %d to %d", what, count.Jobs, k.kind, k.status, least[k], most[k])
		}
		seen[k] = true
	}
	for k, n := range least {
		if n > 0 && !seen[k] {
			return fmt.Sprintf("jobs of %s: got none of type %v and status %v, want %d", what, k.kind, k.status, n)
		}
	}
	return ""
}

// compareFigures checks the figures of a module against plain computations.
func compareFigures(w world, m *wantModule, got health.Module) string {
	different := cmp.Or(compareCounts(w, "module", got.Jobs, m.jobs, nil), compareLast(m, got), compareRunning(w, m, got))
	if different != "" {
		return different
	}
	var inWindow []d365backup.Job
	for _, job := range m.jobs {
		if isBackup(job) && w.place(job) == atEdge {
			return "" // what these do to the rest is open
		}
		if isBackup(job) && w.place(job) == inside {
			inWindow = append(inWindow, job)
		}
	}
	for _, compare := range []func(world, *wantModule, []d365backup.Job, health.Module) string{
		compareSums, compareDays, compareDaysWithoutSuccess, compareGaps, compareProblems,
	} {
		if different := compare(w, m, inWindow, got); different != "" {
			return different
		}
	}
	return ""
}

// compareLast checks the newest backups and when the first job started.
func compareLast(m *wantModule, got health.Module) string {
	newest := func(applies func(d365backup.Job) bool) (start time.Time) {
		for _, job := range m.jobs {
			if isBackup(job) && applies(job) {
				start = latest(job.StartTime, start)
			}
		}
		return start
	}
	ended := func(status d365backup.JobStatus) func(d365backup.Job) bool {
		return func(job d365backup.Job) bool { return job.Status == status }
	}
	first, dated := firstStart(m.jobs)
	for _, t := range []struct {
		what      string
		got, want time.Time
	}{
		{"last success", got.LastSuccess.Start, newest(ended(finished))},
		{"last exception", got.LastException.Start, newest(ended(exception))},
		{"last failure", got.LastFailure.Start, newest(ended(failed))},
		{"last start", got.LastStart, newest(isBackup)},
		{"first seen", got.FirstSeen, first},
	} {
		if !t.got.Equal(t.want) && (dated || t.what != "first seen") {
			return fmt.Sprintf("%s: got %v, want %v", t.what, t.got, t.want)
		}
	}
	return ""
}

// firstStart returns when the first of some jobs started, and whether all of them have a start.
func firstStart(jobs []d365backup.Job) (first time.Time, dated bool) {
	for _, job := range jobs {
		if !isDated(job) {
			return time.Time{}, false
		}
		if first.IsZero() || job.StartTime.Before(first) {
			first = job.StartTime
		}
	}
	return first, true
}

// compareRunning checks the backups in progress, and the age of the last success.
func compareRunning(w world, m *wantModule, got health.Module) string {
	var good time.Time
	var inProgress []d365backup.Job
	for _, job := range m.jobs {
		if m.limits.isSuccess(job) {
			good = latest(job.StartTime, good)
		}
		if isBackup(job) && isRunning(job) {
			inProgress = append(inProgress, job)
		}
	}
	if since, dated := firstStart(inProgress); got.Running != int64(len(inProgress)) || dated && !got.RunningSince.Equal(since) {
		return fmt.Sprintf("running: got %d since %v, want %d since %v", got.Running, got.RunningSince, len(inProgress), since)
	}
	if age := w.at().Sub(good); !good.IsZero() && age >= 0 && got.Age != age || good.IsZero() && got.Age >= 0 {
		return fmt.Sprintf("age: got %v, last success %v", got.Age, good)
	}
	return ""
}

func add(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

func compareSums(_ world, _ *wantModule, inWindow []d365backup.Job, got health.Module) string {
	var records, entities health.Outcomes
	for _, job := range inWindow {
		records.Successful, records.Failed = add(records.Successful, job.SuccessfulRecord), add(records.Failed, job.FailedRecord)
		records.Skipped, records.Warning = add(records.Skipped, job.SkippedRecord), add(records.Warning, job.WarningRecord)
		records.Total = add(records.Total, job.TotalRecord)
		entities.Successful, entities.Failed = add(entities.Successful, job.SuccessfulEntity), add(entities.Failed, job.FailedEntity)
		entities.Skipped, entities.Warning = add(entities.Skipped, job.SkippedEntity), add(entities.Warning, job.WarningEntity)
		entities.Total = add(entities.Total, job.TotalEntity)
	}
	if got.Records != records || got.Entities != entities {
		return fmt.Sprintf("records and entities: got %+v, %+v, want %+v, %+v", got.Records, got.Entities, records, entities)
	}
	return ""
}

func (w world) zone() *time.Location {
	return cmp.Or(w.policy.Location, time.UTC)
}

// dayStart returns the first second of the local day of a time.
func (w world) dayStart(t time.Time) time.Time {
	seconds := sort.Search(30*60*60, func(before int) bool { return w.date(t.Add(-time.Duration(before)*time.Second)) != w.date(t) })
	return t.Add(-time.Duration(seconds-1) * time.Second).Truncate(time.Second)
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (w world) date(t time.Time) string { return t.In(w.zone()).Format(time.DateOnly) }

func compareDays(w world, _ *wantModule, inWindow []d365backup.Job, got health.Module) string {
	want := make(map[string]health.Day)
	longest := make(map[string]bool) // whether a backup has no usable duration
	for _, job := range inWindow {
		d := want[w.date(job.StartTime)]
		complete := false
		switch job.Status {
		case finished:
			d.Successes, complete = d.Successes+1, true
		case exception:
			d.Exceptions, complete = d.Exceptions+1, true
		case failed:
			d.Failures++
		case running:
			d.Running++
		default:
			d.Unknown++
		}
		d.RecordsNotBackedUp = add(d.RecordsNotBackedUp, job.FailedRecord)
		if complete {
			d.Size = max(d.Size, job.BackupSize)
			if took := job.FinishTime.Sub(job.StartTime); job.FinishTime.IsZero() || took < 0 {
				longest[w.date(job.StartTime)] = true
			} else {
				d.Longest = max(d.Longest, took)
			}
		}
		want[w.date(job.StartTime)] = d
	}
	if len(got.Days) != len(want) {
		return fmt.Sprintf("days: got %d, want %d", len(got.Days), len(want))
	}
	for i, day := range got.Days {
		date := w.date(day.Date)
		d := want[date]
		if d.Date = day.Date; longest[date] {
			d.Longest = day.Longest
		}
		if day != d || i > 0 && !got.Days[i-1].Date.Before(day.Date) || w.date(day.Date.Add(-1)) == date {
			return fmt.Sprintf("day: %s: got %+v, want %+v", date, day, d)
		}
	}
	return ""
}

// compareDaysWithoutSuccess counts dates, from the first job to the day before the verdict.
func compareDaysWithoutSuccess(w world, m *wantModule, inWindow []d365backup.Job, got health.Module) string {
	if len(m.jobs) == 0 {
		return ""
	}
	first, dated := firstStart(m.jobs)
	if !dated || first.After(w.at()) {
		return ""
	}
	first = latest(first, w.windowStart)
	good := make(map[string]bool)
	for _, job := range inWindow {
		if m.limits.isSuccess(job) {
			good[w.date(job.StartTime)] = true
		}
	}
	y, month, day := first.In(w.zone()).Date()
	want := 0
	for ; ; day++ {
		date := time.Date(y, month, day, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
		if date >= w.date(w.at()) {
			break
		}
		if !good[date] {
			want++
		}
	}
	if got.DaysWithoutSuccess != want {
		return fmt.Sprintf("days without success: got %d, want %d", got.DaysWithoutSuccess, want)
	}
	return ""
}

// compareGaps checks the gaps between the first job, all successes and the verdict, as far as they reach into the window.
func compareGaps(w world, m *wantModule, _ []d365backup.Job, got health.Module) string {
	first, dated := firstStart(m.jobs)
	if !dated || len(m.jobs) == 0 || first.After(w.at()) {
		return ""
	}
	marks := []time.Time{first, w.at()}
	for _, job := range m.jobs {
		if m.limits.isSuccess(job) {
			marks = append(marks, job.StartTime)
		}
	}
	slices.SortFunc(marks, time.Time.Compare)
	var want []health.Gap
	for i, end := range marks[1:] {
		if end.Sub(marks[i]) > m.limits.maxAge && end.After(w.windowStart) {
			want = append(want, health.Gap{Start: marks[i], End: end})
		}
	}
	if !slices.EqualFunc(got.Gaps, want, func(a, b health.Gap) bool { return a.Start.Equal(b.Start) && a.End.Equal(b.End) }) {
		return fmt.Sprintf("gaps: got %v, want %v", got.Gaps, want)
	}
	return ""
}

func compareProblems(_ world, m *wantModule, _ []d365backup.Job, got health.Module) string {
	var want []time.Time
	for _, job := range m.jobs {
		if isBackup(job) && (job.Status != finished && job.Status != running || job.FailedRecord > 0) {
			want = append(want, job.StartTime)
		}
	}
	slices.SortFunc(want, func(a, b time.Time) int { return b.Compare(a) })
	want = want[:min(len(want), health.MaxProblems)]
	if !slices.EqualFunc(got.Problems, want, func(b health.Backup, start time.Time) bool { return b.Start.Equal(start) }) {
		return fmt.Sprintf("problems: got %+v, want those of %v", got.Problems, want)
	}
	return ""
}

// maxReason is a bound on a reason, in bytes, whatever the number and the names of the organizations.
const maxReason = 2000

// checkInvariants checks what holds for every summary.
func checkInvariants(w world, got health.Summary) string {
	problem := cmp.Or(checkForm(w, got), checkOrder(got), checkReasons(got), checkMerge(w, got), checkMoved(w, got))
	if problem == "" && len(w.jobs)%4 == 0 { // it takes a third of the time
		return checkJSON(got)
	}
	return problem
}

func checkForm(w world, got health.Summary) string {
	end := cmp.Or(w.policy.End, w.policy.Now)
	if !got.Start.Equal(w.policy.Start) || !got.End.Equal(end) || !got.WindowStart.Equal(latest(w.windowStart, w.policy.Start)) || !got.At.Equal(w.at()) ||
		got.TimeZone != w.zone().String() {
		return fmt.Sprintf("time range: got %v to %v, window %v, at %v, %s", got.Start, got.End, got.WindowStart, got.At, got.TimeZone)
	}
	return ""
}

func checkOrder(got health.Summary) string {
	worse := func(a, b health.State, name, next string) int {
		return cmp.Or(cmp.Compare(b, a), cmp.Compare(strings.ToLower(name), strings.ToLower(next)))
	}
	if !slices.IsSortedFunc(got.Organizations, func(a, b health.Organization) int { return worse(a.State, b.State, "", "") }) {
		return "order of organizations: not worst first"
	}
	for _, o := range got.Organizations {
		if !slices.IsSortedFunc(o.Modules, func(a, b health.Module) int { return worse(a.State, b.State, a.Name, b.Name) }) {
			return "order of modules: not worst first, then by name"
		}
	}
	return ""
}

func checkReasons(got health.Summary) string {
	reasons := []string{got.Reason}
	for _, o := range got.Organizations {
		reasons = append(reasons, o.Reason)
		for _, m := range o.Modules {
			reasons = append(reasons, m.Reason)
		}
	}
	for _, reason := range reasons {
		if strings.TrimSpace(reason) == "" || len(reason) > maxReason || strings.ContainsFunc(reason, unicode.IsControl) {
			return fmt.Sprintf("reason: %d bytes: %.1200q", len(reason), reason)
		}
	}
	return ""
}

func checkJSON(got health.Summary) string {
	text, err := json.Marshal(got)
	if err != nil {
		return fmt.Sprintf("JSON: %v", err)
	}
	var keys struct {
		State         string
		Organizations []struct {
			State   string
			Modules []struct {
				State string
				Days  []struct{ Date string }
			}
		}
	}
	if err := json.Unmarshal(text, &keys); err != nil || keys.State != got.State.String() || len(keys.Organizations) != len(got.Organizations) {
		return fmt.Sprintf("JSON: %v: %s", err, text)
	}
	for i, o := range keys.Organizations {
		if o.State != got.Organizations[i].State.String() || len(o.Modules) != len(got.Organizations[i].Modules) {
			return fmt.Sprintf("JSON: %s", text)
		}
		for _, m := range o.Modules {
			for _, day := range m.Days {
				if _, err := time.Parse(time.DateOnly, day.Date); err != nil {
					return fmt.Sprintf("JSON: %v: %s", err, text)
				}
			}
		}
	}
	if bytes.Contains(text, []byte(":null")) {
		return fmt.Sprintf("JSON: null for a list: %s", text)
	}
	return ""
}

// checkMerge checks that neither the order of the jobs nor the accumulator that each is added to changes the summary.
func checkMerge(w world, got health.Summary) string {
	jobs := slices.Clone(w.listed())
	random := rand.New(rand.NewPCG(uint64(len(jobs)), 19))
	random.Shuffle(len(jobs), func(i, j int) { jobs[i], jobs[j] = jobs[j], jobs[i] })
	parts := make([]*health.Accumulator, 1+random.IntN(3))
	for i := range parts {
		var err error
		if parts[i], err = health.NewAccumulator(w.policy); err != nil {
			return fmt.Sprintf("merge: %v", err)
		}
	}
	for i, job := range jobs {
		parts[random.IntN(len(parts))].Add(job)
		if i == len(jobs)/2 {
			parts[0].Summary(w.policy.Now) // must leave it unchanged
		}
	}
	if w.incomplete {
		parts[random.IntN(len(parts))].Fail(errCut)
	}
	before, beforeErr := parts[len(parts)-1].Summary(w.policy.Now)
	for _, part := range parts[1:] {
		parts[0].Merge(part)
	}
	merged, err := parts[0].Summary(w.policy.Now)
	if err != nil {
		return fmt.Sprintf("merge: %v", err)
	}
	if different := compareSummaries("merge", got, merged); different != "" || len(parts) == 1 {
		return different
	}
	after, afterErr := parts[len(parts)-1].Summary(w.policy.Now)
	if (beforeErr == nil) != (afterErr == nil) {
		return fmt.Sprintf("merge: changed its argument: %v, %v", beforeErr, afterErr)
	}
	return compareSummaries("merge: changed its argument", before, after)
}

func compareSummaries(what string, want, got health.Summary) string {
	if reflect.DeepEqual(want, got) { // much faster
		return ""
	}
	if different := gocmp.Diff(want, got); different != "" {
		return what + ": " + different
	}
	return ""
}

// checkMoved checks that an accumulator whose time range begins later forgets the jobs before it.
func checkMoved(w world, got health.Summary) string {
	keepsNames := slices.ContainsFunc(w.jobs, func(job d365backup.Job) bool { return job.OrganizationName == "" || !isDated(job) })
	if len(w.older) == 0 || w.incomplete || keepsNames {
		return ""
	}
	policy := w.policy
	policy.Start, policy.WindowStart = policy.Start.Add(-10*day), time.Time{}
	before, err := health.NewAccumulator(policy)
	if err != nil {
		return fmt.Sprintf("moved: %v", err)
	}
	for _, job := range slices.Concat(w.older, w.jobs) {
		before.Add(job)
	}
	after, err := health.NewAccumulator(w.policy)
	if err != nil {
		return fmt.Sprintf("moved: %v", err)
	}
	after.Merge(before)
	moved, err := after.Summary(w.policy.Now)
	if err != nil {
		return fmt.Sprintf("moved: %v", err)
	}
	return compareSummaries("moved", withoutFirst(got), withoutFirst(moved))
}

// withoutFirst removes what depends on the first job, which may have been forgotten.
func withoutFirst(s health.Summary) health.Summary {
	s.Organizations = slices.Clone(s.Organizations)
	for i := range s.Organizations {
		o := &s.Organizations[i]
		o.Modules = slices.Clone(o.Modules)
		for j := range o.Modules {
			o.Modules[j].FirstSeen, o.Modules[j].Gaps, o.Modules[j].DaysWithoutSuccess = time.Time{}, nil, 0
		}
	}
	return s
}
