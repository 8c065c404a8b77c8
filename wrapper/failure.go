package d365backup

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/d365backup/d365backup/internal/retryafter"
)

// attemptFailure is one failed attempt.
type attemptFailure struct {
	err   *Error
	retry bool
}

func fail(err *Error) *attemptFailure  { return &attemptFailure{err: err} }
func retry(err *Error) *attemptFailure { return &attemptFailure{err: err, retry: true} }

// unanswered makes a failure of an exchange that brought no answer.
func (c *Client) unanswered(ctx context.Context, got response, err error) *attemptFailure {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err // the URL may hold what a log must not
	}
	if failed := tokenFailure(err); failed != nil {
		return failed
	}
	if own, ok := errors.AsType[*Error](err); ok {
		copied := *own // it may be shared by several callers, and attempts are counted in it
		return fail(&copied)
	}
	if ctx.Err() != nil {
		return c.interrupted(ctx, err)
	}
	if got.token != "" && echoOf(got.token).MatchString(err.Error()) {
		err = errors.New("the server does not speak HTTP, or echoes what it is sent")
	}
	failed := &attemptFailure{err: &Error{Kind: ErrNetwork, Host: c.endpoints.base.Host, cause: err}, retry: true}
	_, noTLS := errors.AsType[tls.RecordHeaderError](err)
	if noTLS || errors.Is(err, http.ErrSchemeMismatch) {
		failed.err.Message = "the server does not speak TLS: check the address, and for a proxy in between"
		failed.retry = false
	} else if isVerification(err) {
		failed.err.Message = "the server's certificate was not accepted: check the address, the clock, and for a proxy in between"
		failed.retry = false
	} else if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		failed.err.Message = "the host does not exist: check the data centre or the base URL"
		failed.retry = false
	}
	return failed
}

// interrupted tells the end of one attempt's time, which is tried again, from that of the call.
func (c *Client) interrupted(ctx context.Context, err error) *attemptFailure {
	if context.Cause(ctx) == errAttemptTimeout { //nolint:errorlint // identity is meant: the cause that this package set
		return retry(&Error{
			Kind:    ErrNetwork,
			Host:    c.endpoints.base.Host,
			Message: fmt.Sprintf("no whole answer within the %s of RetryPolicy.AttemptTimeout", c.config.retry.AttemptTimeout),
			cause:   context.DeadlineExceeded,
		})
	}
	return fail(&Error{Host: c.endpoints.base.Host, cause: err})
}

func isVerification(err error) bool {
	_, verification := errors.AsType[*tls.CertificateVerificationError](err)
	_, authority := errors.AsType[x509.UnknownAuthorityError](err)
	_, hostname := errors.AsType[x509.HostnameError](err)
	_, invalid := errors.AsType[x509.CertificateInvalidError](err)
	return verification || authority || hostname || invalid
}

// maxErrorBody is how much of a refusal is read.
const maxErrorBody = 64 << 10

// refused makes a failure of a status other than 200.
func (c *Client) refused(resp *http.Response, got response) *attemptFailure {
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	body = got.quotable(body)
	err := &Error{Excerpt: excerpt(string(body), maxExcerpt)}
	err.Message, err.Kind = c.explain(resp, got.api)
	err.RetryAfter, _ = retryafter.Parse(resp.Header.Get("Retry-After"), time.Now())
	var envelope struct {
		Message   string `json:"message"`
		RequestID string `json:"requestId"`
	}
	if json.Unmarshal(body, &envelope) == nil { // the documents promise no body at all
		if envelope.Message != "" {
			err.Message += fmt.Sprintf(": the service says %q", excerpt(envelope.Message, 500))
		}
		err.RequestID = excerpt(envelope.RequestID, 128)
	}
	return &attemptFailure{err: err, retry: retryable(resp.StatusCode)}
}

func retryable(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// explain says what a status means and what to try next.
func (c *Client) explain(resp *http.Response, api API) (message string, kind error) {
	switch status := resp.StatusCode; {
	case status < 300:
		return fmt.Sprintf("status %d is not the documented 200", status), ErrNotJobs
	case status < 400:
		return fmt.Sprintf("the server points to %s, and no redirect is followed: check the address, and for a login page in between",
			redirectTarget(resp)), ErrRedirect
	case status == http.StatusUnauthorized:
		return "the service does not accept the token: check that the app belongs to this environment, and the clock", ErrAuth
	case status == http.StatusForbidden:
		return fmt.Sprintf("the app may not read jobs: grant it the permission %s", DefaultScope), ErrForbidden
	case status == http.StatusNotFound:
		return c.explainNotFound(api), ErrNotFound
	case status == http.StatusTooManyRequests:
		return "too many requests: ask less often, or with a smaller WithPrefetch", ErrThrottled
	case status >= 500 || status == http.StatusRequestTimeout:
		return "the service or a gateway in front of it failed: try again later", ErrServer
	}
	return "the service did not accept the request", ErrBadRequest
}

func (c *Client) explainNotFound(api API) string {
	_, path := api.route()
	looks, try := "a wrong data centre, a missing permission and an unlicensed product", "try another WithDataCenter first"
	if c.config.api == APIv1 {
		looks = "a wrong data centre, a missing permission, an unlicensed product and a service without version v1"
		try = "try WithAPI(APIGraph), the replacement of version v1, then another WithDataCenter"
	}
	return fmt.Sprintf("nothing answers at %s of %s (%s): %s all look like this; %s",
		path, c.endpoints.base.Host, c.endpoints.place, looks, try)
}

func redirectTarget(resp *http.Response) string {
	target, err := resp.Location()
	if err != nil || target.Host == "" {
		return "no valid address"
	}
	return excerpt(target.Scheme+"://"+target.Host, 200)
}

// requestID returns what names the request in the service's logs. That there is such a header is
// documented, its name is not.
func requestID(header http.Header, token string) string {
	for _, name := range []string{"X-Request-Id", "Request-Id", "X-Ms-Request-Id", "X-Correlation-Id", "Traceparent"} {
		id := header.Get(name)
		id = excerpt(id, len(id)) // what is left out might stand within the token
		if id != "" && (token == "" || !strings.Contains(id, token)) {
			return excerpt(id, 128)
		}
	}
	return ""
}
