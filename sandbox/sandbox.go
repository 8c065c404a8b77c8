// Package sandbox runs a local mock of AvePoint Cloud Backup for Dynamics 365: a token endpoint, the
// operation of version v1 and its successor, over one generated history of jobs. Use it for demonstrations
// and to test programs that call the service.
//
//	srv, err := sandbox.Start()
//	if err != nil { … }
//	defer srv.Close()
//	// a client with srv.URL(), srv.TokenURL(), srv.ClientID() and srv.ClientSecret()
//
// The token endpoint grants tokens for client credentials: a secret, or an assertion signed with the key of
// a certificate, in a form. It does not accept HTTP Basic, nor a scope together with others.
//
// The operations are strict. They refuse a request that violates the contract with status 400 and the JSON
// pointer of each violation; for a query, that is a slash and the parameter's name. The sandbox checks its
// responses, too: it replaces one that violates the contract with status 500, and [Server.Close] reports it.
//
// The history covers about two years, with jobs of all types and statuses in several organizations. It ends
// when the sandbox starts and is otherwise the same on every start. Only [Server.Put] and [Server.Delete]
// change it. [WithFault] and [Server.SetFaults] simulate failures of the service.
//
// The documents do not define everything, so the sandbox had to choose. Do not rely on these choices:
//
//   - Jobs are sorted by start time, newest first.
//   - A time range selects jobs by their start time. It includes its start and excludes its end. If it
//     starts after it ends, the status is 400.
//   - objectType is accepted and ignored: its values are not documented.
//   - A page after the last one is empty and has the same total.
//   - Both operations send the same response. nextLink has the form seen from the successor, and is empty
//     on the last page.
//
// The sandbox refuses a request with status 421 if its Host is not a loopback address or "localhost", so that
// no web page can reach it by DNS rebinding.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// Server is a running sandbox. Use [Start] to get one; the zero value is not usable. All methods are safe for
// concurrent use.
type Server struct {
	config     config
	url        string
	history    history
	tokens     *expiring
	assertions *expiring                    // ids of those used
	handler    atomic.Pointer[http.Handler] // the service and its faults
	close      func() error

	mu         sync.Mutex
	violations []error // by responses of the sandbox
}

// Start starts a sandbox that accepts connections at once. The caller must close it. The error reports an
// invalid option, or an address that is not available.
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

// listen serves requests until the function that it returns is called.
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
		// The second Close is for a connection accepted during the first. Handlers must not end before their
		// connection is closed: they would send an empty 200.
		err = errors.Join(err, server.Close())
		stop()
		connections.Wait()
		s.mu.Lock()
		defer s.mu.Unlock()
		return errors.Join(err, errors.Join(s.violations...))
	})
}

// newServer returns a sandbox that does not listen yet.
func newServer(opts []Option) (*Server, error) {
	s := &Server{config: defaultConfig(), tokens: new(expiring), assertions: new(expiring)}
	for _, opt := range opts {
		if err := opt(&s.config); err != nil {
			return nil, err
		}
	}
	s.history.jobs = generate(s.config.anchor, s.config.jobs)
	s.Put(s.config.history...)
	s.SetFaults(s.config.faults...)
	return s, nil
}

// URL returns the base URL of the service, without a trailing slash.
func (s *Server) URL() string { return s.url }

// TokenURL returns the URL of the token endpoint.
func (s *Server) TokenURL() string { return s.url + tokenPath }

// ClientID returns the id of the sandbox's only client.
func (s *Server) ClientID() string { return s.config.clientID }

// ClientSecret returns that client's secret. It gives access to this sandbox only.
func (s *Server) ClientSecret() string { return s.config.clientSecret }

// RevokeTokens makes every token issued so far invalid.
func (s *Server) RevokeTokens() { s.tokens.expiry.Clear() }

// Close stops the sandbox: it cancels the requests in flight, waits for them to end and releases the
// address. The error includes the responses that violated the contract. A second Close does nothing and
// returns the same error.
func (s *Server) Close() error { return s.close() }

// serve serves every request.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	id := strings.ReplaceAll(uuid.NewString(), "-", "")
	w.Header().Set("Request-Id", id)
	w.Header().Set("X-Request-Id", id) // the name in contracts before 1.2.0
	if !isLoopback(r.Host) {
		refuse(w, http.StatusMisdirectedRequest, "The sandbox serves loopback addresses only, not "+r.Host+".", nil)
		return
	}
	(*s.handler.Load()).ServeHTTP(w, r)
}

// isLoopback reports whether a host, with or without a port, is a loopback address or "localhost".
func isLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// service is the handler without faults. It does not use a ServeMux, which would redirect a path with an
// extra slash.
func (s *Server) service(w http.ResponseWriter, r *http.Request) {
	var serve http.HandlerFunc
	method := http.MethodPost
	switch r.URL.Path {
	case tokenPath:
		serve = s.token
	case getJobs.path:
		serve = s.authorized(s.getJobs)
	case listJobs.path:
		serve, method = s.authorized(s.listJobs), http.MethodGet
	default:
		refuse(w, http.StatusNotFound, "There is nothing at "+r.URL.Path+".", nil)
		return
	}
	if r.Method != method {
		w.Header().Set("Allow", method)
		refuse(w, http.StatusMethodNotAllowed, r.URL.Path+" accepts "+method+" only.", nil)
		return
	}
	serve(w, r)
}

// authorized refuses requests without a valid bearer token (RFC 6750, section 2.1).
func (s *Server) authorized(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		switch {
		case !strings.EqualFold(scheme, "Bearer") || token == "":
			w.Header().Set("WWW-Authenticate", `Bearer realm="sandbox"`)
			refuse(w, http.StatusUnauthorized, "The request has no bearer token.", nil)
		case !s.tokens.has(token):
			w.Header().Set("WWW-Authenticate", `Bearer realm="sandbox", error="invalid_token"`)
			refuse(w, http.StatusUnauthorized, "The bearer token is unknown or has expired.", nil)
		default:
			next(w, r)
		}
	}
}
