package d365backup

import (
	"context"
	"errors"
	"log/slog"
	"mime"
	"net/http"
	"time"

	"github.com/d365backup/d365backup/internal/httpfail"
)

// attempt sends one request and reads the response to its end: a transport cannot see that a body is cut off.
func (c *Client) attempt(ctx context.Context, request pageRequest, size, number int) (pageData, *attemptFailure) {
	started := time.Now()
	x := exchange{client: c, api: request.api, size: size}
	page, failed := x.do(ctx, request.send)
	method, path := request.api.Operation()
	level, message := slog.LevelDebug, "read a page of jobs"
	attrs := []slog.Attr{
		slog.String("method", method),
		slog.String("path", c.endpoints.base.Path+path),
		slog.Int("status", x.status),
		slog.Duration("duration", time.Since(started)),
		slog.Int("attempt", number),
		slog.String("request_id", x.requestID),
	}
	if failed != nil {
		level, message = slog.LevelWarn, "could not read a page of jobs"
		if errors.Is(context.Cause(ctx), context.Canceled) {
			level, message = slog.LevelDebug, "gave up reading a page of jobs" // nobody waits for it any more
		}
		attrs = append(attrs, slog.Bool("retryable", failed.retry))
		if failed.err.Kind != nil {
			attrs = append(attrs, slog.String("kind", failed.err.Kind.Error()), slog.String("reason", failed.err.Reason))
		}
	}
	c.config.logger.LogAttrs(ctx, level, message, attrs...)
	return page, failed
}

// exchange is one request and its response. The zero status means that there is none.
type exchange struct {
	client    *Client
	api       API
	size      int
	sent      []string // the tokens and the secret, which a careless server may echo
	status    int
	requestID string
}

// do sends the request and returns the page, or why there is none.
func (x *exchange) do(ctx context.Context, send func(context.Context) (*http.Response, error)) (page pageData, failed *attemptFailure) {
	ctx = context.WithValue(ctx, usedTokens{}, &x.sent)
	response, err := send(ctx) //nolint:bodyclose // drain closes it
	if err != nil {
		return page, x.client.noResponse(ctx, err, x.sent)
	}
	defer drain(response.Body)
	x.status, x.requestID = response.StatusCode, httpfail.RequestID(response.Header, x.sent...)
	if page, failed = x.read(ctx, response); failed != nil {
		failed.err.Host = x.client.endpoints.base.Host
		failed.err.StatusCode = x.status
		if x.requestID != "" {
			failed.err.RequestID = x.requestID
		}
	}
	return page, failed
}

// read accepts only the documented status, a JSON media type and a list of jobs.
func (x *exchange) read(ctx context.Context, response *http.Response) (pageData, *attemptFailure) {
	c := x.client
	if response.StatusCode != http.StatusOK {
		failed := c.failed(httpfail.FromResponse(response, x.sent...))
		if errors.Is(failed.err.Kind, ErrNotFound) {
			c.explainNotFound(failed.err, x.api)
		}
		return pageData{}, failed
	}
	buffer := buffers.Get().(*[]byte)
	defer recycle(buffer)
	release, failed := c.readBody(ctx, response, x.sent, buffer)
	defer release()
	if failed != nil {
		return pageData{}, failed
	}
	mediaType, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	switch {
	case httpfail.IsHTML(mediaType):
		return pageData{}, c.notJobs(httpfail.LoginPage, *buffer, x.sent, "the response is a web page, such as a login page, not JSON")
	case !isJSON(mediaType):
		if httpfail.Leaks([]byte(mediaType), x.sent...) {
			mediaType = "unknown"
		}
		return pageData{}, c.notJobs(httpfail.NotJobs, *buffer, x.sent, "the response has the media type %q, not JSON", excerpt(mediaType, 64))
	}
	page, err := decodePage(*buffer, x.size)
	if err != nil {
		return pageData{}, c.undecoded(err, *buffer, x.sent)
	}
	if c.config.onDrift != nil && len(page.drift) > 0 {
		leaks := httpfail.Leaks(*buffer, x.sent...)
		for _, drift := range page.drift {
			if leaks { // a value may be cut within what was sent
				drift.Value = ""
			}
			c.config.onDrift(drift)
		}
	}
	return page, nil
}
