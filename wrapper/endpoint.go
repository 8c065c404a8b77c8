package d365backup

import (
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/d365backup/d365backup/internal/auth"
	"github.com/d365backup/d365backup/internal/httpfail"
)

// endpoints are the two addresses that a Client talks to.
type endpoints struct {
	base, token *url.URL
	place       string // what errors call the first beside its host; empty for a base URL
}

func (c *config) endpoints() (endpoints, error) {
	var none endpoints
	center, err := c.findCenter()
	if err != nil {
		return none, err
	}
	var e endpoints
	name := "WithDataCenter"
	if c.baseURL != "" {
		name = "WithBaseURL"
	} else {
		e.place = "data center " + center.Code
	}
	if e.base, err = c.parseURL(name, center.URL); err != nil {
		return none, err
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
		return none, badSetting("WithTokenURL", "missing: the token endpoint that belongs to %s is not known", e.base.Host)
	}
	e.token, err = c.parseURL("WithTokenURL", tokenURL)
	return e, err
}

// findCenter returns what the data centre's code or the base URL leads to; for an address that is
// not the vendor's, only the URL.
func (c *config) findCenter() (DataCenter, error) {
	switch {
	case c.dataCenter != "" && c.baseURL != "":
		return DataCenter{}, configError("both WithDataCenter and WithBaseURL are given: choose one")
	case c.dataCenter != "":
		center, ok := findDataCenter(func(d DataCenter) bool { return d.Code == c.dataCenter })
		if !ok {
			codes := make([]string, len(dataCenters))
			for i, d := range dataCenters {
				codes[i] = d.Code
			}
			return center, badSetting("WithDataCenter", "data center %q does not exist: use one of %s",
				excerpt(c.dataCenter, 64), strings.Join(codes, ", "))
		}
		return center, nil
	case c.baseURL == "":
		return DataCenter{}, badSetting("WithDataCenter", "missing: choose the data center that holds the backups, such as \"us\"")
	}
	url := strings.TrimSuffix(c.baseURL, "/")
	if url == legacyURL {
		return DataCenter{URL: url, TokenURL: tokenURLCommercial}, nil
	}
	center, _ := findDataCenter(func(d DataCenter) bool { return d.URL == url })
	center.URL = url
	return center, nil
}

// parseURL checks an address that a secret or a token will travel to. Its errors show no more than
// the host: a user or a query might hold a secret.
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

// checkProxy refuses a proxy setting that the shared transport would ignore, and connect directly. Plain http goes to
// loopback, never through a proxy.
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
