package auth_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/d365backup/d365backup/internal/auth"
	"github.com/d365backup/d365backup/internal/httpfail"
)

var discardLog = log.New(io.Discard, "", 0)

func TestLifetimes(t *testing.T) {
	tests := []struct {
		field string // of the response
		want  time.Duration
	}{
		{``, 5 * time.Minute},
		{`, "expires_in": 0`, 5 * time.Minute},
		{`, "expires_in": "0"`, 5 * time.Minute},
		{`, "expires_in": null`, 5 * time.Minute},
		{`, "expires_in": ""`, 5 * time.Minute},
		{`, "expires_in": 3600`, time.Hour},
		{`, "expires_in": "3600"`, time.Hour},
		{`, "expires_in": 3600.0`, time.Hour},
		{`, "expires_in": "3600.0"`, time.Hour},
		{`, "expires_in": 3.6e3`, time.Hour},
		{`, "expires_in": 0.5`, 500 * time.Millisecond},
		{`, "expires_in": 3600, "ext_expires_in": 7200`, time.Hour},
		{`, "expires_in": 99999999999999999999`, 24 * time.Hour},
		{`, "expires_in": "Inf"`, 24 * time.Hour},
	}
	for _, test := range tests {
		t.Run(test.field, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				endpoint := newPipeEndpoint(t, slow(time.Second, respond(http.StatusOK, `{"access_token": "granted"`+test.field+`}`)))
				start := time.Now()
				granted, err := endpoint.source(t).Token(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				// The second for which the response was in flight counts.
				if got := granted.Expiry.Sub(start); got != test.want {
					t.Errorf("expires after %v, want %v", got, test.want)
				}
			})
		})
	}
}

func TestUsableResponses(t *testing.T) {
	tests := []struct{ name, body string }{
		{"nothing but a token", `{"access_token": "granted"}`},
		{"bearer in lower case", `{"access_token": "granted", "token_type": "bearer"}`},
		{"bearer in upper case", `{"access_token": "granted", "token_type": "BEARER"}`},
		{"no type", `{"access_token": "granted", "token_type": null}`},
		{"our scope", `{"access_token": "granted", "scope": "Dynamics.ReadWrite.All"}`},
		{"our scope, spelled as on the other page", `{"access_token": "granted", "scope": "dynamics.readwrite.all"}`},
		{"our scope among others", `{"access_token": "granted", "scope": "openid  Dynamics.ReadWrite.All offline"}`},
		{"an empty scope", `{"access_token": "granted", "scope": ""}`},
		{"no error", `{"access_token": "granted", "error": ""}`},
		{"1 MiB", `{"access_token": "granted"}` + strings.Repeat(" ", 1<<20-27)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			endpoint := newEndpoint(t, respond(http.StatusOK, test.body))
			granted, err := endpoint.source(t).Token(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if granted.AccessToken != "granted" || granted.Type() != "Bearer" {
				t.Errorf("got %q of type %q", granted.AccessToken, granted.Type())
			}
		})
	}
}

