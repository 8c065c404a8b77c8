package httpfail

import (
	"compress/flate"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"
)

// FromError explains why a round trip returned no response. It does not quote the secrets.
func FromError(err error, secrets ...string) *Failure {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err // the URL may contain a secret
	}
	reason, text, detail := explainError(err)
	f := New(reason, text)
	f.Err = err
	if refused, ok := errors.AsType[*ProxyError](err); ok {
		f.Retry = isTransient(refused.Status)
	}
	if Leaks([]byte(err.Error()), secrets...) {
		f.Err, detail = nil, ""
	}
	if detail = Clean(detail, maxDetail); detail != "" {
		f.Text += ": " + detail
	}
	return f
}

// FromBodyError explains why the body of a response could not be read to its end.
func FromBodyError(err error, secrets ...string) *Failure {
	f := FromError(err, secrets...)
	_, corrupt := errors.AsType[flate.CorruptInputError](err)
	explained := f
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		explained = New(Truncated, "the response was truncated")
	case corrupt, errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader):
		explained = New(NoAnswer, "the compressed response is damaged")
	}
	explained.Err = f.Err
	return explained
}

// maxDetail bounds how much of an error's text is repeated, in bytes.
const maxDetail = 500

// explainError returns the reason, its meaning, and the detail of this case. A proxy comes first: its errors wrap network
// errors.
func explainError(err error) (reason Reason, text, detail string) {
	if refused, ok := errors.AsType[*ProxyError](err); ok {
		return ProxyRefused, refused.Error(), ""
	}
	if strings.Contains(err.Error(), http.StatusText(http.StatusProxyAuthRequired)) { // other transports report only this
		return ProxyRefused, (&ProxyError{http.StatusProxyAuthRequired}).Error(), ""
	}
	op, isOp := errors.AsType[*net.OpError](err)
	if isOp && op.Op == "proxyconnect" {
		return ProxyUnreachable, "the proxy cannot be reached", innermost(op)
	}
	if isOp && strings.HasPrefix(op.Op, "socks") {
		return ProxyRefused, "the proxy refused the connection", innermost(op)
	}
	if reason, text, detail := explainTLS(err); reason != "" {
		return reason, text, detail
	}
	if lookup, ok := errors.AsType[*net.DNSError](err); ok {
		if lookup.IsNotFound {
			return UnknownHost, "the host does not exist", ""
		}
		return NameService, "the name server did not resolve the host", lookup.Err
	}
	if isOp && op.Op == "dial" {
		return Unreachable, "the host cannot be reached", innermost(op)
	}
	timeout, isTimeout := errors.AsType[net.Error](err)
	errno, isErrno := errors.AsType[syscall.Errno](err)
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), isTimeout && timeout.Timeout():
		return NoAnswer, "no response in time", ""
	case isErrno:
		return NoAnswer, "the connection broke", errno.Error()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return NoAnswer, "the connection was closed before the end of the response", ""
	}
	return NoAnswer, "no response", err.Error()
}

// explainTLS explains errors of TLS; the reason is empty for any other error. For some faults, crypto/tls
// has only texts, not error types.
func explainTLS(err error) (reason Reason, text, detail string) {
	if unverified, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return explainCertificate(unverified.Err)
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok || errors.Is(err, http.ErrSchemeMismatch) {
		return NotTLS, "the server does not speak TLS", ""
	}
	message := err.Error()
	if _, broken, ok := strings.Cut(message, "failed to parse certificate from server: "); ok {
		return Defective, "the server's certificate is malformed", broken
	}
	if strings.Contains(message, "tls: ") && strings.Contains(message, "protocol version") {
		return Version, "the server supports neither TLS 1.2 nor TLS 1.3", ""
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "remote error" { // crypto/tls uses it only for an alert
		return TLSFailed, "the server refused the TLS connection", op.Err.Error()
	}
	return "", "", ""
}

// explainCertificate explains why a certificate was not accepted.
func explainCertificate(err error) (reason Reason, text, detail string) {
	if other, ok := errors.AsType[x509.HostnameError](err); ok {
		if c := other.Certificate; len(c.DNSNames)+len(c.IPAddresses)+len(c.URIs)+len(c.EmailAddresses) == 0 {
			return Defective, "the server's certificate has no subject alternative names, which Go requires", ""
		}
		return WrongHost, "the server's certificate is for another host", ""
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		if time.Now().Before(invalid.Cert.NotBefore) {
			return NotYetValid, "the server's certificate is not yet valid according to this machine's clock", ""
		}
		return Expired, "the server's certificate has expired according to this machine's clock", ""
	}
	return Untrusted, "the server's certificate is not trusted", err.Error()
}

// innermost returns the text of the error below all net.OpErrors, which name addresses of this machine.
func innermost(op *net.OpError) string {
	for {
		inner, ok := errors.AsType[*net.OpError](op.Err)
		if !ok {
			return op.Err.Error()
		}
		op = inner
	}
}

// ProxyError is the refusal of a proxy to connect.
type ProxyError struct{ Status int }

// Error states whether the proxy refused the credentials or the connection.
func (e *ProxyError) Error() string {
	if e.Status == http.StatusProxyAuthRequired {
		return "the proxy refused its credentials (status 407)"
	}
	return fmt.Sprintf("the proxy refused the connection (status %d)", e.Status)
}

// CheckProxyResponse is for http.Transport.OnProxyConnectResponse. Without it the error of the transport is the status
// text alone.
func CheckProxyResponse(_ context.Context, _ *url.URL, _ *http.Request, response *http.Response) error {
	if response.StatusCode != http.StatusOK {
		return &ProxyError{response.StatusCode}
	}
	return nil
}

// BadProxy returns the name of the environment variable with the https proxy if its value is not a proxy address, and ""
// otherwise. net/http ignores such a value and connects directly. Only HTTPS_PROXY and https_proxy count: HTTP_PROXY is for
// plain http, which is for loopback only and uses no proxy.
func BadProxy(getenv func(string) string) string {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy"} {
		if value := getenv(name); value != "" {
			if isProxy(value) {
				return ""
			}
			return name // never the value: it may contain a password
		}
	}
	return ""
}

// ProxyForm explains how to write the address of a proxy.
const ProxyForm = "not the address of a proxy: write it like http://user:password@proxy.example:8080, and in user and password " +
	"% as %25, # as %23, / as %2F, ? as %3F, @ as %40, : as %3A and a space as %20"

func isProxy(address string) bool {
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return false
	}
	return u.Scheme == "http" || u.Scheme == "https" || u.Scheme == "socks5" || u.Scheme == "socks5h"
}
