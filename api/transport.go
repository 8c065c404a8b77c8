package api

import (
	"math"
	"net/http"
	"sync/atomic"
)

// TransportOption changes what [Transport] checks.
type TransportOption func(*transport)

// WithSampling checks one exchange in every n, the first one included. By default, and for n below
// 2, each is checked.
func WithSampling(n int) TransportOption {
	return func(t *transport) { t.every = uint64(max(n, 1)) }
}

// WithMaxBytes sets how many bytes of a body are held for checking; a longer one passes unchecked.
// By default, and for n below 1, it is [DefaultMaxBytes].
func WithMaxBytes(n int64) TransportOption {
	return func(t *transport) {
		if n > 0 {
			t.maxBytes = min(n, math.MaxInt64-1) // one more is read, to see the end
		}
	}
}

// Transport checks the traffic that goes through next, for any [http.Client], against the contract.
// It never fails, changes or repeats an exchange: a message that breaks the contract is told to
// report, before RoundTrip returns, and goes on as it is. A nil next is [http.DefaultTransport].
//
// An exchange belongs to an operation by its method and the end of its path, whatever host and
// path prefix are in front; one that belongs to none, such as a request for a token, is left alone.
// Bodies are read before they are handed on, up to the bound of [WithMaxBytes]; a longer one and an
// encoded one (Content-Encoding) are handed on unchecked.
//
// report is called by whatever goroutine makes the exchange, so by several at once. Should the
// embedded contract be broken, which [Load] tells, nothing is checked.
func Transport(next http.RoundTripper, report func(Report), options ...TransportOption) http.RoundTripper {
	if next == nil {
		next = http.DefaultTransport
	}
	c, err := load()
	if err != nil {
		return next
	}
	return c.transport(next, report, options...)
}

func (c *contract) transport(next http.RoundTripper, report func(Report), options ...TransportOption) *transport {
	t := &transport{contract: c, next: next, report: report, every: 1, maxBytes: DefaultMaxBytes}
	for _, option := range options {
		option(t)
	}
	return t
}

type transport struct {
	contract *contract
	next     http.RoundTripper
	report   func(Report)
	every    uint64
	maxBytes int64
	count    atomic.Uint64
}

// RoundTrip implements [http.RoundTripper].
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	o := t.operation(r)
	if o == nil {
		return t.next.RoundTrip(r)
	}
	body, whole, same := peek(r.Body, t.maxBytes)
	if whole {
		tell(t.report, o, 0, o.checkRequest(r, body))
	}
	sent := r.WithContext(r.Context()) // a transport must not change the request that it is given
	sent.Body = same
	response, err := t.next.RoundTrip(sent)
	if err != nil {
		return response, err
	}
	body, whole, response.Body = peek(response.Body, t.maxBytes)
	if whole {
		tell(t.report, o, response.StatusCode, o.checkAnswer(response.StatusCode, response.Header, body))
	}
	return response, nil
}

// operation gives the operation that r calls, nil if it is not to be checked.
func (t *transport) operation(r *http.Request) *operation {
	o := t.contract.find(r.Method, r.URL.Path)
	if o == nil || (t.count.Add(1)-1)%t.every != 0 {
		return nil
	}
	return o
}