func TestUnusableResponses(t *testing.T) {
	tests := []struct {
		name, body string
		want       string
	}{
		{"HTML", `<!DOCTYPE html><html><body>Sign in</body></html>`, "not a token response"},
		{"nothing", ``, "not a token response"},
		{"null", `null`, "no access token"},
		{"a list", `[]`, "not a token response"},
		{"a form", `access_token=granted&token_type=Bearer`, "not a token response"},
		{"garbage after it", `{"access_token": "granted"} garbage`, "not a token response"},
		{"no token", `{"token_type": "Bearer", "expires_in": 3600}`, "no access token"},
		{"an empty token", `{"access_token": ""}`, "no access token"},
		{"a number instead of a token", `{"access_token": 7}`, "not a token response"},
		{"a token with a line break", `{"access_token": "granted\r\nX-Injected: 1"}`, "a header cannot hold"},
		{"a token with a space", `{"access_token": "granted twice"}`, "a header cannot hold"},
		{"a token beyond ASCII", `{"access_token": "gränted"}`, "a header cannot hold"},
		{"another scheme", `{"access_token": "granted", "token_type": "mac"}`, "another type than Bearer"},
		{"several schemes", `{"access_token": "granted", "token_type": "Bearer mac"}`, "another type than Bearer"},
		{"another scope", `{"access_token": "granted", "scope": "openid"}`, `"dynamics.readwrite.all"`},
		{"a longer scope", `{"access_token": "granted", "scope": "Dynamics.ReadWrite.All.Users"}`, "lacks the requested scope"},
		{"expired", `{"access_token": "granted", "expires_in": -1}`, "lifetime"},
		{"a lifetime in words", `{"access_token": "granted", "expires_in": "an hour"}`, "lifetime"},
		{"a lifetime that is not a number", `{"access_token": "granted", "expires_in": "NaN"}`, "lifetime"},
		{"true instead of a lifetime", `{"access_token": "granted", "expires_in": true}`, "lifetime"},
		{"an error with status 200", `{"error": "invalid_client"}`, "the client secret is refused"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			endpoint := newEndpoint(t, respond(http.StatusOK, test.body))
			failure := refused(t, endpoint.source(t))
			if failure.Retry || failure.Status != http.StatusOK || failure.Reason == "" {
				t.Errorf("error %#v", *failure)
			}
			if !strings.Contains(failure.Text, test.want) {
				t.Errorf("message %q lacks %q", failure.Text, test.want)
			}
			if got := endpoint.requests.Load(); got != 1 {
				t.Errorf("%d requests, want 1", got)
			}
		})
	}
}

// errorCode is an error code at the end of a message.
var errorCode = regexp.MustCompile(`\(([a-z_]+)\)$`)

// refusals are responses without a token.
var refusals = []struct {
	status    int
	body      string
	reason    httpfail.Reason
	code      string
	retryable bool
	want      string // in the message
}{
	{400, `{"error": "invalid_client"}`, httpfail.SecretRefused, "invalid_client", false, "may have expired"},
	{401, `{"error": "invalid_client"}`, httpfail.SecretRefused, "invalid_client", false, "the client secret is refused"},
	{503, `{"error": "invalid_client"}`, httpfail.SecretRefused, "invalid_client", false, "the client id"},
	{400, "\ufeff" + `{"error": "invalid_client"}`, httpfail.SecretRefused, "invalid_client", false, "the client id"},
	{400, `{"error": "invalid_grant"}`, httpfail.SecretRefused, "invalid_grant", false, "the client id"},
	{400, `{"error": "invalid_scope"}`, httpfail.Scope, "invalid_scope", false, `try the other spelling, "dynamics.readwrite.all"`},
	{400, `{"error": "unauthorized_client"}`, httpfail.AppNotAllowed, "unauthorized_client", false, "application access"},
	{400, `{"error": "unsupported_grant_type"}`, httpfail.TokenURL, "unsupported_grant_type", false, "client credentials"},
	{400, `{"error": "invalid_request"}`, httpfail.TokenURL, "invalid_request", false, "does not understand"},
	{403, `{"error": "access_denied"}`, httpfail.AppNotAllowed, "access_denied", false, "consent"},
	{500, `{"error": "server_error"}`, httpfail.Server, "server_error", true, "the server failed"},
	{400, `{"error": "temporarily_unavailable"}`, httpfail.Server, "temporarily_unavailable", true, "busy"},
	{400, `{"error": "` + secret + `"}`, httpfail.SecretRefused, "", false, "without a reason"},
	{400, `{"error": {"code": "invalid_client"}}`, httpfail.SecretRefused, "", false, "without a reason"},
	{401, `<html>`, httpfail.SecretRefused, "", false, "without a reason"},
	{404, `<html>`, httpfail.TokenURL, "", false, "no token endpoint"},
	{405, ``, httpfail.TokenURL, "", false, "no token endpoint"},
	{407, ``, httpfail.ProxyRefused, "", false, "the proxy refused its credentials"},
	{429, ``, httpfail.Throttled, "", true, "too many requests"},
	{500, `{}`, httpfail.Server, "", true, "failed"},
	{502, `<html>`, httpfail.Server, "", true, "failed"},
	{503, `{"access_token": "granted"}`, httpfail.Server, "", true, "failed"},
	{504, ``, httpfail.Server, "", true, "failed"},
	{408, ``, httpfail.Server, "", true, "failed"},
	{501, ``, httpfail.Server, "", false, "failed"},
	{511, `<html>`, httpfail.LoginPage, "", false, "sign in"},
}

