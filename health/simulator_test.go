package health_test

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/d365backup/d365backup/health"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

var (
	cases = flag.Int("cases", 10_000, "how many random cases TestSimulator checks")
	seed  = flag.Uint64("seed", 1, "the seed of the first case of TestSimulator; the next one has the next seed")
)

// errCut ends an incomplete list.
var errCut = errors.New("page 7 cannot be read")

// world is one random case: a policy, and a list of jobs that may end in an error.
type world struct {
	policy     health.Policy
	jobs       []d365backup.Job // in the order of the list
	incomplete bool             // the second half of the jobs is missing
	older      []d365backup.Job // that started before the time range, and so are not in the list

	from, windowStart time.Time // starts of the local days of Policy.Start and of the window
}

// newWorld fills in what follows from the policy.
func newWorld(policy health.Policy, jobs []d365backup.Job, incomplete bool) world {
	w := world{policy: policy, jobs: jobs, incomplete: incomplete}
	w.from = w.dayStart(policy.Start)
	w.windowStart = w.dayStart(cmp.Or(policy.WindowStart, policy.Start))
	return w
}

// withOlder adds the jobs that started before the time range.
func (w world) withOlder(jobs []d365backup.Job) world {
	w.older = slices.DeleteFunc(slices.Clone(jobs), func(job d365backup.Job) bool { return !job.StartTime.Before(w.from) })
	return w
}

// listed returns the jobs that the list has.
func (w world) listed() []d365backup.Job {
	if w.incomplete {
		return w.jobs[:len(w.jobs)/2]
	}
	return w.jobs
}

// list returns the list as the client does.
func (w world) list() iter.Seq2[d365backup.Job, error] {
	return func(yield func(d365backup.Job, error) bool) {
		for _, job := range w.listed() {
			if !yield(job, nil) {
				return
			}
		}
		if w.incomplete {
			yield(d365backup.Job{}, errCut)
		}
	}
}

// at returns when ages are counted to.
func (w world) at() time.Time {
	if !w.policy.End.IsZero() && w.policy.End.Before(w.policy.Now) {
		return w.policy.End
	}
	return w.policy.Now
}

// TestSimulator: for random jobs, the state of each module, of each organization and of all is one that the oracle allows,
// and the figures are those of a plain computation. A failing case prints its seed.
func TestSimulator(t *testing.T) {
	for i := range uint64(*cases) {
		w := simulatedWorld(rand.New(rand.NewPCG(*seed+i, 18)))
		if problem := check(w); problem != "" {
			w = shrink(w, kind(problem))
			t.Fatalf("%s\nRun it again with -cases 1 -seed %d. The smallest case like it: %s\n%s", problem, *seed+i, check(w), w)
		}
	}
}

// check compares the summary of a world with what the oracle allows, and returns the first difference.
func check(w world) (problem string) {
	defer func() {
		if v := recover(); v != nil {
			problem = fmt.Sprintf("panic: %v", v)
		}
	}()
	got, err := health.Assess(w.list(), w.policy)
	for _, r := range w.readings() {
		different := compareVerdict(w, judge(w, r), got, err)
		if different == "" {
			problem = ""
			break
		}
		problem = cmp.Or(problem, different)
	}
	if problem != "" || errors.Is(err, d365backup.ErrConfig) {
		return problem
	}
	return checkInvariants(w, got)
}

// kind returns what problems of the same kind begin with.
func kind(problem string) string {
	before, _, _ := strings.Cut(problem, ":")
	return before
}

// shrink removes jobs and targets as long as the world keeps a problem of the same kind.
func shrink(w world, problem string) world {
	fails := func(smaller world) bool {
		return kind(check(newWorld(smaller.policy, smaller.jobs, smaller.incomplete).withOlder(smaller.older))) == problem
	}
	if whole := newWorld(w.policy, w.listed(), false).withOlder(w.older); w.incomplete && fails(whole) {
		w = whole
	}
	for size := len(w.jobs); size > 0; size /= 2 {
		for i := 0; i+size <= len(w.jobs); {
			smaller := w
			if smaller.jobs = slices.Delete(slices.Clone(w.jobs), i, i+size); fails(smaller) {
				w = smaller
			} else {
				i++
			}
		}
	}
	w = shrinkPolicy(w, fails)
	for i := 0; i < len(w.older); {
		if smaller := w.withOlder(without(w.older, i)); fails(smaller) {
			w = smaller
		} else {
			i++
		}
	}
	return newWorld(w.policy, w.jobs, w.incomplete).withOlder(w.older)
}

