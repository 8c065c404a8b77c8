// Package exchange sends a request until its response is accepted: with a token, within the limits of a client, and again
// after failures that may pass. What a response means is up to the caller.
package exchange

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/d365backup/d365backup/internal/auth"
	"github.com/d365backup/d365backup/internal/body"
	"github.com/d365backup/d365backup/internal/httpfail"
	"github.com/d365backup/d365backup/internal/pace"
)

// Policy is how often and how fast a request is retried. RetryPolicy of the wrapper has the rules.
type Policy struct {
	Attempts                            int
	BaseDelay, MaxDelay, AttemptTimeout time.Duration
}

// Client sends requests, which share its limits. It is safe for concurrent use.
type Client struct {
	Transport   auth.Transport
	Policy      Policy
	MaxInFlight int
	MaxBytes    int64 // of a body
	// IsMediaType reports whether a response of this media type is decoded.
	IsMediaType func(mediaType string) bool
	// OnAttempt is called after each attempt, with its context.
	OnAttempt func(context.Context, *http.Request, *Attempt)

	once   sync.Once // makes the limits when they are needed: there may be many idle clients
	gate   *pace.Gate
	bodies *body.Reader
}

// Decoder decodes a body, which it must not keep. RepeatsSecret reports whether the body repeats a piece of a secret.
type Decoder func(body []byte, repeatsSecret func() bool) *httpfail.Failure

// Do makes attempts until one succeeds, fails for good, or none is left. The failure has no reason if ctx ended it.
func (c *Client) Do(ctx context.Context, request *http.Request, decode Decoder) *httpfail.Failure {
	c.once.Do(func() { c.gate, c.bodies = pace.NewGate(c.MaxInFlight), body.NewReader(c.MaxBytes, c.MaxInFlight) })
	var last *httpfail.Failure
	charged := 0 // attempts that count for Policy.Attempts
	for made := 1; ; made++ {
		sentAt, failed := c.attemptWhenAllowed(ctx, request, decode, made)
		if failed == nil {
			c.gate.OK()
			return nil
		}
		wasSent := !sentAt.IsZero()
		if failed.Attempts = made; !wasSent {
			failed.Attempts--
		}
		if ctx.Err() != nil {
			return contextFailure(ctx, failed, last)
		}
		if !wasSent && last != nil {
			return last // the service's own
		}
		if !costsNoAttempt(failed) {
			charged++
		}
		wait, retry := c.Policy.next(ctx, failed, charged)
		if wasSent && (failed.RetryAfter > 0 || failed.Reason == httpfail.Throttled) {
			c.gate.Throttled(sentAt, max(wait, failed.RetryAfter))
			wait = 0 // the next attempt waits with all other requests
		}
		if !retry {
			return failed
		}
		last = failed
		if pace.Sleep(ctx, wait) != nil {
			return contextFailure(ctx, failed, nil)
		}
	}
}

// attemptWhenAllowed makes one attempt as soon as fewer than MaxInFlight requests are in flight and no pause or rate limit
// prevents it. The time is zero if nothing was sent.
func (c *Client) attemptWhenAllowed(ctx context.Context, request *http.Request, decode Decoder, number int) (sentAt time.Time, failed *httpfail.Failure) {
	leave, pause, err := c.gate.Enter(ctx, c.Policy.MaxDelay)
	if leave == nil {
		failed = &httpfail.Failure{Host: request.URL.Host, RetryAfter: pause, Err: err}
		if err == nil {
			failed.Reason = httpfail.Throttled
			failed.Text = "the service asked this client to pause, so nothing was sent: try again later"
		}
		return sentAt, failed
	}
	defer leave()
	return time.Now(), c.attempt(ctx, request, decode, number)
}

// costsNoAttempt reports whether a retry after this failure does not count as an attempt.
func costsNoAttempt(failed *httpfail.Failure) bool {
	return failed.RetryAfter > 0 && failed.Reason == httpfail.Throttled
}

// next returns whether to retry after so many attempts that count, and after what wait.
func (p Policy) next(ctx context.Context, failed *httpfail.Failure, charged int) (time.Duration, bool) {
	if !failed.Retry || p.Attempts == 1 || charged >= p.Attempts {
		return 0, false
	}
	wait := failed.RetryAfter
	if wait == 0 {
		wait = pace.Backoff(p.BaseDelay, p.MaxDelay, charged)
	}
	deadline, ok := ctx.Deadline()
	return wait, wait <= p.MaxDelay && (!ok || wait < time.Until(deadline))
}

// contextFailure is the failure of a call whose context ended. It wraps the context's error, and has the last other failure,
// of this attempt or of the one before.
func contextFailure(ctx context.Context, failed, before *httpfail.Failure) *httpfail.Failure {
	f := &httpfail.Failure{
		Text:     "the call's context ended before a response came",
		Attempts: failed.Attempts,
		Host:     failed.Host,
		Err:      context.Cause(ctx),
		Last:     failed,
	}
	if !errors.Is(f.Err, ctx.Err()) {
		f.Err = errors.Join(ctx.Err(), f.Err)
	}
	if failed.Reason == "" || errors.Is(failed.Err, ctx.Err()) {
		f.Last = before
	}
	return f
}
