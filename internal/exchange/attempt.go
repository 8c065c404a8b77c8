package exchange

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"time"

	"github.com/d365backup/d365backup/internal/auth"
	"github.com/d365backup/d365backup/internal/body"
	"github.com/d365backup/d365backup/internal/httpfail"
	"github.com/d365backup/d365backup/internal/transport"
)

// Attempt is one attempt at an exchange.
type Attempt struct {
	Number  int // from 1
	Took    time.Duration
	Status  int               // 0 if there is no response
	Failure *httpfail.Failure // nil after success

	client  *Client
	header  http.Header // of the response
	secrets []string    // the tokens and client secrets sent, which a server may repeat
}

// RequestID returns the id of the request in the service's logs, if the response has one. Searching it for the secrets can
// take longer than all else for a small page, so a caller must need the id.
func (a *Attempt) RequestID() string { return httpfail.RequestID(a.header, a.secrets...) }

var errAttemptTimeout = errors.New("the attempt took too long")

// attempt makes one attempt. The attempt's timeout starts now.
func (c *Client) attempt(ctx context.Context, request *http.Request, decode Decoder, number int) *httpfail.Failure {
	a := &Attempt{client: c, Number: number}
	started := time.Now()
	attemptCtx, cancel := context.WithTimeoutCause(ctx, c.Policy.AttemptTimeout, errAttemptTimeout)
	defer cancel()
	if f := a.run(attemptCtx, request, decode); f != nil {
		f.Host = cmp.Or(f.Host, request.URL.Host)
		if a.Status != 0 {
			f.Status, f.RequestID = a.Status, cmp.Or(a.RequestID(), f.RequestID)
		}
		a.Failure = f
	}
	a.Took = time.Since(started)
	c.OnAttempt(attemptCtx, request, a)
	return a.Failure
}

// run sends the request, checks the status, reads the body, checks its media type and decodes it: a transport could not see
// that a body is cut off.
func (a *Attempt) run(ctx context.Context, request *http.Request, decode Decoder) *httpfail.Failure {
	request = request.WithContext(ctx)
	if request.GetBody != nil {
		request.Body, _ = request.GetBody() // of bytes, which cannot fail
	}
	response, secrets, err := a.client.Transport.Send(request) //nolint:bodyclose // Drain closes it
	a.secrets = secrets
	if err != nil {
		return a.explainError(ctx, err)
	}
	defer transport.Drain(response.Body)
	a.Status, a.header = response.StatusCode, response.Header
	if response.StatusCode != http.StatusOK { // the only one that is documented
		return httpfail.FromResponse(response, secrets...)
	}
	data, err := a.client.bodies.Read(ctx, response.Body, response.ContentLength)
	defer data.Release()
	if err != nil {
		return a.explainBodyError(ctx, err, data.Size)
	}
	mediaType, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if !a.client.IsMediaType(mediaType) {
		return httpfail.FromMediaType(mediaType, data.Bytes, secrets...)
	}
	f := decode(data.Bytes, func() bool { return httpfail.Leaks(data.Bytes, secrets...) })
	if f != nil {
		f.Hide(data.Bytes, secrets...)
	}
	return f
}

// explainError explains why there is no response.
func (a *Attempt) explainError(ctx context.Context, err error) *httpfail.Failure {
	if f, ok := errors.AsType[*httpfail.Failure](err); ok { // of the request for a token
		shared := *f // by all callers that wait for the token
		return &shared
	}
	if source, ok := errors.AsType[auth.TokenSourceError](err); ok {
		return &httpfail.Failure{Text: "the source of WithTokenSource " + source.Error(), Err: source}
	}
	switch {
	case context.Cause(ctx) == errAttemptTimeout: //nolint:errorlint // compares identity: the cause that this package set
		f := httpfail.New(httpfail.NoAnswer, fmt.Sprintf("no complete response within %s", a.client.Policy.AttemptTimeout))
		f.TimedOut, f.Err = true, context.DeadlineExceeded
		return f
	case ctx.Err() != nil:
		return &httpfail.Failure{Err: err}
	}
	return httpfail.FromError(err, a.secrets...)
}

// explainBodyError explains why reading a body stopped after size bytes.
func (a *Attempt) explainBodyError(ctx context.Context, err error, size int64) *httpfail.Failure {
	switch {
	case errors.Is(err, body.ErrTooLarge):
		return httpfail.New(httpfail.TooLarge, fmt.Sprintf("the response exceeds %d bytes", a.client.MaxBytes))
	case ctx.Err() != nil:
		return a.explainError(ctx, err)
	}
	f := httpfail.FromBodyError(err, a.secrets...)
	if f.Reason == httpfail.Truncated {
		f.Text = fmt.Sprintf("the response ended after %d bytes", size)
	}
	return f
}
