// Package auth gets access tokens with a client secret, with a certificate (OAuth 2.0 client credentials, RFC 6749
// section 4.4, and RFC 7523) or from the caller's own source, and reads certificates with their keys from PFX
// and PEM. It does not retry, except once with a new token after the service has rejected one.
package auth

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/oauth2"

	"github.com/d365backup/d365backup/internal/httpfail"
)

// Credential is what a client has to get tokens: a ClientSecret, a ClientCertificate or a TokenSource.
type Credential interface {
	// Tokens returns the tokens that the endpoint grants for the credential. It sends nothing. It fails if
	// the credential is incomplete.
	Tokens(Endpoint) (Tokens, error)
}

// Tokens provides access tokens. It is safe for concurrent use.
type Tokens interface {
	// Token returns a token that is valid now, which the caller must not change. The error is that of ctx
	// as soon as ctx ends, and otherwise an *httpfail.Failure or a TokenSourceError.
	Token(ctx context.Context) (*oauth2.Token, error)
	// Invalidate drops a token that the service refused.
	Invalidate(token *oauth2.Token)
	// Secret returns the client secret in use, which must not be quoted; empty if there is none.
	Secret() string
}

// Endpoint is a token endpoint and what a request to it needs.
type Endpoint struct {
	// URL is absolute, with neither user nor fragment. The caller decides whether plain http is allowed.
	URL *url.URL
	// Scope is what the token must allow.
	Scope string
	// UserAgent is the header of that name.
	UserAgent string
	// Transport sends the requests, without an http.Client around it: redirects are not followed and
	// cookies not kept. It should close an HTTP/1.1 connection after one use: net/http logs what follows the response on
	// an idle one.
	Transport http.RoundTripper
	// Reload returns the credential as it is now, after the endpoint refused it or its certificate expired.
	// One goroutine at a time calls it. Nil means that credentials are never replaced.
	Reload func() (Credential, error)
}

// appCredential is a credential of an app, sent to the token endpoint.
type appCredential interface {
	Credential
	// check reports what is missing.
	check() error
	// form returns the form fields that authenticate one request.
	form(tokenURL string, now time.Time) (url.Values, error)
	// refused explains that the endpoint does not accept the credential.
	refused() (httpfail.Reason, string)
	// id identifies the credential; no two share one. It may contain the secret.
	id() string
}

// ClientSecret is the client id of an app and its secret. The secret goes into the body of token requests.
type ClientSecret struct {
	clientID string
	// A function, since printing or encoding a structure does not show what a function captures.
	secret func() string
}

// NewClientSecret returns the credential made of a client id and a secret.
func NewClientSecret(clientID, secret string) ClientSecret {
	return ClientSecret{clientID, func() string { return secret }}
}

// Tokens returns the tokens granted for the secret.
func (c ClientSecret) Tokens(e Endpoint) (Tokens, error) { return newSource(e, c) }

func (c ClientSecret) check() error {
	switch {
	case c.clientID == "":
		return errNoClientID
	case c.secret() == "":
		return errors.New("the client secret is empty")
	}
	return nil
}

func (c ClientSecret) form(string, time.Time) (url.Values, error) {
	return url.Values{"client_id": {c.clientID}, "client_secret": {c.secret()}}, nil
}

func (ClientSecret) refused() (httpfail.Reason, string) {
	return httpfail.SecretRefused, "the client id or the client secret is refused: the secret may be wrong or may have expired"
}

func (c ClientSecret) id() string { return c.clientID + "\x00" + c.secret() }

var errNoClientID = errors.New("the client ID is empty")
