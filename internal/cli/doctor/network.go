package doctor

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/d365backup/d365backup/internal/httpfail"
	"github.com/d365backup/d365backup/internal/human"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// probe is what the steps reach the network with.
type probe struct {
	// transport is that of the client, too, so that both meet the same proxy and the same authorities.
	transport *http.Transport
	resolver  *net.Resolver
	// patience bounds each step.
	patience time.Duration
	getenv   func(string) string
}

// newProbe returns a probe of the real network. The proxy is that of the environment, as for the client
// of the other commands.
func newProbe(getenv func(string) string) probe {
	transport := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: 30 * time.Second}).DialContext,
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: 10 * time.Second,
		ForceAttemptHTTP2:   true,
	}
	return probe{transport: transport, resolver: net.DefaultResolver, patience: 30 * time.Second, getenv: getenv}
}

// host is one of the two that the client talks to.
type host struct {
	url *url.URL
	// same says that it was looked at before, as the other one.
	same bool
	// proxy is what stands between; nil: nothing.
	proxy   *url.URL
	address string // where to connect: the host's, or the proxy's

	greeted bool // whether it was asked for its Date
	skew    *time.Duration
}

func newHost(address *url.URL, p probe) (*host, error) {
	proxy, err := p.transport.Proxy(&http.Request{URL: address})
	if err != nil {
		return nil, errors.New("the proxy of the environment is no address") // err shows it, with its password
	}
	h := &host{url: address, proxy: proxy, address: withPort(address)}
	if proxy != nil {
		h.address = withPort(proxy)
	}
	return h, nil
}

func withPort(u *url.URL) string {
	port := map[string]string{"http": "80", "socks5": "1080", "socks5h": "1080"}[u.Scheme]
	return net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), port, "443"))
}

// via names the proxy without its user and password.
func (h *host) via(getenv func(string) string) string {
	if h.proxy == nil {
		return ""
	}
	variable := "HTTPS_PROXY"
	if getenv(variable) == "" && getenv("https_proxy") != "" {
		variable = "https_proxy"
	}
	return fmt.Sprintf("the proxy %s://%s of %s", h.proxy.Scheme, h.proxy.Host, variable)
}

// evidence says what stands between, with every failure of the network.
func (h *host) evidence(p probe) string {
	if h.proxy != nil {
		return "The way leads through " + h.via(p.getenv) + "."
	}
	return "No proxy is set for " + h.url.Host + "."
}

// lookUp is the step DNS.
func (h *host) lookUp(ctx context.Context, p probe) result {
	if h.same {
		return result{status: skipped, detail: "it is the host of the tokens, see above"}
	}
	name, _, _ := net.SplitHostPort(h.address)
	if _, err := netip.ParseAddr(name); err == nil {
		if h.proxy != nil {
			return result{status: skipped, detail: h.via(p.getenv) + " is an address, and looks " + h.url.Hostname() + " up"}
		}
		return result{status: skipped, detail: name + " is an address"}
	}
	ctx, cancel := context.WithTimeout(ctx, p.patience)
	defer cancel()
	addresses, err := p.resolver.LookupHost(ctx, name)
	if err != nil {
		return h.notFound(name, err, p)
	}
	detail := fmt.Sprintf("%s is %s", name, addresses[0])
	if more := len(addresses) - 1; more > 0 {
		detail += fmt.Sprintf(" and %d more", more)
	}
	if h.proxy != nil {
		detail = h.via(p.getenv) + ": " + detail
	}
	return passed(detail)
}

func (h *host) notFound(name string, err error, p probe) result {
	f := httpfail.FromError(err)
	evidence := []string{h.evidence(p), reason(err)}
	switch {
	case h.proxy != nil:
		f.Reason = httpfail.ProxyUnreachable
	case f.Reason == httpfail.UnknownHost && h.isVendors():
		evidence = append(evidence, "The name is the vendor's, so it is not misspelled: this network may not resolve public names.")
	}
	return fail(string(f.Reason), name+" cannot be resolved", evidence...)
}

