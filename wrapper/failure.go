package d365backup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/d365backup/d365backup/internal/auth"
	"github.com/d365backup/d365backup/internal/httpfail"
)

// classify turns the error of an attempt into an *Error, with retry set if another attempt may succeed. Nil stays nil.
func (a *attempt) classify(ctx context.Context, err error) *Error {
	if err == nil {
		return nil
	}
	e := a.explain(ctx, err)
	e.Host = cmp.Or(e.Host, a.client.endpoints.base.Host)
	if a.status != 0 {
		e.StatusCode, e.RequestID = a.status, cmp.Or(a.requestID, e.RequestID)
	}
	return e
}

func (a *attempt) explain(ctx context.Context, err error) *Error {
	if own, ok := errors.AsType[*Error](err); ok { // of the decoder
		return own
	}
	if failure, ok := errors.AsType[*httpfail.Failure](err); ok {
		own := newError(failure)
		if failure.Reason == httpfail.NotFound {
			a.client.explainNotFound(own, a.request.api)
		}
		return own
	}
	if sourceError, ok := errors.AsType[auth.TokenSourceError](err); ok {
		return &Error{Kind: ErrAuth, Message: "the source of WithTokenSource " + sourceError.Error()}
	}
	switch {
	case context.Cause(ctx) == errAttemptTimeout: //nolint:errorlint // compares identity: the cause that this package set
		return &Error{
			Kind:    ErrNetwork,
			Reason:  string(httpfail.NoAnswer),
			Setting: "RetryPolicy.AttemptTimeout",
			Message: fmt.Sprintf("no complete response within %s", a.client.config.retry.AttemptTimeout),
			cause:   context.DeadlineExceeded,
			retry:   true,
		}
	case ctx.Err() != nil:
		return &Error{cause: err}
	}
	return newError(httpfail.FromError(err, a.secrets...))
}

// newError returns the error of a failed exchange.
func newError(f *httpfail.Failure) *Error {
	kind := reasons[f.Reason].kind
	switch {
	case f.Status == http.StatusNetworkAuthenticationRequired:
		kind = ErrNetwork // the response is from the network, not from the service
	case f.Token && errors.Is(kind, ErrNotJobs):
		kind = ErrAuth // a web page is not a token either
	}
	return &Error{
		Kind: kind, Reason: string(f.Reason), Message: f.Text, ServiceMessage: f.Message, TokenRequest: f.Token, StatusCode: f.Status,
		RequestID: f.RequestID, RetryAfter: f.RetryAfter, Excerpt: f.Excerpt, Host: f.Host, cause: f.Err, retry: f.Retry,
	}
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
