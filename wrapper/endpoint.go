package d365backup

import (
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/d365backup/d365backup/internal/auth"
	"github.com/d365backup/d365backup/internal/httpfail"
	"github.com/d365backup/d365backup/internal/transport"
)

// endpoints are the two addresses that a Client sends requests to.
type endpoints struct {
	base, token *url.URL // token is nil with WithTokenSource
	place       string   // how errors describe the data center; empty for a base URL
}

func (c *config) endpoints() (e endpoints, err error) {
	center, err := c.findDataCenter()
	if err != nil {
		return e, err
	}
	setting := "WithBaseURL"
	if c.baseURL == "" {
		setting, e.place = "WithDataCenter", "data center "+center.Code
	}
	if e.base, err = c.parseURL(setting, center.URL); err != nil {
		return e, err
	}
	e.base.Path = strings.TrimSuffix(e.base.Path, "/")
	if _, ok := c.credential.(auth.TokenSource); ok {
		return e, nil
	}
	tokenURL := center.TokenURL
	if c.tokenURL != "" {
		tokenURL = c.tokenURL
	}
	if tokenURL == "" {
		return e, badSetting("WithTokenURL", "missing: the token endpoint that belongs to %s is not known", e.base.Host)
	}
	e.token, err = c.parseURL("WithTokenURL", tokenURL)
	return e, err
}

// parseURL validates an address that a secret or a token is sent to.
func (c *config) parseURL(setting, text string) (*url.URL, error) {
	u, err := transport.ParseURL(text)
	switch {
	case err != nil:
		return nil, badSetting(setting, "%v", err)
	case u.Scheme == "http" && !c.loopbackHTTP:
		return nil, badSetting(setting, "the URL of %s is plain http: use https, or allow it on loopback with WithLoopbackHTTP", u.Host)
	}
	return u, nil
}

// checkProxy refuses a proxy setting that the shared transport would ignore and connect without. Plain http goes to loopback
// and never through a proxy.
func (c *config) checkProxy(e endpoints) error {
	own := c.httpClient != nil && c.httpClient.Transport != nil
	if own || e.base.Scheme == "http" && (e.token == nil || e.token.Scheme == "http") {
		return nil
	}
	if variable := httpfail.BadProxy(os.Getenv); variable != "" {
		return badSetting(variable, "%s", httpfail.ProxyForm)
	}
	return nil
}

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
