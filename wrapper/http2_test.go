package d365backup_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	d365backup "github.com/d365backup/d365backup/wrapper"
)

// serverTLS is the certificate of net/http/httptest, for example.com, and a pool that trusts it.
func serverTLS() (*tls.Config, *x509.CertPool) {
	server := httptest.NewTLSServer(nil)
	server.Close()
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	return &tls.Config{Certificates: server.TLS.Certificates, NextProtos: []string{"h2"}}, pool
}

// relay forwards the connections of a transport until they stop responding: what is sent is lost, and they stay open.
type relay struct {
	dial  func(ctx context.Context, network, address string) (net.Conn, error)
	mu    sync.Mutex
	conns []*relayConn
}

type relayConn struct {
	net.Conn
	dead atomic.Bool
}

func (c *relayConn) Write(b []byte) (int, error) {
	if c.dead.Load() {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

func (r *relay) dialContext(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := r.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	relayed := &relayConn{Conn: conn}
	r.conns = append(r.conns, relayed)
	return relayed, nil
}

// TestDeadConnection: an HTTP/2 connection that stops responding is replaced within one call.
func TestDeadConnection(t *testing.T) {
	serverConfig, roots := serverTLS()
	synctest.Test(t, func(t *testing.T) {
		listener := newPipeListener()
		server := &http.Server{
			Handler:   respond(http.StatusOK, "application/json", `{"totalCount":0,"jobs":[]}`),
			TLSConfig: serverConfig,
			ErrorLog:  log.New(io.Discard, "", 0),
		}
		var running sync.WaitGroup
		running.Go(func() { _ = server.ServeTLS(listener, "", "") })
		relay := &relay{dial: listener.dial}
		transport := d365backup.NewTransport()
		transport.Proxy, transport.DialContext, transport.TLSClientConfig.RootCAs = nil, relay.dialContext, roots
		client := newClient(t, "https://example.com", transport)

		read := func() {
			t.Helper()
			if _, err := client.Page(t.Context(), valid, 1); err != nil {
				t.Error(err)
			}
		}
		read()
		for _, conn := range relay.conns {
			conn.dead.Store(true)
		}
		died := time.Now()
		read()
		if took := time.Since(died); took > 30*time.Second {
			t.Errorf("the next call took %s, want less than half of an attempt's time and a retry", took)
		}
		read()
		if n := len(relay.conns); n != 2 {
			t.Errorf("%d connections, want 2", n)
		}
		transport.CloseIdleConnections()
		_ = server.Close()
		running.Wait()
	})
}

// frames is an HTTP/2 server that replies to every request with one frame.
type frames struct {
	requests atomic.Int64
	reply    func(stream uint32) []byte
}

const (
	frameHeaders   = 1
	frameRSTStream = 3
	frameSettings  = 4
	frameGoAway    = 7

	protocolError = 1
	refusedStream = 7
)

func frame(kind byte, stream uint32, payload ...uint32) []byte {
	b := []byte{0, 0, byte(4 * len(payload)), kind, 0}
	for _, value := range append([]uint32{stream}, payload...) {
		b = binary.BigEndian.AppendUint32(b, value)
	}
	return b
}

func (f *frames) serve(conn net.Conn) {
	defer conn.Close()
	if _, err := io.CopyN(io.Discard, conn, int64(len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))); err != nil {
		return
	}
	_, err := conn.Write(frame(frameSettings, 0))
	var header [9]byte
	for err == nil {
		if _, err = io.ReadFull(conn, header[:]); err != nil {
			return
		}
		length := int64(binary.BigEndian.Uint32(header[:4]) >> 8)
		if _, err = io.CopyN(io.Discard, conn, length); err == nil && header[3] == frameHeaders {
			f.requests.Add(1)
			_, err = conn.Write(f.reply(binary.BigEndian.Uint32(header[5:])))
		}
	}
}

// start runs the server until the test ends, and returns a transport whose connections lead to it.
func (f *frames) start(t *testing.T) *http.Transport {
	t.Helper()
	serverConfig, roots := serverTLS()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	stop, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			context.AfterFunc(stop, func() { conn.Close() })
			running.Go(func() { f.serve(tls.Server(conn, serverConfig)) })
		}
	})
	transport := d365backup.NewTransport()
	transport.Proxy, transport.TLSClientConfig.RootCAs = nil, roots
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, listener.Addr().String())
	}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = listener.Close()
		cancel()
		running.Wait()
	})
	return transport
}

// TestResendsAreBounded: net/http alone would resend the request until the call's timeout.
func TestResendsAreBounded(t *testing.T) {
	goAway := func(uint32) []byte { return frame(frameGoAway, 0, 0, 0) }
	reset := func(stream uint32) []byte { return frame(frameRSTStream, stream, protocolError) }
	refuse := func(stream uint32) []byte { return frame(frameRSTStream, stream, refusedStream) }
	page := []d365backup.Option{d365backup.WithTokenSource(canaryToken{})}
	graph := []d365backup.Option{page[0], d365backup.WithAPI(d365backup.APIGraph)}
	token := []d365backup.Option{d365backup.WithTokenURL("https://example.com/token"), d365backup.WithClientSecret("id", "secret")}
	for _, test := range []struct {
		name     string
		reply    func(uint32) []byte
		attempts int
		options  []d365backup.Option
	}{
		{"GOAWAY", goAway, 1, page},
		{"GOAWAY, GET", goAway, 1, graph},
		{"GOAWAY, token", goAway, 1, token},
		{"PROTOCOL_ERROR", reset, 1, page},
		{"PROTOCOL_ERROR, GET", reset, 1, graph},
		{"PROTOCOL_ERROR, token", reset, 1, token},
		{"REFUSED_STREAM", refuse, 1, page},
		{"GOAWAY, 3 attempts", goAway, 3, page},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := &frames{reply: test.reply}
			transport := server.start(t)
			client, err := d365backup.New(append(test.options,
				d365backup.WithBaseURL("https://example.com"),
				d365backup.WithHTTPClient(&http.Client{Transport: transport}),
				d365backup.WithTimeout(10*time.Second),
				d365backup.WithRetry(d365backup.RetryPolicy{Attempts: test.attempts, BaseDelay: time.Millisecond}))...)
			if err != nil {
				t.Fatal(err)
			}

			_, err = client.Page(t.Context(), valid, 1)
			if apiErr, ok := errors.AsType[*d365backup.Error](err); !ok || apiErr.Kind != d365backup.ErrNetwork || apiErr.Attempts != test.attempts {
				t.Errorf("error %v, want ErrNetwork after %d attempts", err, test.attempts)
			}
			if n, want := server.requests.Load(), int64(2*test.attempts); n != want {
				t.Errorf("%d requests, want %d", n, want)
			}
		})
	}
}
