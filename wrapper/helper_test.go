package d365backup_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/oauth2"

	d365backup "github.com/d365backup/d365backup/wrapper"
)

func TestMain(m *testing.M) {
	// The first client of a process makes the transport that all share. A program may have put anything
	// into http.DefaultTransport before.
	usual := http.DefaultTransport
	http.DefaultTransport = struct{ http.RoundTripper }{usual}
	if _, err := d365backup.New(d365backup.WithDataCenter("us"), d365backup.WithClientSecret("id", "secret")); err != nil {
		panic(err)
	}
	http.DefaultTransport = usual
	goleak.VerifyTestMain(m)
}

// start is the start of the time range of queries in tests for which it does not matter.
var start = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// valid is a valid query.
var valid = d365backup.Query{Start: start, End: start.Add(24 * time.Hour)}

// serve runs a server on loopback and returns a client of it with a fixed token.
func serve(t *testing.T, handler http.HandlerFunc, options ...d365backup.Option) *d365backup.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return newClient(t, server.URL, server.Client().Transport, options...)
}

// servePipe does the same over connections in memory, so that it can be used within synctest.
func servePipe(t *testing.T, handler http.HandlerFunc, options ...d365backup.Option) *d365backup.Client {
	t.Helper()
	transport := pipe(t, handler)
	return newClient(t, "http://127.0.0.1", transport, options...)
}

func newClient(t *testing.T, url string, transport http.RoundTripper, options ...d365backup.Option) *d365backup.Client {
	t.Helper()
	client, err := d365backup.New(append([]d365backup.Option{
		d365backup.WithBaseURL(url),
		d365backup.WithLoopbackHTTP(),
		d365backup.WithTokenSource(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "token"})),
		d365backup.WithHTTPClient(&http.Client{Transport: transport}),
	}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// pipe returns a transport whose connections lead to the handler, in memory.
func pipe(t *testing.T, handler http.Handler) *http.Transport {
	t.Helper()
	listener := newPipeListener()
	server := &http.Server{Handler: handler}
	var running sync.WaitGroup
	running.Go(func() { _ = server.Serve(listener) })
	transport := &http.Transport{DialContext: listener.dial}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = server.Close()
		running.Wait()
	})
	return transport
}

type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
}

func (l *pipeListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case l.conns <- theirs:
		return ours, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.IPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// respond returns a handler that gives this response to every request.
func respond(status int, mediaType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if mediaType != "" {
			w.Header().Set("Content-Type", mediaType)
		} else {
			w.Header()["Content-Type"] = nil
		}
		w.Header().Set("X-Request-Id", "request-1")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

// slogTo returns a logger of every level.
func slogTo(w io.Writer) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

type canaryToken struct{}

func (canaryToken) Token() (*oauth2.Token, error) {
	return &oauth2.Token{AccessToken: "canary-token"}, nil
}
