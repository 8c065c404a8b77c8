package d365backup

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/d365backup/d365backup/internal/auth"
	"github.com/d365backup/d365backup/internal/httpfail"
)

// The kinds of errors, for errors.Is. Every error of this package is an *Error that matches one of them or wraps the error of
// the context.
var (
	// ErrConfig means that an option, a query or an environment variable is invalid. Nothing was sent.
	ErrConfig = errors.New("invalid configuration")
	// ErrAuth means that there is no token, or that the service did not accept it (status 401). Nothing was sent if the
	// certificate has expired.
	ErrAuth = errors.New("authentication failed")
	// ErrForbidden means that the app lacks the permission (status 403).
	ErrForbidden = errors.New("permission denied")
	// ErrNotFound means that the address does not exist (status 404). A wrong data center, a missing permission and an
	// unlicensed product cannot be distinguished.
	ErrNotFound = errors.New("not found")
	// ErrBadRequest means that the service refused the request (status 400, and every other 4xx without a kind of its own).
	ErrBadRequest = errors.New("request refused")
	// ErrThrottled means too many requests (status 429).
	ErrThrottled = errors.New("throttled")
	// ErrServer means that the service or a gateway in front of it failed (any 5xx).
	ErrServer = errors.New("server error")
	// ErrNetwork means that no complete response arrived: DNS, TCP, TLS, a reset, a timeout.
	ErrNetwork = errors.New("network error")
	// ErrRedirect means that the response is a redirect, which is never followed.
	ErrRedirect = errors.New("redirect refused")
	// ErrTooLarge means a response beyond WithMaxResponseBytes or 100,000 jobs, or beyond 1 MiB from the token endpoint.
	ErrTooLarge = errors.New("response too large")
	// ErrTruncated means that the response ended too early.
	ErrTruncated = errors.New("response truncated")
	// ErrNotJobs means that the response is not a list of jobs, whatever its status.
	ErrNotJobs = errors.New("response is not a job list")
	// ErrIncomplete means that there may be more jobs than Jobs returned. If a page was refused, the error also matches the
	// kind of the refusal.
	ErrIncomplete = errors.New("job list may be incomplete")
)

// Error is the error of every call. Its fields are facts; only the text of Error adds advice. It holds no secret and no token,
// and at most 2 KiB of a response, without control characters and only if the response repeats no part of a secret.
type Error struct {
	// Kind is one of the Err variables; nil if the call's context ended it, whose error is then wrapped.
	Kind error
	// Reason is more exact, such as "proxy-refused"; docs/errors.md lists all. Empty if there is no name for it.
	Reason string
	// Setting is the option or field that the error is about, such as "WithPageSize" or "Query.Start"; empty if none.
	Setting string
	// Message states what was wrong, without advice. Its wording may change.
	Message string
	// ServiceMessage is the service's own message, at most 500 bytes; empty if there is none. Never that of a token endpoint.
	ServiceMessage string
	// TokenRequest reports whether the request for a token failed, and not the one for jobs.
	TokenRequest bool
	// StatusCode is the HTTP status; 0 if there was no response.
	StatusCode int
	// RequestID names the request in the service's logs: at most 128 characters of A-Z, a-z, 0-9 and ._:-, or empty.
	RequestID string
	// Attempts is the number of attempts at a page, even those that do not count for RetryPolicy.Attempts; 0 for ErrConfig and ErrIncomplete.
	Attempts int
	// Host is the host of the request; empty for ErrConfig.
	Host string
	// RetryAfter is how long the server asked to wait; 0 if it did not.
	RetryAfter time.Duration
	// Excerpt is the beginning of a response that was not understood, at most 2 KiB; never one of a token endpoint.
	Excerpt string

	cause error
	retry bool // httpfail.Failure.Retry
}

// Error returns the facts and what to try next, on one line.
func (e *Error) Error() string {
	text := "d365backup: " + e.Facts()
	if advice := e.advice(); advice != "" {
		text += "; " + advice
	}
	return text
}

// Facts returns what Error returns, without the advice and the package name, for programs that give their own advice.
func (e *Error) Facts() string {
	var parts []string
	if e.Kind != nil {
		parts = append(parts, e.Kind.Error())
	}
	if e.TokenRequest {
		parts = append(parts, "token endpoint")
	}
	if e.Setting != "" && errors.Is(e.Kind, ErrConfig) {
		parts = append(parts, e.Setting)
	}
	if e.Message != "" {
		parts = append(parts, e.Message)
	}
	if e.cause != nil && (e.Kind == nil || errors.Is(e.Kind, ErrIncomplete)) { // for other kinds the message includes it
		parts = append(parts, excerpt(causeText(e.cause), maxExcerpt))
	}
	if e.ServiceMessage != "" {
		parts = append(parts, fmt.Sprintf("the service says %q", e.ServiceMessage))
	}
	text := strings.Join(parts, ": ") + e.request()
	if e.Excerpt != "" && e.ServiceMessage == "" {
		text += fmt.Sprintf("; the response begins: %q", excerpt(e.Excerpt, 200))
	}
	return text
}

// request returns the facts about the request, in parentheses.
func (e *Error) request() string {
	var known []string
	add := func(format string, value any, isKnown bool) {
		if isKnown {
			known = append(known, fmt.Sprintf(format, value))
		}
	}
	add("host %s", e.Host, e.Host != "")
	add("status %d", e.StatusCode, e.StatusCode != 0)
	add("request id %s", e.RequestID, e.RequestID != "")
	add("attempts %d", e.Attempts, e.Attempts > 1)
	add("retry after %s", e.RetryAfter, e.RetryAfter > 0)
	if len(known) == 0 {
		return ""
	}
	return " (" + strings.Join(known, ", ") + ")"
}

