package d365backup_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/d365backup/d365backup/internal/auth/authtest"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// quick tries four times without waiting.
var quick = d365backup.WithRetry(d365backup.RetryPolicy{BaseDelay: 1})

// expectFailure checks what a call failed with.
func expectFailure(t *testing.T, err error, kind error, reason string, attempts int, text string) {
	t.Helper()
	e, ok := errors.AsType[*d365backup.Error](err)
	if !ok || !errors.Is(err, kind) || e.Reason != reason || e.Attempts != attempts || !strings.Contains(err.Error(), text) {
		t.Errorf("got %v, want %v, reason %s and %q after %d attempts", err, kind, reason, text, attempts)
	}
}

// TestProxyRefuses: a wrong password goes to the proxy once, whether the client's own transport or another is used, and for
// tokens and pages alike.
func TestProxyRefuses(t *testing.T) {
	for _, tt := range []struct {
		status   int
		attempts int
		text     string
	}{
		{407, 1, "the proxy refused its credentials (status 407)"},
		{403, 1, ""},
		{503, 4, ""},
	} {
		var connects atomic.Int32
		proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			connects.Add(1)
			w.WriteHeader(tt.status)
		}))
		defer proxy.Close()
		address, _ := url.Parse("http://user:canary@" + strings.TrimPrefix(proxy.URL, "http://"))
		for name, credentials := range map[string]d365backup.Option{
			"pages":  d365backup.WithTokenSource(canaryToken{}),
			"tokens": d365backup.WithClientSecret("app", canarySecret),
		} {
			connects.Store(0)
			client, err := d365backup.New(d365backup.WithDataCenter("us"), credentials, quick,
				d365backup.WithHTTPClient(&http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(address)}}))
			if err != nil {
				t.Fatal(err)
			}
			_, err = client.Page(t.Context(), valid, 1)
			if tt.status == 407 { // of others net/http tells no more than a text
				expectFailure(t, err, d365backup.ErrNetwork, "proxy-refused", tt.attempts, tt.text)
				if connects.Load() != 1 {
					t.Errorf("%s: %d requests to the proxy, want 1", name, connects.Load())
				}
			}
		}
		connects.Store(0)
		out := runChild(t, "HTTPS_PROXY="+address.String())
		if int(connects.Load()) != tt.attempts || !strings.Contains(out, tt.text) || !strings.Contains(out, "proxy") {
			t.Errorf("status %d: %d requests to the proxy, want %d: %s", tt.status, connects.Load(), tt.attempts, out)
		}
	}
}

