package d365backup

import (
	"cmp"
	"time"
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
	p.Attempts = cmp.Or(p.Attempts, 4)
	p.BaseDelay = cmp.Or(p.BaseDelay, 500*time.Millisecond)
	p.MaxDelay = cmp.Or(p.MaxDelay, 30*time.Second)
	p.AttemptTimeout = cmp.Or(p.AttemptTimeout, time.Minute)
	return p, nil
}
