package d365backup

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"time"

	"github.com/d365backup/d365backup/internal/body"
	"github.com/d365backup/d365backup/internal/httpfail"
	"github.com/d365backup/d365backup/internal/transport"
)

// attempt is one request for a page and its response, read to its end: a transport cannot see that a body is cut off.
// The steps are send, checkStatus, read, checkMediaType, decode; classify turns the error of any of them into an *Error.
type attempt struct {
	client    *Client
	request   pageRequest
	secrets   []string // the tokens and client secrets sent, which a server may repeat
	status    int      // 0 if there is no response
	requestID string
}

// attempt makes one attempt at a page and logs it.
func (c *Client) attempt(ctx context.Context, request pageRequest, number int) (pageData, *Error) {
	started := time.Now()
	a := &attempt{client: c, request: request}
	page, err := a.run(ctx)
	failed := a.classify(ctx, err)
	a.log(ctx, failed, slog.Duration("duration", time.Since(started)), slog.Int("attempt", number))
	return page, failed
}

func (a *attempt) run(ctx context.Context) (page pageData, err error) {
	response, err := a.send(ctx) //nolint:bodyclose // Drain closes it
	if err != nil {
		return page, err
	}
	defer transport.Drain(response.Body)
	a.status, a.requestID = response.StatusCode, httpfail.RequestID(response.Header, a.secrets...)
	if err = a.checkStatus(response); err != nil {
		return page, err
	}
	data, err := a.read(ctx, response)
	defer data.Release()
	if err != nil {
		return page, err
	}
	if err = a.checkMediaType(response, data.Bytes); err != nil {
		return page, err
	}
	return a.decode(data.Bytes)
}

// send sends the request with a token.
func (a *attempt) send(ctx context.Context) (response *http.Response, err error) {
	request := a.request.http.WithContext(ctx)
	if request.GetBody != nil {
		request.Body, _ = request.GetBody() // of bytes, which cannot fail
	}
	response, a.secrets, err = a.client.pages.Send(request)
	return response, err
}

// checkStatus accepts only the documented status.
func (a *attempt) checkStatus(response *http.Response) error {
	if response.StatusCode == http.StatusOK {
		return nil
	}
	return httpfail.FromResponse(response, a.secrets...)
}

// read reads the body. What it returns must be released even if there is an error.
func (a *attempt) read(ctx context.Context, response *http.Response) (*body.Body, error) {
	data, err := a.client.limits().bodies.Read(ctx, response.Body, response.ContentLength)
	switch {
	case err == nil:
		return data, nil
	case errors.Is(err, body.ErrTooLarge):
		text := fmt.Sprintf("the response exceeds %d bytes", a.client.config.maxResponseBytes)
		return data, &httpfail.Failure{Reason: httpfail.TooLarge, Text: text}
	case ctx.Err() != nil:
		return data, err
	}
	failure := httpfail.FromBodyError(err, a.secrets...)
	if failure.Reason == httpfail.Truncated {
		failure.Text = fmt.Sprintf("the response ended after %d bytes", data.Size)
	}
	return data, failure
}

// checkMediaType accepts only JSON.
func (a *attempt) checkMediaType(response *http.Response, data []byte) error {
	mediaType, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if isJSON(mediaType) {
		return nil
	}
	return httpfail.FromMediaType(mediaType, data, a.secrets...)
}

// decode returns the page, and reports how it differs from the contract.
func (a *attempt) decode(data []byte) (pageData, error) {
	page, err := decodePage(data, a.request.size)
	if own, ok := errors.AsType[*Error](err); ok {
		shown := own.Message + " " + own.ServiceMessage + " " + own.Excerpt
		if httpfail.Leaks(data[:min(len(data), httpfail.MaxBody)], a.secrets...) || httpfail.Leaks([]byte(shown), a.secrets...) {
			return page, &Error{Kind: own.Kind, Reason: own.Reason, Message: "the response repeats a secret and is not shown", retry: own.retry}
		}
		own.RequestID = httpfail.AcceptID(own.RequestID, a.secrets...)
		return page, own
	}
	if len(page.drift) > 0 && a.client.config.onDrift != nil {
		leaks := httpfail.Leaks(data, a.secrets...)
		for _, drift := range page.drift {
			if leaks { // a value may have been cut in the middle of a secret
				drift.Value = ""
			}
			a.client.config.onDrift(drift)
		}
	}
	return page, err
}

// log logs the attempt: as a warning if it failed, unless its caller no longer waits for it.
func (a *attempt) log(ctx context.Context, failed *Error, attrs ...slog.Attr) {
	method, path := a.request.api.Operation()
	attrs = append(attrs, slog.String("method", method), slog.String("path", a.client.endpoints.base.Path+path),
		slog.Int("status", a.status), slog.String("request_id", a.requestID))
	level, message := slog.LevelDebug, "read a page of jobs"
	if failed != nil {
		level, message = slog.LevelWarn, "cannot read a page of jobs"
		if errors.Is(context.Cause(ctx), context.Canceled) {
			level, message = slog.LevelDebug, "canceled reading a page of jobs"
		}
		attrs = append(attrs, slog.Bool("retryable", failed.retry))
		if failed.Kind != nil {
			attrs = append(attrs, slog.String("kind", failed.Kind.Error()), slog.String("reason", failed.Reason))
		}
	}
	a.client.config.logger.LogAttrs(ctx, level, message, attrs...)
}