// runChild runs TestChild in a process of its own: net/http reads the environment once. It returns what it prints.
func runChild(t *testing.T, env ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChild$", "-test.v")
	cmd.Env = append(os.Environ(), append(env, "D365BACKUP_TEST_CHILD=1")...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

// TestChild asks a data center through the proxy of the environment, in a process that another test starts.
func TestChild(t *testing.T) {
	if os.Getenv("D365BACKUP_TEST_CHILD") == "" {
		t.Skip("run by other tests")
	}
	client, err := d365backup.New(d365backup.WithDataCenter("us"), d365backup.WithClientSecret("app", canarySecret), quick)
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.Page(t.Context(), valid, 1)
	t.Log(err)
}

// TestProxySetting: net/http ignores a malformed address of a proxy and connects directly, so New refuses it, without
// showing the password.
func TestProxySetting(t *testing.T) {
	for address, good := range map[string]bool{
		"":                                     true,
		"proxy.example:8080":                   true,
		"http://proxy.example":                 true,
		"http://user:p%40ss@127.0.0.1:3128/":   true,
		"https://proxy.example:443":            true,
		"socks5://[::1]:1080":                  true,
		"[::1]:3128":                           true,
		"user:p@ss@proxy.example":              true, // net/url takes the last @
		"http://user:canary%zz@127.0.0.1:3128": false,
		"http://user:canary#s@127.0.0.1:3128":  false,
		"http://user:1#canary@127.0.0.1:3128":  false,
		"http://user:1/canary@127.0.0.1:3128":  false,
		"http://user:1?canary@127.0.0.1:3128":  false,
		"http://user:canary s@127.0.0.1:3128":  false,
		"ftp://canary.example":                 false,
		"http://":                              false,
		"http:/canary.example":                 false,
		" http://canary.example":               false,
		"::canary":                             false,
	} {
		t.Setenv("HTTPS_PROXY", address)
		options := []d365backup.Option{d365backup.WithDataCenter("us"), d365backup.WithClientSecret("app", "secret")}
		_, err := d365backup.New(options...)
		if (err == nil) != good {
			t.Errorf("%q: got %v", address, err)
		}
		if err != nil && (!errors.Is(err, d365backup.ErrConfig) || strings.Contains(err.Error(), "canary") ||
			!strings.Contains(err.Error(), "HTTPS_PROXY") || !strings.Contains(err.Error(), "# as %23")) {
			t.Errorf("%q: got %v", address, err)
		}
		// Neither a transport of the caller's nor loopback uses the variable.
		if _, err := d365backup.New(append(options, d365backup.WithHTTPClient(&http.Client{Transport: &http.Transport{}}))...); err != nil {
			t.Errorf("another transport, %q: got %v", address, err)
		}
		if _, err := d365backup.New(d365backup.WithBaseURL("http://127.0.0.1"), d365backup.WithLoopbackHTTP(),
			d365backup.WithTokenSource(canaryToken{})); err != nil {
			t.Errorf("loopback, %q: got %v", address, err)
		}
	}
}

// TestTLSCauses: what is wrong with a server's TLS is named, and not tried again.
func TestTLSCauses(t *testing.T) {
	valid90Days := func(c *x509.Certificate) { c.NotAfter = time.Now().Add(90 * 24 * time.Hour) }
	loopback := func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)} }
	tests := []struct {
		name, reason, text string
		version            uint16
		damage             func(der []byte)
		change             []func(*x509.Certificate)
	}{
		{name: "good", change: []func(*x509.Certificate){loopback}},
		{name: "TLS 1.1", reason: "tls-version", text: "neither TLS 1.2 nor TLS 1.3", version: tls.VersionTLS11, change: []func(*x509.Certificate){loopback}},
		{
			name: "only a common name", reason: "tls-defective", text: "no subject alternative names",
			change: []func(*x509.Certificate){func(c *x509.Certificate) { c.Subject = pkix.Name{CommonName: "127.0.0.1"} }},
		},
		{
			name: "negative serial", reason: "tls-defective", text: "negative serial number",
			change: []func(*x509.Certificate){loopback, func(c *x509.Certificate) { c.SerialNumber = big.NewInt(0x7a7b7c7d) }},
			damage: func(der []byte) { der[bytes.Index(der, []byte{2, 4, 0x7a, 0x7b, 0x7c, 0x7d})+2] = 0xfa },
		},
		{
			name: "another host", reason: "tls-wrong-host", text: "another host",
			change: []func(*x509.Certificate){func(c *x509.Certificate) { c.DNSNames = []string{"other.example"} }},
		},
		{
			name: "expired", reason: "tls-expired", text: "has expired",
			change: []func(*x509.Certificate){loopback, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }},
		},
		{
			name: "not yet valid", reason: "tls-not-yet-valid", text: "not yet valid",
			change: []func(*x509.Certificate){loopback, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour) }},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			roots := x509.NewCertPool()
			handshakes, address := serveTLS(t, tt.version, roots, tt.damage, append([]func(*x509.Certificate){valid90Days}, tt.change...)...)
			transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
			defer transport.CloseIdleConnections()
			for _, credentials := range []d365backup.Option{
				d365backup.WithTokenSource(canaryToken{}), d365backup.WithClientSecret("app", canarySecret),
			} {
				handshakes.Store(0)
				client, err := d365backup.New(d365backup.WithBaseURL(address), d365backup.WithTokenURL(address), credentials, quick,
					d365backup.WithHTTPClient(&http.Client{Transport: transport}))
				if err != nil {
					t.Fatal(err)
				}
				_, err = client.Page(t.Context(), valid, 1)
				if tt.reason == "" {
					if errors.Is(err, d365backup.ErrNetwork) {
						t.Error(err)
					}
					continue
				}
				expectFailure(t, err, d365backup.ErrNetwork, tt.reason, 1, tt.text)
				if handshakes.Load() != 1 {
					t.Errorf("%d connections, want 1", handshakes.Load())
				}
			}
		})
	}
}

