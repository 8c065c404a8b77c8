package d365backup

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
)

// maxSends bounds how often a transport may send one request.
const maxSends = 2

var errResent = errors.New("the server made the transport send the request again and again: it may be shutting down, or does not accept it over HTTP/2")

// resendLimit ends a request that its transport sends more than maxSends times. net/http sends a request
// again by itself, without limit, whenever an HTTP/2 server says that it has not processed it (GOAWAY,
// REFUSED_STREAM) or resets the stream with PROTOCOL_ERROR.
type resendLimit struct {
	next http.RoundTripper
}

// RoundTrip counts the headers written, not the connections tried.
func (l resendLimit) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	var sent atomic.Int32
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) {
			if sent.Load() >= maxSends {
				cancel(errResent) // before the headers go out
			}
		},
		WroteHeaders: func() { sent.Add(1) },
	})
	resp, err := l.next.RoundTrip(req.WithContext(ctx))
	if err != nil {
		if context.Cause(ctx) == errResent { //nolint:errorlint // identity is meant
			err = errResent
		}
		cancel(nil)
		return nil, err
	}
	resp.Body = &cancelBody{resp.Body, cancel}
	return resp, nil
}

// cancelBody frees the context of a request when its body is closed.
type cancelBody struct {
	io.ReadCloser
	cancel context.CancelCauseFunc
}

func (b *cancelBody) Close() error {
	defer b.cancel(nil)
	return b.ReadCloser.Close()
}
