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
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/d365backup/d365backup/internal/retryafter"
)

// attempt sends one request and reads its answer to the end, for a body that is cut off is seen by no
// transport.
func (c *Client) attempt(ctx context.Context, send send, size, number int) (pageData, *attemptFailure) {
	started := time.Now()
	answer, got, failed := c.exchange(ctx, send, size)
	method, path := c.config.api.route()
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
	status    int
	requestID string
	token     string // what it must not be quoted with: a careless server echoes it
}

func (c *Client) exchange(ctx context.Context, send send, size int) (answer pageData, got response, failed *attemptFailure) {
	ctx = context.WithValue(ctx, usedToken{}, &got.token)
	resp, err := send(ctx) //nolint:bodyclose // drain closes it
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
	}
	return answer, got, failed
}

// quotable returns what may be quoted of a body.
func (got response) quotable(body []byte) []byte {
	cut := len(body) >= maxErrorBody
	body = body[:min(len(body), maxErrorBody)]
	if got.token == "" {
		return body
	}
	body = bytes.ReplaceAll(body, []byte(got.token), []byte("[token]"))
	if cut { // the end may be the beginning of the token
		body = body[:max(0, len(body)-len(got.token))]
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
	if c.config.onDrift != nil {
		for _, drift := range answer.drift {
			c.config.onDrift(drift)
		}
	}
	return answer, nil
}

// undecoded makes a failure of a body that is no job list.
func undecoded(body []byte, got response, size int, err error) *attemptFailure {
	if got.token != "" && bytes.Contains(body, []byte(got.token)) {
		_, err = decodePage(got.quotable(body), size) // for an error without the token
	}
	own, ok := errors.AsType[*Error](err)
	if !ok {
		own = &Error{Kind: ErrNotJobs, Message: "the answer quotes the token"}
	}
	return &attemptFailure{err: own, retry: errors.Is(own, ErrTruncated)}
}

// buffers hold bodies while they are decoded; what is decoded never points into them.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// maxPooled keeps one large answer from holding its memory for ever.
const maxPooled = 4 << 20

func recycle(buffer *[]byte) {
	if cap(*buffer) <= maxPooled {
		*buffer = (*buffer)[:0]
		buffers.Put(buffer)
	}
}

// readBody reads the body to its end, within the limit, which counts decompressed bytes.
func (c *Client) readBody(ctx context.Context, resp *http.Response, got response, buffer *[]byte) *attemptFailure {
	limit := c.config.maxResponseBytes
	if resp.ContentLength > limit {
		return fail(c.tooLarge())
	}
	// One byte more than announced, to see the end without growing.
	*buffer = slices.Grow(*buffer, int(min(resp.ContentLength+1, maxPooled)))
	err := readUpTo(resp.Body, buffer, limit)
	var corrupt flate.CorruptInputError
	switch {
	case err == nil:
		return nil
	case err == errOverLimit: //nolint:errorlint // readUpTo returns it as it is
		return fail(c.tooLarge())
	case ctx.Err() != nil:
		return c.interrupted(ctx, err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return retry(&Error{Kind: ErrTruncated, Message: fmt.Sprintf("the answer ended after %d bytes", len(*buffer))})
	case errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader), errors.As(err, &corrupt):
		return retry(&Error{Kind: ErrNetwork, Message: "the compressed answer is damaged"})
	}
	return c.unanswered(ctx, got, err)
}

var errOverLimit = errors.New("over the limit")

// readUpTo appends what the reader has to the buffer. Unlike bytes.Buffer it never grows the buffer
// beyond the limit, so that an endless body costs little more than the limit.
func readUpTo(r io.Reader, buffer *[]byte, limit int64) error {
	b := *buffer
	defer func() { *buffer = b }()
	for int64(len(b)) <= limit {
		if len(b) == cap(b) {
			grown := make([]byte, len(b), min(max(2*int64(cap(b)), 32<<10), limit+1))
			copy(grown, b)
			b = grown
		}
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch {
		case int64(len(b)) > limit:
			return errOverLimit
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
	return errOverLimit
}

func (c *Client) tooLarge() *Error {
	return &Error{Kind: ErrTooLarge, Message: fmt.Sprintf(
		"the answer exceeds %d bytes: ask for smaller pages with WithPageSize, or raise WithMaxResponseBytes", c.config.maxResponseBytes)}
}

func fail(err *Error) *attemptFailure  { return &attemptFailure{err: err} }
func retry(err *Error) *attemptFailure { return &attemptFailure{err: err, retry: true} }

// unanswered makes a failure of an exchange that brought no answer.
func (c *Client) unanswered(ctx context.Context, got response, err error) *attemptFailure {
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
	if got.token != "" && strings.Contains(err.Error(), got.token) {
		err = errors.New("the server does not speak HTTP, or echoes what it is sent")
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
func (c *Client) refused(resp *http.Response, got response) *attemptFailure {
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	body = got.quotable(body)
	err := &Error{Excerpt: excerpt(string(body), maxExcerpt)}
	err.Message, err.Kind = c.explain(resp)
	err.RetryAfter, _ = retryafter.Parse(resp.Header.Get("Retry-After"), time.Now())
	var envelope struct {
		Message   string `json:"message"`
		RequestID string `json:"requestId"`
	}
	if json.Unmarshal(body, &envelope) == nil { // the documents promise no body at all
		if envelope.Message != "" {
			err.Message += fmt.Sprintf(": the service says %q", excerpt(envelope.Message, 500))
		}
		err.RequestID = excerpt(envelope.RequestID, 128)
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
func (c *Client) explain(resp *http.Response) (message string, kind error) {
	switch status := resp.StatusCode; {
	case status < 300:
		return fmt.Sprintf("status %d is not the documented 200", status), ErrNotJobs
	case status < 400:
		return fmt.Sprintf("the server points to %s, and no redirect is followed: check the address, and for a login page in between",
			redirectTarget(resp)), ErrRedirect
	case status == http.StatusUnauthorized:
		return "the service does not accept the token: check that the app belongs to this environment, and the clock", ErrAuth
	case status == http.StatusForbidden:
		return fmt.Sprintf("the app may not read jobs: grant it the permission %s", DefaultScope), ErrForbidden
	case status == http.StatusNotFound:
		return c.explainNotFound(), ErrNotFound
	case status == http.StatusTooManyRequests:
		return "too many requests: ask less often, or with a smaller WithPrefetch", ErrThrottled
	case status >= 500 || status == http.StatusRequestTimeout:
		return "the service or a gateway in front of it failed: try again later", ErrServer
	}
	return "the service did not accept the request", ErrBadRequest
}

func (c *Client) explainNotFound() string {
	_, path := c.config.api.route()
	looks, try := "a wrong data centre, a missing permission and an unlicensed product", "try another WithDataCenter first"
	if c.config.api == APIv1 {
		looks = "a wrong data centre, a missing permission, an unlicensed product and a service without version v1"
		try = "try WithAPI(APIGraph), the replacement of version v1, then another WithDataCenter"
	}
	return fmt.Sprintf("nothing answers at %s of %s (%s): %s all look like this; %s",
		path, c.endpoints.base.Host, c.endpoints.place, looks, try)
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
func requestID(header http.Header, token string) string {
	for _, name := range []string{"X-Request-Id", "Request-Id", "X-Ms-Request-Id", "X-Correlation-Id", "Traceparent"} {
		id := header.Get(name)
		if id != "" && (token == "" || !strings.Contains(id, token)) {
			return excerpt(id, 128)
		}
	}
	return ""
}
