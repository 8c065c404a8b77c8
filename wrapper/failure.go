package d365backup

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/d365backup/d365backup/internal/auth"
	"github.com/d365backup/d365backup/internal/httpfail"
)

// attemptFailure is one failed attempt.
type attemptFailure struct {
	err   *Error
	retry bool
}

func fail(err *Error) *attemptFailure  { return &attemptFailure{err: err} }
func retry(err *Error) *attemptFailure { return &attemptFailure{err: err, retry: true} }

// reasons say of which kind an error is, and what a program can try. The advice about an address depends on the
// request.
var reasons = map[httpfail.Reason]struct {
	kind   error
	advice string
}{
	httpfail.UnknownHost:      {ErrNetwork, checkAddress},
	httpfail.NameService:      {ErrNetwork, "check the network and its name servers"},
	httpfail.Unreachable:      {ErrNetwork, "check the network, and whether it needs a proxy (HTTPS_PROXY)"},
	httpfail.ProxyUnreachable: {ErrNetwork, "check HTTPS_PROXY"},
	httpfail.ProxyRefused:     {ErrNetwork, "check user and password in HTTPS_PROXY, and whether the proxy allows the host"},
	httpfail.Untrusted:        {ErrNetwork, "find out who issued it; an authority of your own belongs in RootCAs or SSL_CERT_FILE"},
	httpfail.WrongHost:        {ErrNetwork, checkAddress},
	httpfail.Expired:          {ErrNetwork, "check the clock, and report it to those who run the host"},
	httpfail.NotYetValid:      {ErrNetwork, "check the clock"},
	httpfail.Defective:        {ErrNetwork, "have it replaced by those who issued it, such as those who run a proxy that inspects TLS"},
	httpfail.Version:          {ErrNetwork, "look for an old proxy in between"},
	httpfail.NotTLS:           {ErrNetwork, checkAddress},
	httpfail.TLSFailed:        {ErrNetwork, "check whether a firewall allows the host"},
	httpfail.NoAnswer:         {ErrNetwork, ""},
	httpfail.Truncated:        {ErrTruncated, "try a smaller WithPageSize"},
	httpfail.TooLarge:         {ErrTooLarge, "use a smaller WithPageSize, or raise WithMaxResponseBytes"},

	httpfail.NotJobs:           {ErrNotJobs, checkAddress},
	httpfail.LoginPage:         {ErrNotJobs, "sign in to the network, and " + checkAddress},
	httpfail.Redirect:          {ErrRedirect, "sign in to the network, and " + checkAddress},
	httpfail.TokenRefused:      {ErrAuth, "check that the app belongs to this environment, and the clock"},
	httpfail.MissingPermission: {ErrForbidden, "grant the app the permission " + DefaultScope},
	httpfail.NotFound:          {ErrNotFound, "try another WithDataCenter, and check permission and license"},
	httpfail.Throttled:         {ErrThrottled, "send fewer requests, such as with a smaller WithPrefetch"},
	httpfail.Server:            {ErrServer, "try again later"},
	httpfail.RequestRefused:    {ErrBadRequest, ""},

	httpfail.SecretRefused:      {ErrAuth, "check WithClientSecret, and whether the secret has expired"},
	httpfail.CertificateRefused: {ErrAuth, "upload it to the app's registration, and check the client id and the clock"},
	httpfail.CertificateExpired: {ErrAuth, "load a new one with LoadCertificate"},
	httpfail.AppNotAllowed:      {ErrAuth, "check the app's registration and its consent to " + DefaultScope},
	httpfail.Scope:              {ErrAuth, "set it with WithScope"},
	httpfail.TokenURL:           {ErrAuth, checkAddress},
}

const checkAddress = "check the address"

// advice returns what to try next, in terms of this package.
func (e *Error) advice() string {
	if _, ok := errors.AsType[timeoutError](e.cause); ok && e.Kind == nil {
		return "raise WithTimeout"
	}
	switch {
	case errors.Is(e.Kind, ErrIncomplete):
		return "try again, or with a shorter time range"
	case e.Setting == "WithAPI" && e.Reason == string(httpfail.NotFound):
		return "try WithAPI(APIGraph), the replacement of version v1, then another WithDataCenter"
	case e.Setting != "" && e.Reason != "":
		return "raise " + e.Setting
	}
	advice := reasons[httpfail.Reason(e.Reason)].advice
	if e.TokenRequest && strings.Contains(advice, "WithPageSize") {
		advice = checkAddress // there are no pages
	}
	if !strings.HasSuffix(advice, checkAddress) {
		return advice
	}
	if e.TokenRequest {
		return advice + " of WithTokenURL"
	}
	return advice + " of WithDataCenter or WithBaseURL"
}

