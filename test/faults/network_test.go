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

// obstacle is a transport with a fault between it and the service.
type obstacle struct {
	http.RoundTripper
	repair func() // removes the fault; nil if other requests take another transport instead
}

// target is the service that a fault is put in front of, reached over one version of HTTP.
type target struct {
	address string
	http2   bool
}

// place puts a fault in front of the service, until the test ends.
type place func(t *testing.T, service target) obstacle

// to returns a transport with the client's own settings that connects to one address only.
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
		conns.Range(func(conn, _ any) bool { // an HTTP/2 connection becomes idle only some time after its last request was canceled
			_ = conn.(net.Conn).Close()
			return true
		})
	})
	return transport
}

// through does the same for an address at which the service or a server of these tests listens.
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

// toxic puts Toxiproxy in front of the service, with a toxic for responses.
func toxic(kind string, attributes map[string]any) place {
	return poisoned(proxy.Toxic{Type: kind, Attributes: attributes})
}

// toxicRequest does the same with a toxic for requests.
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

// script responds to a request. Next is the service.
type script func(w http.ResponseWriter, r *http.Request, next http.Handler)

// scripted puts a server with this script in front of the service.
func scripted(respond script) place {
	return func(t *testing.T, service target) obstacle {
		return obstacle{RoundTripper: service.through(t, serve(t, service, respond, service.http2).Listener.Addr().String())}
	}
}

// serve runs a scripted server. It reads each request to its end before it responds: unread data would turn the end
// of the connection into a reset.
func serve(t *testing.T, service target, respond script, http2 bool) *httptest.Server {
	next := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: service.address})
	next.Transport = service.through(t, service.address)
	if http1, ok := next.Transport.(*http.Transport); ok {
		http1.DisableKeepAlives = true // a server that outlasts a test must not keep its connections
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the client has disconnected
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		respond(w, r, next)
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

// rawHTTP2 puts a TLS server in front of the service that negotiates HTTP/2 and then passes the connection to handle.
func rawHTTP2(handle func(net.Conn)) place {
	return func(t *testing.T, service target) obstacle {
		server := httptest.NewUnstartedServer(http.NotFoundHandler())
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		server.TLS = &tls.Config{NextProtos: []string{"h2"}}
		server.Config.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){
			"h2": func(_ *http.Server, conn *tls.Conn, _ http.Handler) { handle(conn) },
		}
		server.StartTLS()
		t.Cleanup(server.Close)
		return obstacle{RoundTripper: service.through(t, server.Listener.Addr().String())}
	}
}

// secure sends requests over TLS.
type secure struct{ next http.RoundTripper }

func (s secure) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	address := *r.URL
	address.Scheme = "https"
	r.URL = &address
	return s.next.RoundTrip(r)
}

// tlsTo sends requests over TLS to a server with this configuration and the certificate of httptest; if config is
// nil, to a server without TLS.
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

// silentTLS is a server that never responds to a TLS handshake.
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
		for _, conn := range accepted { // net/http continues a handshake after its call has ended
			_ = conn.Close()
		}
	})
	return obstacle{RoundTripper: secure{service.to(t, listener.Addr().String())}}
}