func TestRefusals(t *testing.T) {
	for _, test := range refusals {
		t.Run(fmt.Sprintf("%d %s", test.status, test.body), func(t *testing.T) {
			endpoint := newEndpoint(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Request-Id", "4b1d:0001")
				w.Header().Set("Retry-After", "90")
				respond(test.status, test.body)(w, r)
			})
			failure := refused(t, endpoint.source(t))
			var wait time.Duration
			if test.retryable {
				wait = 90 * time.Second
			}
			target, err := url.Parse(endpoint.URL)
			if err != nil {
				t.Fatal(err)
			}
			want := &httpfail.Failure{
				Reason: test.reason, Text: failure.Text, Status: test.status,
				RequestID: "4b1d:0001", Host: target.Host, Token: true, RetryAfter: wait, Retry: test.retryable,
			}
			if diff := cmp.Diff(want, failure); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if !strings.Contains(failure.Text, test.want) {
				t.Errorf("message %q lacks %q", failure.Text, test.want)
			}
			if match := errorCode.FindStringSubmatch(failure.Text); test.code == "" && match != nil || test.code != "" && (match == nil || match[1] != test.code) {
				t.Errorf("message %q does not end with the code %q", failure.Text, test.code)
			}
			if got := endpoint.requests.Load(); got != 1 {
				t.Errorf("%d requests, want 1", got)
			}
		})
	}
}

func TestRetryAfterAsDate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := time.Now().Add(2 * time.Minute).UTC()
		for _, layout := range []string{http.TimeFormat, "Monday, 02-Jan-06 15:04:05 GMT", time.ANSIC} {
			endpoint := newPipeEndpoint(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Retry-After", at.Format(layout))
				w.WriteHeader(http.StatusServiceUnavailable)
			})
			if got := refused(t, endpoint.source(t)).RetryAfter; got != 2*time.Minute {
				t.Errorf("%s: wait of %v, want 2m", layout, got)
			}
		}
	})
}

func TestRefusedCertificateIsNamed(t *testing.T) {
	endpoint := newEndpoint(t, respond(http.StatusUnauthorized, `{"error": "invalid_client"}`))
	var thumbprint string
	failure := refused(t, endpoint.source(t, withCertificate(t), func(c *config) {
		thumbprint = c.Credential.(auth.ClientCertificate).Certificate.Thumbprint
	}))
	if !strings.Contains(failure.Text, thumbprint) {
		t.Errorf("message %q lacks the thumbprint", failure.Text)
	}
}

func TestOtherSpellingOfScope(t *testing.T) {
	for requested, want := range map[string]string{
		"Dynamics.ReadWrite.All": `the other spelling, "dynamics.readwrite.all"`,
		"dynamics.readwrite.all": `the other spelling, "Dynamics.ReadWrite.All"`,
		"custom.read":            `"custom.read" may be wrong`,
	} {
		endpoint := newEndpoint(t, respond(http.StatusBadRequest, `{"error": "invalid_scope"}`))
		failure := refused(t, endpoint.source(t, func(c *config) { c.Scope = requested }))
		if !strings.Contains(failure.Text, want) {
			t.Errorf("%s: message %q lacks %q", requested, failure.Text, want)
		}
	}
}

