package d365backup

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// operationPath is where version v1 answers, below the base URL.
const operationPath = "/api/OpenApi/GetJobs"

// attempt sends one request and reads its answer to the end, for a body that is cut off is seen by no
// transport.
func (c *Client) attempt(ctx context.Context, body []byte, number int) (pageData, *attemptFailure) {
	started := time.Now()
	answer, resp, failed := c.exchange(ctx, body)
	attrs := []slog.Attr{
		slog.String("method", http.MethodPost),
		slog.String("path", c.endpoints.base.Path+operationPath),
		slog.Duration("duration", time.Since(started)),
		slog.Int("attempt", number),
	}
	if resp != nil {
		attrs = append(attrs, slog.Int("status", resp.StatusCode), slog.String("request_id", requestID(resp.Header)))
	}
	level, message := slog.LevelDebug, "read a page of jobs"
	if failed != nil {
		level, message = slog.LevelWarn, "could not read a page of jobs"
		attrs = append(attrs, slog.Bool("retryable", failed.retry))
		if failed.err.Kind != nil {
			attrs = append(attrs, slog.String("kind", failed.err.Kind.Error()))
		}
	}
	c.config.logger.LogAttrs(ctx, level, message, attrs...)
	return answer, failed
}

func (c *Client) exchange(ctx context.Context, body []byte) (pageData, *http.Response, *attemptFailure) {
	resp, err := c.raw.GetJobsWithBody(ctx, c.config.mediaType, bytes.NewReader(body), acceptJSON)
	if err != nil {
		return pageData{}, nil, c.unanswered(ctx, err)
	}
	defer drain(resp.Body)
	answer, failed := c.read(ctx, resp)
	if failed != nil {
		failed.err.Host = c.endpoints.base.Host
		failed.err.StatusCode = resp.StatusCode
		if failed.err.RequestID == "" {
			failed.err.RequestID = requestID(resp.Header)
		}
	}
	return answer, resp, failed
}

func acceptJSON(_ context.Context, req *http.Request) error {
	req.Header.Set("Accept", MediaTypeJSON)
	return nil
}

// read takes as success only the documented status, a JSON media type and a job list.
func (c *Client) read(ctx context.Context, resp *http.Response) (pageData, *attemptFailure) {
	if resp.StatusCode != http.StatusOK {
		return pageData{}, c.refused(resp)
	}
	buffer := buffers.Get().(*bytes.Buffer)
	defer recycle(buffer)
	if failed := c.readBody(ctx, resp, buffer); failed != nil {
		return pageData{}, failed
	}
	mediaType, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if !isJSON(mediaType) {
		return pageData{}, fail(&Error{
			Kind:    ErrNotJobs,
			Message: fmt.Sprintf("the answer has the media type %q, not JSON: check the address, and for a proxy or a login page in between", excerpt(mediaType, 64)),
			Excerpt: excerpt(buffer.String(), maxExcerpt),
		})
	}
	answer, err := decodePage(buffer.Bytes(), c.config.pageSize)
	if err != nil {
		return pageData{}, &attemptFailure{
			err:   &Error{Kind: kindOf(err), cause: err, Excerpt: excerpt(string(buffer.Bytes()[:min(buffer.Len(), 4*maxExcerpt)]), maxExcerpt)},
			retry: errors.Is(err, ErrTruncated),
		}
	}
	return answer, nil
}

// buffers hold bodies while they are decoded; what is decoded never points into them.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// maxPooled keeps one large answer from holding its memory for ever.
const maxPooled = 4 << 20

func recycle(buffer *bytes.Buffer) {
	if buffer.Cap() <= maxPooled {
		buffer.Reset()
		buffers.Put(buffer)
	}
}

// readBody reads the body to its end, within the limit, which counts decompressed bytes.
func (c *Client) readBody(ctx context.Context, resp *http.Response, buffer *bytes.Buffer) *attemptFailure {
	limit := c.config.maxResponseBytes
	if resp.ContentLength > limit {
		return fail(c.tooLarge())
	}
	if resp.ContentLength > 0 {
		buffer.Grow(int(min(resp.ContentLength, maxPooled-bytes.MinRead)) + bytes.MinRead)
	}
	n, err := buffer.ReadFrom(io.LimitReader(resp.Body, limit+1))
	var corrupt flate.CorruptInputError
	switch {
	case n > limit:
		return fail(c.tooLarge())
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return c.interrupted(ctx, err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return retry(&Error{Kind: ErrTruncated, Message: fmt.Sprintf("the answer ended after %d bytes", n)})
	case errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader), errors.As(err, &corrupt):
		return retry(&Error{Kind: ErrNetwork, Message: "the compressed answer is damaged"})
	}
	return c.unanswered(ctx, err)
}

func (c *Client) tooLarge() *Error {
	return &Error{Kind: ErrTooLarge, Message: fmt.Sprintf(
		"the answer exceeds %d bytes: ask for smaller pages with WithPageSize, or raise WithMaxResponseBytes", c.config.maxResponseBytes)}
}

func fail(err *Error) *attemptFailure  { return &attemptFailure{err: err} }
func retry(err *Error) *attemptFailure { return &attemptFailure{err: err, retry: true} }

