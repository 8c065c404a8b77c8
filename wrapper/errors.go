package d365backup

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/d365backup/d365backup/internal/httpfail"
)

// What went wrong, for errors.Is. Every error of this package is an *Error that matches one of them
// or wraps the error of the context.
var (
	// ErrConfig: an option, a query or an environment is not valid. Nothing was sent.
	ErrConfig = errors.New("invalid configuration")
	// ErrAuth: no token was to be had, or the service did not accept it (status 401). Nothing was sent
	// where the certificate has expired.
	ErrAuth = errors.New("authentication failed")
	// ErrForbidden: the app may not do this (status 403).
	ErrForbidden = errors.New("permission denied")
	// ErrNotFound: nothing answers there (status 404). A wrong data centre, a missing permission and
	// an unlicensed product look like this, too.
	ErrNotFound = errors.New("not found")
	// ErrBadRequest: the service refused the request (status 400, and every other 4xx that has no
	// kind of its own).
	ErrBadRequest = errors.New("request refused")
	// ErrThrottled: too many requests (status 429).
	ErrThrottled = errors.New("throttled")
	// ErrServer: the service or a gateway in front of it failed (any 5xx).
	ErrServer = errors.New("server error")
	// ErrNetwork: no answer, or only part of one, came through: DNS, TCP, TLS, a reset, a time-out.
	ErrNetwork = errors.New("network error")
	// ErrRedirect: the server answered with a redirect, which is never followed.
	ErrRedirect = errors.New("redirect refused")
	// ErrTooLarge: the answer exceeds the limit of WithMaxResponseBytes or has over 100,000 jobs, or that
	// of the token endpoint exceeds 1 MiB.
	ErrTooLarge = errors.New("response too large")
	// ErrTruncated: the answer ended before its end.
	ErrTruncated = errors.New("response truncated")
	// ErrNotJobs: the answer is no job list, whatever its status.
	ErrNotJobs = errors.New("response is no job list")
	// ErrIncomplete: there may be more jobs than Jobs returned. If a page was refused, the error matches
	// the kind of the refusal, too.
	ErrIncomplete = errors.New("job list may be incomplete")
)

// Error is the error of every call. Find it with errors.As, and its kind with errors.Is and one of
// the Err variables. Its fields are facts; only the text of Error adds advice. It holds no secret and no token, and at
// most 2 KiB of a response, with control characters removed and only if the response repeats no piece of them.
type Error struct {
	// Kind is one of the Err variables; nil if the call's context ended it, whose error is then
	// wrapped.
	Kind error
	// Reason names what went wrong more exactly, such as "proxy-refused" or "tls-expired"; docs/errors.md lists all.
	// Empty if there is no name for it.
	Reason string
	// Setting is the option or the field that the error is about, such as "WithPageSize" or "Query.Start"; empty if
	// it is about none.
	Setting string
	// Message says what was wrong, without advice. Its words may change.
	Message string
	// ServiceMessage is what the service itself said, at most 500 bytes; empty if it said nothing that could be read.
	// It is the service's data, and never that of a token endpoint.
	ServiceMessage string
	// TokenRequest reports whether the request for a token failed, and not the one for jobs.
	TokenRequest bool
	// StatusCode is the HTTP status; 0 if there was no response.
	StatusCode int
	// RequestID names the request in the service's logs, at most 128 characters of A-Z, a-z, 0-9 and ._:-; empty if the
	// response had none.
	RequestID string
	// Attempts counts the attempts at a page. One may take a request for a token, and after a refused
	// token the request once more. 0 for ErrConfig and ErrIncomplete.
	Attempts int
	// Host is the host of the request; empty for ErrConfig.
	Host string
	// RetryAfter is how long the server asked to wait; 0 if it did not.
	RetryAfter time.Duration
	// Excerpt is the beginning of a response that was not understood, at most 2 KiB; never one of a
	// token endpoint.
	Excerpt string

	cause error
}

// Error returns the facts and what to try next, on one line.
func (e *Error) Error() string {
	text := "d365backup: " + e.Facts()
	if advice := e.advice(); advice != "" {
		text += "; " + advice
	}
	return text
}

// Facts returns what Error returns, without advice and without the name of the package, for programs that give their
// own advice.
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
	if e.cause != nil && (e.Kind == nil || errors.Is(e.Kind, ErrIncomplete)) { // the messages of others say it
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

// request returns what is known about the request, in parentheses.
func (e *Error) request() string {
	var known []string
	add := func(format string, value any, is bool) {
		if is {
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

// causeText returns the texts of joined errors, with an *Error as its facts.
func causeText(err error) string {
	if own, ok := err.(*Error); ok { //nolint:errorlint // each error of the tree is visited
		return own.Facts()
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
	wrapped := make([]error, 0, 2)
	for _, err := range []error{e.Kind, e.cause} {
		if err != nil {
			wrapped = append(wrapped, err)
		}
	}
	return wrapped
}

// LogValue gives slog the same facts as attributes.
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

// badSetting is an error about an option or a field of a query. Its message names no other of them in Go terms, unless
// only a program can give it: the command shows it, too.
func badSetting(name, format string, args ...any) *Error {
	err := configError(format, args...)
	err.Setting = name
	return err
}

// maxExcerpt bounds what an error shows of a response.
const maxExcerpt = httpfail.MaxExcerpt

// excerpt returns at most limit bytes of text on one line, without what could drive a terminal.
var excerpt = httpfail.Clean
