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
// Repeated are the statuses 408, 429, 500, 502, 503 and 504, answers that were cut off, and failures
// of the network other than a server certificate that is not accepted, a server without TLS 1.2 or later, an unknown host
// or a proxy that refuses its credentials. The wait before attempt n+1
// is random between 0 and BaseDelay × 2^(n-1), at most MaxDelay. A Retry-After of the server is waited
// for instead; one beyond MaxDelay or the call's deadline fails at once and is in Error.RetryAfter.
type RetryPolicy struct {
	// Attempts is the most requests sent for one page, the first one included. 0: 4. 1: no retries.
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
func (p RetryPolicy) do(ctx context.Context, attempt func(ctx context.Context, number int) *attemptFailure) error {
	var last *attemptFailure
	for number := 1; ; number++ {
		failed := p.once(ctx, number, attempt)
		if failed == nil {
			return nil
		}
		failed.err.Attempts = number
		if ctx.Err() != nil {
			return ended(ctx, failed, last, number)
		}
		wait, ok := p.next(ctx, failed, number)
		if !ok {
			return failed.err
		}
		last = failed
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ended(ctx, failed, nil, number)
		}
	}
}

var errAttemptTimeout = errors.New("the attempt took too long")

func (p RetryPolicy) once(ctx context.Context, number int, attempt func(context.Context, int) *attemptFailure) *attemptFailure {
	ctx, cancel := context.WithTimeoutCause(ctx, p.AttemptTimeout, errAttemptTimeout)
	defer cancel()
	return attempt(ctx, number)
}

// next says whether to try again, and after what wait.
func (p RetryPolicy) next(ctx context.Context, failed *attemptFailure, number int) (time.Duration, bool) {
	if !failed.retry || number >= p.Attempts {
		return 0, false
	}
	wait := p.delay(number)
	if after := failed.err.RetryAfter; after > 0 {
		if after > p.MaxDelay {
			return 0, false
		}
		wait = after
	}
	deadline, ok := ctx.Deadline()
	return wait, !ok || wait < time.Until(deadline)
}

// ended is the error of a call whose context ended: it has the context's error and the last real
// cause, of this attempt or of the one before.
func ended(ctx context.Context, failed, before *attemptFailure, attempts int) *Error {
	err := &Error{
		Message:  "the call's context ended before an answer came",
		Attempts: attempts,
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