// shrinkPolicy removes from the policy what the problem does not need.
func shrinkPolicy(w world, fails func(world) bool) world {
	try := func(change func(*health.Policy)) bool {
		smaller := w
		if change(&smaller.policy); !fails(smaller) {
			return false
		}
		w = smaller
		return true
	}
	for i := 0; i < len(w.policy.Expected); {
		if !try(func(p *health.Policy) { p.Expected = without(p.Expected, i) }) {
			i++
		}
	}
	for i := 0; i < len(w.policy.Ignored); {
		if !try(func(p *health.Policy) { p.Ignored = without(p.Ignored, i) }) {
			i++
		}
	}
	for i := 0; i < len(w.policy.Overrides); {
		if !try(func(p *health.Policy) { p.Overrides = without(p.Overrides, i) }) {
			i++
		}
	}
	try(func(p *health.Policy) { p.WindowStart = time.Time{} })
	try(func(p *health.Policy) { p.End = time.Time{} })
	try(func(p *health.Policy) { p.Location = nil })
	try(func(p *health.Policy) { p.MaxAge = 0 })
	try(func(p *health.Policy) { p.MaxRunning = 0 })
	try(func(p *health.Policy) { p.TolerateExceptions = false })
	return w
}

// without returns a copy of a list without one element.
func without[T any](list []T, i int) []T { return slices.Delete(slices.Clone(list), i, i+1) }

// String lists the policy and the jobs, with times before Now.
func (w world) String() string {
	var b strings.Builder
	ago := func(t time.Time) string {
		if t.IsZero() {
			return "undated"
		}
		return "-" + w.policy.Now.Sub(t).String()
	}
	p := w.policy
	fmt.Fprintf(&b, "now %s, start %s, end %s, window %s, zone %v, max age %v, max running %v, tolerate %t\n", p.Now.UTC(),
		ago(p.Start), ago(p.End), ago(p.WindowStart), p.Location, p.MaxAge, p.MaxRunning, p.TolerateExceptions)
	fmt.Fprintf(&b, "expected %+.40q\nignored %+.40q\n", p.Expected, p.Ignored)
	for _, o := range p.Overrides {
		fmt.Fprintf(&b, "override %+.40q: max age %v, max running %v", o.Target, o.MaxAge, o.MaxRunning)
		if o.TolerateExceptions != nil {
			fmt.Fprintf(&b, ", tolerate %t", *o.TolerateExceptions)
		}
		fmt.Fprintln(&b)
	}
	all := slices.Concat(w.listed(), w.older)
	for i, job := range all {
		if i == 40 {
			fmt.Fprintf(&b, "and %d more jobs\n", len(all)-i)
			break
		}
		fmt.Fprintf(&b, "%-18s %-8s %-12s id %.40q name %.40q module %.40q failed %d\n", ago(job.StartTime), job.TypeText(), job.StatusText(),
			job.OrganizationID, job.OrganizationName, job.Module, job.FailedRecord)
	}
	if w.incomplete {
		fmt.Fprintln(&b, errCut)
	}
	return b.String()
}

// chance is true with a probability.
func chance(random *rand.Rand, percent int) bool { return random.IntN(100) < percent }

func pick[T any](random *rand.Rand, values ...T) T { return values[random.IntN(len(values))] }

// between returns a random duration, to the second.
func between(random *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(random.Int64N(int64((most-least)/time.Second)+1))*time.Second
}

const (
	hour = time.Hour
	day  = 24 * time.Hour
)

var zones = func() (zones []*time.Location) {
	for _, name := range []string{"Europe/Berlin", "America/New_York", "America/Santiago", "America/Havana", "Asia/Kathmandu",
		"Australia/Lord_Howe", "Pacific/Apia", "UTC"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			panic(err)
		}
		zones = append(zones, zone)
	}
	return append(zones, nil, time.FixedZone("east", 14*60*60))
}()

