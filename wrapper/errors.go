package d365backup

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
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
// the Err variables. It holds no secret, no token, and at most 2 KiB of an answer, with control
// characters removed.
type Error struct {
	// Kind is one of the Err variables; nil where the call's context ended it, whose error is then
	// wrapped.
	Kind error
	// Message says what was wrong, where, and the next thing to try. Its words may change.
	Message string
	// StatusCode is the HTTP status; 0 where there was no answer.
	StatusCode int
	// RequestID names the request in the service's logs; empty where the answer had none.
	RequestID string
	// Attempts counts the attempts at a page. One may take a request for a token, and after a refused
	// token the request once more. 0 for ErrConfig and ErrIncomplete.
	Attempts int
	// Host is the host that was asked, or was to be asked when the context ended; empty for ErrConfig.
	Host string
	// RetryAfter is how long the server asked to wait; 0 where it did not.
	RetryAfter time.Duration
	// Excerpt is the beginning of an answer that was not understood, at most 2 KiB; never one of a
	// token endpoint.
	Excerpt string

	cause error
}

// Error returns the kind, the message and what is known about the request, on one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("d365backup")
	if e.Kind != nil {
		fmt.Fprintf(&b, ": %s", e.Kind)
	}
	if e.Message != "" {
		fmt.Fprintf(&b, ": %s", e.Message)
	}
	if e.cause != nil {
		fmt.Fprintf(&b, ": %s", excerpt(e.cause.Error(), maxExcerpt))
	}
	var facts []string
	add := func(format string, value any, known bool) {
		if known {
			facts = append(facts, fmt.Sprintf(format, value))
		}
	}
	add("host %s", e.Host, e.Host != "")
	add("status %d", e.StatusCode, e.StatusCode != 0)
	add("request id %s", e.RequestID, e.RequestID != "")
	add("attempts %d", e.Attempts, e.Attempts > 1)
	add("retry after %s", e.RetryAfter, e.RetryAfter > 0)
	if len(facts) > 0 {
		fmt.Fprintf(&b, " (%s)", strings.Join(facts, ", "))
	}
	if e.Excerpt != "" {
		fmt.Fprintf(&b, "; the answer begins: %q", excerpt(e.Excerpt, 200))
	}
	return b.String()
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

// maxExcerpt bounds what an error shows of an answer.
const maxExcerpt = 2 << 10

// excerpt returns the beginning of text, at most limit bytes, with control characters and invalid
// UTF-8 removed, so that it can neither flood a log nor drive a terminal.
func excerpt(text string, limit int) string {
	text = text[:min(len(text), 4*limit)] // enough to fill limit after removal
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			r = ' '
		case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) || r == utf8.RuneError:
			continue
		}
		if b.Len()+utf8.RuneLen(r) > limit {
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}
