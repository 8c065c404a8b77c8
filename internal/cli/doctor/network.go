package doctor

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/d365backup/d365backup/internal/httpfail"
	"github.com/d365backup/d365backup/internal/human"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// host is one of the two hosts that the client connects to.
type host struct {
	url     *url.URL
	address string         // to connect to: that of the host or of the proxy
	proxy   string         // for people; empty if there is none
	clock   *time.Duration // how far the clock of the host is ahead of this machine's; nil if unknown
}

func newHost(address string, transport *http.Transport, getenv func(string) string) (*host, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	proxy, err := transport.Proxy(&http.Request{URL: u})
	if err != nil {
		return nil, errors.New("the environment has an invalid proxy address") // err shows its password
	}
	if proxy == nil {
		return &host{url: u, address: withPort(u)}, nil
	}
	variable := "HTTPS_PROXY"
	if getenv(variable) == "" && getenv("https_proxy") != "" {
		variable = "https_proxy"
	}
	return &host{url: u, address: withPort(proxy), proxy: fmt.Sprintf("the proxy %s://%s (%s)", proxy.Scheme, proxy.Host, variable)}, nil
}

func withPort(u *url.URL) string {
	port := map[string]string{"http": "80", "socks5": "1080", "socks5h": "1080"}[u.Scheme]
	return net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), port, "443"))
}

// check sends one request without credentials, and returns the steps of its connection that were reached.
func (h *host) check(ctx context.Context, name string, transport *http.Transport, timeout time.Duration) []step {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var c connection
	err := h.connect(httptrace.WithClientTrace(ctx, c.trace()), transport)
	c.mu.Lock()
	defer c.mu.Unlock()
	hostname, _, _ := net.SplitHostPort(h.address)
	dns, tcp, secure := name+": DNS", name+": TCP", name+": TLS"
	steps := []step{h.resolved(dns, hostname, c.addresses).after(c.dns.took())}
	if c.dns.failed() {
		s := h.fail(dns, hostname+" cannot be resolved", err, httpfail.NameService, httpfail.UnknownHost)
		if s.finding.Code == string(httpfail.UnknownHost) && h.isVendors() {
			s.finding.addEvidence("The name is that of the vendor, so it is not misspelled: this network may not resolve public names.")
		}
		return []step{s.after(c.dns.took())}
	}
	if !c.ready && !c.tcp.done {
		return append(steps, h.fail(tcp, "no connection to "+h.address, err, httpfail.Unreachable).after(c.tcp.took()))
	}
	steps = append(steps, pass(tcp, "connected to "+cmp.Or(h.proxy, h.address)).after(c.tcp.took()))
	switch {
	case h.url.Scheme == "http":
		return append(steps, skip(secure, "plain http, which only loopback addresses may use"))
	case c.secured == nil:
		return append(steps, h.failTLS(secure, err).after(c.tls.took()))
	}
	return append(steps, certificate(secure, c.secured).after(c.tls.took()))
}

// connect requests the headers of any response.
func (h *host) connect(ctx context.Context, transport *http.Transport) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, h.url.String(), nil)
	if err != nil {
		return err
	}
	transport = transport.Clone() // the client makes its own connections
	transport.DisableKeepAlives = true
	sent := time.Now()
	response, err := transport.RoundTrip(request)
	if err != nil {
		return err
	}
	if date, err := http.ParseTime(response.Header.Get("Date")); err == nil {
		// The header has whole seconds, and was written between request and response.
		h.clock = new(date.Add(time.Second / 2).Sub(sent.Add(time.Since(sent) / 2)))
	}
	return response.Body.Close()
}

// connection is what the trace of a request has seen. A dial can outlive its request.
type connection struct {
	mu            sync.Mutex
	dns, tcp, tls phase
	addresses     []net.IPAddr
	ready         bool                 // connected, also through a proxy
	secured       *tls.ConnectionState // nil if there is no TLS connection
}

// phase is one phase of a connection.
type phase struct {
	started, ended time.Time
	done           bool // without an error
}

func (p *phase) end(err error) { p.ended, p.done = time.Now(), p.done || err == nil }
func (p *phase) failed() bool  { return !p.started.IsZero() && !p.done }

func (p *phase) took() time.Duration {
	switch {
	case p.started.IsZero():
		return 0
	case p.ended.IsZero():
		return time.Since(p.started)
	}
	return p.ended.Sub(p.started)
}

