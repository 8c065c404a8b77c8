// Package pace limits how many requests of one client are in flight, and how fast they follow each other after the server has
// throttled it. It does not depend on HTTP.
package pace

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// Pacer spaces requests: one pause for all of them after a refusal, then a rate that rises with each success and falls
// with each refusal (AIMD). The zero value has never been throttled and lets every request through. It is safe for
// concurrent use.
type Pacer struct {
	mu       sync.Mutex
	resume   time.Time // end of the pause that the server requested
	next     time.Time // when the next request may be sent
	rate     float64   // requests per second; 0 before the first refusal
	lowered  time.Time // when a refusal last set the rate
	runStart time.Time // start of the current run of requests, which gives the first rate
	lastOK   time.Time
	served   int // requests served in this run
}

const (
	rateStep   = 0.1 // added to the rate by each success, in requests per second
	rateFactor = 0.7 // applied to the rate by each refusal
	minRate    = 0.1
	maxIdle    = 10 * time.Second // a longer gap between requests ends a run
	maxPause   = time.Hour        // a longer pause is cut to this, in case the server is wrong
)

// Wait returns when the next request may be sent. If the rest of a pause exceeds longest, or the wait would outlast the
// context, it returns at once how long that is.
func (p *Pacer) Wait(ctx context.Context, longest time.Duration) (pause time.Duration, err error) {
	for {
		wait, pause := p.take()
		if wait <= 0 {
			return 0, ctx.Err()
		}
		if pause > longest {
			return pause, nil
		}
		if deadline, ok := ctx.Deadline(); ok && time.Now().Add(wait).After(deadline) {
			return wait, nil
		}
		if err := Sleep(ctx, wait); err != nil {
			return 0, err
		}
	}
}

// take claims the right to send now, or returns how long to wait before trying again, and the rest of a pause.
func (p *Pacer) take() (wait, pause time.Duration) {
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

func (p *Pacer) interval() time.Duration { return time.Duration(float64(time.Second) / p.rate) }

// Throttled records that the server refused the request sent at this time, and asked for a pause.
func (p *Pacer) Throttled(sent time.Time, pause time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	pause = min(pause, maxPause)
	if resume := now.Add(pause); resume.After(p.resume) {
		p.resume = resume
	}
	if sent.Before(p.lowered) {
		return // it was in flight already: the refusals of one burst count once
	}
	p.lowered = now
	if p.rate == 0 {
		run := time.Second
		if p.served > 0 {
			run = max(time.Millisecond, now.Sub(p.runStart)+pause)
		}
		p.rate = float64(max(1, p.served)) / run.Seconds()
	} else {
		p.rate *= rateFactor
	}
	p.rate = max(minRate, p.rate)
	p.next = p.resume.Add(rand.N(p.interval())) // so that clients refused together do not resume together
}

// OK records that the server served a request.
func (p *Pacer) OK() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.rate > 0 {
		p.rate += rateStep
		return
	}
	now := time.Now()
	if now.Sub(p.lastOK) > maxIdle {
		p.runStart, p.served = now, 0
	}
	p.lastOK = now
	p.served++
}

// Sleep waits for d, or returns the context's error.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Gate limits how many requests are in flight, and sends them at the rate of its Pacer.
type Gate struct {
	Pacer
	inFlight chan struct{} // holds one element for each request in flight
}

// NewGate returns a Gate for this many requests at a time.
func NewGate(atATime int) *Gate { return &Gate{inFlight: make(chan struct{}, atATime)} }

// Enter waits until a request may be sent; leave must be called after the request. If the context ends first, or if
// Pacer.Wait returns a pause or an error, leave is nil.
func (g *Gate) Enter(ctx context.Context, longest time.Duration) (leave func(), pause time.Duration, err error) {
	select {
	case g.inFlight <- struct{}{}:
	case <-ctx.Done():
		return nil, 0, ctx.Err()
	}
	leave = func() { <-g.inFlight }
	if pause, err = g.Wait(ctx, longest); pause > 0 || err != nil {
		leave()
		return nil, pause, err
	}
	return leave, 0, nil
}

// Backoff returns the wait after this many attempts, random between 0 and base × 2^(attempts-1), at most longest: full
// jitter, so that clients that failed together do not retry together.
func Backoff(base, longest time.Duration, attempts int) time.Duration {
	wait := min(base, longest)
	for range attempts - 1 {
		if wait >= longest/2 {
			wait = longest
			break
		}
		wait *= 2
	}
	return rand.N(max(wait, wait+1)) // +1 because the range is inclusive; max guards against overflow
}
