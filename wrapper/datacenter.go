package d365backup

import (
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/d365backup/d365backup/internal/auth"
	"github.com/d365backup/d365backup/internal/httpfail"
	"github.com/d365backup/d365backup/internal/transport"
)

// DataCenter is a location where the vendor runs the service. The list is from the vendor's pages after version v1, which
// do not list Dynamics 365 backup among the products in the Google Cloud data centers (codes "gcp-…").
type DataCenter struct {
	// Code is the value for WithDataCenter, such as "us".
	Code string
	// Name is the location, such as "US East".
	Name string
	// URL is the base URL of the API.
	URL string
	// TokenURL is the token endpoint of its environment.
	TokenURL string
}

// The token endpoints of the four environments.
const (
	tokenURLCommercial = "https://identity.avepointonlineservices.com/connect/token"
	tokenURLGov        = "https://identity-gov.avepointonlineservices.com/connect/token"
	tokenURLAOS2       = "https://identity-aos2.avepointonlineservices.com/connect/token"
	tokenURLFedRAMP    = "https://identity.online15.net/connect/token"
)

// legacyURL is the single host at the time of version v1. It is not a data center, but its token endpoint is known.
const legacyURL = "https://graph.avepointonlineservices.com"

var dataCenters = []DataCenter{
	regional("au", "Australia", tokenURLCommercial),
	regional("sg", "Singapore", tokenURLCommercial),
	regional("ca", "Canada Central", tokenURLCommercial),
	regional("ne", "Ireland", tokenURLCommercial),
	regional("we", "Netherlands", tokenURLCommercial),
	regional("fr", "France Central", tokenURLCommercial),
	regional("de", "Germany West Central", tokenURLCommercial),
	regional("jp", "Japan West", tokenURLCommercial),
	regional("kr", "Korea Central", tokenURLCommercial),
	regional("ch", "Switzerland North", tokenURLCommercial),
	regional("uk", "UK South", tokenURLCommercial),
	regional("us", "US East", tokenURLCommercial),
	regional("uae", "United Arab Emirates", tokenURLCommercial),
	regional("za", "South Africa North", tokenURLCommercial),
	regional("qa", "Qatar Central", tokenURLCommercial),
	regional("gov", "U.S. Government", tokenURLGov),
	regional("aos2", "AOS2", tokenURLAOS2),
	regional("gcp-au", "Google Cloud, Sydney", tokenURLCommercial),
	regional("gcp-jp", "Google Cloud, Tokyo", tokenURLCommercial),
	regional("gcp-us", "Google Cloud, Moncks Corner", tokenURLCommercial),
	regional("gcp-we", "Google Cloud, Eemshaven", tokenURLCommercial),
	regional("gcp-kr", "Google Cloud, Seoul", tokenURLCommercial),
	// The vendor documents a host but no code for FedRAMP; this code is our own.
	{Code: "fedramp", Name: "FedRAMP (Project Hosts)", URL: "https://graphusgovapi.online15.net", TokenURL: tokenURLFedRAMP},
}

func regional(code, name, tokenURL string) DataCenter {
	return DataCenter{Code: code, Name: name, URL: "https://graph-" + code + ".avepointonlineservices.com", TokenURL: tokenURL}
}

// DataCenters returns every data center that WithDataCenter accepts, in the order of the vendor's list. The caller may
// change the slice.
func DataCenters() []DataCenter { return slices.Clone(dataCenters) }

// findDataCenter returns the data center of WithDataCenter or WithBaseURL; for an unknown address only its URL.
func (c *config) findDataCenter() (DataCenter, error) {
	switch {
	case c.dataCenter != "" && c.baseURL != "":
		return DataCenter{}, configError("both WithDataCenter and WithBaseURL are given: choose one")
	case c.dataCenter == "" && c.baseURL == "":
		return DataCenter{}, badSetting("WithDataCenter", "missing: choose the data center that holds the backups, such as \"us\"")
	}
	url := strings.TrimSuffix(c.baseURL, "/")
	var codes []string
	for _, d := range dataCenters {
		if d.Code == c.dataCenter || d.URL == url {
			return d, nil
		}
		codes = append(codes, d.Code)
	}
	if url == "" {
		return DataCenter{}, badSetting("WithDataCenter", "data center %q does not exist: use one of %s",
			excerpt(c.dataCenter, 64), strings.Join(codes, ", "))
	}
	center := DataCenter{URL: url}
	if url == legacyURL {
		center.TokenURL = tokenURLCommercial
	}
	return center, nil
}

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

// checkProxy refuses a malformed proxy setting, which the shared transport would ignore, connecting directly. Plain http goes to
// loopback and never through a proxy.
func (c *config) checkProxy(e endpoints) error {
	hasCustom := c.httpClient.Transport != nil
	if hasCustom || e.base.Scheme == "http" && (e.token == nil || e.token.Scheme == "http") {
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
	if c.httpClient.Transport == nil {
		return transport.Shared(), nil
	}
	if err := transport.Check(c.httpClient.Transport); err != nil {
		return nil, configError("the transport of WithHTTPClient %v", err)
	}
	return c.httpClient.Transport, nil
}
