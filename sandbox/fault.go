package sandbox

import (
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Fault is a failure of the service or of something in front of it: a middleware with a name. The functions
// of this package return common ones. A test may define its own, for example to count requests, or to change
// the history when a certain page is requested.
//
// Some failures need no Fault: for a scope in the other spelling use [WithScope]; for a certificate that is
// not registered, no [WithCertificate]; for tokens that expire early, [WithTokenLifetime] and
// [Server.RevokeTokens]; for jobs that change between pages, [Server.Put] and [Server.Delete].
type Fault struct {
	// Name identifies the fault. While it is set, every response has it in the header Sandbox-Faults.
	Name string
	// Middleware is called each time the fault is set, so a fault that counts starts again. Nil means no
	// fault. It must close a connection that it hijacks; [Server.Close] does not wait for it.
	Middleware func(next http.Handler) http.Handler
}

// SetFaults replaces the faults for all later requests. The first fault receives a request first. Without
// faults the service works again.
func (s *Server) SetFaults(faults ...Fault) {
	var handler http.Handler = http.HandlerFunc(s.service)
	var names []string
	for _, fault := range slices.Backward(faults) {
		if fault.Middleware != nil {
			handler = fault.Middleware(handler)
			names = append([]string{fault.Name}, names...)
		}
	}
	if len(names) > 0 {
		handler = withHeader(handler, "Sandbox-Faults", func() string { return strings.Join(names, ", ") })
	}
	s.handler.Store(&handler)
}

// The documents hardly describe how the service fails. Except for the status, the responses below are inferred.

// WrongDataCenter responds to all operations with 404 and no body, like the host of another data center. The
// token endpoint works.
func WrongDataCenter() Fault {
	return replacing("wrong-data-center", always, operations, notFound)
}

// UnlicensedProduct responds to all operations with 404, as for a tenant without the product.
func UnlicensedProduct() Fault {
	return replacing("unlicensed-product", always, operations, refusal(http.StatusNotFound, "The tenant has no license for Cloud Backup for Dynamics 365."))
}

// MissingPermission responds to all operations with 403, as for an app without the permission
// Dynamics.ReadWrite.All.
func MissingPermission() Fault {
	return replacing("missing-permission", always, operations, refusal(http.StatusForbidden, "The app lacks a permission that this operation needs."))
}

// V1Replaced responds to the operation of version v1 with 404, like a service that has only the successor.
// The successor works.
func V1Replaced() Fault {
	return replacing("v1-replaced", always, getJobs.path, notFound)
}

// ExpiredSecret responds to token requests with invalid_client. Tokens issued before remain valid.
func ExpiredSecret() Fault {
	return replacing("expired-secret", always, tokenPath, func(w http.ResponseWriter, _ *http.Request) {
		deny(w, denial{invalidClient, "The client secret has expired."})
	})
}

// Throttled responds to the next n requests of operations with 429; to none if n is below 1. Retry-After is
// the pause in seconds, rounded up. It is left out without a pause.
func Throttled(n int, pause time.Duration) Fault {
	return replacing("throttled", n, operations, func(w http.ResponseWriter, _ *http.Request) {
		if pause > 0 {
			w.Header().Set("Retry-After", strconv.FormatFloat(math.Ceil(pause.Seconds()), 'f', 0, 64))
		}
		refuse(w, http.StatusTooManyRequests, "There were too many requests.", nil)
	})
}

// ServerError responds to the next n requests of operations with a status from 500 to 599, and with 500 for
// any other status; to none if n is below 1.
func ServerError(n, status int) Fault {
	if status < 500 || status > 599 {
		status = http.StatusInternalServerError
	}
	return replacing("server-error", n, operations, refusal(status, "Something went wrong in the service."))
}

// LoginPage responds to all operations with 200 and an HTML page, like a proxy that requires a login.
func LoginPage() Fault {
	return replacing("login-page", always, operations, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><h1>Sign in to continue</h1></body></html>\n")
	})
}

// EmptyObject responds to all operations with 200 and {}, which is not a job list.
func EmptyObject() Fault {
	return replacing("empty-object", always, operations, func(w http.ResponseWriter, _ *http.Request) {
		send(w, http.StatusOK, []byte("{}"))
	})
}

// Latency delays each operation; token requests are not delayed. A request that the client or Close cancels
// is not delayed any longer.
func Latency(d time.Duration) Fault {
	return Fault{"latency", func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != tokenPath {
				select {
				case <-time.After(d):
				case <-r.Context().Done():
					return
				}
			}
			next.ServeHTTP(w, r)
		})
	}}
}

// ClockSkew adds d to the time in the Date header of all responses. d may be negative.
func ClockSkew(d time.Duration) Fault {
	return Fault{"clock-skew", func(next http.Handler) http.Handler {
		return withHeader(next, "Date", func() string { return time.Now().Add(d).UTC().Format(http.TimeFormat) })
	}}
}

const (
	always     = math.MaxInt // more requests than there will be
	operations = ""          // every path except the token endpoint's
)

// replacing returns a fault that replaces the responses to the next n requests for a path.
func replacing(name string, n int, path string, response http.HandlerFunc) Fault {
	return Fault{name, func(next http.Handler) http.Handler {
		var count atomic.Int64
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			matches := r.URL.Path == path || path == operations && r.URL.Path != tokenPath
			if matches && count.Add(1) <= int64(n) {
				response(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	}}
}

func notFound(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }

func refusal(status int, message string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { refuse(w, status, message, nil) }
}

// withHeader sets a header of every response.
func withHeader(next http.Handler, key string, value func() string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(key, value())
		next.ServeHTTP(w, r)
	})
}
