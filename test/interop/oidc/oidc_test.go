//go:build interop

package oidc_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/d365backup/d365backup/internal/auth"
	"github.com/d365backup/d365backup/internal/auth/authtest"
	"github.com/d365backup/d365backup/internal/httpfail"
	"github.com/d365backup/d365backup/test/interop/oidc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	scope    = "Dynamics.ReadWrite.All"
	lifetime = time.Minute
)

var bySecret = oidc.Client{ID: "by-secret", Secret: `a secret & more: +%/"`, AuthMethod: "client_secret_post", Scope: scope}

// recorder keeps the bodies that were sent.
type recorder struct {
	http.Transport
	mu     sync.Mutex
	bodies []string
}

func (r *recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	r.bodies = append(r.bodies, string(body))
	r.mu.Unlock()
	request = request.Clone(request.Context())
	request.Body = io.NopCloser(bytes.NewReader(body))
	return r.Transport.RoundTrip(request)
}

// newCertificate returns a certificate and an app registered with it.
func newCertificate(t *testing.T) (auth.Certificate, oidc.Client) {
	t.Helper()
	key := authtest.Key()
	certificate, err := auth.ParseCertificate(authtest.PEM(t, key, authtest.Issue(t, key)), "", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return certificate, oidc.Client{
		ID:         "by-certificate",
		AuthMethod: "private_key_jwt",
		Scope:      scope,
		Keys: &oidc.KeySet{Keys: []map[string]string{{
			"kty": "RSA", "use": "sig", "alg": "RS256", "kid": certificate.Thumbprint,
			"n": base64.RawURLEncoding.EncodeToString(key.N.Bytes()),
			"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes()),
		}}},
	}
}

// config is what a source is made of.
type config struct {
	auth.Endpoint
	Credential auth.Credential
}

func newSource(t *testing.T, server *oidc.Server, change func(*config)) (auth.Tokens, *recorder) {
	t.Helper()
	recorder := &recorder{}
	t.Cleanup(recorder.CloseIdleConnections)
	target, err := url.Parse(server.TokenURL)
	if err != nil {
		t.Fatal(err)
	}
	c := config{auth.Endpoint{URL: target, Scope: scope, Transport: recorder}, auth.NewClientSecret(bySecret.ID, bySecret.Secret)}
	change(&c)
	source, err := c.Credential.Tokens(c.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	return source, recorder
}

func TestTokensOfARealServer(t *testing.T) {
	certificate, byCertificate := newCertificate(t)
	server := oidc.Start(t, oidc.Config{
		Clients:  []oidc.Client{bySecret, byCertificate},
		Scopes:   []string{scope, strings.ToLower(scope)},
		Lifetime: int(lifetime.Seconds()),
	})
	useCertificate := func(c *config) {
		c.Credential = auth.ClientCertificate{ClientID: byCertificate.ID, Certificate: certificate}
	}

	t.Run("by secret", func(t *testing.T) {
		source, _ := newSource(t, server, func(*config) {})
		first, second := takeTwo(t, source)
		if first == second {
			t.Error("the server gave one token twice")
		}
		if !server.Active(t, bySecret, second) {
			t.Error("the server does not know its token")
		}
		server.Revoke(t, bySecret, second)
		if server.Active(t, bySecret, second) {
			t.Error("the token outlives its revocation")
		}
	})

	t.Run("by certificate", func(t *testing.T) {
		source, sent := newSource(t, server, useCertificate)
		takeTwo(t, source) // with an assertion for each, or the second were refused
		response, err := sent.Transport.RoundTrip(newPost(t, server.TokenURL, sent.bodies[0]))
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		var refusal struct {
			Error string `json:"error"`
		}
		if err := json.NewDecoder(response.Body).Decode(&refusal); err != nil || refusal.Error != "invalid_client" {
			t.Errorf("an assertion sent again: status %d, error %q (%v); want invalid_client", response.StatusCode, refusal.Error, err)
		}
	})

	for _, test := range []struct {
		name   string
		change func(*config)
		code   string
		want   string
	}{
		{"wrong secret", func(c *config) { c.Credential = auth.NewClientSecret(bySecret.ID, "wrong") }, "invalid_client", "the client id"},
		{"unknown client", func(c *config) { c.Credential = auth.NewClientSecret("unknown", bySecret.Secret) }, "invalid_client", "the client id"},
		{"wrong credential", func(c *config) {
			c.Credential = auth.ClientCertificate{ClientID: bySecret.ID, Certificate: certificate}
		}, "invalid_client", certificate.Thumbprint},
		{"other spelling of the scope", func(c *config) { c.Scope = strings.ToLower(scope) }, "invalid_scope", scope},
	} {
		t.Run(test.name, func(t *testing.T) {
			source, sent := newSource(t, server, test.change)
			got, err := source.Token(t.Context())
			failure, ok := errors.AsType[*httpfail.Failure](err)
			if !ok {
				t.Fatalf("Token = %v, %v; want an *Error", got, err)
			}
			if !strings.HasSuffix(failure.Text, "("+test.code+")") || failure.Retry || !strings.Contains(failure.Text, test.want) {
				t.Errorf("error %#v; want %s and %q", *failure, test.code, test.want)
			}
			if len(sent.bodies) != 1 {
				t.Errorf("%d requests, want 1", len(sent.bodies))
			}
		})
	}
}

// takeTwo takes a token, drops it and takes another.
func takeTwo(t *testing.T, source auth.Tokens) (first, second string) {
	t.Helper()
	var tokens []string
	for range 2 {
		before := time.Now()
		granted, err := source.Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if left := granted.Expiry.Sub(before); left < lifetime || left > 2*lifetime {
			t.Errorf("the token expires in %v, want %v", left, lifetime)
		}
		tokens = append(tokens, granted.AccessToken)
		source.Invalidate(granted)
	}
	return tokens[0], tokens[1]
}

func newPost(t *testing.T, target, body string) *http.Request {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return request
}
