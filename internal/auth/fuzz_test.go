package auth_test

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/d365backup/d365backup/internal/httpfail"
)

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// FuzzTokenResponse responds to a token request with any bytes that include the request's body. The result is a token
// that fits into a header, for a day at most, or an error that quotes nothing of the response.
func FuzzTokenResponse(f *testing.F) {
	f.Add(200, "", "request-1", `{"access_token":"granted","expires_in":3600,"token_type":"Bearer"}`, uint16(0))
	f.Add(200, "", "", `{"access_token":"granted","expires_in":"1e400","scope":"dynamics.readwrite.all other"}`, uint16(17))
	f.Add(400, "", "", `{"error":"invalid_scope","error_description":""}`, uint16(46))
	f.Add(429, "120", "0f8fad5b", `<html>`, uint16(6))
	f.Add(503, "Wed, 31 Dec 9999 23:59:59 GMT", "", "", uint16(0))
	f.Add(302, "-1", "a b", `{"access_token":"a\r\nb"}`, uint16(3))
	f.Fuzz(func(t *testing.T, status int, retryAfter, requestID, body string, at uint16) {
		status = 200 + int(uint(status-200)%400)
		transport := roundTripper(func(r *http.Request) (*http.Response, error) {
			sent, err := io.ReadAll(r.Body)
			if err != nil || !strings.Contains(string(sent), url.QueryEscape(secret)) {
				t.Errorf("sent %q, %v", sent, err)
			}
			cut := min(int(at), len(body))
			return &http.Response{
				StatusCode: status,
				Header:     http.Header{"Content-Type": {"application/json"}, "Retry-After": {retryAfter}, "X-Request-Id": {requestID}},
				Body:       io.NopCloser(strings.NewReader(body[:cut] + string(sent) + body[cut:])),
			}, nil
		})
		source := (&endpoint{URL: "https://identity.example/token"}).source(t, func(c *config) { c.Transport = transport })
		requested := time.Now()
		granted, err := source.Token(t.Context())
		if err == nil {
			if status > 299 || granted.AccessToken == "" || strings.ContainsFunc(granted.AccessToken, func(r rune) bool { return r <= ' ' || r > '~' }) {
				t.Errorf("status %d, %q: took %q", status, body, granted.AccessToken)
			}
			if lifetime := granted.Expiry.Sub(requested); lifetime < 0 || lifetime > 24*time.Hour+time.Minute {
				t.Errorf("%q: taken for %v", body, lifetime)
			}
			return
		}
		failure, ok := errors.AsType[*httpfail.Failure](err)
		if !ok || failure.Reason == "" || failure.RetryAfter < 0 || failure.Status != status {
			t.Errorf("got %#v", err)
		}
		text := err.Error()
		if strings.Contains(text, secret) || len(text) > 1<<10 || strings.ContainsFunc(text, unicode.IsControl) {
			t.Errorf("not a short line without the secret: %q", text)
		}
	})
}