// serveTLS serves with a certificate of its own, which the roots trust. It counts connections.
func serveTLS(t *testing.T, version uint16, roots *x509.CertPool, damage func([]byte), change ...func(*x509.Certificate)) (*atomic.Int32, string) {
	t.Helper()
	key := authtest.Key()
	certificate := authtest.Issue(t, key, append([]func(*x509.Certificate){func(c *x509.Certificate) {
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}}, change...)...)
	roots.AddCert(certificate)
	raw := bytes.Clone(certificate.Raw)
	if damage != nil {
		damage(raw)
	}
	connections := new(atomic.Int32)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{
		Handler: http.NotFoundHandler(), ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: time.Minute,
		ConnState: func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				connections.Add(1)
			}
		},
		TLSConfig: &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: version, Certificates: []tls.Certificate{
			{Certificate: [][]byte{raw}, PrivateKey: onlySigns{key}},
		}},
	}
	go func() { _ = server.ServeTLS(listener, "", "") }()
	t.Cleanup(func() { _ = server.Close() })
	return connections, "https://" + listener.Addr().String()
}

// onlySigns hides what else a key can do, so that crypto/tls does not look into a damaged certificate.
type onlySigns struct{ crypto.Signer }

func (s onlySigns) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return s.Signer.Sign(rand.Reader, digest, opts)
}

// TestSignIn: 511 is the network's, for a page and for a token.
func TestSignIn(t *testing.T) {
	for name, s := range map[string]*service{
		"page": {jobs: answer(511, "text/html", "<html>sign in</html>")}, "token": {tokens: answer(511, "text/html", "<html>sign in</html>")},
	} {
		_, err := s.start(t, quick).Page(t.Context(), valid, 1)
		expectFailure(t, err, d365backup.ErrNetwork, "login-page", 1, "sign in")
		if errors.Is(err, d365backup.ErrServer) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestStalledRefusal: a refusal of the token is one, whether its body comes or not.
func TestStalledRefusal(t *testing.T) {
	for name, credentials := range map[string]d365backup.Option{
		"own source":     d365backup.WithClientSecret("app", canarySecret),
		"another source": d365backup.WithTokenSource(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "token"})),
	} {
		for _, timeout := range []time.Duration{time.Second, time.Minute} {
			synctest.Test(t, func(t *testing.T) {
				s := &service{jobs: stall}
				client, err := d365backup.New(d365backup.WithBaseURL("http://127.0.0.1"), d365backup.WithTokenURL("http://127.0.0.1/connect/token"),
					d365backup.WithLoopbackHTTP(), credentials, d365backup.WithRetry(d365backup.RetryPolicy{AttemptTimeout: timeout}),
					d365backup.WithHTTPClient(&http.Client{Transport: pipe(t, s)}))
				if err != nil {
					t.Fatal(err)
				}
				_, err = client.Page(t.Context(), valid, 1)
				if !errors.Is(err, d365backup.ErrAuth) {
					t.Errorf("%s, %s: got %v, want ErrAuth", name, timeout, err)
				}
			})
		}
	}
}

// TestStalledRefusalOfOldToken: the body of a refusal is not worth waiting for; a fresh token is tried soon.
func TestStalledRefusalOfOldToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{}
		s.jobs = func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") == "Bearer canary-token-1" {
				stall(w, r)
				return
			}
			answer(200, "application/json", emptyPage)(w, r)
		}
		started := time.Now()
		_, err := s.client(t, "http://127.0.0.1", pipe(t, s), once).Page(t.Context(), valid, 1)
		if took := time.Since(started); err != nil || took > 5*time.Second {
			t.Errorf("got %v after %s", err, took)
		}
	})
}

// stall refuses a token and never ends the body that says so.
func stall(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(401)
	_, _ = io.WriteString(w, "{")
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

// TestTokenConnectionsCloseAfterUse: net/http logs what follows a response on an idle connection, and a careless token
// endpoint follows with an echo of the secret.
func TestTokenConnectionsCloseAfterUse(t *testing.T) {
	for _, transport := range []http.RoundTripper{new(http.Transport), struct{ http.RoundTripper }{new(http.Transport)}} {
		usedForToken := make(map[string]bool) // of the client's addresses
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if usedForToken[r.RemoteAddr] {
				t.Errorf("%s came on a connection that had been used for a token", r.URL.Path)
			}
			if r.URL.Path == "/connect/token" {
				usedForToken[r.RemoteAddr] = true
			}
			(&service{}).ServeHTTP(w, r)
		}))
		for range 3 {
			if _, err := (&service{}).client(t, server.URL, transport).Page(t.Context(), valid, 1); err != nil {
				t.Fatal(err)
			}
		}
		server.Close()
		if len(usedForToken) != 3 {
			t.Errorf("%d connections for tokens, want 3", len(usedForToken))
		}
	}
}

