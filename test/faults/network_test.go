package faults_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/d365backup/d365backup/test/faults/proxy"
)

// obstacle is a way to the service with a fault in it.
type obstacle struct {
	http.RoundTripper
	mend func() // takes the fault away; nil where the way stays as it is, and another is taken
}

// place puts a fault before the service at this URL, until the test ends.
type place func(t *testing.T, service string) obstacle

// through returns a transport whose connections all lead to one address.
func through(t *testing.T, address string) *http.Transport {
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		},
		MaxResponseHeaderBytes: 1 << 20, // as the client's own
	}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// toxic puts Toxiproxy before the service.
func toxic(kind string, attributes map[string]any) place {
	return poisoned(proxy.Toxic{Type: kind, Attributes: attributes})
}

// toxicRequest is a toxic that requests meet, not answers.
func toxicRequest(kind string, attributes map[string]any) place {
	return poisoned(proxy.Toxic{Type: kind, Attributes: attributes, Upstream: true})
}

func poisoned(toxics ...proxy.Toxic) place {
	return func(t *testing.T, service string) obstacle {
		return obstacle{RoundTripper: through(t, start(t, service, toxics...).Addr())}
	}
}

func start(t *testing.T, service string, toxics ...proxy.Toxic) *proxy.Proxy {
	p, err := proxy.New(strings.TrimPrefix(service, "http://"), toxics...)
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
func down(t *testing.T, service string) obstacle {
	p := start(t, service)
	p.Stop()
	return obstacle{through(t, p.Addr()), func() {
		if err := p.Start(); err != nil {
			t.Error(err)
		}
	}}
}

// script is a server that answers as it likes. next is the service.
type script func(w http.ResponseWriter, r *http.Request, next http.Handler)

// scripted puts a server with this script before the service.
func scripted(answer script) place {
	return func(t *testing.T, service string) obstacle {
		return obstacle{RoundTripper: through(t, serve(t, service, answer).Listener.Addr().String())}
	}
}

// serve runs a scripted server. It reads each request to the end before it answers: what is left unread
// would turn the end of a connection into a reset.
func serve(t *testing.T, service string, answer script) *httptest.Server {
	target, err := url.Parse(service)
	if err != nil {
		t.Fatal(err)
	}
	next := httputil.NewSingleHostReverseProxy(target)
	next.Transport = through(t, target.Host)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the client has left
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		answer(w, r, next)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	t.Cleanup(server.Close)
	return server
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
	return func(t *testing.T, service string) obstacle {
		server := httptest.NewUnstartedServer(http.NotFoundHandler())
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		if server.TLS = config.Clone(); config == nil {
			server.Start()
		} else {
			server.StartTLS()
		}
		t.Cleanup(server.Close)
		return obstacle{RoundTripper: secure{through(t, server.Listener.Addr().String())}}
	}
}

// silentTLS is a server that never answers a TLS handshake.
func silentTLS(t *testing.T, _ string) obstacle {
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
	return obstacle{RoundTripper: secure{through(t, listener.Addr().String())}}
}