// simulatedPolicy returns a policy without targets.
func simulatedPolicy(random *rand.Rand) health.Policy {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(between(random, 0, 730*day))
	if chance(random, 30) { // the clocks change
		now = pick(random, time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC), time.Date(2026, 10, 25, 1, 0, 0, 0, time.UTC),
			time.Date(2026, 9, 6, 4, 0, 0, 0, time.UTC), time.Date(2026, 3, 8, 5, 0, 0, 0, time.UTC)).Add(between(random, -hour, 2*day))
	}
	p := health.Policy{
		Now:                now,
		Start:              now.Add(-pick(random, 35*day, 35*day, 35*day, 35*day, 12*hour, 36*hour, 3*day, 7*day, 120*day, 370*day)),
		Location:           pick(random, zones...),
		MaxAge:             pick(random, 0, 0, 0, 2*hour, 12*hour, day, 3*day, 10*day),
		MaxRunning:         pick(random, 0, 0, hour, 6*hour, 2*day),
		TolerateExceptions: chance(random, 20),
	}
	switch random.IntN(6) {
	case 0:
		p.End = now.Add(-between(random, 0, min(5*day, now.Sub(p.Start)-hour)))
	case 1:
		p.End = now.Add(between(random, 0, day))
	}
	if chance(random, 40) {
		p.WindowStart = p.Start.Add(between(random, 0, now.Sub(p.Start)-hour))
		if !p.End.IsZero() && !p.WindowStart.Before(p.End) {
			p.WindowStart = p.Start
		}
	}
	return p
}

// organization is one that the service knows, with what happens to it.
type organization struct {
	id, name, formerName string
	renamed              time.Time
	modules              []string
	losesID              bool // some jobs lack the id
	shouts               bool // some jobs have the id in upper case
}

var names = []string{"Sales", "Finance", "Contoso", "HR", "sales", "Ventas Perú", "R&D | \"x\"=1", "Line\nbreak\x1b[31m\x00", "\u202etxt.exe"}

func simulatedOrganization(random *rand.Rand, number int, p health.Policy) organization {
	o := organization{
		id:      fmt.Sprintf("69cb1ecc-f8e8-439b-8077-a4b7fd45e8%02x", number),
		name:    fmt.Sprintf("Org %c", 'A'+number%26),
		modules: []string{"Customer Engagement"},
	}
	switch random.IntN(12) {
	case 0:
		o.id = ""
	case 1:
		o.id = fmt.Sprintf("not-a-guid-%d", number)
	case 2:
		o.id = fmt.Sprintf("69cb1ecc-f8e8-439b-8077-%d", number)
	}
	if chance(random, 25) {
		o.name = pick(random, names...)
	}
	if chance(random, 2) {
		o.name = strings.Repeat("Long name ", 500) + "end"
	}
	if chance(random, 4) {
		o.name = "" // without an id, too: nobody's jobs
	}
	if chance(random, 15) {
		o.formerName = pick(random, "Former", "Org A", "Sales", "ORG B")
		o.renamed = p.Now.Add(-between(random, 0, p.Now.Sub(p.Start)))
	}
	switch random.IntN(8) {
	case 0:
		o.modules = append(o.modules, "Finance and Operations")
	case 1:
		o.modules = append(o.modules, "")
	case 2:
		o.modules = []string{""}
	}
	o.losesID, o.shouts = chance(random, 3), uuid.Validate(o.id) == nil && chance(random, 3)
	return o
}

// job returns a job of the organization with a random outcome's figures.
func (o organization) job(random *rand.Rand, module string, start time.Time) d365backup.Job {
	job := d365backup.Job{
		Module: module, Type: d365backup.JobTypeBackup, Status: d365backup.JobStatusFinished, StartTime: start,
		JobID:          fmt.Sprintf("DCIB%d", random.IntN(1_000_000)),
		OrganizationID: o.id, OrganizationName: o.name,
		SuccessfulRecord: random.Int64N(1000), SkippedRecord: random.Int64N(3), WarningRecord: random.Int64N(3),
		SuccessfulEntity: random.Int64N(50), FailedEntity: random.Int64N(2), TotalEntity: random.Int64N(60),
		BackupSize: random.Int64N(1 << 30),
	}
	if start.Before(o.renamed) {
		job.OrganizationName = o.formerName
	}
	if o.losesID && chance(random, 30) {
		job.OrganizationID = pick(random, "", uuid.Nil.String())
	}
	if o.shouts && chance(random, 50) {
		job.OrganizationID = strings.ToUpper(job.OrganizationID)
	}
	if chance(random, 5) {
		job.FailedRecord = 1 + random.Int64N(50)
	}
	job.TotalRecord = job.SuccessfulRecord + job.FailedRecord
	took := between(random, 0, 3*hour)
	job.FinishTime, job.DurationHours = start.Add(took), took.Hours()
	switch random.IntN(200) {
	case 0: // numbers at the limits of what they can hold
		job.SuccessfulRecord, job.TotalRecord, job.BackupSize = math.MaxInt64, math.MaxInt64-1, math.MaxInt64
	case 1:
		job.FinishTime, job.DurationHours = time.Time{}, pick(random, 1e300, -1, math.Inf(1), math.NaN())
	case 2:
		job.FinishTime = start.Add(-hour)
	}
	return job
}

