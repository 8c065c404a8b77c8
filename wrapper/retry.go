package d365backup

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// RetryPolicy says how often and how fast a request is repeated. Asking for jobs only reads, so that
// repeating is safe although version v1 uses POST. The zero value means the defaults; New refuses negative
// values with ErrConfig.
//
// Retried are the statuses 408, 429, 500, 502, 503 and 504, truncated responses, and failures
// of the network other than a server certificate that is not accepted, a server without TLS 1.2 or later, an unknown host
// or a proxy that refuses its credentials. The wait before attempt n+1 is random between 0 and BaseDelay × 2^(n-1), at most MaxDelay.
//
// A Retry-After of the server is one pause for all requests of the Client, at most an hour. A request waits for
// its end if that fits MaxDelay and the call's deadline; otherwise it fails at once, with ErrThrottled or
// ErrServer and the rest of the pause in Error.RetryAfter. Waiting out a 429 with Retry-After uses up no attempt,
// unless Attempts is 1.
// After a pause or a 429 the Client spaces its requests: each refusal lowers their rate, each success raises it.
//
// One attempt may include a request for a token, and after a status 401 one more of each. The transport may send
// each of these twice, since net/http repeats by itself what a server says it did not process; a third time
// ends the attempt with ErrNetwork.
type RetryPolicy struct {
	// Attempts is the most attempts at one page, the first one included. 0: 4. 1: no retries.
	Attempts int
	// BaseDelay is the longest wait before the second attempt. 0: 500 ms.
	BaseDelay time.Duration
	// MaxDelay is the longest wait of all. 0: 30 s.
	MaxDelay time.Duration
	// AttemptTimeout bounds each attempt, its token request and its body included; WithTimeout may end it
	// earlier. 0: 1 minute.
	AttemptTimeout time.Duration
}

func (p RetryPolicy) withDefaults() (RetryPolicy, error) {
	if p.Attempts < 0 || p.BaseDelay < 0 || p.MaxDelay < 0 || p.AttemptTimeout < 0 {
		return p, configError("WithRetry has a negative value: use 0 for the default, Attempts 1 for no retries")
	}
	defaultTo(&p.Attempts, 4)
	defaultTo(&p.BaseDelay, 500*time.Millisecond)
	defaultTo(&p.MaxDelay, 30*time.Second)
	defaultTo(&p.AttemptTimeout, time.Minute)
	return p, nil
}

func defaultTo[T comparable](value *T, def T) {
	var zero T
	if *value == zero {
		*value = def
	}
}

// delay returns the wait after this many attempts: full jitter, so that clients that failed together
// do not come back together.
func (p RetryPolicy) delay(attempts int) time.Duration {
	longest := min(p.BaseDelay, p.MaxDelay)
	for range attempts - 1 {
		if longest >= p.MaxDelay/2 {
			longest = p.MaxDelay
			break
		}
		longest *= 2
	}
	return rand.N(max(longest, longest+1)) // the longest of all has none behind it
}

// do runs attempts until one succeeds, fails for good, or none is left.
func (c *Client) do(ctx context.Context, attempt attemptFunc) error {
	policy := c.config.retry
	var last *attemptFailure
	for number := 1; ; number++ {
		sent, failed := c.once(ctx, number, attempt)
		if failed == nil {
			c.limits().pace.ok()
			return nil
		}
		failed.err.Attempts = number
		if sent.IsZero() {
			failed.err.Attempts--
		}
		if ctx.Err() != nil {
			return ended(ctx, failed, last)
		}
		if sent.IsZero() && last != nil {
			return last.err // the service's own words
		}
		wait, again := policy.next(ctx, failed, number)
		if !sent.IsZero() && failed.pauses() {
			c.limits().pace.throttled(sent, max(wait, failed.err.RetryAfter))
			wait = 0 // the next attempt waits with all other requests
		}
		if !again {
			return failed.err
		}
		if failed.waitable() {
			number--
		}
		last = failed
		if sleep(ctx, wait) != nil {
			return ended(ctx, failed, nil)
		}
	}
}

type attemptFunc func(ctx context.Context, number int) *attemptFailure

var errAttemptTimeout = errors.New("the attempt took too long")

// once makes one attempt: it takes one of the client's places, waits until the service lets the client
// send, and only then starts the attempt's clock. The time is zero if nothing was sent.
func (c *Client) once(ctx context.Context, number int, attempt attemptFunc) (sent time.Time, failed *attemptFailure) {
	select {
	case c.limits().inFlight <- struct{}{}:
		defer func() { <-c.limits().inFlight }()
	case <-ctx.Done():
		return sent, fail(&Error{Host: c.endpoints.base.Host, cause: ctx.Err()})
	}
	pause, err := c.limits().pace.wait(ctx, c.config.retry.MaxDelay)
	switch {
	case err != nil:
		return sent, fail(&Error{Host: c.endpoints.base.Host, cause: err})
	case pause > 0:
		return sent, fail(&Error{
			Kind:       ErrThrottled,
			Host:       c.endpoints.base.Host,
			RetryAfter: pause,
			Message:    "the service asked this client to pause, so nothing was sent: try again later",
		})
	}
	sent = time.Now()
	ctx, cancel := context.WithTimeoutCause(ctx, c.config.retry.AttemptTimeout, errAttemptTimeout)
	defer cancel()
	return sent, attempt(ctx, number)
}

// pauses reports whether the failure holds back all requests of the client.
func (f *attemptFailure) pauses() bool {
	return f.err.RetryAfter > 0 || errors.Is(f.err.Kind, ErrThrottled)
}

// waitable reports whether waiting out the failure uses up no attempt.
func (f *attemptFailure) waitable() bool {
	return f.err.RetryAfter > 0 && errors.Is(f.err.Kind, ErrThrottled)
}

// next returns whether to try again, and after what wait.
func (p RetryPolicy) next(ctx context.Context, failed *attemptFailure, number int) (time.Duration, bool) {
	if !failed.retry || p.Attempts == 1 || number >= p.Attempts && !failed.waitable() {
		return 0, false
	}
	wait := failed.err.RetryAfter
	if wait == 0 {
		wait = p.delay(number)
	}
	deadline, ok := ctx.Deadline()
	return wait, wait <= p.MaxDelay && (!ok || wait < time.Until(deadline))
}

// ended is the error of a call whose context ended: it has the context's error and the last real
// cause, of this attempt or of the one before.
func ended(ctx context.Context, failed, before *attemptFailure) *Error {
	err := &Error{
		Message:  "the call's context ended before an answer came",
		Attempts: failed.err.Attempts,
		Host:     failed.err.Host,
		cause:    context.Cause(ctx),
	}
	if !errors.Is(err.cause, ctx.Err()) {
		err.cause = errors.Join(ctx.Err(), err.cause)
	}
	if errors.Is(failed.err, ctx.Err()) || failed.err.Kind == nil {
		failed = before
	}
	if failed != nil {
		err.cause = errors.Join(err.cause, failed.err)
	}
	return err
}