// failed turns what is known about an exchange into the failure of an attempt.
func (c *Client) failed(f *httpfail.Failure) *attemptFailure {
	kind := reasons[f.Reason].kind
	if f.Status == http.StatusNetworkAuthenticationRequired {
		kind = ErrNetwork // it is the network that answers
	}
	return &attemptFailure{retry: f.Retry, err: &Error{
		Kind: kind, Reason: string(f.Reason), Message: f.Text, ServiceMessage: f.Message, StatusCode: f.Status,
		RequestID: f.RequestID, RetryAfter: f.RetryAfter, Excerpt: f.Excerpt, Host: c.endpoints.base.Host, cause: f.Err,
	}}
}

// noResponse explains the error of a request.
func (c *Client) noResponse(ctx context.Context, err error, sent []string) *attemptFailure {
	if own, ok := errors.AsType[*Error](err); ok {
		copied := *own // it may be shared by several callers, and attempts are counted in it
		return fail(&copied)
	}
	if refused, ok := errors.AsType[*auth.Error](err); ok {
		failed := c.failed(&refused.Failure)
		failed.err.TokenRequest, failed.err.Host = true, refused.Host
		if errors.Is(failed.err.Kind, ErrNotJobs) {
			failed.err.Kind = ErrAuth // a web page is no token either
		}
		return failed
	}
	if message, ok := errors.AsType[auth.TokenSourceError](err); ok {
		return fail(&Error{Kind: ErrAuth, Message: "the source of WithTokenSource " + message.Error()})
	}
	if ctx.Err() != nil {
		return c.interrupted(ctx, err)
	}
	return c.failed(httpfail.FromError(err, sent...))
}

// timeoutError is the cause of a call that took longer than WithTimeout allows.
type timeoutError time.Duration

// Error says how long that was.
func (e timeoutError) Error() string { return fmt.Sprintf("no page within %s", time.Duration(e)) }

// Unwrap returns the context's error.
func (timeoutError) Unwrap() error { return context.DeadlineExceeded }

// interrupted tells the end of one attempt's time, which is tried again, from that of the call.
func (c *Client) interrupted(ctx context.Context, err error) *attemptFailure {
	if context.Cause(ctx) == errAttemptTimeout { //nolint:errorlint // identity is meant: the cause that this package set
		return retry(&Error{
			Kind:    ErrNetwork,
			Reason:  string(httpfail.NoAnswer),
			Setting: "RetryPolicy.AttemptTimeout",
			Message: fmt.Sprintf("no complete response within %s", c.config.retry.AttemptTimeout),
			Host:    c.endpoints.base.Host,
			cause:   context.DeadlineExceeded,
		})
	}
	return fail(&Error{Host: c.endpoints.base.Host, cause: err})
}

// notJobs is the failure of a response with the documented status that is not a list of jobs.
func (c *Client) notJobs(reason httpfail.Reason, body []byte, sent []string, format string, args ...any) *attemptFailure {
	return c.failed(&httpfail.Failure{
		Reason: reason, Text: fmt.Sprintf(format, args...), Excerpt: httpfail.Excerpt(head(body), sent...),
	})
}

// undecoded explains a body that could not be decoded.
func (c *Client) undecoded(err error, body []byte, sent []string) *attemptFailure {
	own, ok := errors.AsType[*Error](err)
	if !ok {
		own = &Error{Kind: ErrNotJobs, Message: err.Error()}
	}
	own.Reason, own.RequestID = string(reasonOf(own.Kind)), httpfail.AcceptID(own.RequestID, sent...)
	shown := own.Message + " " + own.ServiceMessage + " " + own.Excerpt
	if httpfail.Leaks([]byte(shown), sent...) || httpfail.Leaks(head(body), sent...) {
		*own = Error{Kind: own.Kind, Reason: own.Reason, Message: "the response repeats a secret and is not shown"}
	}
	return &attemptFailure{err: own, retry: errors.Is(own, ErrTruncated)}
}

// reasonOf returns the reason of an error of the decoder.
func reasonOf(kind error) httpfail.Reason {
	for _, reason := range []httpfail.Reason{httpfail.Truncated, httpfail.TooLarge} {
		if errors.Is(kind, reasons[reason].kind) {
			return reason
		}
	}
	return httpfail.NotJobs
}

// head returns as much of a body as is searched for what was sent.
func head(body []byte) []byte { return body[:min(len(body), httpfail.MaxBody)] }

// explainNotFound says what a 404 can mean.
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