// end gives a job a status. A backup in progress has no figures yet.
func end(random *rand.Rand, job *d365backup.Job, status d365backup.JobStatus) {
	job.Status = status
	switch status {
	case d365backup.JobStatusInProgress:
		job.FinishTime, job.DurationHours, job.FailedRecord, job.BackupSize = time.Time{}, 0, 0, 0
	case d365backup.JobStatusUnknown:
		job.UnknownStatus = pick(random, "", "Partially Failed", "Queued")
	}
}

// strange is a status without a number.
const strange = d365backup.JobStatusUnknown

// statuses are tempers of modules: what their backups end in.
var statuses = [][]d365backup.JobStatus{
	{finished}, {finished}, {finished}, {finished}, {finished}, {finished},
	{finished, finished, finished, finished, failed},
	{finished, finished, finished, exception},
	{finished, failed, exception, running, strange},
	{exception}, {failed}, {running}, {strange, 1 << 30, 0}, {exception, failed},
}

// history returns the backups of one module until the policy's Now, and other jobs between them.
func (o organization) history(random *rand.Rand, module string, p health.Policy) (jobs []d365backup.Job) {
	length := p.Now.Sub(p.Start) + 3*day
	cadence := max(pick(random, hour, 6*hour, 12*hour, day, day, 2*day, 7*day), length/25)
	from, to := p.Now.Add(-length), p.Now.Add(-between(random, 0, 2*hour))
	if chance(random, 20) {
		from = p.Now.Add(-between(random, 0, length))
	}
	if chance(random, 25) { // it stops
		to = p.Now.Add(-between(random, 0, min(length, 6*day)))
	}
	outage, restored := p.Now, p.Now
	if chance(random, 20) {
		outage = p.Now.Add(-between(random, 0, length))
		restored = outage.Add(between(random, 0, 12*day))
	}
	temper := pick(random, statuses...)
	other := chance(random, 20)
	for start := to; start.After(from); start = start.Add(-cadence + between(random, -cadence/8, cadence/8)) {
		if start.After(outage) && start.Before(restored) {
			continue
		}
		job := o.job(random, module, start)
		end(random, &job, pick(random, temper...))
		jobs = append(jobs, job)
		if other && chance(random, 40) {
			jobs = append(jobs, o.otherJob(random, module, start.Add(hour)))
		}
	}
	return o.lastJobs(random, module, p, jobs)
}

// lastJobs changes and adds some of the newest jobs: those decide.
func (o organization) lastJobs(random *rand.Rand, module string, p health.Policy, jobs []d365backup.Job) []d365backup.Job {
	if chance(random, 40) {
		for i := range min(len(jobs), 1+random.IntN(3)) {
			end(random, &jobs[i], pick(random, finished, finished, finished, failed, exception, running, pick(random, strange, 1<<30, 0)))
		}
	}
	at, now := (world{policy: p}).at(), p.Now
	maxAge, maxRunning := max(p.MaxAge, hour), max(p.MaxRunning, hour)
	edge := func(t time.Time) time.Time { return t.Add(pick[time.Duration](random, 0, 0, -1, 1)) }
	for _, special := range []struct {
		percent int
		start   time.Time
		status  d365backup.JobStatus
	}{
		{4, edge(at.Add(-maxAge)), finished},
		{4, edge(at.Add(-maxRunning)), running},
		{4, at.Add(-between(random, 0, 3*day)), running},
		{3, edge(now.Add(hour)), pick(random, finished, exception, failed)},
		{3, now.Add(between(random, -hour, 5*hour)), pick(random, finished, finished, failed, running)},
		{1, p.Start, finished}, {1, at, finished}, {1, cmp.Or(p.WindowStart, p.Start), finished},
		{1, time.Time{}, pick(random, finished, failed, running, strange)},
	} {
		if chance(random, special.percent) {
			job := o.job(random, module, special.start)
			if end(random, &job, special.status); !isDated(job) && chance(random, 30) {
				job.OrganizationName = pick(random, "Once", "Finance")
			}
			jobs = append(jobs, job)
		}
	}
	if len(jobs) > 0 && chance(random, 4) { // two at one time
		job := o.job(random, module, jobs[random.IntN(len(jobs))].StartTime)
		end(random, &job, pick(random, finished, failed, exception, running, strange))
		jobs = append(jobs, job)
	}
	switch random.IntN(30) {
	case 0: // no backups, but other jobs
		for i := range jobs {
			jobs[i] = o.otherJob(random, module, jobs[i].StartTime)
		}
	case 1: // only jobs of types that nobody knows
		for i := range jobs {
			jobs[i].Type = pick(random, d365backup.JobTypeUnknown, d365backup.JobTypeAll, 1<<30)
		}
	}
	return jobs
}

