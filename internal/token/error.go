package token

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Kind says what kind of failure an Error is.
type Kind int

// The kinds of failure.
const (
	// Refused: the endpoint gave no token that can be used.
	Refused Kind = iota + 1
	// Expired: the certificate has expired since it was loaded. Nothing was sent.
	Expired
	// Network: no answer came through.
	Network
	// Throttled: status 429.
	Throttled
	// Server: status 5xx or 408, or an error code that says the same.
	Server
	// Redirect: status 3xx, which is never followed.
	Redirect
	// TooLarge: the answer exceeds 1 MiB.
	TooLarge
	// Truncated: the answer ended before its end.
	Truncated
)

// Error is why there is no token. It wraps nothing, and of the answer it repeats nothing but an error
// code of RFC 6749 and the request id.
type Error struct {
	Kind Kind
	// Message says what was wrong and the next thing to try.
	Message string
	// Code is the error code of RFC 6749; empty where the answer had none of them.
	Code string
	// StatusCode is 0 where there was no answer.
	StatusCode int
	RequestID  string
	Host       string
	// RetryAfter is how long the endpoint asked to wait; 0 where it did not.
	RetryAfter time.Duration
	// Retryable: the same request may succeed later.
	Retryable bool
}

// Error returns the message and what is known about the request.
func (e *Error) Error() string {
	facts := []string{"host " + e.Host}
	if e.StatusCode != 0 {
		facts = append(facts, fmt.Sprintf("status %d", e.StatusCode))
	}
	if e.RequestID != "" {
		facts = append(facts, "request id "+e.RequestID)
	}
	return fmt.Sprintf("token endpoint: %s (%s)", e.Message, strings.Join(facts, ", "))
}

// codes are the error codes of RFC 6749, sections 5.2 and 4.1.2.1, with what each means here. Only
// these are repeated: anything else in their place may be an echo of the request.
var codes = map[string]string{
	"access_denied":           "access is denied: ask for the app's consent to the API permission",
	"invalid_client":          "the credentials are refused: ", // the source's own advice follows
	"invalid_grant":           "the grant is refused: ",        // likewise
	"invalid_request":         "the request is not understood: check the token URL, the client ID and the scope",
	"invalid_scope":           "the scope is refused: ", // see scopeAdvice
	"server_error":            "the server failed: try again later",
	"temporarily_unavailable": "the server is busy: try again later",
	"unauthorized_client":     "the app may not ask for tokens this way: check that it is registered for application access",
	"unsupported_grant_type":  "client credentials are unknown there: check the token URL",
}

// passing are the statuses of a failure that may have passed when the request is repeated.
var passing = map[int]bool{408: true, 500: true, 502: true, 503: true, 504: true}

// seedScope is the spelling of the vendor's page of the API; its table of permissions has the same
// in lower case.
const seedScope = "Dynamics.ReadWrite.All"

func scopeAdvice(scope string) string {
	switch {
	case scope == seedScope:
		return fmt.Sprintf("instead of %q try the other spelling, %q", scope, strings.ToLower(seedScope))
	case strings.EqualFold(scope, seedScope):
		return fmt.Sprintf("instead of %q try the other spelling, %q", scope, seedScope)
	}
	return fmt.Sprintf("check %q, and that the app has that permission", scope)
}

// refusal returns the error for an answer with the error code, if any, and the status.
func (s *Source) refusal(code string, status int) *Error {
	e := &Error{Kind: Refused, Code: code, Message: codes[code]}
	switch {
	case code == "invalid_client" || code == "invalid_grant":
		e.Message += s.advice
	case code == "invalid_scope":
		e.Message += scopeAdvice(s.scope)
	case code == "server_error" || code == "temporarily_unavailable":
		e.Kind, e.Retryable = Server, true
	case code != "":
	case status == 429:
		e.Kind, e.Retryable, e.Message = Throttled, true, "too many requests: try again later"
	case status >= 500 || status == 408:
		e.Kind, e.Retryable, e.Message = Server, passing[status], "the server failed: try again later"
	case status >= 300 && status < 400:
		e.Kind, e.Message = Redirect, "the answer is a redirect, which is never followed: check the token URL"
	case status == 404 || status == 405:
		e.Message = "there is none at this URL: check the token URL"
	default:
		e.Message = "the request is refused without a reason: check the token URL; " + s.advice
	}
	if code != "" {
		e.Message += " (" + code + ")"
	}
	return e
}

// requestID returns the header if it looks like an identifier and holds nothing that was sent.
func requestID(header string, sent []string) string {
	const longest = 64
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:|"
	isEcho := slices.ContainsFunc(sent, func(value string) bool { return strings.Contains(header, value) })
	if len(header) > longest || strings.Trim(header, letters) != "" || isEcho {
		return ""
	}
	return header
}
