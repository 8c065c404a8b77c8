package auth_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/d365backup/d365backup/internal/auth"
	"github.com/d365backup/d365backup/internal/auth/authtest"
	"github.com/d365backup/d365backup/internal/httpfail"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	clientID = "test-client"
	scope    = "Dynamics.ReadWrite.All"
)

// secret is a canary: no text that this package writes may contain it.
const secret = "canary-client-secret"

// endpoint is a token endpoint, on loopback or, if the clock is faked, within the process.
type endpoint struct {
	URL       string
	Transport *http.Transport
	requests  atomic.Int32
}

func (e *endpoint) count(handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		e.requests.Add(1)
		if err := r.ParseForm(); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		handler(w, r)
	}
}

func newEndpoint(t *testing.T, handler http.HandlerFunc) *endpoint {
	t.Helper()
	e := &endpoint{Transport: &http.Transport{}}
	server := httptest.NewServer(e.count(handler))
	t.Cleanup(func() { e.Transport.CloseIdleConnections(); server.Close() })
	e.URL = server.URL + "/connect/token"
	return e
}

// newPipeEndpoint serves HTTP over net.Pipe, which testing/synctest can wait for.
func newPipeEndpoint(t *testing.T, handler http.HandlerFunc) *endpoint {
	t.Helper()
	listener := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	e := &endpoint{
		URL:       "http://identity.example/connect/token",
		Transport: &http.Transport{DialContext: listener.dial},
	}
	server := &http.Server{Handler: e.count(handler)}
	var serving sync.WaitGroup
	serving.Go(func() { server.Serve(listener) })
	t.Cleanup(func() { e.Transport.CloseIdleConnections(); server.Close(); serving.Wait() })
	return e
}

type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *pipeListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// config is what a source is made of.
type config struct {
	auth.Endpoint
	Credential auth.Credential
}

// source returns the tokens of a client secret; each of changes may alter the configuration.
func (e *endpoint) source(t *testing.T, changes ...func(*config)) auth.Tokens {
	t.Helper()
	target, err := url.Parse(e.URL)
	if err != nil {
		t.Fatal(err)
	}
	c := config{auth.Endpoint{URL: target, Scope: scope, Transport: e.Transport}, auth.NewClientSecret(clientID, secret)}
	for _, change := range changes {
		change(&c)
	}
	source, err := c.Credential.Tokens(c.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	return source
}

func withCertificate(t *testing.T) func(*config) {
	t.Helper()
	key := authtest.Key()
	certificate, err := auth.ParseCertificate(authtest.PEM(t, key, authtest.Issue(t, key)), "", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return func(c *config) { c.Credential = auth.ClientCertificate{ClientID: clientID, Certificate: certificate} }
}

// respond writes body with the status.
func respond(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

// grant writes tokens of the lifetime: token-1, token-2 and so on.
func grant(lifetime time.Duration) http.HandlerFunc {
	var granted atomic.Int32
	return func(w http.ResponseWriter, r *http.Request) {
		respond(http.StatusOK, fmt.Sprintf(`{"access_token": "token-%d", "expires_in": %d, "token_type": "Bearer"}`,
			granted.Add(1), int(lifetime.Seconds())))(w, r)
	}
}

// take returns a token and fails the test without one.
func take(t *testing.T, source auth.Tokens) string {
	t.Helper()
	got, err := source.Token(t.Context())
	if err != nil {
		t.Fatalf("Token: %v", err)
	}
	return got.AccessToken
}

// refused returns the error and fails the test if there is a token.
func refused(t *testing.T, source auth.Tokens) *httpfail.Failure {
	t.Helper()
	got, err := source.Token(t.Context())
	failure, ok := errors.AsType[*httpfail.Failure](err)
	if !ok {
		t.Fatalf("Token = %v, %v; want an *Error", got, err)
	}
	if retrieved, ok := errors.AsType[*url.Error](err); ok {
		t.Errorf("the error wraps %T", retrieved)
	}
	return failure
}
