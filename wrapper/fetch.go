package d365backup

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/d365backup/d365backup/internal/exchange"
	"github.com/d365backup/d365backup/internal/httpfail"
)

// fetchBy reads one page by an API, with as many attempts as the policy allows.
func (c *Client) fetchBy(ctx context.Context, api API, f filter, number, size int) (page pageData, err error) {
	if api == APIGraph && f.model.ObjectType != nil {
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
	own := newError(failure)
	if failure.Reason == httpfail.NotFound {
		c.explainNotFound(own, api)
	}
	return pageData{}, own
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
	attrs := []slog.Attr{
		slog.Duration("duration", a.Took), slog.Int("attempt", a.Number), slog.String("method", request.Method),
		slog.String("path", request.URL.Path), slog.Int("status", a.Status), slog.String("request_id", a.RequestID),
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