// isVendors reports whether the host belongs to a data centre.
func (h *host) isVendors() bool {
	return slices.ContainsFunc(d365backup.DataCenters(), func(d d365backup.DataCenter) bool {
		return strings.HasPrefix(d.URL+"/", "https://"+h.url.Host+"/") || strings.HasPrefix(d.TokenURL, "https://"+h.url.Host+"/")
	})
}

// connect is the step TCP.
func (h *host) connect(ctx context.Context, p probe) result {
	if h.same {
		return result{}
	}
	ctx, cancel := context.WithTimeout(ctx, p.patience)
	defer cancel()
	connection, err := p.transport.DialContext(ctx, "tcp", h.address)
	if err != nil {
		code := "unreachable"
		if h.proxy != nil {
			code = "proxy-unreachable"
		}
		return fail(code, "no connection to "+h.address, h.evidence(p), reason(err))
	}
	_ = connection.Close()
	if h.proxy != nil {
		return passed("connected to " + h.via(p.getenv))
	}
	return passed("connected to " + h.address)
}

// secure is the step TLS.
func (h *host) secure(ctx context.Context, p probe) result {
	switch {
	case h.same:
		return result{}
	case h.url.Scheme == "http":
		return result{status: skipped, detail: "plain http, which only a loopback address may speak"}
	}
	g := h.greet(ctx, p)
	if g.secured != nil {
		return h.secured(g)
	}
	return h.insecure(g.err, p)
}

// secured judges a TLS connection that was made.
func (h *host) secured(g greeting) result {
	leaf := g.secured.PeerCertificates[0]
	left := time.Until(leaf.NotAfter)
	detail := fmt.Sprintf("%s, certificate by %s until %s", tls.VersionName(g.secured.Version), issuer(leaf), leaf.NotAfter.UTC().Format(time.DateOnly))
	r := passed(detail)
	if left < expirySoon {
		r = warn("tls-expires-soon", detail, "It ends in "+human.Duration(left)+".")
	}
	r.took = g.handshake
	return r
}

// expirySoon is how long before its end a certificate is worth a word: less than any authority's own
// renewal leaves.
const expirySoon = 14 * 24 * time.Hour

// greeting is the outcome of a request that asks for nothing and shows no credential.
type greeting struct {
	secured   *tls.ConnectionState // nil: the TLS connection was not made
	handshake time.Duration
	err       error
}

// greet asks the host for the headers of an answer, whatever it may be.
func (h *host) greet(ctx context.Context, p probe) (g greeting) {
	h.greeted = true
	ctx, cancel := context.WithTimeout(ctx, p.patience)
	defer cancel()
	var began time.Time
	trace := &httptrace.ClientTrace{
		TLSHandshakeStart: func() { began = time.Now() },
		TLSHandshakeDone: func(state tls.ConnectionState, err error) {
			if err == nil {
				g.secured, g.handshake = &state, time.Since(began)
			}
		},
	}
	request, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, trace), http.MethodHead, h.url.String(), nil)
	if err != nil {
		g.err = err
		return g
	}
	transport := p.transport.Clone() // its connections are not those of the client
	transport.DisableKeepAlives = true
	transport.OnProxyConnectResponse = httpfail.CheckProxyResponse
	sent := time.Now()
	response, err := transport.RoundTrip(request)
	if err != nil {
		g.err = err
		return g
	}
	_ = response.Body.Close()
	if date, err := http.ParseTime(response.Header.Get("Date")); err == nil {
		// The header tells whole seconds, and was written between the two moments.
		theirs, ours := date.Add(time.Second/2), sent.Add(time.Since(sent)/2)
		h.skew = new(theirs.Sub(ours))
	}
	return g
}

// reason is the text of an error of the network without the addresses of this machine.
func reason(err error) string {
	if op, found := errors.AsType[*net.OpError](err); found {
		err = op.Err
	}
	text := human.Text(err.Error())
	return "The reason given: " + strings.TrimSuffix(text, ".") + "."
}
