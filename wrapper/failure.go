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

// newError returns the error of a failed exchange.
func newError(f *httpfail.Failure) *Error {
	e := &Error{
		Kind: reasons[f.Reason].kind, Reason: string(f.Reason), Message: f.Text, ServiceMessage: f.Message, TokenRequest: f.Token,
		StatusCode: f.Status, RequestID: f.RequestID, Attempts: f.Attempts, Host: f.Host, RetryAfter: f.RetryAfter, Excerpt: f.Excerpt,
		cause: f.Err,
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
