package httpfail

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	// MaxBody bounds how much of an unsuccessful response is read, in bytes.
	MaxBody = 64 << 10
	// bodyTimeout bounds how long that may take: the status alone is enough to explain the failure.
	bodyTimeout = 5 * time.Second
	// MaxExcerpt bounds what may be shown of a response, in bytes.
	MaxExcerpt = 2 << 10
	maxMessage = 500
)

// FromResponse explains a response with a status that is not the expected one, and reads its body. It does not
// quote the secrets in the request.
func FromResponse(response *http.Response, secrets ...string) *Failure {
	f := &Failure{Status: response.StatusCode, Retry: isTransient(response.StatusCode)}
	f.Reason, f.Text = explainStatus(response, secrets)
	f.RequestID = RequestID(response.Header, secrets...)
	f.RetryAfter = RetryAfter(response.Header, time.Now())
	if f.Status == http.StatusSwitchingProtocols {
		return f // the body is the connection itself
	}
	body := ReadBody(response.Body)
	report := readReport(body)
	f.Code = report.code
	if f.Excerpt = Excerpt(body, secrets...); f.Excerpt != "" {
		f.Message = report.message()
		f.RequestID = cmp.Or(f.RequestID, AcceptID(cmp.Or(report.requestID, report.traceID), secrets...))
	}
	return f
}

// FromMediaType explains a response with the expected status whose media type is not JSON.
func FromMediaType(mediaType string, body []byte, secrets ...string) *Failure {
	f := &Failure{Excerpt: Excerpt(body[:min(len(body), MaxBody)], secrets...)}
	if IsHTML(mediaType) {
		f.Reason, f.Text = LoginPage, "the response is a web page, such as a login page, not JSON"
		return f
	}
	if Leaks([]byte(mediaType), secrets...) {
		mediaType = "unknown"
	}
	f.Reason, f.Text = NotJobs, fmt.Sprintf("the response has the media type %q, not JSON", Clean(mediaType, 64))
	return f
}

// NotJobsError explains a response that is not a list of jobs.
func NotJobsError(format string, args ...any) *Failure {
	return &Failure{Reason: NotJobs, Text: fmt.Sprintf(format, args...)}
}

// ReadBody reads a body for a bounded time and up to MaxBody bytes, without a byte order mark.
func ReadBody(body io.ReadCloser) []byte {
	stop := time.AfterFunc(bodyTimeout, func() { _ = body.Close() })
	defer stop.Stop()
	read, _ := io.ReadAll(io.LimitReader(body, MaxBody))
	return TrimByteOrderMark(read)
}

// TrimByteOrderMark cuts off a UTF-8 byte order mark, which some servers send before JSON.
func TrimByteOrderMark(body []byte) []byte { return bytes.TrimPrefix(body, []byte("\ufeff")) }

// IsHTML reports whether a response of this media type is a web page, such as a login page.
func IsHTML(mediaType string) bool {
	return mediaType == "text/html" || mediaType == "application/xhtml+xml"
}

func explainStatus(response *http.Response, secrets []string) (Reason, string) {
	switch status := response.StatusCode; {
	case status < 300:
		return NotJobs, fmt.Sprintf("status %d instead of the documented 200", status)
	case status < 400:
		return Redirect, fmt.Sprintf("the server redirects to %s, which is not followed", redirectTarget(response, secrets))
	case status == http.StatusUnauthorized:
		return TokenRefused, "the service does not accept the token"
	case status == http.StatusForbidden:
		return MissingPermission, "the app may not read jobs"
	case status == http.StatusNotFound:
		return NotFound, "nothing responds at this path"
	case status == http.StatusProxyAuthRequired:
		return ProxyRefused, (&ProxyError{status}).Error()
	case status == http.StatusTooManyRequests:
		return Throttled, "too many requests"
	case status == http.StatusNetworkAuthenticationRequired:
		return LoginPage, "the network requires you to sign in before it lets requests through"
	case status >= 500 || status == http.StatusRequestTimeout:
		return Server, "the service or a gateway in front of it failed"
	}
	return RequestRefused, "the service did not accept the request"
}

func redirectTarget(response *http.Response, secrets []string) string {
	target, err := response.Location()
	if err != nil || target.Host == "" {
		return "no valid address"
	}
	address := target.Scheme + "://" + target.Host
	if Leaks([]byte(address), secrets...) {
		return "another host"
	}
	return Clean(address, 200)
}

// RequestID returns the id of the request in the service's logs; empty if no header has an acceptable one. The
// vendor's overview calls the header request-id; sister services use the others.
func RequestID(header http.Header, secrets ...string) string {
	for _, name := range []string{"Request-Id", "X-Request-Id", "Traceparent"} {
		if id := AcceptID(header.Get(name), secrets...); id != "" {
			return id
		}
	}
	return ""
}

// AcceptID returns the id if it has the form of one and repeats no part of a secret; empty otherwise.
func AcceptID(id string, secrets ...string) string {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:-"
	const longest = 128
	if id == "" || len(id) > longest || strings.Trim(id, letters) != "" || Leaks([]byte(id), secrets...) {
		return ""
	}
	return id
}
