package d365backup_test

import (
	"context"
	"errors"
	"io"
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

// quick makes four attempts without waiting.
var quick = d365backup.WithRetry(d365backup.RetryPolicy{BaseDelay: 1})

// expectFailure checks the error of a call.
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
			if tt.status == 407 { // for others net/http returns only a text
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

// runChild runs TestPageInChildProcess in a separate process, since net/http reads the environment once, and returns its output.
func runChild(t *testing.T, env ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestPageInChildProcess$", "-test.v")
	cmd.Env = append(os.Environ(), append(env, "D365BACKUP_TEST_CHILD=1")...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

// TestPageInChildProcess requests a page through the proxy of the environment, in a process that another test starts.
func TestPageInChildProcess(t *testing.T) {
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
		// A transport of the caller and loopback do not use the variable.
		if _, err := d365backup.New(append(options, d365backup.WithHTTPClient(&http.Client{Transport: &http.Transport{}}))...); err != nil {
			t.Errorf("another transport, %q: got %v", address, err)
		}
		if _, err := d365backup.New(d365backup.WithBaseURL("http://127.0.0.1"), d365backup.WithLoopbackHTTP(),
			d365backup.WithTokenSource(canaryToken{})); err != nil {
			t.Errorf("loopback, %q: got %v", address, err)
		}
	}
}

// TestSignIn: a response with status 511 is from the network, for a page and for a token.
func TestSignIn(t *testing.T) {
	for name, s := range map[string]*service{
		"page": {jobs: respond(511, "text/html", "<html>sign in</html>")}, "token": {tokens: respond(511, "text/html", "<html>sign in</html>")},
	} {
		_, err := s.start(t, quick).Page(t.Context(), valid, 1)
		expectFailure(t, err, d365backup.ErrNetwork, "login-page", 1, "sign in")
		if errors.Is(err, d365backup.ErrServer) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestStalledRejection: a rejection of the token counts even if its body does not arrive.
func TestStalledRejection(t *testing.T) {
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

// TestStalledRejectionOfOldToken: a new token is tried without waiting for the body of the rejection.
func TestStalledRejectionOfOldToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{}
		s.jobs = func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") == "Bearer canary-token-1" {
				stall(w, r)
				return
			}
			respond(200, "application/json", emptyPage)(w, r)
		}
		started := time.Now()
		_, err := s.client(t, "http://127.0.0.1", pipe(t, s), once).Page(t.Context(), valid, 1)
		if took := time.Since(started); err != nil || took > 5*time.Second {
			t.Errorf("got %v after %s", err, took)
		}
	})
}

// stall rejects a token with a body that never ends.
func stall(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(401)
	_, _ = io.WriteString(w, "{")
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

// TestTokenConnectionsCloseAfterUse: net/http logs what follows a response on an idle connection, which may repeat the secret.
func TestTokenConnectionsCloseAfterUse(t *testing.T) {
	for _, transport := range []http.RoundTripper{new(http.Transport), struct{ http.RoundTripper }{new(http.Transport)}} {
		usedForToken := make(map[string]bool) // by address of the client
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

// TestLargeToken: a token that no server accepts is refused before it is sent.
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

// TestByteOrderMark: a byte order mark before JSON, as Windows tools write it, is ignored in responses of any status.
func TestByteOrderMark(t *testing.T) {
	const mark = "\ufeff"
	s := &service{
		tokens: respond(200, "application/json", mark+`{"access_token":"tok-0123456789","token_type":"Bearer","expires_in":3600}`),
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
	s = &service{tokens: respond(400, "application/json", mark+`{"error":"invalid_scope"}`)}
	_, err = s.start(t, once).Page(t.Context(), valid, 1)
	expectFailure(t, err, d365backup.ErrAuth, "scope", 1, "invalid_scope")
}

// TestUnregisteredCertificate: the error names it with its thumbprint, for either code of the endpoint.
func TestUnregisteredCertificate(t *testing.T) {
	key := authtest.Key()
	certificate, err := d365backup.ParseCertificate(authtest.PEM(t, key, authtest.Issue(t, key)), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range []string{"invalid_client", "invalid_request"} {
		server := httptest.NewServer(&service{tokens: respond(400, "application/json", `{"error":"`+code+`"}`)})
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

// TestUserAgent: every request names the caller's product, then this package.
func TestUserAgent(t *testing.T) {
	for product, want := range map[string]string{"": "d365backup/devel", "monitor/1.4 (night)": "monitor/1.4 (night) d365backup/devel"} {
		var agents []string
		note := func(next http.HandlerFunc) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) { agents = append(agents, r.UserAgent()); next(w, r) }
		}
		s := &service{
			tokens: note(respond(200, "application/json", `{"access_token":"token"}`)),
			jobs:   note(respond(200, "application/json", emptyPage)),
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

// TestFactsOmitAdvice: the command shows an error without advice in Go terms.
func TestFactsOmitAdvice(t *testing.T) {
	client := serve(t, respond(429, "", ""), once)
	_, err := client.Page(context.Background(), valid, 1)
	e, ok := errors.AsType[*d365backup.Error](err)
	if !ok || strings.Contains(e.Facts(), "With") || !strings.Contains(e.Error(), "WithPrefetch") || !strings.Contains(e.Error(), e.Facts()) {
		t.Errorf("facts %q of %q", e.Facts(), e.Error())
	}
}
