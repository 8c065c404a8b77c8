// Package sandbox serves a stand-in for AvePoint Cloud Backup for Dynamics 365 on the loopback
// interface: a token endpoint, and the operation of version v1 beside its successor, over one
// invented history of jobs. It is there for demonstrations and for tests of programs that call the
// service.
//
//	srv, err := sandbox.Start()
//	if err != nil { … }
//	defer srv.Close()
//	// a client with srv.URL(), srv.TokenURL(), srv.ClientID() and srv.ClientSecret()
//
// The token endpoint grants tokens for client credentials: a secret, or an assertion signed with a
// certificate, in the body of a form. HTTP Basic is not accepted, and the scope must be asked for
// alone.
//
// The operations are strict. They refuse a request that the contract does not allow with 400 and the
// JSON pointer of each fault; in a query, that is a slash and the parameter's name. The sandbox checks
// its own answers too: one that breaks the contract becomes a 500, and [Server.Close] reports it.
//
// The history has jobs of all types and statuses in several organizations, of about two years. It is
// the same on every start but for the present, from which it reaches back, and changes only by
// [Server.Put] and [Server.Delete].
//
// Where the documents are silent, the sandbox had to choose. A program must not rely on these:
//
//   - Jobs come newest first.
//   - A time range selects jobs by when they started; it includes its start and excludes its end.
//   - objectType is accepted and selects nothing: its values are documented nowhere, and all jobs
//     of the sandbox belong to one module.
//   - A page behind the last one is empty, and its total is that of the other pages.
//   - Both operations answer alike. nextLink has the form that the successor was seen to send and is
//     empty on the last page.
//   - A range that starts after it ends is refused with 400.
//
// A request whose Host is not a loopback address or "localhost" is refused with 421, so that no web page can reach the
// sandbox under a name of its own.
//
// What a service does on a bad day is set by [WithFault] and [Server.SetFaults].
package sandbox

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Server is a running sandbox. Only [Start] makes one: the zero value is of no use. All its methods are
// safe for concurrent use.
type Server struct {
	config  config
	url     string
	history history
	tokens  tokens
	replays replays
	faulty  atomic.Pointer[http.Handler] // the service behind the faults that are set

	broken breaks
	close  func() error
}

// Start starts a sandbox and returns as soon as it accepts connections. The caller closes it. An
// option that makes no sense, or an address that cannot be had, is an error.
func Start(opts ...Option) (*Server, error) {
	s, err := newServer(opts)
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	listener, err := net.Listen("tcp", s.config.addr)
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	s.url = "http://" + listener.Addr().String()
	s.close = s.listen(listener)
	return s, nil
}

// listen serves until the function that it returns is called.
func (s *Server) listen(listener net.Listener) (end func() error) {
	ctx, stop := context.WithCancel(context.Background())
	var connections sync.WaitGroup
	server := http.Server{
		Handler:           http.HandlerFunc(s.serve),
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: 10 * time.Second,
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				connections.Add(1)
			case http.StateHijacked, http.StateClosed:
				connections.Done()
			}
		},
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	return sync.OnceValue(func() error {
		err := server.Close()
		if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
			err = errors.Join(err, ended)
		}
		// The second Close is for a connection that came in during the first. Handlers are stopped only
		// when they have no connection left: they would send an empty 200.
		err = errors.Join(err, server.Close())
		stop()
		connections.Wait()
		return errors.Join(err, s.broken.err())
	})
}

// newServer makes a sandbox that does not listen yet.
func newServer(opts []Option) (*Server, error) {
	cfg, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	s := &Server{config: cfg}
	s.history.put(invent(cfg.anchor, cfg.jobs))
	s.SetFaults(cfg.faults...)
	return s, nil
}

// URL returns the base URL of the service, without a trailing slash.
func (s *Server) URL() string { return s.url }

// TokenURL returns the URL of the token endpoint.
func (s *Server) TokenURL() string { return s.url + tokenPath }

// ClientID returns the id of the one client that the sandbox knows.
func (s *Server) ClientID() string { return s.config.clientID }

// ClientSecret returns that client's secret. It opens nothing but this sandbox.
func (s *Server) ClientSecret() string { return s.config.clientSecret }

// RevokeTokens makes every token issued so far invalid, as if the service had forgotten them.
func (s *Server) RevokeTokens() { s.tokens.revoke() }

// Close stops the sandbox: it breaks off the requests under way, waits for them to end and frees
// the address. It reports the answers that broke the contract, if there were any. A second Close
// changes nothing and returns the same.
func (s *Server) Close() error { return s.close() }

// serve is the way in for every request.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	id := newRequestID()
	w.Header().Set(requestIDHeader, id)
	w.Header().Set("X-Request-Id", id) // the name in contracts before 1.2.0
	if !isLoopback(r.Host) {
		refuse(w, http.StatusMisdirectedRequest, "The sandbox serves loopback addresses only, not "+r.Host+".")
		return
	}
	(*s.faulty.Load()).ServeHTTP(w, r)
}

// isLoopback reports whether a Host header names this machine. A web page can have a browser send requests here under a
// name of its own (DNS rebinding); they have that name as their host.
func isLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// service is the sandbox without faults. Paths are taken as they are: a multiplexer would redirect
// one that has a slash too many.
func (s *Server) service() http.Handler {
	routes := map[string]http.Handler{
		tokenPath:     only(http.MethodPost, s.token),
		getJobs.path:  only(getJobs.method, s.authorized(s.getJobs)),
		listJobs.path: only(listJobs.method, s.authorized(s.listJobs)),
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if route, ok := routes[r.URL.Path]; ok {
			route.ServeHTTP(w, r)
			return
		}
		refuse(w, http.StatusNotFound, "There is nothing at "+r.URL.Path+".")
	})
}

// only lets one method pass.
func only(method string, next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != method {
			w.Header().Set("Allow", method)
			refuse(w, http.StatusMethodNotAllowed, r.URL.Path+" takes "+method+" only.")
			return
		}
		next(w, r)
	})
}

// authorized lets requests with a valid bearer token pass.
func (s *Server) authorized(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token, given := bearer(r)
		switch {
		case !given:
			w.Header().Set("WWW-Authenticate", `Bearer realm="sandbox"`)
			refuse(w, http.StatusUnauthorized, "A bearer token is needed.")
		case !s.tokens.valid(token):
			w.Header().Set("WWW-Authenticate", `Bearer realm="sandbox", error="invalid_token"`)
			refuse(w, http.StatusUnauthorized, "The bearer token is unknown or has expired.")
		default:
			next(w, r)
		}
	}
}

// sameSecret compares in constant time.
func sameSecret(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
