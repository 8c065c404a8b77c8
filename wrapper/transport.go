package d365backup

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"sync"
	"time"
	"weak"

	"golang.org/x/oauth2"

	"github.com/d365backup/d365backup/internal/auth"
	"github.com/d365backup/d365backup/internal/httpfail"
)

// sharedTransport serves every Client that brings no transport of its own: connections and their
// pool are then shared, however many Clients there are.
var sharedTransport = sync.OnceValue(NewTransport)

// NewTransport returns a new transport with the settings of the one that all Clients share, to change and
// pass to WithHTTPClient. It takes the proxy from the environment, speaks TLS 1.2 or later, and keeps up to 64
// idle connections per host (MaxIdleConnsPerHost) for 5 minutes. It pings an HTTP/2 connection that was silent
// for 10 s and closes it after 5 s without a response: keep their sum below half of RetryPolicy.AttemptTimeout,
// or attempts are wasted on a dead connection.
func NewTransport() *http.Transport {
	return &http.Transport{ // not http.DefaultTransport's: a program may have put anything there
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 30 * time.Second}).DialContext,
		OnProxyConnectResponse: httpfail.CheckProxyResponse,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    10 * time.Second,
		ForceAttemptHTTP2:      true,
		HTTP2: &http.HTTP2Config{
			SendPingTimeout:           10 * time.Second,
			PingTimeout:               5 * time.Second,
			MaxReceiveBufferPerStream: 256 << 10, // which a body that waits to be read holds
		},
		MaxIdleConns:           1024, // so that a poll of many hosts finds them all open again
		MaxIdleConnsPerHost:    64,
		IdleConnTimeout:        5 * time.Minute,
		MaxResponseHeaderBytes: 1 << 20,
	}
}

// tokenTransports has the token transport of each transport in use, so that all Clients of one share connections.
var tokenTransports sync.Map // of *http.Transport by weak.Pointer[http.Transport]

// tokenTransport returns the transport for token requests. It closes a connection of HTTP/1.1 after one use, since
// net/http logs what follows the response on an idle one, which may echo the request. One of HTTP/2 it keeps: there
// nothing can follow, and a handshake for each token of many clients takes long.
func tokenTransport(transport http.RoundTripper) http.RoundTripper {
	t, ok := transport.(*http.Transport)
	if !ok {
		return closing{transport}
	}
	key := weak.Make(t)
	if known, ok := tokenTransports.Load(key); ok {
		return known.(*http.Transport)
	}
	single := t.Clone()
	single.MaxIdleConnsPerHost = -1 // for HTTP/1.1 alone
	defaultTo(&single.IdleConnTimeout, 5*time.Minute)
	known, loaded := tokenTransports.LoadOrStore(key, single)
	if !loaded {
		runtime.AddCleanup(t, func(key weak.Pointer[http.Transport]) { tokenTransports.Delete(key) }, key)
	}
	return known.(*http.Transport)
}

// closing asks for the connection of each request to be closed.
type closing struct{ next http.RoundTripper }

func (c closing) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Close = true
	return c.next.RoundTrip(req)
}

// transport returns the transport to send through, or an error that matches ErrConfig.
func (c *config) transport() (http.RoundTripper, error) {
	if c.httpClient == nil || c.httpClient.Transport == nil {
		return sharedTransport(), nil
	}
	t, ok := c.httpClient.Transport.(*http.Transport)
	if !ok || t.TLSClientConfig == nil {
		return c.httpClient.Transport, nil
	}
	switch conf := t.TLSClientConfig; {
	case conf.InsecureSkipVerify:
		return nil, configError("the transport of WithHTTPClient has InsecureSkipVerify set: add the certificate authority to RootCAs instead")
	case conf.MinVersion != 0 && conf.MinVersion < tls.VersionTLS12:
		return nil, configError("the transport of WithHTTPClient allows %s: set MinVersion to tls.VersionTLS12",
			tls.VersionName(conf.MinVersion))
	case conf.MaxVersion != 0 && conf.MaxVersion < tls.VersionTLS12:
		return nil, configError("the transport of WithHTTPClient allows no more than %s: leave MaxVersion out",
			tls.VersionName(conf.MaxVersion))
	}
	return t, nil
}

// httpClientFor returns a client that sends through the transport and follows no redirect.
func (c *config) httpClientFor(transport http.RoundTripper) *http.Client {
	client := &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if c.httpClient != nil {
		client.Timeout = c.httpClient.Timeout
	}
	return client
}

// bearerTransport attaches the token, to the configured origin only.
type bearerTransport struct {
	next      http.RoundTripper
	origin    *url.URL
	tokens    auth.Tokens
	userAgent string
}

// usedTokens is the context's key of a *[]string that receives the tokens that a request carried, and the secret.
type usedTokens struct{}

// RoundTrip sends the request with a token. Where the service refuses the token it sends it once
// more with a fresh one.
func (t *bearerTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme != t.origin.Scheme || req.URL.Host != t.origin.Host || req.Host != "" && req.Host != t.origin.Host {
		closeBody(req.Body)
		return nil, &Error{Kind: ErrConfig, Message: fmt.Sprintf(
			"the token is for %s://%s alone and was not sent to another address", t.origin.Scheme, t.origin.Host)}
	}
	token, err := t.tokens.Token(req.Context())
	if err != nil {
		closeBody(req.Body)
		return nil, err
	}
	resp, err := t.send(req, token, req.Body)
	if err != nil || resp.StatusCode != http.StatusUnauthorized || !canReplay(req) {
		return resp, err
	}
	release(resp)
	t.tokens.Invalidate(token)
	fresh, err := t.tokens.Token(req.Context())
	if err != nil && req.Context().Err() != nil {
		return resp, nil //nolint:nilerr // the refusal says more than that time ran out
	}
	if err != nil {
		return nil, err // it is what stands in the way now, and it may pass
	}
	if fresh.AccessToken == token.AccessToken {
		return resp, nil
	}
	var body io.ReadCloser
	if req.GetBody != nil {
		if body, err = req.GetBody(); err != nil {
			return resp, nil //nolint:nilerr // the refusal says more
		}
	}
	return t.send(req, fresh, body)
}

// release reads a refusal, so that its connection is free: where their number is limited, a request for a token
// may have to wait for it.
func release(resp *http.Response) {
	body := httpfail.ReadBody(resp.Body)
	_ = resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(body))
}

func canReplay(req *http.Request) bool {
	return req.Body == nil || req.Body == http.NoBody || req.GetBody != nil
}

func (t *bearerTransport) send(req *http.Request, token *oauth2.Token, body io.ReadCloser) (*http.Response, error) {
	if used, ok := req.Context().Value(usedTokens{}).(*[]string); ok {
		*used = append(*used, token.AccessToken, t.tokens.Secret())
	}
	sent := req.Clone(req.Context())
	sent.Body = body
	sent.Header.Set("Authorization", "Bearer "+token.AccessToken)
	if sent.Header.Get("User-Agent") == "" { // else the caller of Raw has set it
		sent.Header.Set("User-Agent", t.userAgent)
	}
	resp, err := t.next.RoundTrip(sent)
	if resp != nil {
		resp.Request = req // without the token
		if resp.StatusCode == http.StatusSwitchingProtocols {
			_ = resp.Body.Close() // it is the connection, and no context ends it
			resp.Body = http.NoBody
		}
	}
	return resp, err
}

func closeBody(body io.ReadCloser) {
	if body != nil {
		_ = body.Close()
	}
}

// drain reads what little may be left, so that the connection can be used again.
func drain(body io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, body, httpfail.MaxBody)
	_ = body.Close()
}
