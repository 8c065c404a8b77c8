// Package transport adds to net/http what requests for pages and for tokens need.
package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"weak"

	"github.com/d365backup/d365backup/internal/httpfail"
)

// New returns a transport with the settings that wrapper.NewTransport documents.
func New() *http.Transport {
	return &http.Transport{ // not a copy of http.DefaultTransport, which a program may have replaced
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 30 * time.Second}).DialContext,
		OnProxyConnectResponse: httpfail.CheckProxyResponse,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    10 * time.Second,
		ForceAttemptHTTP2:      true,
		HTTP2: &http.HTTP2Config{
			SendPingTimeout:           10 * time.Second,
			PingTimeout:               5 * time.Second,
			MaxReceiveBufferPerStream: 256 << 10, // held by a body that waits to be read
		},
		MaxIdleConns:           1024, // so that a poll of many hosts finds all connections still open
		MaxIdleConnsPerHost:    64,
		IdleConnTimeout:        5 * time.Minute,
		MaxResponseHeaderBytes: 1 << 20,
	}
}

// Shared returns the one transport of all clients without a transport of their own. They share its connections.
var Shared = sync.OnceValue(New)

// NewClient returns a client that sends through the transport and follows no redirect. A timeout of 0 is none.
func NewClient(transport http.RoundTripper, timeout time.Duration) *http.Client {
	return &http.Client{
		Transport:     transport,
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Drain reads a small rest of a body and closes it, so that its connection can be reused.
func Drain(body io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, body, httpfail.MaxBody)
	_ = body.Close()
}

// Check returns an error if a caller's transport would weaken TLS. It can examine an *http.Transport only.
func Check(transport http.RoundTripper) error {
	t, ok := transport.(*http.Transport)
	if !ok || t.TLSClientConfig == nil {
		return nil
	}
	switch conf := t.TLSClientConfig; {
	case conf.InsecureSkipVerify:
		return errors.New("has InsecureSkipVerify set: add the certificate authority to RootCAs instead")
	case conf.MinVersion != 0 && conf.MinVersion < tls.VersionTLS12:
		return fmt.Errorf("allows %s: set MinVersion to tls.VersionTLS12", tls.VersionName(conf.MinVersion))
	case conf.MaxVersion != 0 && conf.MaxVersion < tls.VersionTLS12:
		return fmt.Errorf("allows no more than %s: leave MaxVersion out", tls.VersionName(conf.MaxVersion))
	}
	return nil
}

// tokenTransports holds one token transport for each transport, so that clients with the same transport also share the
// connections for tokens.
var tokenTransports sync.Map // of *http.Transport by weak.Pointer[http.Transport]

// ForTokens returns the transport for the token requests of clients with this transport. It closes an HTTP/1.1 connection
// after one use: if a server sends more than the response, net/http logs it on an idle connection, and it may repeat the
// secret. HTTP/2 has no such data, so its connections are kept, which saves many clients a handshake for each token. A
// transport that wraps an *http.Transport, such as the exporter's, can have a method ForTokens, whose result is used.
func ForTokens(transport http.RoundTripper) http.RoundTripper {
	if custom, ok := transport.(interface{ ForTokens() http.RoundTripper }); ok {
		return custom.ForTokens()
	}
	t, ok := transport.(*http.Transport)
	if !ok {
		return closing{transport}
	}
	key := weak.Make(t)
	if known, ok := tokenTransports.Load(key); ok {
		return known.(*http.Transport)
	}
	single := t.Clone()
	single.MaxIdleConnsPerHost = -1 // for HTTP/1.1 only
	if single.IdleConnTimeout == 0 {
		single.IdleConnTimeout = 5 * time.Minute
	}
	known, loaded := tokenTransports.LoadOrStore(key, single)
	if !loaded {
		runtime.AddCleanup(t, func(key weak.Pointer[http.Transport]) { tokenTransports.Delete(key) }, key)
	}
	return known.(*http.Transport)
}

// closing closes the connection of each request.
type closing struct{ next http.RoundTripper }

func (c closing) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Close = true
	return c.next.RoundTrip(req)
}

// maxSends bounds how often a transport may send one request.
const maxSends = 2

var errResent = errors.New("the server asked for the request a third time: it may be shutting down, or does not accept it over HTTP/2")

// Limited ends a request that Next sends more than twice. net/http resends a request without limit whenever an HTTP/2
// server says that it has not processed it (GOAWAY, REFUSED_STREAM) or resets the stream with PROTOCOL_ERROR. Limited
// also hides the connection of a response with status 101, which no context would end.
type Limited struct{ Next http.RoundTripper }

// RoundTrip counts the headers written, not the connections tried.
func (l Limited) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	var sent atomic.Int32
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) {
			if sent.Load() >= maxSends {
				cancel(errResent) // before the headers are written
			}
		},
		WroteHeaders: func() { sent.Add(1) },
	})
	resp, err := l.Next.RoundTrip(req.WithContext(ctx))
	if err != nil {
		if errors.Is(context.Cause(ctx), errResent) {
			err = errResent
		}
		cancel(nil)
		return nil, err
	}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		_ = resp.Body.Close()
		resp.Body = http.NoBody
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