func (c *connection) trace() *httptrace.ClientTrace {
	note := func(what func()) {
		c.mu.Lock()
		defer c.mu.Unlock()
		what()
	}
	return &httptrace.ClientTrace{
		DNSStart: func(httptrace.DNSStartInfo) { note(func() { c.dns.started = time.Now() }) },
		DNSDone: func(info httptrace.DNSDoneInfo) {
			note(func() { c.addresses = info.Addrs; c.dns.end(info.Err) })
		},
		ConnectStart:      func(string, string) { note(func() { c.tcp.started = time.Now() }) },
		ConnectDone:       func(_, _ string, err error) { note(func() { c.tcp.end(err) }) },
		TLSHandshakeStart: func() { note(func() { c.tls.started = time.Now() }) },
		TLSHandshakeDone:  func(_ tls.ConnectionState, err error) { note(func() { c.tls.end(err) }) },
		GotConn: func(info httptrace.GotConnInfo) {
			note(func() {
				c.ready = true
				if secure, ok := info.Conn.(*tls.Conn); ok {
					c.secured = new(secure.ConnectionState())
				}
			})
		},
	}
}

// resolved is the step DNS if it did not fail.
func (h *host) resolved(name, hostname string, addresses []net.IPAddr) step {
	if _, err := netip.ParseAddr(hostname); err == nil && h.proxy != "" {
		return skip(name, h.proxy+" resolves "+h.url.Hostname())
	} else if err == nil || len(addresses) == 0 {
		return skip(name, hostname+" is an address")
	}
	detail := fmt.Sprintf("%s is %s", hostname, addresses[0].String())
	if more := len(addresses) - 1; more > 0 {
		detail += fmt.Sprintf(" and %d more", more)
	}
	if h.proxy != "" {
		detail = h.proxy + ": " + detail
	}
	return pass(name, detail)
}

// fail returns a failed step of DNS or TCP. The reason is the first one, unless the error has another one of these.
func (h *host) fail(name, detail string, err error, reasons ...httpfail.Reason) step {
	reason := reasons[0]
	if own := httpfail.FromError(err).Reason; slices.Contains(reasons, own) {
		reason = own
	}
	if h.proxy != "" {
		reason = httpfail.ProxyUnreachable
	}
	return fail(name, string(reason), detail, h.route(), errorText(err))
}

// failTLS returns a failed step TLS, which includes the refusal of a proxy.
func (h *host) failTLS(name string, err error) step {
	failure := httpfail.FromError(err)
	if failure.Reason == httpfail.NoAnswer && !errors.Is(err, context.DeadlineExceeded) {
		failure.Reason = httpfail.TLSFailed // connecting worked a moment ago
	}
	s := fail(name, string(failure.Reason), failure.Text, h.route())
	if unverified, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		leaf := unverified.UnverifiedCertificates[0]
		subject := firstName(append(leaf.DNSNames[:min(len(leaf.DNSNames), 1)], leaf.Subject.CommonName)...)
		s.finding.addEvidence(fmt.Sprintf("The certificate is for %s, issued by %s, valid from %s to %s.",
			subject, issuer(leaf), leaf.NotBefore.UTC().Format(time.RFC3339), leaf.NotAfter.UTC().Format(time.RFC3339)))
		s.finding.addEvidence("The clock of this machine shows " + time.Now().UTC().Format(time.RFC3339) + ".")
	}
	s.finding.addEvidence(errorText(err))
	return s
}

// certificate is the step TLS if a connection was made.
func certificate(name string, state *tls.ConnectionState) step {
	const expiresSoon = 14 * 24 * time.Hour // authorities and their customers renew earlier
	leaf := state.PeerCertificates[0]
	detail := fmt.Sprintf("%s, certificate by %s until %s", tls.VersionName(state.Version), issuer(leaf), leaf.NotAfter.UTC().Format(time.DateOnly))
	if left := time.Until(leaf.NotAfter); left < expiresSoon {
		return warn(name, "tls-expires-soon", detail, "It expires in "+human.Duration(left)+".")
	}
	return pass(name, detail)
}

// route says whether a proxy is used, as evidence of every failure of the network.
func (h *host) route() string {
	if h.proxy != "" {
		return "Connections go through " + h.proxy + "."
	}
	return "No proxy is set for " + h.url.Host + "."
}

// isVendors reports whether the host belongs to a data center.
func (h *host) isVendors() bool {
	return slices.ContainsFunc(d365backup.DataCenters(), func(d d365backup.DataCenter) bool {
		return strings.HasPrefix(d.URL+"/", "https://"+h.url.Host+"/") || strings.HasPrefix(d.TokenURL, "https://"+h.url.Host+"/")
	})
}

func issuer(certificate *x509.Certificate) string {
	return firstName(append(slices.Clone(certificate.Issuer.Organization), certificate.Issuer.CommonName)...)
}

// firstName returns the first name of a certificate that is not empty. Certificates can contain any text.
func firstName(names ...string) string {
	for _, name := range names {
		if name = human.Clip(name, 64); name != "" {
			return name
		}
	}
	return "an unknown issuer"
}

// errorText returns the text of a network error without the addresses of this machine.
func errorText(err error) string {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		err = op.Err
	}
	return "The error: " + strings.TrimSuffix(human.Text(err.Error()), ".") + "."
}
