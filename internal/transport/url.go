package transport

import (
	"errors"
	"fmt"
	"net"
	"net/url"

	"github.com/d365backup/d365backup/internal/httpfail"
)

// ParseURL parses an address that a secret or a token may be sent to: https, or http on loopback. Its errors show no more than
// the host, since the user or the query may contain a secret.
func ParseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || u.Opaque != "":
		return nil, errors.New("not an absolute URL: write it like https://host/path")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, fmt.Errorf("the URL of %s has a user, a query or a fragment: give scheme, host and path only", u.Host)
	case u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname()):
		return u, nil
	case u.Scheme != "http":
		return nil, fmt.Errorf("the URL of %s has the scheme %q: use https", u.Host, httpfail.Clean(u.Scheme, 16))
	}
	return nil, fmt.Errorf("the URL of %s is plain http, which would show the token to the network: use https", u.Host)
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
