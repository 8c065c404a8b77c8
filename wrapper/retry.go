package d365backup

import (
	"context"
	"errors"
	"time"

	"github.com/d365backup/d365backup/internal/body"
	"github.com/d365backup/d365backup/internal/pace"
)

// RetryPolicy sets how often and how fast a request is retried. Reading jobs changes nothing, so retrying is safe although
// version v1 uses POST. The zero value means the defaults; New refuses negative values with ErrConfig.
//
// Retried are the statuses 408, 429, 500, 502, 503 and 504, truncated responses, and failures of the network, except a
// server certificate that is not accepted, a server without TLS 1.2 or later, an unknown host and a proxy that refuses its
// credentials. The wait before attempt n+1 is random between 0 and BaseDelay × 2^(n-1), at most MaxDelay.
//
// A Retry-After of the server is one pause for all requests of the Client, at most an hour. A request waits for its end if
// that fits MaxDelay and the call's deadline; otherwise it fails at once, with ErrThrottled or ErrServer and the rest of
// the pause in Error.RetryAfter. Waiting out a 429 with Retry-After uses up no attempt, unless Attempts is 1. After a pause
// or a 429 the Client spaces its requests: each refusal lowers their rate, each success raises it.
//
// One attempt may include a request for a token, and after a status 401 one more of each. The transport may send each of
// these twice, since net/http resends what a server says it did not process; a third time ends the attempt with
// ErrNetwork.
type RetryPolicy struct {
	// Attempts is the maximum number of attempts at one page, the first one included. 0: 4. 1: no retries.
	Attempts int
	// BaseDelay is the longest wait before the second attempt. 0: 500 ms.
	BaseDelay time.Duration
	// MaxDelay is the longest wait before any attempt. 0: 30 s.
	MaxDelay time.Duration
	// AttemptTimeout bounds each attempt, including its token request and its body. WithTimeout may end it earlier.
	// 0: 1 minute.
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

// limits are shared by the requests of one client.
type limits struct {
	gate   *pace.Gate
	bodies *body.Reader
}

func (c *config) newLimits() *limits {
	return &limits{pace.NewGate(c.maxInFlight), body.NewReader(c.maxResponseBytes, c.maxInFlight)}
}

// retry makes attempts at a page until one succeeds, fails for good, or none is left.
func (c *Client) retry(ctx context.Context, request pageRequest) (pageData, error) {
	policy, gate := c.config.retry, c.limits().gate
	var last *Error
	for number := 1; ; number++ {
		page, sent, failed := c.attemptInTurn(ctx, request, number)
		if failed == nil {
			gate.OK()
			return page, nil
		}
		failed.Attempts = number
		if sent.IsZero() {
			failed.Attempts--
		}
		if ctx.Err() != nil {
			return page, contextError(ctx, failed, last)
		}
		if sent.IsZero() && last != nil {
			return page, last // the service's own error
		}
		wait, retry := policy.next(ctx, failed, number)
		if !sent.IsZero() && failed.pauses() {
			gate.Throttled(sent, max(wait, failed.RetryAfter))
			wait = 0 // the next attempt waits with all other requests
		}
		if !retry {
			return page, failed
		}
		if failed.isFree() {
			number--
		}
		last = failed
		if pace.Sleep(ctx, wait) != nil {
			return page, contextError(ctx, failed, nil)
		}
	}
}

var errAttemptTimeout = errors.New("the attempt took too long")

// attemptInTurn makes one attempt as soon as fewer than WithMaxInFlight requests are in flight and no pause or rate limit
// prevents it. The attempt's timeout starts only then. The time is zero if nothing was sent.
func (c *Client) attemptInTurn(ctx context.Context, request pageRequest, number int) (page pageData, sent time.Time, failed *Error) {
	leave, pause, err := c.limits().gate.Enter(ctx, c.config.retry.MaxDelay)
	if leave == nil {
		failed = &Error{Host: c.endpoints.base.Host, RetryAfter: pause, cause: err}
		if err == nil {
			failed.Kind = ErrThrottled
			failed.Message = "the service asked this client to pause, so nothing was sent: try again later"
		}
		return page, sent, failed
	}
	defer leave()
	sent = time.Now()
	ctx, cancel := context.WithTimeoutCause(ctx, c.config.retry.AttemptTimeout, errAttemptTimeout)
	defer cancel()
	page, failed = c.attempt(ctx, request, number)
	return page, sent, failed
}

// pauses reports whether the failure holds back all requests of the client.
func (e *Error) pauses() bool { return e.RetryAfter > 0 || errors.Is(e.Kind, ErrThrottled) }

// isFree reports whether waiting out the failure uses up no attempt.
func (e *Error) isFree() bool { return e.RetryAfter > 0 && errors.Is(e.Kind, ErrThrottled) }

// next returns whether to retry, and after what wait.
func (p RetryPolicy) next(ctx context.Context, failed *Error, number int) (time.Duration, bool) {
	if !failed.retry || p.Attempts == 1 || number >= p.Attempts && !failed.isFree() {
		return 0, false
	}
	wait := failed.RetryAfter
	if wait == 0 {
		wait = pace.Backoff(p.BaseDelay, p.MaxDelay, number)
	}
	deadline, ok := ctx.Deadline()
	return wait, wait <= p.MaxDelay && (!ok || wait < time.Until(deadline))
}

// contextError is the error of a call whose context ended. It wraps the context's error and the last other failure, of
// this attempt or of the one before.
func contextError(ctx context.Context, failed, before *Error) *Error {
	err := &Error{
		Message:  "the call's context ended before a response came",
		Attempts: failed.Attempts,
		Host:     failed.Host,
		cause:    context.Cause(ctx),
	}
	if !errors.Is(err.cause, ctx.Err()) {
		err.cause = errors.Join(ctx.Err(), err.cause)
	}
	if errors.Is(failed, ctx.Err()) || failed.Kind == nil {
		failed = before
	}
	if failed != nil {
		err.cause = errors.Join(err.cause, failed)
	}
	return err
}
