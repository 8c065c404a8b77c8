package exporter

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// requestTimeout is how long a request may take, from when it is sent to the end of its response.
const requestTimeout = 30 * time.Second

// timeoutError is the error of a request that the exporter ended. It is a timeout for package net, and thus for the client.
type timeoutError string

func (e timeoutError) Error() string { return string(e) }
func (timeoutError) Timeout() bool   { return true }
func (timeoutError) Temporary() bool { return true }

const (
	errTimeout = timeoutError("the request took too long")
	errNoRoom  = timeoutError("the request took too long, and too many others do: see --max-requests")
)

// transport sends the requests of one tenant within the bound, and counts them.
type transport struct {
	next   http.RoundTripper
	tokens http.RoundTripper // the same for token requests; nil in the transport for tokens
	bound  *bound
	pace   *pace
	count  func(ctx context.Context, code string)
}

// ForTokens returns the transport for token requests, which package internal/transport looks for. A token does not show that
// jobs can be read, so it does not make a tenant fast.
func (t *transport) ForTokens() http.RoundTripper {
	return &transport{next: t.tokens, bound: t.bound, pace: t.pace, count: t.count}
}

// RoundTrip sends a request once there is room for it. Its slot is held until its response is closed.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	slot, err := t.bound.enter(req.Context(), t.pace)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(req.Context())
	slow := time.AfterFunc(slowAfter, func() {
		if !slot.becomeSlow() {
			cancel(errNoRoom)
		}
	})
	limit := time.AfterFunc(requestTimeout, func() { cancel(errTimeout) })
	sent := time.Now()
	end := sync.OnceFunc(func() {
		slow.Stop()
		limit.Stop()
		cancel(nil)
		slot.leave()
	})
	response, err := t.next.RoundTrip(req.WithContext(ctx))
	if err != nil {
		t.count(req.Context(), "error")
		if req.Context().Err() == nil {
			slot.rate(false)
			err = causeOf(ctx, err)
		}
		end()
		return nil, err
	}
	t.count(req.Context(), strconv.Itoa(response.StatusCode))
	answered := response.StatusCode < 500 && response.StatusCode != http.StatusTooManyRequests
	if !answered || t.tokens != nil && time.Since(sent) < slowAfter {
		slot.rate(answered)
	}
	response.Body = &body{response.Body, ctx, end}
	return response, nil
}

// causeOf returns why the exporter ended a request, or the error of the request.
func causeOf(ctx context.Context, err error) error {
	if cause, ok := context.Cause(ctx).(timeoutError); ok { //nolint:errorlint // it is never wrapped
		return cause
	}
	return err
}

// body ends its request when it is closed.
type body struct {
	io.ReadCloser
	ctx context.Context
	end func()
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF { //nolint:errorlint // readers return it unwrapped
		err = causeOf(b.ctx, err)
	}
	return n, err
}

func (b *body) Close() error {
	defer b.end()
	return b.ReadCloser.Close()
}
