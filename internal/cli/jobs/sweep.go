package jobs

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"github.com/go-faster/jx"
)

const (
	// overlapHours is how far a run reads back from the time reached. Which of a job's times must be in the time range is not
	// documented, so a job is missed only if the service lists it later than this after its start.
	overlapHours = 48
	// maxOpen is how long the end of a job in progress is awaited. It limits how far a run reads back, and so the state file.
	maxOpen = 35 * 24 * time.Hour
)

// state is what a run leaves for the next one.
type state struct {
	// Reached is the latest time of a job read so far, but not in the future.
	Reached time.Time `json:"reached"`
	// OverlapHours is how far the next run reads back from there. It can be raised by hand.
	OverlapHours int `json:"overlapHours"`
	// Open are the jobs in progress.
	Open []openJob `json:"open"`
	// Seen are the jobs written so far that the next run reads again.
	Seen []fingerprint `json:"seen"`
}

// openJob is the key of a job in progress.
type openJob struct {
	OrganizationID string    `json:"organizationId"`
	Module         string    `json:"module"`
	JobID          string    `json:"jobId"`
	StartTime      time.Time `json:"startTime"`
}

// covered returns up to when no jobs are expected any more, except for the end of open ones.
func (s *state) covered() time.Time { return s.Reached.Add(-time.Duration(s.OverlapHours) * time.Hour) }

// from returns where the next run starts reading.
func (s *state) from() time.Time {
	from := s.covered()
	for _, j := range s.Open {
		if j.StartTime.Before(from) {
			from = j.StartTime
		}
	}
	return from
}

// sweep collects the state for the next run.
type sweep struct {
	now   time.Time
	next  state
	known map[fingerprint]bool // written by earlier runs
	// recent has the last time, in seconds since 1970, of each job that the next run may read again. A run can have a million.
	recent map[fingerprint]int64
}

// newSweep returns a sweep after an earlier state, of a time range that ends now.
func newSweep(before state, now time.Time) *sweep {
	s := &sweep{now: now, known: make(map[fingerprint]bool, len(before.Seen)), recent: make(map[fingerprint]int64)}
	s.next.Reached, s.next.OverlapHours = before.Reached, before.OverlapHours
	for _, f := range before.Seen {
		s.known[f] = true
	}
	return s
}

// observe notes the times of a job, whether it is written or not.
func (s *sweep) observe(j job) {
	last := latest(j)
	if last.After(s.now) {
		last = s.now
	}
	if last.After(s.next.Reached) {
		s.next.Reached = last
	}
	if j.Running() && j.StartTime.After(s.now.Add(-maxOpen)) {
		s.next.Open = append(s.next.Open, openJob{j.OrganizationID, j.Module, j.JobID, j.StartTime})
	}
}

// isNew reports whether a job has to be written: no earlier run has written the same job with the same content.
func (s *sweep) isNew(j job) bool {
	f, last := fingerprintOf(j), latest(j)
	// The next run starts at one of these times, or later.
	if last.IsZero() || last.After(s.now.Add(-maxOpen)) || !last.Before(s.next.covered()) {
		s.recent[f] = last.Unix()
	}
	return !s.known[f]
}

// state returns the state after the whole list.
func (s *sweep) state() state {
	from, unknown := s.next.from().Unix(), time.Time{}.Unix()
	for f, last := range s.recent {
		if last >= from || last == unknown {
			s.next.Seen = append(s.next.Seen, f)
		}
	}
	return s.next
}

// latest returns the last time that a job has.
func latest(j job) time.Time {
	if j.FinishTime.After(j.StartTime) {
		return j.FinishTime
	}
	return j.StartTime
}

// fingerprint identifies a job and everything that is written about it.
type fingerprint [16]byte

func fingerprintOf(j job) fingerprint {
	var w jx.Writer
	encode(&w, j)
	sum := sha256.Sum256(w.Buf)
	return fingerprint(sum[:16])
}

// MarshalText returns hexadecimal digits.
func (f fingerprint) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, f[:]), nil }

// UnmarshalText reads what MarshalText returns.
func (f *fingerprint) UnmarshalText(text []byte) error {
	if n, err := hex.Decode(f[:], text[:min(len(text), 32)]); err != nil || n != len(f) || len(text) != 32 {
		return errors.New("invalid fingerprint of a job")
	}
	return nil
}
