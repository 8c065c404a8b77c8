package d365backup

import (
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/d365backup/d365backup/internal/auth"
	"github.com/d365backup/d365backup/internal/httpfail"
)

// endpoints are the two addresses that a Client sends requests to.
type endpoints struct {
	base, token *url.URL // token is nil with WithTokenSource
	place       string   // the data center in the terms of an error; empty for a base URL
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

// parseURL validates an address that a secret or a token is sent to. Its errors show no more than the host, since the user
// or the query might hold a secret.
func (c *config) parseURL(setting, text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || u.Opaque != "":
		return nil, badSetting(setting, "not an absolute URL: write it like https://host/path")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, badSetting(setting, "the URL of %s has a user, a query or a fragment: give scheme, host and path only", u.Host)
	case u.Scheme == "https":
		return u, nil
	case u.Scheme != "http":
		return nil, badSetting(setting, "the URL of %s has the scheme %q: use https", u.Host, excerpt(u.Scheme, 16))
	case !isLoopback(u.Hostname()):
		return nil, badSetting(setting, "the URL of %s is plain http, which would show the token to the network: use https", u.Host)
	case !c.loopbackHTTP:
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

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
