// Package sandbox serves a stand-in for AvePoint Cloud Backup for Dynamics 365 on the loopback
// interface: a token endpoint and the job operation, over an invented history of jobs. It is there
// for demonstrations and for tests of programs that call the service.
//
//	srv, err := sandbox.Start()
//	if err != nil { … }
//	defer srv.Close()
//	// a client with srv.URL(), srv.TokenURL(), srv.ClientID() and srv.ClientSecret()
//
// The sandbox is strict where the vendor's service is merely undocumented. It checks every request
// against the contract and refuses what the contract does not allow, with the place of the fault.
// It checks its own answers too: one that breaks the contract becomes a 500, and [Server.Close]
// reports it.
//
// Where the documents are silent, the sandbox had to choose. A program must not rely on these:
//
//   - Jobs come newest first.
//   - A time range selects jobs by when they started; it includes its start and excludes its end.
//   - objectType is accepted and selects nothing: its values are documented nowhere, and all jobs
//     of the sandbox belong to one module.
//   - A page behind the last one is empty, and its total is that of the other pages.
//   - nextLink has the form of the successor operation and is empty on the last page.
//   - A range that starts after it ends is refused with 400.
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
	"sync"
	"sync/atomic"
	"time"
)

// Server is a running sandbox, made by [Start]. All its methods are safe for concurrent use.
type Server struct {
	config  config
	url     string
	history history
	tokens  tokens
	replays replays
	faulty  atomic.Pointer[http.Handler] // the service behind the faults that are set

	http     http.Server
	stop     context.CancelFunc
	requests requests
	served   chan error
	close    func() error
	broken   breaks
}

// Start starts a sandbox and returns as soon as it accepts connections. The caller closes it. An
// option that makes no sense, or an address that cannot be had, is an error.
func Start(opts ...Option) (*Server, error) {
	cfg, err := newConfig(opts)
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	listener, err := net.Listen("tcp", cfg.addr)
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Server{
		config: cfg,
		url:    "http://" + listener.Addr().String(),
		stop:   stop,
		served: make(chan error, 1),
	}
	s.history.put(invent(cfg.anchor, cfg.jobs))
	s.SetFaults(cfg.faults...)
	s.http = http.Server{
		Handler:           http.HandlerFunc(s.serve),
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: 10 * time.Second,
	}
	s.close = sync.OnceValue(s.shutDown)
	go func() { s.served <- s.http.Serve(listener) }()
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

func (s *Server) shutDown() error {
	s.stop()
	err := s.http.Close()
	s.requests.finish()
	if served := <-s.served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return errors.Join(err, s.broken.err())
}

// serve is the way in for every request.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if !s.requests.begin() {
		return
	}
	defer s.requests.end()
	w.Header().Set(requestIDHeader, newRequestID())
	(*s.faulty.Load()).ServeHTTP(w, r)
}

// service is the sandbox without faults.
func (s *Server) service() http.Handler {
	mux := http.NewServeMux()
	mux.Handle(tokenPath, s.only(http.MethodPost, s.token))
	mux.Handle(getJobs.path, s.only(getJobs.method, s.authorized(s.getJobs)))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.refuse(w, http.StatusNotFound, "There is nothing at "+r.URL.Path+".")
	})
	return mux
}

// only lets one method pass.
func (s *Server) only(method string, next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != method {
			w.Header().Set("Allow", method)
			s.refuse(w, http.StatusMethodNotAllowed, r.URL.Path+" takes "+method+" only.")
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
			s.refuse(w, http.StatusUnauthorized, "A bearer token is needed.")
		case !s.tokens.valid(token):
			w.Header().Set("WWW-Authenticate", `Bearer realm="sandbox", error="invalid_token"`)
			s.refuse(w, http.StatusUnauthorized, "The bearer token is unknown or has expired.")
		default:
			next(w, r)
		}
	}
}

// sameSecret compares in constant time.
func sameSecret(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// requests counts the requests under way, so that Close can wait for them.
type requests struct {
	mu     sync.Mutex
	closed bool
	under  sync.WaitGroup
}

// begin counts a request, unless the sandbox is closing.
func (r *requests) begin() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return false
	}
	r.under.Add(1)
	return true
}

func (r *requests) end() { r.under.Done() }

// finish lets no further request begin and waits for those under way.
func (r *requests) finish() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.under.Wait()
}