// causeText returns the texts of joined errors; for an *Error, its facts.
func causeText(err error) string {
	if apiErr, ok := err.(*Error); ok { //nolint:errorlint // each error of the tree is visited
		return apiErr.Facts()
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return err.Error()
	}
	var texts []string
	for _, err := range joined.Unwrap() {
		texts = append(texts, causeText(err))
	}
	return strings.Join(texts, "; ")
}

// Unwrap returns the kind and the cause, for errors.Is and errors.As.
func (e *Error) Unwrap() []error {
	return slices.DeleteFunc([]error{e.Kind, e.cause}, func(err error) bool { return err == nil })
}

// Retryable reports whether the same call may succeed later, with the same options:
//
//	ErrThrottled   yes, after RetryAfter
//	ErrServer      yes after 408, 500, 502, 503 and 504; no after another status, such as 501
//	ErrNetwork     yes, except after the reasons unknown-host, tls-untrusted, tls-wrong-host, tls-expired,
//	               tls-not-yet-valid, tls-defective, tls-version, not-tls, login-page and proxy-refused (unless
//	               the proxy responded to CONNECT with 429 or a status of ErrServer)
//	ErrTruncated   yes
//	ErrIncomplete  yes, if the list does not change the next time
//	no kind        yes, with another context, if a deadline or WithTimeout ended the call; no if it was canceled
//	other kinds    no
//
// The Client retries single requests by the same rule, within its RetryPolicy. So its attempts are used up or a pause exceeds
// MaxDelay: wait for minutes, not seconds, before the call is repeated. An Error that a program makes itself is retryable only if
// its Kind is ErrThrottled or ErrIncomplete.
func (e *Error) Retryable() bool {
	if e.Kind == nil {
		return errors.Is(e.cause, context.DeadlineExceeded) && !errors.Is(e.cause, context.Canceled)
	}
	return e.retry || errors.Is(e.Kind, ErrThrottled) || errors.Is(e.Kind, ErrIncomplete)
}

// LogValue returns the text of Error and the facts as attributes for slog.
func (e *Error) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("msg", e.Error())}
	if e.Kind != nil {
		attrs = append(attrs, slog.String("kind", e.Kind.Error()))
	}
	if e.Reason != "" {
		attrs = append(attrs, slog.String("reason", e.Reason))
	}
	return slog.GroupValue(append(attrs,
		slog.Int("status", e.StatusCode),
		slog.String("request_id", e.RequestID),
		slog.Int("attempts", e.Attempts),
		slog.String("host", e.Host),
		slog.Duration("retry_after", e.RetryAfter),
	)...)
}

func configError(format string, args ...any) *Error {
	return &Error{Kind: ErrConfig, Message: fmt.Sprintf(format, args...)}
}

// badSetting returns an error about an option or a field of a query. The command shows its message, too, which therefore does
// not name other options in Go terms, unless only a program can set them.
func badSetting(name, format string, args ...any) *Error {
	err := configError(format, args...)
	err.Setting = name
	return err
}

// maxExcerpt bounds the part of a response that an error shows, in bytes.
const maxExcerpt = httpfail.MaxExcerpt

// excerpt returns at most limit bytes of text on one line, without characters that control a terminal.
var excerpt = httpfail.Clean

// newError returns the error of a failed exchange.
func newError(f *httpfail.Failure) *Error {
	e := &Error{
		Kind: reasons[f.Reason].kind, Reason: string(f.Reason), Message: f.Text, ServiceMessage: f.Message, TokenRequest: f.Token,
		StatusCode: f.Status, RequestID: f.RequestID, Attempts: f.Attempts, Host: f.Host, RetryAfter: f.RetryAfter, Excerpt: f.Excerpt,
		cause: f.Err, retry: f.Retry,
	}
	_, isOfSource := errors.AsType[auth.TokenSourceError](f.Err)
	switch {
	case f.Status == http.StatusNetworkAuthenticationRequired:
		e.Kind = ErrNetwork // the response is from the network, not from the service
	case isOfSource, f.Token && errors.Is(e.Kind, ErrNotJobs): // a web page is not a token either
		e.Kind = ErrAuth
	}
	if f.TimedOut {
		e.Setting = "RetryPolicy.AttemptTimeout"
	}
	if f.Last != nil {
		e.cause = errors.Join(f.Err, newError(f.Last))
	}
	return e
}

// timeoutError is the cause of a call that took longer than WithTimeout allows.
type timeoutError time.Duration

// Error returns how long that was.
func (e timeoutError) Error() string { return fmt.Sprintf("no page within %s", time.Duration(e)) }

// Unwrap returns the context's error.
func (timeoutError) Unwrap() error { return context.DeadlineExceeded }

// explainNotFound lists what a 404 can mean.
func (c *Client) explainNotFound(err *Error, api API) {
	method, path := api.Operation()
	err.Message = fmt.Sprintf("nothing responds at %s %s", method, path)
	if c.endpoints.place != "" {
		err.Message += " in " + c.endpoints.place
	}
	err.Message += ": a wrong data center, a missing permission and an unlicensed product look alike"
	if c.config.api == APIv1 {
		err.Setting = "WithAPI"
		err.Message += ", and so does a service without version v1"
	}
}
