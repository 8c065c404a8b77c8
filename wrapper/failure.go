package d365backup

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/d365backup/d365backup/internal/auth"
	"github.com/d365backup/d365backup/internal/httpfail"
)

// attemptFailure is one failed attempt.
type attemptFailure struct {
	err   *Error
	retry bool
}

// classify turns the error of an attempt into a failure; nil stays nil.
func (a *attempt) classify(ctx context.Context, err error) *attemptFailure {
	if err == nil {
		return nil
	}
	failed := a.explain(ctx, err)
	if failed.err.Host == "" {
		failed.err.Host = a.client.endpoints.base.Host
	}
	if a.status != 0 {
		failed.err.StatusCode = a.status
		if a.requestID != "" {
			failed.err.RequestID = a.requestID
		}
	}
	return failed
}

func (a *attempt) explain(ctx context.Context, err error) *attemptFailure {
	if own, ok := errors.AsType[*Error](err); ok {
		copied := *own // several callers may share it, and attempts are counted in it
		return &attemptFailure{err: &copied, retry: errors.Is(own, ErrTruncated)}
	}
	if tokenError, ok := errors.AsType[*auth.Error](err); ok {
		failed := fromFailure(&tokenError.Failure)
		failed.err.TokenRequest = true
		if errors.Is(failed.err.Kind, ErrNotJobs) {
			failed.err.Kind = ErrAuth // a web page is not a token either
		}
		return failed
	}
	if sourceError, ok := errors.AsType[auth.TokenSourceError](err); ok {
		return &attemptFailure{err: &Error{Kind: ErrAuth, Message: "the source of WithTokenSource " + sourceError.Error()}}
	}
	failure, ok := errors.AsType[*httpfail.Failure](err)
	switch {
	case ok:
		failed := fromFailure(failure)
		if failure.Reason == httpfail.NotFound {
			a.client.explainNotFound(failed.err, a.request.api)
		}
		return failed
	case ctx.Err() != nil:
		return a.client.interrupted(ctx, err)
	}
	return fromFailure(httpfail.FromError(err, a.secrets...))
}

// fromFailure returns the failure of an attempt whose exchange failed.
func fromFailure(f *httpfail.Failure) *attemptFailure {
	kind := reasons[f.Reason].kind
	if f.Status == http.StatusNetworkAuthenticationRequired {
		kind = ErrNetwork // the response is from the network, not from the service
	}
	return &attemptFailure{retry: f.Retry, err: &Error{
		Kind: kind, Reason: string(f.Reason), Message: f.Text, ServiceMessage: f.Message, StatusCode: f.Status,
		RequestID: f.RequestID, RetryAfter: f.RetryAfter, Excerpt: f.Excerpt, Host: f.Host, cause: f.Err,
	}}
}

// timeoutError is the cause of a call that took longer than WithTimeout allows.
type timeoutError time.Duration

// Error returns how long that was.
func (e timeoutError) Error() string { return fmt.Sprintf("no page within %s", time.Duration(e)) }

// Unwrap returns the context's error.
func (timeoutError) Unwrap() error { return context.DeadlineExceeded }

// interrupted distinguishes the end of an attempt's time, which is retried, from that of the call.
func (c *Client) interrupted(ctx context.Context, err error) *attemptFailure {
	if context.Cause(ctx) != errAttemptTimeout { //nolint:errorlint // compares identity: the cause that this package set
		return &attemptFailure{err: &Error{cause: err}}
	}
	return &attemptFailure{retry: true, err: &Error{
		Kind:    ErrNetwork,
		Reason:  string(httpfail.NoAnswer),
		Setting: "RetryPolicy.AttemptTimeout",
		Message: fmt.Sprintf("no complete response within %s", c.config.retry.AttemptTimeout),
		cause:   context.DeadlineExceeded,
	}}
}

// decodeReason returns the reason of an error of the decoder.
func decodeReason(kind error) httpfail.Reason {
	for _, reason := range []httpfail.Reason{httpfail.Truncated, httpfail.TooLarge} {
		if errors.Is(kind, reasons[reason].kind) {
			return reason
		}
	}
	return httpfail.NotJobs
}

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
