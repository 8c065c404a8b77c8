// Package token gets access tokens by client secret or certificate (OAuth 2.0 client credentials,
// RFC 6749 section 4.4) and keeps the last one. It attaches none to requests and does not retry.
package token

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"time"

	"golang.org/x/oauth2"

	"github.com/d365backup/d365backup/internal/credential"
	"github.com/d365backup/d365backup/internal/httpfail"
)

const (
	// fetchTimeout bounds one request for a token, whoever waits for it.
	fetchTimeout = 30 * time.Second
	// maxEarly is how long before its expiry a token is replaced at the latest; a fifth of its lifetime if
	// that is less. It happens at random between this and twice as early, so that the tokens of clients
	// created together do not come due together.
	maxEarly = 5 * time.Minute
)

// Config says where tokens come from. ClientSecret or Certificate is set, not both.
type Config struct {
	// TokenURL is an absolute http or https URL. Which of the two is allowed is for the caller to say.
	TokenURL string
	ClientID string
	// ClientSecret goes in the body of the request, never in a header.
	ClientSecret Secret
	// Certificate signs a new assertion for each request.
	Certificate *credential.Certificate
	// Scope is what the token shall allow.
	Scope string
	// UserAgent is the header of that name.
	UserAgent string
	// Transport sends the requests. It is used without an http.Client around it, and so follows no redirect,
	// keeps no cookie, and sends a request once. It should close a connection of HTTP/1.1 after one use: net/http
	// logs what follows the response on an idle one.
	Transport http.RoundTripper
}

// Source hands out access tokens. Callers that find none share one request for it, and a token that
// expires soon is replaced in the background. It is safe for concurrent use.
type Source struct {
	tokenURL  *url.URL
	scope     string
	userAgent string
	transport http.RoundTripper
	// credentials returns the form fields that prove who asks, new for each request. A function,
	// because no printer of structures looks into one.
	credentials func(now time.Time) (url.Values, *Error)
	// certified: the credential is a certificate. The other two say what it means that it is refused.
	certified   bool
	refused     httpfail.Reason
	refusedText string

	mu        sync.Mutex
	token     *oauth2.Token // nil where there is none
	early     time.Duration // how long before its expiry token is replaced at the latest
	refreshAt time.Time     // when to try that, or to try again
	flight    *flight       // nil where no request is under way
}

// flight is one request for a token and those who wait for it.
type flight struct {
	done    chan struct{} // closed when token and err are set
	token   *oauth2.Token
	err     *Error
	waiters int
	cancel  context.CancelFunc
}

// New checks the configuration. It sends nothing.
func New(config Config) (*Source, error) {
	tokenURL, err := url.Parse(config.TokenURL)
	switch {
	case err != nil, tokenURL.Host == "", tokenURL.Scheme != "https" && tokenURL.Scheme != "http":
		return nil, errors.New("the token URL is not an absolute http or https URL")
	case tokenURL.User != nil, tokenURL.Fragment != "":
		return nil, errors.New("the token URL may hold neither user information nor a fragment")
	case config.ClientID == "":
		return nil, errors.New("the client ID is empty")
	case config.Scope == "":
		return nil, errors.New("the scope is empty")
	case config.Transport == nil:
		return nil, errors.New("the transport is missing")
	case config.ClientSecret.isSet() == (config.Certificate != nil):
		return nil, errors.New("one credential is needed: a client secret or a certificate")
	}
	source := &Source{tokenURL: tokenURL, scope: config.Scope, userAgent: config.UserAgent, transport: config.Transport}
	if config.Certificate != nil {
		source.credentials, source.certified, source.refused = byCertificate(config), true, httpfail.CertificateRefused
		source.refusedText = fmt.Sprintf("what certificate %s signed is refused: it may not be registered for this client id",
			config.Certificate.Thumbprint())
	} else {
		source.credentials, source.refused = bySecret(config), httpfail.SecretRefused
		source.refusedText = "the client id or the client secret is refused: the secret may be wrong or may have expired"
	}
	return source, nil
}

// Token returns a token that is good now, as far as its lifetime tells. The caller must not change
// it. The error is that of ctx as soon as ctx ends, without a wait for a request that others still
// wait for, and an *Error otherwise.
func (s *Source) Token(ctx context.Context) (*oauth2.Token, error) {
	s.mu.Lock()
	// Both times carry the monotonic clock, so that setting the wall clock changes nothing.
	if now := time.Now(); s.token != nil && now.Before(s.token.Expiry) {
		defer s.mu.Unlock()
		if s.flight == nil && !now.Before(s.refreshAt) {
			s.startFlight()
		}
		return s.token, nil
	}
	if err := ctx.Err(); err != nil {
		s.mu.Unlock()
		return nil, err
	}
	if s.flight == nil {
		s.startFlight()
	}
	f := s.flight
	f.waiters++
	s.mu.Unlock()

	select {
	case <-f.done:
		if f.err != nil {
			return nil, f.err
		}
		return f.token, nil
	case <-ctx.Done():
		s.leave(f)
		return nil, ctx.Err()
	}
}

// Invalidate forgets the token if it is still the one kept. Of many callers whose token was refused,
// the first makes it forgotten, and the others share the request for the next.
func (s *Source) Invalidate(token *oauth2.Token) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token == token {
		s.token = nil
	}
}

// startFlight sends a request in a goroutine of its own: no caller's context ends it, but it ends when
// the last one who waits has left. The lock is held.
func (s *Source) startFlight() {
	ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
	f := &flight{done: make(chan struct{}), cancel: cancel}
	s.flight = f
	go func() {
		defer cancel()
		token, lifetime, err := s.fetch(ctx)
		s.land(f, token, lifetime, err)
	}()
}

// land hands the outcome to those who wait and keeps the token.
func (s *Source) land(f *flight, token *oauth2.Token, lifetime time.Duration, err *Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.token, f.err = token, err
	close(f.done)
	if s.flight != f {
		return // abandoned: another may be under way
	}
	s.flight = nil
	switch {
	case err == nil:
		s.token, s.early = token, min(maxEarly, lifetime/5)
		s.refreshAt = token.Expiry.Add(-s.early - rand.N(s.early+1))
	case s.token != nil && err.Retry:
		// The old token may still be good: a few more times, without haste.
		s.refreshAt = time.Now().Add(max(err.RetryAfter, s.early/4))
	case s.token != nil:
		s.refreshAt = s.token.Expiry
	}
}

// leave counts a waiter out. The last one takes the request with it.
func (s *Source) leave(f *flight) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.waiters--
	if f.waiters > 0 {
		return
	}
	f.cancel()
	if s.flight == f {
		s.flight = nil
	}
}

// String says whose tokens these are; never a token or a credential.
func (s *Source) String() string {
	if s == nil || s.tokenURL == nil {
		return "no token source"
	}
	return "tokens from " + s.tokenURL.Host
}

// Format writes String, whatever the verb.
func (s *Source) Format(f fmt.State, _ rune) { io.WriteString(f, s.String()) }