func TestBodyLimit(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"announced": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1099511627776")
		},
		"a byte too many": respond(http.StatusOK, `{"access_token": "granted"}`+strings.Repeat(" ", 1<<20-26)),
		"endless": func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			failure := refused(t, newEndpoint(t, handler).source(t))
			if failure.Reason != httpfail.TooLarge || failure.Retry || failure.Status != http.StatusOK {
				t.Errorf("error %#v", *failure)
			}
		})
	}
}

func TestTruncatedResponse(t *testing.T) {
	endpoint := newEndpoint(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		io.WriteString(w, `{"access_token": "granted"}`)
	})
	failure := refused(t, endpoint.source(t))
	if failure.Reason != httpfail.Truncated || !failure.Retry || failure.Status != http.StatusOK {
		t.Errorf("error %#v", *failure)
	}
	// If the end of the connection is the end of the response, only the JSON shows it.
	for _, body := range []string{`{`, `{"access_token": "gran`, `{"access_token": "granted", "expires_in": 36`} {
		failure := refused(t, newEndpoint(t, respond(http.StatusOK, body)).source(t))
		if failure.Reason != httpfail.Truncated || !failure.Retry || failure.Status != http.StatusOK {
			t.Errorf("%s: error %#v", body, *failure)
		}
	}
}

func TestNetworkErrors(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	old := httptest.NewUnstartedServer(http.NotFoundHandler())
	old.TLS = &tls.Config{MaxVersion: tls.VersionTLS11}
	old.Config.ErrorLog = discardLog
	old.StartTLS()
	t.Cleanup(old.Close)
	secure := func(url string) string { return strings.Replace(url, "http:", "https:", 1) }
	tests := []struct {
		name, url, want string
		reason          httpfail.Reason
		retryable       bool
	}{
		{"connection refused", "http://" + closed.Addr().String(), "connection refused", httpfail.Unreachable, true},
		{"no response", rawServer(t, ""), "closed before the end", httpfail.NoAnswer, true},
		{"not HTTP", rawServer(t, secret+"\r\n\r\n"), "no response", httpfail.NoAnswer, true},
		{"HTTP instead of TLS", secure(rawServer(t, "HTTP/1.1 400 Bad Request\r\n\r\n")), "does not speak TLS", httpfail.NotTLS, false},
		{"garbage instead of TLS", secure(rawServer(t, secret)), "does not speak TLS", httpfail.NotTLS, false},
		{"TLS 1.1 only", old.URL, "neither TLS 1.2 nor TLS 1.3", httpfail.Version, false},
		{"no such host", "https://d365backup.invalid", "does not exist", httpfail.UnknownHost, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				if strings.Contains(address, ".invalid") { // without querying the resolver of this machine
					return nil, &net.DNSError{Err: "no such host", IsNotFound: true}
				}
				return new(net.Dialer).DialContext(ctx, network, address)
			}}
			endpoint := &endpoint{URL: test.url, Transport: transport}
			failure := refused(t, endpoint.source(t))
			if failure.Reason != test.reason || failure.Retry != test.retryable || !strings.Contains(failure.Text, test.want) {
				t.Errorf("error %#v", *failure)
			}
			if strings.Contains(failure.Error(), secret) {
				t.Errorf("the error quotes the response: %v", failure)
			}
		})
	}
}

// rawServer responds to every request with text and closes the connection. It returns its URL.
func rawServer(t *testing.T, text string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			// Data left unread would turn the end of the connection into a reset.
			in := bufio.NewReader(conn)
			if hello, err := in.Peek(3); err == nil && hello[0] == 22 { // of TLS, followed by its length
				io.CopyN(io.Discard, in, 3)
				length := make([]byte, 2)
				io.ReadFull(in, length)
				io.CopyN(io.Discard, in, int64(length[0])<<8+int64(length[1]))
			} else if request, err := http.ReadRequest(in); err == nil {
				io.Copy(io.Discard, request.Body)
			}
			io.WriteString(conn, text)
			conn.Close()
		}
	}()
	return "http://" + listener.Addr().String()
}
