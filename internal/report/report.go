package report

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/d365backup/d365backup/internal/human"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// DefaultMaxAge is how old the last good backup of an organization may be where Options do not say:
// a day, and half of one for a backup that takes long.
const DefaultMaxAge = 36 * time.Hour

const (
	maxYears         = 100  // in a window; more would be a slip of the pen
	maxOrganizations = 5000 // looked at one by one; about 10 kB each
)

// Options say which window a report is about.
type Options struct {
	// Start and End are the window that the jobs were asked for. Start is required; a zero End is Now.
	// The window is no longer than a hundred years.
	Start, End time.Time
	// Location is the zone that the days are days of and that times are shown in; nil is UTC.
	Location *time.Location
	// Now is when the report is made; zero is time.Now.
	Now time.Time
	// MaxAge is how old the last good backup of an organization may be at the end of the window, for
	// the organization to be fine; zero is DefaultMaxAge.
	MaxAge time.Duration
}

// Summary is what a report says. Its methods only read it.
type Summary struct {
	// Incomplete, if not empty, says why jobs may be missing. Every form of the report shows it at its
	// head. Collect sets it where the jobs ended in an error.
	Incomplete string

	options Options
	days    calendar
	until   time.Time // the end of what can have happened: of the window, or now

	all           *tally
	byKey         map[string]*organization
	organizations []*organization // those worst off first
	ungrouped     int64           // jobs of organizations beyond maxOrganizations
	unplaced      int64           // jobs without a time in the window
}

// Collect reads jobs to the end or to the first error and sums them up. They may come in any order,
// but must be all jobs of the window: a report on failed jobs alone would call every organization
// unprotected.
//
// Options that make no window are an error that matches d365backup.ErrConfig, and no job is read.
// Where the jobs end in an error, Collect returns that error and the summary of the jobs before it,
// with Incomplete set; whether that is worth showing is the caller's decision.
func Collect(jobs iter.Seq2[d365backup.Job, error], options Options) (*Summary, error) {
	s, err := newSummary(options)
	if err != nil {
		return nil, err
	}
	for job, err := range jobs {
		if err != nil {
			s.Incomplete = err.Error()
			s.finish()
			return s, err
		}
		s.add(&job)
	}
	s.finish()
	return s, nil
}

func newSummary(o Options) (*Summary, error) {
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	if o.End.IsZero() {
		o.End = o.Now
	}
	if o.Location == nil {
		o.Location = time.UTC
	}
	o.MaxAge = cmp.Or(o.MaxAge, DefaultMaxAge)
	switch {
	case o.Start.IsZero():
		return nil, fmt.Errorf("%w: the report has no start time: set Options.Start", d365backup.ErrConfig)
	case !o.End.After(o.Start):
		return nil, fmt.Errorf("%w: the report would end at %s, not after its start at %s: set a later end",
			d365backup.ErrConfig, o.End.Format(time.RFC3339), o.Start.Format(time.RFC3339))
	case o.End.Year()-o.Start.Year() > maxYears:
		return nil, fmt.Errorf("%w: the report would start at %s, more than %d years before its end: set a later start",
			d365backup.ErrConfig, o.Start.Format(time.RFC3339), maxYears)
	case o.MaxAge < 0:
		return nil, fmt.Errorf("%w: the last good backup cannot be at most %s old: set a positive Options.MaxAge",
			d365backup.ErrConfig, o.MaxAge)
	}
	s := &Summary{options: o, until: o.End, byKey: map[string]*organization{}}
	if o.Now.After(o.Start) && o.Now.Before(o.End) {
		s.until = o.Now
	}
	s.days = newCalendar(o.Start, s.until, o.Location)
	s.all = newTally(s.days.count, maxFailuresOfAll)
	return s, nil
}

// add counts one job.
func (s *Summary) add(job *d365backup.Job) {
	organization := s.organizationOf(job)
	e := newEvent(job, organization)
	e.bucket = s.bucketOf(e.when)
	if e.bucket < 0 {
		s.unplaced++
	}
	s.all.add(e)
	if organization == nil {
		s.ungrouped++
		return
	}
	organization.add(e, s.options.Start, s.until)
}

// bucketOf returns the bucket of a time; -1 if it has none.
func (s *Summary) bucketOf(when time.Time) int {
	if when.IsZero() || when.Before(s.options.Start) || when.After(s.options.End) {
		return -1
	}
	// A job may have started after now, if its clock or ours is wrong.
	return min(s.days.index(when), s.days.count-1)
}

func (s *Summary) finish() {
	for _, o := range s.organizations {
		o.judge(s.options.Start, s.until, s.options.MaxAge)
	}
	slices.SortFunc(s.organizations, compareOrganizations)
	labelOrganizations(s.organizations)
	s.sumLargest()
}

// sumLargest makes the size of all organizations over time: the sum of the largest backups of each. An
// organization without a backup in a bucket counts with its last one, lest a failure look like shrinking.
func (s *Summary) sumLargest() {
	for i := range s.all.buckets {
		s.all.buckets[i].largest = 0
	}
	for _, o := range s.organizations {
		var last int64
		for i := range o.buckets {
			if size := o.buckets[i].largest; size > 0 {
				last = size
			}
			s.all.buckets[i].largest = human.SaturatingAdd(s.all.buckets[i].largest, last)
		}
	}
}
