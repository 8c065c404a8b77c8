package d365backup

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"time"
)

// attempt sends one request and reads its answer to the end, for a body that is cut off is seen by no
// transport.
func (c *Client) attempt(ctx context.Context, request pageRequest, size, number int) (pageData, *attemptFailure) {
	started := time.Now()
	answer, got, failed := c.exchange(ctx, request, size)
	method, path := request.api.route()
	level, message := slog.LevelDebug, "read a page of jobs"
	attrs := []slog.Attr{
		slog.String("method", method),
		slog.String("path", c.endpoints.base.Path+path),
		slog.Int("status", got.status),
		slog.Duration("duration", time.Since(started)),
		slog.Int("attempt", number),
		slog.String("request_id", got.requestID),
	}
	if failed != nil {
		level, message = slog.LevelWarn, "could not read a page of jobs"
		if errors.Is(context.Cause(ctx), context.Canceled) {
			level, message = slog.LevelDebug, "gave up reading a page of jobs" // nobody waits for it any more
		}
		attrs = append(attrs, slog.Bool("retryable", failed.retry))
		if failed.err.Kind != nil {
			attrs = append(attrs, slog.String("kind", failed.err.Kind.Error()))
		}
	}
	c.config.logger.LogAttrs(ctx, level, message, attrs...)
	return answer, failed
}

// response is what is known of an answer before its body is understood; zero where there was none.
type response struct {
	api       API
	status    int
	requestID string
	token     string // what it must not be quoted with: a careless server echoes it
}

func (c *Client) exchange(ctx context.Context, request pageRequest, size int) (answer pageData, got response, failed *attemptFailure) {
	got.api = request.api
	ctx = context.WithValue(ctx, usedToken{}, &got.token)
	resp, err := request.send(ctx) //nolint:bodyclose // drain closes it
	if err != nil {
		return answer, got, c.unanswered(ctx, got, err)
	}
	defer drain(resp.Body)
	got.status, got.requestID = resp.StatusCode, requestID(resp.Header, got.token)
	answer, failed = c.read(ctx, resp, got, size)
	if failed != nil {
		failed.err.Host = c.endpoints.base.Host
		failed.err.StatusCode = got.status
		if got.requestID != "" {
			failed.err.RequestID = got.requestID
		}
		got.redact(failed.err)
	}
	return answer, got, failed
}

// shortestToken is how long a token is at least that can be told from the words of a message.
const shortestToken = 8

// redact takes the token out of what has been read of the answer: JSON escapes and removed characters
// may have hidden it before.
func (got response) redact(err *Error) {
	if len(got.token) < shortestToken {
		return
	}
	echo := echoOf(got.token)
	for _, text := range []*string{&err.Message, &err.RequestID, &err.Excerpt} {
		*text = echo.ReplaceAllLiteralString(*text, redacted)
	}
}

// quotable returns what may be quoted of a body.
func (got response) quotable(body []byte) []byte {
	cut := len(body) >= maxErrorBody
	body = body[:min(len(body), maxErrorBody)]
	if got.token == "" {
		return body
	}
	body = echoOf(got.token).ReplaceAllLiteral(body, []byte(redacted))
	if cut { // the end may be the beginning of the token
		body = body[:max(0, len(body)-maxEscape*len(got.token))]
	}
	return body
}

// read takes as success only the documented status, a JSON media type and a job list.
func (c *Client) read(ctx context.Context, resp *http.Response, got response, size int) (pageData, *attemptFailure) {
	if resp.StatusCode != http.StatusOK {
		return pageData{}, c.refused(resp, got)
	}
	buffer := buffers.Get().(*[]byte)
	defer recycle(buffer)
	if failed := c.readBody(ctx, resp, got, buffer); failed != nil {
		return pageData{}, failed
	}
	mediaType, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if !isJSON(mediaType) {
		return pageData{}, fail(&Error{
			Kind:    ErrNotJobs,
			Message: fmt.Sprintf("the answer has the media type %q, not JSON: check the address, and for a proxy or a login page in between", excerpt(mediaType, 64)),
			Excerpt: excerpt(string(got.quotable(*buffer)), maxExcerpt),
		})
	}
	answer, err := decodePage(*buffer, size)
	if err != nil {
		return pageData{}, undecoded(*buffer, got, size, err)
	}
	if c.config.onDrift != nil && len(answer.drift) > 0 {
		echoes := got.token != "" && echoOf(got.token).Match(*buffer)
		for _, drift := range answer.drift {
			if echoes { // a value may be cut within the token
				drift.Value = ""
			}
			c.config.onDrift(drift)
		}
	}
	return answer, nil
}

// undecoded makes a failure of a body that is no job list.
func undecoded(body []byte, got response, size int, err error) *attemptFailure {
	if got.token != "" && echoOf(got.token).Match(body) {
		_, err = decodePage(got.quotable(body), size) // for an error without the token
	}
	own, ok := errors.AsType[*Error](err)
	if !ok {
		own = &Error{Kind: ErrNotJobs, Message: "the answer quotes the token"}
	}
	return &attemptFailure{err: own, retry: errors.Is(own, ErrTruncated)}
}
