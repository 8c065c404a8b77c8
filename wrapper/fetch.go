package d365backup

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/d365backup/d365backup/internal/exchange"
	"github.com/d365backup/d365backup/internal/httpfail"
)

// fetch reads one page through the API in use. The first page that is read may change the API if it is page 1; see APIAuto.
func (c *Client) fetch(ctx context.Context, f filter, number, size int, isFirst bool) (pageData, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.config.timeout, timeoutError(c.config.timeout))
	defer cancel()
	if c.config.api != APIAuto {
		return c.fetchThrough(ctx, c.config.api, f, number, size)
	}
	v1Only := f.ObjectType != nil || c.config.mediaType != MediaTypeJSON
	if c.useSuccessor.Load() && !v1Only {
		return c.fetchThrough(ctx, APIGraph, f, number, size)
	}
	page, err := c.fetchThrough(ctx, APIv1, f, number, size)
	apiErr, ok := errors.AsType[*Error](err)
	switch {
	case !ok || !errors.Is(apiErr.Kind, ErrNotFound):
	case v1Only:
		apiErr.Message += "; its successor has no object types and no other media types, and was not requested"
	case number == 1 && isFirst:
		return c.fetchSuccessor(ctx, f, size, apiErr)
	}
	return page, err
}

// fetchSuccessor reads page 1 through the successor after version v1 was not found. The first of several calls at a time that gets a
// page changes the API of the Client.
func (c *Client) fetchSuccessor(ctx context.Context, f filter, size int, notFound *Error) (pageData, error) {
	page, err := c.fetchThrough(ctx, APIGraph, f, 1, size)
	apiErr, failed := errors.AsType[*Error](err)
	switch {
	case err == nil:
		if c.useSuccessor.CompareAndSwap(false, true) && c.config.onDrift != nil {
			c.config.onDrift(Drift{Kind: DriftSuccessor, Value: string(APIGraph), Count: 1})
		}
		return page, nil
	case c.useSuccessor.Load() || !failed || apiErr.Kind == nil: // without a kind, the call's context has ended
		return pageData{}, err
	}
	method, path := APIGraph.Operation()
	notFound.Message += fmt.Sprintf("; its successor, %s %s, was requested, too: %v (status %d)", method, path, apiErr.Kind, apiErr.StatusCode)
	return pageData{}, notFound
}

// fetchThrough reads one page through an API, with as many attempts as the policy allows.
func (c *Client) fetchThrough(ctx context.Context, api API, f filter, number, size int) (page pageData, err error) {
	if api == APIGraph && f.ObjectType != nil {
		return page, badSetting("Query.ObjectType", "only version v1 has it: leave it out, or use version v1")
	}
	request, err := f.request(api, c.BaseURL()+"/", c.config.mediaType, number, size)
	if err != nil {
		return page, configError("the request for a page cannot be made: %v", err)
	}
	request.Header.Set("Accept", MediaTypeJSON)
	failure := c.pages.Do(ctx, request, func(body []byte, repeatsSecret func() bool) (f *httpfail.Failure) {
		if page, f = decodePage(body, size); f == nil {
			c.reportDrift(page.drift, repeatsSecret)
		}
		return f
	})
	if failure == nil {
		return page, nil
	}
	apiErr := newError(failure)
	if failure.Reason == httpfail.NotFound {
		c.explainNotFound(apiErr, api)
	}
	return pageData{}, apiErr
}

// reportDrift reports how a page differs from the contract.
func (c *Client) reportDrift(found []Drift, repeatsSecret func() bool) {
	if len(found) == 0 || c.config.onDrift == nil {
		return
	}
	hide := repeatsSecret()
	for _, drift := range found {
		if hide { // a value may have been cut in the middle of a secret
			drift.Value = ""
		}
		c.config.onDrift(drift)
	}
}

// logAttempt logs an attempt: as a warning if it failed, unless its caller no longer waits for it.
func (c *Client) logAttempt(ctx context.Context, request *http.Request, a *exchange.Attempt) {
	level, message := slog.LevelDebug, "read a page of jobs"
	if a.Failure == nil && !c.config.logger.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{
		slog.Duration("duration", a.Took), slog.Int("attempt", a.Number), slog.String("method", request.Method),
		slog.String("path", request.URL.Path), slog.Int("status", a.Status), slog.String("request_id", a.RequestID()),
	}
	if a.Failure != nil {
		level, message = slog.LevelWarn, "cannot read a page of jobs"
		if errors.Is(context.Cause(ctx), context.Canceled) {
			level, message = slog.LevelDebug, "canceled reading a page of jobs"
		}
		attrs = append(attrs, slog.Bool("retryable", a.Failure.Retry))
		if kind := newError(a.Failure).Kind; kind != nil {
			attrs = append(attrs, slog.String("kind", kind.Error()), slog.String("reason", string(a.Failure.Reason)))
		}
	}
	c.config.logger.LogAttrs(ctx, level, message, attrs...)
}
