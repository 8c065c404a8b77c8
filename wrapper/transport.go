package d365backup

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/d365backup/d365backup/internal/auth"
	"github.com/d365backup/d365backup/internal/transport"
)

// NewTransport returns a new transport with the settings of the one that all Clients share, to change and pass to
// WithHTTPClient. It takes the proxy from the environment, speaks TLS 1.2 or later, and keeps up to 64 idle connections
// per host (MaxIdleConnsPerHost) for 5 minutes. It pings an HTTP/2 connection that was silent for 10 s and closes it
// after 5 s without a response: keep their sum below half of RetryPolicy.AttemptTimeout, or attempts are wasted on a
// dead connection.
func NewTransport() *http.Transport { return transport.New() }

// transport returns the transport to send through, or an error that matches ErrConfig.
func (c *config) transport() (http.RoundTripper, error) {
	if c.httpClient == nil || c.httpClient.Transport == nil {
		return transport.Shared(), nil
	}
	if err := transport.Check(c.httpClient.Transport); err != nil {
		return nil, configError("the transport of WithHTTPClient %v", err)
	}
	return c.httpClient.Transport, nil
}

// tokenTransport adds a token to the requests of Client.Raw, to the configured origin only.
type tokenTransport struct {
	next      http.RoundTripper
	origin    *url.URL
	tokens    auth.Tokens
	userAgent string
}

// RoundTrip sends the request like auth.Send. The request of the response does not show the token.
func (t *tokenTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	body := req.Body
	defer func() {
		if body != nil { // not sent
			_ = body.Close()
		}
	}()
	if req.URL.Scheme != t.origin.Scheme || req.URL.Host != t.origin.Host || req.Host != "" && req.Host != t.origin.Host {
		return nil, &Error{Kind: ErrConfig, Message: fmt.Sprintf(
			"the token is for %s://%s only and was not sent to another address", t.origin.Scheme, t.origin.Host)}
	}
	sent := false
	response, _, err := auth.Send(req.Context(), t.tokens, func(token string) (*http.Response, error) {
		clone := req.Clone(req.Context())
		if sent && req.Body != nil && req.Body != http.NoBody {
			if req.GetBody == nil {
				return nil, auth.ErrNoReplay
			}
			var err error
			if clone.Body, err = req.GetBody(); err != nil {
				return nil, auth.ErrNoReplay
			}
		}
		sent, body = true, nil
		clone.Header.Set("Authorization", "Bearer "+token)
		if clone.Header.Get("User-Agent") == "" { // else the caller of Raw has set it
			clone.Header.Set("User-Agent", t.userAgent)
		}
		return t.next.RoundTrip(clone)
	})
	if response != nil {
		response.Request = req
	}
	return response, err
}
