package d365backup

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// limits are what the requests of one client share.
type limits struct {
	inFlight chan struct{} // has a place for each request that may be in flight
	large    chan struct{} // has one place, for a body that exceeds its share of bodyBudget
	pace     pacer
}

func (c *config) newLimits() *limits {
	return &limits{inFlight: make(chan struct{}, c.maxInFlight), large: make(chan struct{}, 1)}
}

// pacer spaces the requests of one client after the service has throttled it: one pause for all of
// them, then a rate that rises with each success and falls with each refusal (AIMD). A client that
// was never throttled does not wait.
type pacer struct {
	mu       sync.Mutex
	resume   time.Time // end of the pause that the service asked for
	next     time.Time // when the next request may be sent
	rate     float64   // requests per second; 0 before the first refusal
	fellAt   time.Time // when the rate was last set by a refusal
	busyFrom time.Time // start of the present run of requests, to measure a first rate
	lastOK   time.Time
	served   int // requests served in that run
}

const (
	rateStep   = 0.1 // added to the rate by each success, in requests per second
	rateFactor = 0.7 // applied to the rate by each refusal
	minRate    = 0.1
	maxIdle    = 10 * time.Second // a longer gap between requests ends a run
	maxPause   = time.Hour        // a longer Retry-After is cut to this, so that a faulty one does not last
)

// wait returns when the next request may be sent. If the service asked for a pause of more than
// longest, or the wait outlasts the context, it returns how long that is at once.
func (p *pacer) wait(ctx context.Context, longest time.Duration) (pause time.Duration, err error) {
	for {
		until, pause := p.take()
		if until <= 0 {
			return 0, ctx.Err()
		}
		if pause > longest {
			return pause, nil
		}
		if deadline, ok := ctx.Deadline(); ok && time.Now().Add(until).After(deadline) {
			return until, nil
		}
		if err := sleep(ctx, until); err != nil {
			return 0, err
		}
	}
}

// take claims the right to send now, or returns how long to wait before trying again, and the rest of
// a pause.
func (p *pacer) take() (wait, pause time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.rate == 0 {
		return 0, 0
	}
	now := time.Now()
	pause = p.resume.Sub(now)
	wait = max(pause, p.next.Sub(now))
	if wait <= 0 {
		p.next = now.Add(p.interval()/2 + rand.N(p.interval()))
	}
	return wait, max(0, pause)
}

func (p *pacer) interval() time.Duration { return time.Duration(float64(time.Second) / p.rate) }

// throttled records that the service refused a request, sent at this time, and asked for a pause.
func (p *pacer) throttled(sent time.Time, pause time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	pause = min(pause, maxPause)
	if resume := now.Add(pause); resume.After(p.resume) {
		p.resume = resume
	}
	if sent.Before(p.fellAt) {
		return // it was in flight already: the refusals of one burst count once
	}
	p.fellAt = now
	if p.rate == 0 {
		run := time.Second
		if p.served > 0 {
			run = max(time.Millisecond, now.Sub(p.busyFrom)+pause)
		}
		p.rate = float64(max(1, p.served)) / run.Seconds()
	} else {
		p.rate *= rateFactor
	}
	p.rate = max(minRate, p.rate)
	p.next = p.resume.Add(rand.N(p.interval())) // so that clients refused together do not resume together
}

// ok records that the service served a request.
func (p *pacer) ok() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.rate > 0 {
		p.rate += rateStep
		return
	}
	now := time.Now()
	if now.Sub(p.lastOK) > maxIdle {
		p.busyFrom, p.served = now, 0
	}
	p.lastOK = now
	p.served++
}

// sleep waits for d, or returns the context's error.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
