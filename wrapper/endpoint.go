package d365backup

import (
	"net"
	"net/url"
	"strings"
)

// endpoints are the two addresses that a Client talks to, and what to call the first in errors.
type endpoints struct {
	base, token *url.URL
	place       string
}

func (c *config) endpoints() (endpoints, error) {
	var none endpoints
	center, err := c.findCenter()
	if err != nil {
		return none, err
	}
	e := endpoints{place: "data centre " + center.Code}
	if c.baseURL != "" {
		e.place = "WithBaseURL"
	}
	if e.base, err = c.parseURL("base URL", center.URL); err != nil {
		return none, err
	}
	e.base.Path = strings.TrimSuffix(e.base.Path, "/")
	if c.tokenSource != nil {
		return e, nil
	}
	tokenURL := center.TokenURL
	if c.tokenURL != "" {
		tokenURL = c.tokenURL
	}
	if tokenURL == "" {
		return none, configError("the token URL for %s is unknown: give it with WithTokenURL", e.base.Host)
	}
	e.token, err = c.parseURL("token URL", tokenURL)
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
			return center, configError("data centre %q does not exist: use one of %s",
				excerpt(c.dataCenter, 64), strings.Join(codes, ", "))
		}
		return center, nil
	case c.baseURL == "":
		return DataCenter{}, configError("no data centre: choose yours with WithDataCenter, such as WithDataCenter(\"us\")")
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
func (c *config) parseURL(what, text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || u.Opaque != "":
		return nil, configError("the %s is no absolute URL: write it like https://host/path", what)
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, configError("the %s for %s has a user, a query or a fragment: give scheme, host and path only",
			what, u.Host)
	case u.Scheme == "https":
		return u, nil
	case u.Scheme != "http":
		return nil, configError("the %s for %s has the scheme %q: use https", what, u.Host, excerpt(u.Scheme, 16))
	case !isLoopback(u.Hostname()):
		return nil, configError("the %s for %s is plain http, which would show the token to the network: use https",
			what, u.Host)
	case !c.loopbackHTTP:
		return nil, configError("the %s for %s is plain http: use https, or allow it on loopback with WithLoopbackHTTP",
			what, u.Host)
	}
	return u, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
