package bench

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Service is a server that returns the pages of a list, and tokens.
type Service struct {
	// URL is its base URL. Tokens are at TokenPath below it.
	URL string
	// Roots has the certificate of a service over HTTP/2; otherwise it is nil.
	Roots *x509.CertPool

	server      *httptest.Server
	list        *List
	latency     func(number int) time.Duration
	connections atomic.Int64
	open, most  atomic.Int64 // connections now, and at most
	pages       atomic.Int64 // requested
	// bodies are buffers for pages. The garbage collections of the measured code would empty a sync.Pool.
	bodies chan []byte

	mu      sync.Mutex
	changed *sync.Cond // with mu: waiting has changed
	waiting int
}

// TokenPath is the path of the token endpoint.
const TokenPath = "/connect/token"

// Token is the token that it returns, which is as long as usual.
var Token = rand.Text() + strings.Repeat("."+rand.Text(), 40)

// Serve starts a service on loopback, which stops when the test ends. It returns each page after its latency; at once if
// latency is nil.
func Serve(tb testing.TB, list *List, latency func(number int) time.Duration) *Service {
	tb.Helper()
	return serve(tb, list, latency, (*httptest.Server).Start)
}

// ServeHTTP2 does the same over TLS and HTTP/2.
func ServeHTTP2(tb testing.TB, list *List, latency func(number int) time.Duration) *Service {
	tb.Helper()
	s := serve(tb, list, latency, func(server *httptest.Server) {
		server.EnableHTTP2 = true
		server.StartTLS()
	})
	s.Roots = x509.NewCertPool()
	s.Roots.AddCert(s.server.Certificate())
	return s
}

func serve(tb testing.TB, list *List, latency func(number int) time.Duration, start func(*httptest.Server)) *Service {
	tb.Helper()
	s := &Service{list: list, latency: latency, bodies: make(chan []byte, 64)}
	s.changed = sync.NewCond(&s.mu)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/OpenApi/GetJobs", s.page)
	mux.HandleFunc("POST "+TokenPath, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"access_token":%q,"expires_in":3600,"token_type":"Bearer"}`, Token)
	})
	s.server = httptest.NewUnstartedServer(mux)
	s.server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			s.connections.Add(1)
			s.noteOpen(s.open.Add(1))
		case http.StateClosed, http.StateHijacked:
			s.open.Add(-1)
		}
	}
	start(s.server)
	tb.Cleanup(s.server.Close)
	s.URL = s.server.URL
	return s
}

// Connections returns how many connections were opened to the service.
func (s *Service) Connections() int { return int(s.connections.Load()) }

// MostConnections returns the largest number of connections that were open at a time.
func (s *Service) MostConnections() int { return int(s.most.Load()) }

// Pages returns how many pages were requested.
func (s *Service) Pages() int { return int(s.pages.Load()) }

func (s *Service) noteOpen(open int64) {
	for most := s.most.Load(); open > most && !s.most.CompareAndSwap(most, open); most = s.most.Load() {
	}
}

// Await returns when this many requests are waiting for their page's latency to pass.
func (s *Service) Await(requests int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.waiting < requests {
		s.changed.Wait()
	}
}

func (s *Service) page(w http.ResponseWriter, r *http.Request) {
	var filter struct {
		PageInfo struct {
			CurrentPage int `json:"currentPage"`
		} `json:"pageInfo"`
	}
	if err := json.NewDecoder(r.Body).Decode(&filter); err != nil || filter.PageInfo.CurrentPage < 1 {
		http.Error(w, "no page number", http.StatusBadRequest)
		return
	}
	s.pages.Add(1)
	if !s.wait(r, filter.PageInfo.CurrentPage) {
		return
	}
	var body []byte
	select {
	case body = <-s.bodies:
	default:
	}
	body = s.list.AppendPage(body[:0], filter.PageInfo.CurrentPage)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Request-Id", "5f2b1c9e-7a4d-4f0e-9c3b-2d8e6a1f0b47")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
	select {
	case s.bodies <- body:
	default:
	}
}

// wait waits for the latency of the page. It returns false if the client disconnects first.
func (s *Service) wait(r *http.Request, number int) bool {
	if s.latency == nil || s.latency(number) == 0 {
		return true
	}
	s.count(1)
	defer s.count(-1)
	timer := time.NewTimer(s.latency(number))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

func (s *Service) count(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting += n
	s.changed.Broadcast()
}
