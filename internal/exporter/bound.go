package exporter

import (
	"context"
	"slices"
	"sync"
	"time"
)

// slowAfter is how long a request may take before its tenant counts as slow.
const slowAfter = 5 * time.Second

// bound limits how many requests are in flight. Slow tenants together hold at most a quarter of them, and each of them one. A
// tenant is slow until a request for jobs has had a response in time, and again after one was throttled, failed or took long.
// Among the slow ones, those that have not been tried yet come first, and the others give way to them after slowAfter.
type bound struct {
	max int

	mu       sync.Mutex
	held     int // requests in flight
	slowHeld int // those of them that count against the quarter
	waiting  []*slot
	slowWait []*slot
}

// pace is what a bound knows about a tenant. The zero value is slow.
type pace struct {
	fast     bool
	tried    bool // a request was slow, failed or was throttled, and none has been fast since
	slowHeld bool // holds the one slot of a slow tenant
}

// slot is the right to have one request in flight.
type slot struct {
	bound *bound
	pace  *pace
	slow  bool
	left  bool
	ready chan struct{} // closed when the request may be sent
}

func newBound(requests int) *bound { return &bound{max: requests} }

// enter waits until a request of the tenant may be sent.
func (b *bound) enter(ctx context.Context, p *pace) (*slot, error) {
	b.mu.Lock()
	s := &slot{bound: b, pace: p, slow: !p.fast, ready: make(chan struct{})}
	if s.slow {
		b.slowWait = append(b.slowWait, s)
	} else {
		b.waiting = append(b.waiting, s)
	}
	b.grant()
	b.mu.Unlock()

	select {
	case <-s.ready:
		return s, nil
	case <-ctx.Done():
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if queue := b.queue(s.slow); slices.Contains(*queue, s) {
		*queue = slices.DeleteFunc(*queue, func(other *slot) bool { return other == s })
	} else {
		b.release(s)
	}
	return nil, ctx.Err()
}

func (b *bound) queue(slow bool) *[]*slot {
	if slow {
		return &b.slowWait
	}
	return &b.waiting
}

// grant lets requests through while there is room, in the order in which they came. Those of slow tenants come first, since
// their share is small. The lock is held.
func (b *bound) grant() {
	for b.held < b.max {
		queue, next := &b.slowWait, -1
		if b.slowHeld < b.max/4 {
			next = b.nextSlow()
		}
		if next < 0 {
			if len(b.waiting) == 0 {
				return
			}
			queue, next = &b.waiting, 0
		}
		s := (*queue)[next]
		*queue = slices.Delete(*queue, next, next+1)
		b.held++
		if s.slow {
			b.slowHeld++
			s.pace.slowHeld = true
		}
		close(s.ready)
	}
}

// nextSlow returns the index of the slow request to let through; negative if there is none.
func (b *bound) nextSlow() int {
	if i := slices.IndexFunc(b.slowWait, isUntried); i >= 0 {
		return i
	}
	return slices.IndexFunc(b.slowWait, func(s *slot) bool { return !s.pace.slowHeld })
}

func isUntried(s *slot) bool { return !s.pace.tried && !s.pace.slowHeld }

// release takes back a slot. The lock is held.
func (b *bound) release(s *slot) {
	s.left = true
	b.held--
	if s.slow {
		b.slowHeld--
		s.pace.slowHeld = false
	}
	b.grant()
}

// leave ends the request of a slot.
func (s *slot) leave() {
	s.bound.mu.Lock()
	defer s.bound.mu.Unlock()
	s.bound.release(s)
}

// rate notes whether the tenant is fast.
func (s *slot) rate(fast bool) {
	s.bound.mu.Lock()
	defer s.bound.mu.Unlock()
	s.pace.fast, s.pace.tried = fast, !fast
}

// becomeSlow makes the slot count as that of a slow tenant. If there is no room for another one, or others are to be tried
// first, it returns false, and the request must end.
func (s *slot) becomeSlow() bool {
	b := s.bound
	b.mu.Lock()
	defer b.mu.Unlock()
	if s.left {
		return true
	}
	s.pace.fast, s.pace.tried = false, true
	switch {
	case s.slow:
		return !slices.ContainsFunc(b.slowWait, isUntried)
	case s.pace.slowHeld, b.slowHeld >= b.max/4:
		return false
	}
	s.slow, s.pace.slowHeld = true, true
	b.slowHeld++
	return true
}

// inFlight returns the number of requests in flight.
func (b *bound) inFlight() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.held
}