// TestLargeToken: a token that no server takes is refused before it is sent.
func TestLargeToken(t *testing.T) {
	large := strings.Repeat("x", 16<<10+1)
	for name, tt := range map[string]struct {
		token string
		kind  error
	}{"16 KiB": {large[1:], nil}, "more": {large, d365backup.ErrAuth}, "300 KB": {strings.Repeat("x", 300_000), d365backup.ErrAuth}} {
		s := &service{tokens: func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"access_token":"`+tt.token+`"}`)
		}}
		if _, err := s.start(t, once).Page(t.Context(), valid, 1); !errors.Is(err, tt.kind) {
			t.Errorf("%s: got %v, want %v", name, err, tt.kind)
		}
		source := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: tt.token})
		if _, err := serve(t, s.ServeHTTP, d365backup.WithTokenSource(source), once).Page(t.Context(), valid, 1); !errors.Is(err, tt.kind) {
			t.Errorf("%s, another source: got %v, want %v", name, err, tt.kind)
		}
	}
}

// TestByteOrderMark: Windows tools put one before JSON, in responses of any status.
func TestByteOrderMark(t *testing.T) {
	const mark = "\ufeff"
	s := &service{
		tokens: answer(200, "application/json", mark+`{"access_token":"tok-0123456789","token_type":"Bearer","expires_in":3600}`),
		jobs: func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(400)
			_, _ = io.WriteString(w, mark+`{"message":"pageSize too large","requestId":"r-99"}`)
		},
	}
	_, err := s.start(t, once).Page(t.Context(), valid, 1)
	expectFailure(t, err, d365backup.ErrBadRequest, "request-refused", 1, `the service says "pageSize too large"`)
	if e, ok := errors.AsType[*d365backup.Error](err); !ok || e.RequestID != "r-99" || e.ServiceMessage != "pageSize too large" {
		t.Errorf("got %#v", err)
	}
	s = &service{tokens: answer(400, "application/json", mark+`{"error":"invalid_scope"}`)}
	_, err = s.start(t, once).Page(t.Context(), valid, 1)
	expectFailure(t, err, d365backup.ErrAuth, "scope", 1, "invalid_scope")
}

// TestUnregisteredCertificate: it is named, with its thumbprint, whichever of two codes the endpoint uses.
func TestUnregisteredCertificate(t *testing.T) {
	key := authtest.Key()
	certificate, err := d365backup.ParseCertificate(authtest.PEM(t, key, authtest.Issue(t, key)), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range []string{"invalid_client", "invalid_request"} {
		server := httptest.NewServer(&service{tokens: answer(400, "application/json", `{"error":"`+code+`"}`)})
		client, err := d365backup.New(d365backup.WithBaseURL(server.URL), d365backup.WithTokenURL(server.URL+"/connect/token"),
			d365backup.WithLoopbackHTTP(), d365backup.WithCertificate("app", certificate), once)
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.Page(t.Context(), valid, 1)
		expectFailure(t, err, d365backup.ErrAuth, "certificate-not-registered", 1, certificate.Thumbprint())
		server.Close()
	}
}

// TestUserAgent: every request names this package, and the caller's product before it.
func TestUserAgent(t *testing.T) {
	for product, want := range map[string]string{"": "d365backup/devel", "monitor/1.4 (night)": "monitor/1.4 (night) d365backup/devel"} {
		var agents []string
		note := func(next http.HandlerFunc) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) { agents = append(agents, r.UserAgent()); next(w, r) }
		}
		s := &service{
			tokens: note(answer(200, "application/json", `{"access_token":"token"}`)),
			jobs:   note(answer(200, "application/json", emptyPage)),
		}
		if _, err := s.start(t, d365backup.WithUserAgent(product)).Page(t.Context(), valid, 1); err != nil {
			t.Fatal(err)
		}
		if len(agents) != 2 || agents[0] != want || agents[1] != want {
			t.Errorf("%q: got %q, want %q", product, agents, want)
		}
	}
	for _, product := range []string{"a\r\nX-Injected: 1", "é", strings.Repeat("x", 257)} {
		_, err := d365backup.New(d365backup.WithDataCenter("us"), d365backup.WithTokenSource(canaryToken{}), d365backup.WithUserAgent(product))
		if !errors.Is(err, d365backup.ErrConfig) || !strings.Contains(err.Error(), "WithUserAgent") {
			t.Errorf("%q: got %v", product, err)
		}
	}
}

// TestRequestIDs: of the headers that may name a request the first that looks like an id counts, in errors and in the log.
func TestRequestIDs(t *testing.T) {
	const token = "tok+0123456789abcdef/xyz"
	long := strings.Repeat("a", 128)
	for _, tt := range []struct {
		name   string
		header http.Header
		want   string
	}{
		{"the documented header first", http.Header{"X-Request-Id": {"x"}, "Request-Id": {"r"}, "Traceparent": {"t"}}, "r"},
		{"x-request-id", http.Header{"X-Request-Id": {"x:1.2_3-4"}, "Traceparent": {"t"}}, "x:1.2_3-4"},
		{"traceparent", http.Header{"Traceparent": {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}}, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
		{"none", http.Header{"X-Correlation-Id": {"c"}}, ""},
		{"the next if one does not look like an id", http.Header{"Request-Id": {"two words"}, "X-Request-Id": {"x"}}, "x"},
		{"128 characters", http.Header{"Request-Id": {long}}, long},
		{"129 characters", http.Header{"Request-Id": {long + "a"}}, ""},
		{"the token", http.Header{"Request-Id": {token}}, ""},
		{"eight characters of the token", http.Header{"Request-Id": {"id-01234567-id"}}, ""},
		{"seven characters of the token", http.Header{"Request-Id": {"id-0123456-id"}}, "id-0123456-id"},
		{"the token, escaped", http.Header{"Request-Id": {url.QueryEscape(token)}}, ""},
		{"a part of the secret", http.Header{"Request-Id": {"id-" + canarySecret[:8]}}, ""},
	} {
		var logged bytes.Buffer
		s := &service{
			tokens: answer(200, "application/json", `{"access_token":"`+token+`"}`),
			jobs: func(w http.ResponseWriter, _ *http.Request) {
				maps.Copy(w.Header(), tt.header)
				w.WriteHeader(400)
			},
		}
		_, err := s.start(t, once, d365backup.WithLogger(slogTo(&logged))).Page(t.Context(), valid, 1)
		if e, ok := errors.AsType[*d365backup.Error](err); !ok || e.RequestID != tt.want {
			t.Errorf("%s: got %v, want the request id %q", tt.name, err, tt.want)
		}
		if want := `"request_id":"` + tt.want + `"`; !strings.Contains(logged.String(), want) {
			t.Errorf("%s: %s is not in %s", tt.name, want, logged.String())
		}
	}
}

// TestRequestIDOfABody: what a body calls its id is held to the same rule.
func TestRequestIDOfABody(t *testing.T) {
	for id, want := range map[string]string{"r-1": "r-1", "not an id": "", "id-" + canarySecret[:8]: ""} {
		for _, status := range []int{200, 400} {
			s := &service{jobs: func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(status)
				_, _ = io.WriteString(w, `{"statusCode":400,"message":"no","requestId":"`+id+`"}`)
			}}
			_, err := s.start(t, once).Page(t.Context(), valid, 1)
			if e, ok := errors.AsType[*d365backup.Error](err); !ok || e.RequestID != want {
				t.Errorf("%q, status %d: got %v, want the id %q", id, status, err, want)
			}
		}
	}
}

// TestFacts: the command shows an error without advice in Go terms.
func TestFacts(t *testing.T) {
	client := serve(t, answer(429, "", ""), once)
	_, err := client.Page(context.Background(), valid, 1)
	e, ok := errors.AsType[*d365backup.Error](err)
	if !ok || strings.Contains(e.Facts(), "With") || !strings.Contains(e.Error(), "WithPrefetch") || !strings.Contains(e.Error(), e.Facts()) {
		t.Errorf("facts %q of %q", e.Facts(), e.Error())
	}
}
