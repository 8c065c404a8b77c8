// Package httpfail explains why an HTTP exchange failed: what a network error means, what a status means, and
// which parts of a response may be shown. Requests for tokens and for pages share it. It states facts, and leaves advice in
// terms of options to the caller.
package httpfail

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Reason names what went wrong. The names are those of docs/errors.md.
type Reason string

// Reasons for failures of the network, a proxy or TLS.
const (
	UnknownHost      Reason = "unknown-host"
	NameService      Reason = "name-service"
	Unreachable      Reason = "unreachable"
	ProxyUnreachable Reason = "proxy-unreachable"
	ProxyRefused     Reason = "proxy-refused"
	Untrusted        Reason = "tls-untrusted"
	WrongHost        Reason = "tls-wrong-host"
	Expired          Reason = "tls-expired"
	NotYetValid      Reason = "tls-not-yet-valid"
	Defective        Reason = "tls-defective"
	Version          Reason = "tls-version"
	NotTLS           Reason = "not-tls"
	TLSFailed        Reason = "tls-failed"
	NoAnswer         Reason = "no-answer"
	Truncated        Reason = "truncated"
	TooLarge         Reason = "too-large"
)

// Reasons derived from a status.
const (
	NotJobs           Reason = "not-jobs"
	LoginPage         Reason = "login-page"
	Redirect          Reason = "redirect"
	TokenRefused      Reason = "token-refused"
	MissingPermission Reason = "missing-permission"
	NotFound          Reason = "not-found"
	Throttled         Reason = "throttled"
	Server            Reason = "server-error"
	RequestRefused    Reason = "request-refused"
)

// Reasons from a token endpoint.
const (
	SecretRefused      Reason = "secret-refused"
	CertificateRefused Reason = "certificate-not-registered"
	CertificateExpired Reason = "certificate-expired"
	AppNotAllowed      Reason = "app-not-allowed"
	Scope              Reason = "scope"
	TokenURL           Reason = "token-url"
)

// retried are the reasons for which the same request may succeed later, besides those of a status (isTransient) and of an
// error code (package auth).
var retried = []Reason{NameService, Unreachable, ProxyUnreachable, TLSFailed, NoAnswer, Truncated}

// isTransient reports whether the same request may succeed after this status.
func isTransient(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// Failure is one failed exchange.
type Failure struct {
	Reason Reason
	// Text states what was wrong, on one line.
	Text string
	// Status is 0 if there was no response.
	Status    int
	RequestID string
	Host      string
	Token     bool // the request was for a token
	Attempts  int
	TimedOut  bool // the attempt timed out
	// RetryAfter is how long the server asked to wait; 0 if it did not.
	RetryAfter time.Duration
	// Retry reports whether the same request may succeed later. New sets it.
	Retry bool
	// Message is the service's own, and Excerpt the beginning of the response. Both are empty if the response repeats
	// a piece of a secret.
	Message, Excerpt string
	// Code is the error code of a token endpoint (RFC 6749, section 5.2). It may be an echo: display known ones only.
	Code string
	// Err is the network error or that of the context; nil if it repeats a piece of a secret.
	Err error
	// Last is the failure before the context ended; nil if there was none.
	Last *Failure
}

// New returns a failure for this reason.
func New(reason Reason, text string) *Failure {
	return &Failure{Reason: reason, Text: text, Retry: slices.Contains(retried, reason)}
}

// Hide removes what the response said if the response, or what the failure quotes of it, repeats a piece of a secret.
func (f *Failure) Hide(body []byte, secrets ...string) {
	f.RequestID = AcceptID(f.RequestID, secrets...)
	quoted := f.Text + " " + f.Message + " " + f.Excerpt
	if Leaks(body[:min(len(body), MaxBody)], secrets...) || Leaks([]byte(quoted), secrets...) {
		*f = Failure{Reason: f.Reason, Retry: f.Retry, Text: "the response repeats a secret and is not shown"}
	}
}

// Error returns the text and what is known about the request.
func (f *Failure) Error() string {
	text := fmt.Sprintf("%s (host %s", f.Text, f.Host)
	if f.Token {
		text = "token endpoint: " + text
	}
	if f.Status != 0 {
		text += fmt.Sprintf(", status %d", f.Status)
	}
	if f.RequestID != "" {
		text += ", request id " + f.RequestID
	}
	return text + ")"
}
