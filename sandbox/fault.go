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

// Fault is something that goes wrong in or before the service: a middleware with a name. Those of
// this package are made by functions; a test may make its own, for instance to count requests, or
// to change the history when a certain page is asked for.
//
// Four faults need no Fault: a scope of the other spelling is [WithScope], a certificate that is
// not registered is a sandbox without [WithCertificate], tokens that end early are
// [WithTokenLifetime] and [Server.RevokeTokens], and a history that changes while it is paged
// through is [Server.Put] and [Server.Delete].
type Fault struct {
	// Name tells faults apart. While a fault is set, every answer names it in the header
	// Sandbox-Faults.
	Name string
	// Middleware is called once each time the fault is set, so a fault that counts begins anew.
	// Nil is no fault. A connection that it hijacks is its own to close, and [Server.Close] does not
	// wait for it.
	Middleware func(next http.Handler) http.Handler
}

// SetFaults replaces the faults that are set, for the requests from now on. A request meets the
// first fault first. Without faults the service is well again.
func (s *Server) SetFaults(faults ...Fault) {
	handler := s.service()
	var names []string
	for _, fault := range slices.Backward(faults) {
		if fault.Middleware != nil {
			handler = fault.Middleware(handler)
			names = append(names, fault.Name)
		}
	}
	if slices.Reverse(names); len(names) > 0 {
		handler = withHeader(handler, "Sandbox-Faults", func() string { return strings.Join(names, ", ") })
	}
	s.faulty.Store(&handler)
}

// The documents say little of how the service fails. What the answers below hold besides their
// status is inferred.

// WrongDataCenter answers all operations with 404 and no body, as the host of another data centre
// does. The token endpoint works.
func WrongDataCenter() Fault {
	return refusing("wrong-data-center", always, operations, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
	})
}

// UnlicensedProduct answers all operations with 404, as it is for a tenant without the product.
func UnlicensedProduct() Fault {
	return refusing("unlicensed-product", always, operations, func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusNotFound, "The tenant has no licence for Cloud Backup for Dynamics 365.")
	})
}

// MissingPermission answers all operations with 403, as it is for an app that was not granted
// Dynamics.ReadWrite.All.
func MissingPermission() Fault {
	return refusing("missing-permission", always, operations, func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusForbidden, "The app lacks a permission that this operation needs.")
	})
}

// V1Replaced answers the operation of version v1 with 404, as a service does that speaks only the
// successor. That one goes on working.
func V1Replaced() Fault {
	return refusing("v1-replaced", always, at(getJobs.path), func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
	})
}

// ExpiredSecret answers token requests with invalid_client. Tokens issued before stay valid.
func ExpiredSecret() Fault {
	return refusing("expired-secret", always, at(tokenPath), func(w http.ResponseWriter, _ *http.Request) {
		deny(w, denial{invalidClient, "The client secret has expired."})
	})
}

// Throttled answers the next n requests of operations with 429; an n below 1 refuses nothing. Retry-After
// asks for a pause, in seconds rounded up; without a pause the header is left out.
func Throttled(n int, pause time.Duration) Fault {
	return refusing("throttled", n, operations, func(w http.ResponseWriter, _ *http.Request) {
		if pause > 0 {
			w.Header().Set("Retry-After", strconv.FormatFloat(math.Ceil(pause.Seconds()), 'f', 0, 64))
		}
		refuse(w, http.StatusTooManyRequests, "There were too many requests.")
	})
}

// ServerError answers the next n requests of operations with a status from 500 to 599; any other
// becomes 500. An n below 1 refuses nothing.
func ServerError(n, status int) Fault {
	if status < 500 || status > 599 {
		status = http.StatusInternalServerError
	}
	return refusing("server-error", n, operations, func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, status, "Something went wrong in the service.")
	})
}

// LoginPage answers all operations with 200 and a page of HTML, as a proxy does that wants a login.
func LoginPage() Fault {
	return refusing("login-page", always, operations, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><h1>Sign in to go on</h1></body></html>\n")
	})
}

// EmptyObject answers all operations with 200 and {}, which is no job list.
func EmptyObject() Fault {
	return refusing("empty-object", always, operations, func(w http.ResponseWriter, _ *http.Request) {
		send(w, http.StatusOK, []byte("{}"))
	})
}

// Latency makes each operation wait before it is served; requests for a token do not wait. A request
// that is given up, or that Close breaks off, waits no longer.
func Latency(d time.Duration) Fault {
	return Fault{"latency", func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if operations(r) {
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

// ClockSkew makes the Date header of all answers differ from the real time, ahead by d or, with a
// negative d, behind.
func ClockSkew(d time.Duration) Fault {
	return Fault{"clock-skew", func(next http.Handler) http.Handler {
		return withHeader(next, "Date", func() string { return time.Now().Add(d).UTC().Format(http.TimeFormat) })
	}}
}

// always is more requests than there will be.
const always = math.MaxInt

// refusing makes a fault that answers the next n requests of some kind in place of the service.
func refusing(name string, n int, some func(*http.Request) bool, answer http.HandlerFunc) Fault {
	return Fault{name, func(next http.Handler) http.Handler {
		var met atomic.Int64
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if some(r) && met.Add(1) <= int64(n) {
				answer(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	}}
}

// operations are the requests for anything but a token.
func operations(r *http.Request) bool { return r.URL.Path != tokenPath }

// at are the requests for one path.
func at(path string) func(*http.Request) bool {
	return func(r *http.Request) bool { return r.URL.Path == path }
}

// withHeader sets a header of every answer.
func withHeader(next http.Handler, key string, value func() string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(key, value())
		next.ServeHTTP(w, r)
	})
}
