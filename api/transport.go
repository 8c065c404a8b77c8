package api

import (
	"math"
	"net/http"
	"sync/atomic"
)

// TransportOption configures a [Transport].
type TransportOption func(*transport)

// WithSampling validates one exchange in every n, starting with the first one. By default, and if n is below
// 2, each is validated.
func WithSampling(n int) TransportOption {
	return func(t *transport) { t.every = uint64(max(n, 1)) }
}

// WithMaxBytes sets how many bytes of a body are held for validation. A longer body is not validated. The
// default, also if n is below 1, is [DefaultMaxBytes].
func WithMaxBytes(n int64) TransportOption {
	return func(t *transport) {
		if n > 0 {
			t.maxBytes = min(n, math.MaxInt64-1) // one more byte is read, to detect the end
		}
	}
}

// Transport validates the traffic through next, for any [http.Client]. It never fails, changes or repeats an
// exchange: it reports a message that violates the contract before RoundTrip returns, and passes the message
// on unchanged. If next is nil, it is [http.DefaultTransport].
//
// The method and the end of the path determine the operation of an exchange; the host and a prefix of the
// path do not matter. An exchange that matches no operation, such as a request for a token, is passed on. Bodies are
// read first, up to the limit of [WithMaxBytes]. Longer and encoded bodies (Content-Encoding) are passed on
// without validation.
//
// report is called by the goroutine of the exchange, so several may call it at once. If the embedded contract
// is invalid, which [Load] reports, nothing is validated.
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
	count    atomic.Uint64 // of exchanges
}

// RoundTrip implements [http.RoundTripper].
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	o := t.contract.find(r.Method, r.URL.Path)
	if o == nil || (t.count.Add(1)-1)%t.every != 0 {
		return t.next.RoundTrip(r)
	}
	body, whole, same := peek(r.Body, t.maxBytes)
	if whole {
		o.send(t.report, 0, o.validateRequest(r, body))
	}
	sent := r.WithContext(r.Context()) // a transport must not change the request
	sent.Body = same
	response, err := t.next.RoundTrip(sent)
	if err != nil {
		return response, err
	}
	body, whole, response.Body = peek(response.Body, t.maxBytes)
	if whole {
		o.send(t.report, response.StatusCode, o.validateResponse(response.StatusCode, response.Header, body))
	}
	return response, nil
}
