package faults_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"

	"github.com/d365backup/d365backup/test/faults/proxy"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// obstacle is a way to the service with a fault in it.
type obstacle struct {
	http.RoundTripper
	mend func() // takes the fault away; nil where the way stays as it is, and another is taken
}

// target is where a fault is put: before the service, as it is reached over one version of HTTP.
type target struct {
	address string
	http2   bool
}

// place puts a fault before the service, until the test ends.
type place func(t *testing.T, service target) obstacle

// to returns a transport with the client's own settings whose connections all lead to one address.
func (s target) to(t *testing.T, address string) *http.Transport {
	transport := d365backup.NewTransport()
	transport.Proxy = nil
	var conns sync.Map
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err == nil && s.http2 {
			conns.Store(conn, nil)
		}
		return conn, err
	}
	if s.http2 {
		transport.Protocols = new(http.Protocols)
		transport.Protocols.SetHTTP2(true)
	}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		conns.Range(func(conn, _ any) bool { // HTTP/2 calls one idle some time after its last request was canceled
			_ = conn.(net.Conn).Close()
			return true
		})
	})
	return transport
}

// through is the same for addresses where the service or a server of these tests listens.
func (s target) through(t *testing.T, address string) http.RoundTripper {
	transport := s.to(t, address)
	if !s.http2 {
		return transport
	}
	transport.TLSClientConfig.RootCAs = roots
	return secure{transport}
}

// roots trusts the certificate of net/http/httptest.
var roots = func() *x509.CertPool {
	server := httptest.NewTLSServer(nil)
	server.Close()
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	return pool
}()

// toxic puts Toxiproxy before the service.
func toxic(kind string, attributes map[string]any) place {
	return poisoned(proxy.Toxic{Type: kind, Attributes: attributes})
}

// toxicRequest is a toxic that requests meet, not responses.
func toxicRequest(kind string, attributes map[string]any) place {
	return poisoned(proxy.Toxic{Type: kind, Attributes: attributes, Upstream: true})
}

func poisoned(toxics ...proxy.Toxic) place {
	return func(t *testing.T, service target) obstacle {
		return obstacle{RoundTripper: service.through(t, start(t, service, toxics...).Addr())}
	}
}

func start(t *testing.T, service target, toxics ...proxy.Toxic) *proxy.Proxy {
	p, err := proxy.New(service.address, toxics...)
	if err == nil {
		err = p.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// down is a proxy that refuses connections until it comes up again.
func down(t *testing.T, service target) obstacle {
	p := start(t, service)
	p.Stop()
	return obstacle{service.through(t, p.Addr()), func() {
		if err := p.Start(); err != nil {
			t.Error(err)
		}
	}}
}

// script is a server that answers as it likes. next is the service.
type script func(w http.ResponseWriter, r *http.Request, next http.Handler)

// scripted puts a server with this script before the service.
func scripted(answer script) place {
	return func(t *testing.T, service target) obstacle {
		return obstacle{RoundTripper: service.through(t, serve(t, service, answer, service.http2).Listener.Addr().String())}
	}
}

// serve runs a scripted server. It reads each request to the end before it responds: what is left unread
// would turn the end of a connection into a reset.
func serve(t *testing.T, service target, answer script, http2 bool) *httptest.Server {
	next := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: service.address})
	next.Transport = service.through(t, service.address)
	if http1, ok := next.Transport.(*http.Transport); ok {
		http1.DisableKeepAlives = true // a server that outlasts a test must keep no connection of it
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the client has left
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		answer(w, r, next)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	if server.EnableHTTP2 = http2; http2 {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	return server
}

// rawHTTP2 is a TLS server that is promised HTTP/2 and does this with the connection.
func rawHTTP2(answer func(net.Conn)) place {
	return func(t *testing.T, service target) obstacle {
		server := httptest.NewUnstartedServer(http.NotFoundHandler())
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		server.TLS = &tls.Config{NextProtos: []string{"h2"}}
		server.Config.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){
			"h2": func(_ *http.Server, conn *tls.Conn, _ http.Handler) { answer(conn) },
		}
		server.StartTLS()
		t.Cleanup(server.Close)
		return obstacle{RoundTripper: service.through(t, server.Listener.Addr().String())}
	}
}

// secure makes the client speak TLS.
type secure struct{ next http.RoundTripper }

func (s secure) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	address := *r.URL
	address.Scheme = "https"
	r.URL = &address
	return s.next.RoundTrip(r)
}

// tlsTo puts a server before the service that is asked by TLS: one that answers so with its own certificate,
// or, without a configuration, one that does not know TLS.
func tlsTo(config *tls.Config) place {
	return func(t *testing.T, service target) obstacle {
		server := httptest.NewUnstartedServer(http.NotFoundHandler())
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		server.EnableHTTP2 = service.http2
		if server.TLS = config.Clone(); config == nil {
			server.Start()
		} else {
			server.StartTLS()
		}
		t.Cleanup(server.Close)
		return obstacle{RoundTripper: secure{service.to(t, server.Listener.Addr().String())}}
	}
}

// silentTLS is a server that never answers a TLS handshake.
func silentTLS(t *testing.T, service target) obstacle {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var accepting sync.WaitGroup
	var accepted []net.Conn
	accepting.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			accepted = append(accepted, conn)
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		accepting.Wait()
		for _, conn := range accepted { // net/http goes on with a handshake when its call is over
			_ = conn.Close()
		}
	})
	return obstacle{RoundTripper: secure{service.to(t, listener.Addr().String())}}
}
