package token

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
)

// networkError says why no answer, or only part of one, came through. It repeats the text of errors
// of known types alone: net/http quotes a malformed answer in its errors, and a caller's transport
// may put the request into one.
func (j *judge) networkError(err error) *Error {
	e := &Error{Kind: Network, Host: j.source.tokenURL.Host, Retryable: true}
	var (
		verification *tls.CertificateVerificationError
		lookup       *net.DNSError
		errno        syscall.Errno
		alert        *net.OpError
		noTLS        tls.RecordHeaderError
		timeout      net.Error
	)
	switch {
	case errors.As(err, &verification):
		e.Message = fmt.Sprintf("its certificate is not trusted (%T): check the token URL and any proxy", verification.Err)
		e.Retryable = false
	case errors.As(err, &noTLS), errors.Is(err, http.ErrSchemeMismatch):
		e.Message = "it does not speak TLS: check the token URL and any proxy"
		e.Retryable = false
	case errors.As(err, &alert) && alert.Op == "remote error": // crypto/tls says so of an alert alone
		e.Message = fmt.Sprintf("it refuses the TLS connection (%s): check the token URL and any proxy", alert.Err)
	case errors.As(err, &lookup):
		e.Message = "its name cannot be resolved: check the token URL and the network"
		e.Retryable = !lookup.IsNotFound
	case errors.As(err, &errno):
		e.Message = fmt.Sprintf("it cannot be reached (%s): check the network and any proxy", errno.Error())
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded),
		errors.As(err, &timeout) && timeout.Timeout():
		e.Message = fmt.Sprintf("no answer in time (%s at most): check the network and any proxy", fetchTimeout)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		e.Message = "the connection was closed before the end of the answer: try again"
	default:
		e.Message = fmt.Sprintf("the exchange failed (%T): check the token URL, the network and any proxy", err)
	}
	return e
}