func (o organization) otherJob(random *rand.Rand, module string, start time.Time) d365backup.Job {
	job := o.job(random, module, start)
	job.Type = pick(random, d365backup.JobTypeRestore, d365backup.JobTypeDryRun, d365backup.JobTypeRetention, d365backup.JobTypeAuditBackup,
		d365backup.JobTypeExport, d365backup.JobTypeUnknown, d365backup.JobTypeAll, 1<<30)
	if job.Type == d365backup.JobTypeUnknown {
		job.UnknownType = "Migration"
	}
	return job
}

// simulatedWorld returns a world in which the service lists the jobs of the time range, usually in full.
func simulatedWorld(random *rand.Rand) world {
	p := simulatedPolicy(random)
	number := pick(random, 0, 1, 1, 1, 1, 2, 2, 2, 3, 4)
	if chance(random, 5) {
		number = random.IntN(30)
	}
	leaks := chance(random, 4) // jobs outside of the time range come, too
	organizations := make([]organization, number)
	var jobs, older []d365backup.Job
	for i := range organizations {
		o := simulatedOrganization(random, i, p)
		organizations[i] = o
		for _, module := range o.modules {
			for _, job := range o.history(random, module, p) {
				tooEarly := isDated(job) && job.StartTime.Before(p.Start)
				tooLate := !p.End.IsZero() && job.StartTime.After(p.End)
				switch {
				case leaks || !tooEarly && !tooLate:
					jobs = append(jobs, job)
				case tooEarly:
					older = append(older, job)
				}
			}
		}
	}
	p = addTargets(random, p, organizations)
	if chance(random, 50) {
		random.Shuffle(len(jobs), func(i, j int) { jobs[i], jobs[j] = jobs[j], jobs[i] })
	}
	return newWorld(p, jobs, chance(random, 8)).withOlder(older)
}

// addTargets makes the policy expect, ignore and override some organizations and modules.
func addTargets(random *rand.Rand, p health.Policy, organizations []organization) health.Policy {
	for _, o := range organizations {
		target := o.target(random)
		if target.Organization == "" {
			continue
		}
		module := health.Target{Organization: target.Organization, Module: pick(random, "Customer Engagement", "finance AND operations", "Portal")}
		switch random.IntN(20) {
		case 0, 1, 2, 3:
			p.Expected = append(p.Expected, target)
		case 4:
			p.Expected = append(p.Expected, module)
		case 5:
			p.Ignored = append(p.Ignored, target)
		case 6:
			p.Ignored = append(p.Ignored, module)
		case 7:
			p.Expected, p.Ignored = append(p.Expected, target), append(p.Ignored, module)
		}
		if chance(random, 10) {
			p.Overrides = append(p.Overrides, simulatedOverride(random, target))
		}
		if chance(random, 10) {
			p.Overrides = append(p.Overrides, simulatedOverride(random, module))
		}
	}
	if chance(random, 5) {
		p.Expected = append(p.Expected, pick(random, health.Target{Organization: "Ghost"}, health.Target{Organization: "Ghost", Module: "Portal"},
			health.Target{Organization: "0aaaaaaa-f8e8-439b-8077-a4b7fd45e87f"}))
		if chance(random, 30) {
			p.Overrides = append(p.Overrides, simulatedOverride(random, health.Target{Organization: "ghost"}))
		}
	}
	return p
}

// target names the organization in one of the possible ways.
func (o organization) target(random *rand.Rand) health.Target {
	return health.Target{Organization: pick(random, o.name, strings.ToUpper(o.name), o.formerName, o.id, o.id, strings.ToUpper(o.id))}
}

func simulatedOverride(random *rand.Rand, target health.Target) health.Override {
	o := health.Override{Target: target, MaxAge: pick(random, 0, hour, 12*hour, 5*day), MaxRunning: pick(random, 0, hour, 3*day)}
	if chance(random, 50) {
		tolerate := chance(random, 60)
		o.TolerateExceptions = &tolerate
	}
	return o
}