// unanswered makes a failure of an exchange that brought no answer.
func (c *Client) unanswered(ctx context.Context, err error) *attemptFailure {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err // the URL may hold what a log must not
	}
	if failed := tokenFailure(err); failed != nil {
		return failed
	}
	if own, ok := errors.AsType[*Error](err); ok {
		copied := *own // it may be shared by several callers, and attempts are counted in it
		return fail(&copied)
	}
	if ctx.Err() != nil {
		return c.interrupted(ctx, err)
	}
	failed := &attemptFailure{err: &Error{Kind: ErrNetwork, Host: c.endpoints.base.Host, cause: err}, retry: true}
	if isVerification(err) {
		failed.err.Message = "the server's certificate was not accepted: check the address, the clock, and for a proxy in between"
		failed.retry = false
	} else if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		failed.err.Message = "the host does not exist: check the data centre or the base URL"
		failed.retry = false
	}
	return failed
}

// interrupted tells the end of one attempt's time, which is tried again, from that of the call.
func (c *Client) interrupted(ctx context.Context, err error) *attemptFailure {
	if context.Cause(ctx) == errAttemptTimeout { //nolint:errorlint // identity is meant: the cause that this package set
		return retry(&Error{
			Kind:    ErrNetwork,
			Host:    c.endpoints.base.Host,
			Message: fmt.Sprintf("no whole answer within the %s of RetryPolicy.AttemptTimeout", c.config.retry.AttemptTimeout),
			cause:   context.DeadlineExceeded,
		})
	}
	return fail(&Error{Host: c.endpoints.base.Host, cause: err})
}

func isVerification(err error) bool {
	_, verification := errors.AsType[*tls.CertificateVerificationError](err)
	_, header := errors.AsType[tls.RecordHeaderError](err)
	_, authority := errors.AsType[x509.UnknownAuthorityError](err)
	_, hostname := errors.AsType[x509.HostnameError](err)
	_, invalid := errors.AsType[x509.CertificateInvalidError](err)
	return verification || header || authority || hostname || invalid
}

// maxErrorBody is how much of a refusal is read.
const maxErrorBody = 64 << 10

// refused makes a failure of a status other than 200.
func (c *Client) refused(resp *http.Response) *attemptFailure {
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	err := &Error{Excerpt: excerpt(string(body), maxExcerpt)}
	err.Kind, err.Message = c.explain(resp)
	err.RetryAfter, _ = parseRetryAfter(resp.Header.Get("Retry-After"), time.Now())
	var envelope struct {
		Message   string `json:"message"`
		RequestID string `json:"requestId"`
	}
	if json.Unmarshal(body, &envelope) == nil { // the documents promise no body at all
		if envelope.Message != "" {
			err.Message += fmt.Sprintf(": the service says %q", excerpt(envelope.Message, 500))
		}
		err.RequestID = excerpt(envelope.RequestID, 128)
		if id := requestID(resp.Header); id != "" {
			err.RequestID = id
		}
	}
	return &attemptFailure{err: err, retry: retryable(resp.StatusCode)}
}

func retryable(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// explain says what a status means and what to try next.
func (c *Client) explain(resp *http.Response) (kind error, message string) {
	switch status := resp.StatusCode; {
	case status < 300:
		return ErrNotJobs, fmt.Sprintf("status %d is not the documented 200", status)
	case status < 400:
		return ErrRedirect, fmt.Sprintf("the server points to %s, and no redirect is followed: check the address, and for a login page in between",
			redirectTarget(resp))
	case status == http.StatusUnauthorized:
		return ErrAuth, "the service does not accept the token: check that the app belongs to this environment, and the clock"
	case status == http.StatusForbidden:
		return ErrForbidden, fmt.Sprintf("the app may not read jobs: grant it the permission %s", DefaultScope)
	case status == http.StatusNotFound:
		return ErrNotFound, c.explainNotFound()
	case status == http.StatusTooManyRequests:
		return ErrThrottled, "too many requests: ask less often, or with a smaller WithPrefetch"
	case status >= 500 || status == http.StatusRequestTimeout:
		return ErrServer, "the service or a gateway in front of it failed: try again later"
	}
	return ErrBadRequest, "the service did not accept the request"
}

func (c *Client) explainNotFound() string {
	return fmt.Sprintf("nothing answers at %s of %s (%s): a wrong data centre, a missing permission, an unlicensed product "+
		"and the replaced path of version v1 all look like this; try another WithDataCenter first",
		operationPath, c.endpoints.base.Host, c.endpoints.place)
}

func redirectTarget(resp *http.Response) string {
	target, err := resp.Location()
	if err != nil || target.Host == "" {
		return "no valid address"
	}
	return excerpt(target.Scheme+"://"+target.Host, 200)
}

// requestID returns what names the request in the service's logs. That there is such a header is
// documented, its name is not.
func requestID(header http.Header) string {
	for _, name := range []string{"X-Request-Id", "Request-Id", "X-Ms-Request-Id", "X-Correlation-Id", "Traceparent"} {
		if id := header.Get(name); id != "" {
			return excerpt(id, 128)
		}
	}
	return ""
}

func kindOf(err error) error {
	if errors.Is(err, ErrTruncated) {
		return ErrTruncated
	}
	return ErrNotJobs
}
