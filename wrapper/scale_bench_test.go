package d365backup_test

import (
	"context"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/d365backup/d365backup/internal/bench"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// protocols are how a service is reached: over HTTP/1.1 or TLS and HTTP/2.
var protocols = []struct {
	name  string
	serve func(testing.TB, *bench.List, func(int) time.Duration) *bench.Service
}{
	{"HTTP1.1", bench.Serve},
	{"HTTP2", bench.ServeHTTP2},
}

// tenants returns clients of one service that share one transport with the default settings.
func tenants(tb testing.TB, service *bench.Service, n int) []*d365backup.Client {
	tb.Helper()
	transport := d365backup.NewTransport()
	transport.TLSClientConfig.RootCAs = service.Roots
	tb.Cleanup(transport.CloseIdleConnections)
	clients := make([]*d365backup.Client, n)
	for i := range clients {
		clients[i] = clientOf(tb, service, d365backup.WithPageSize(20), d365backup.WithHTTPClient(&http.Client{Transport: transport}))
	}
	return clients
}

// round reads one page with each client, with at most this many calls at once, and returns how long each took.
func round(tb testing.TB, clients []*d365backup.Client, atOnce int) []time.Duration {
	tb.Helper()
	took := make([]time.Duration, len(clients))
	places := make(chan struct{}, atOnce)
	var group sync.WaitGroup
	for i, client := range clients {
		places <- struct{}{}
		group.Go(func() {
			defer func() { <-places }()
			started := time.Now()
			if page, err := client.Page(tb.Context(), valid, 1); err != nil || len(page.Jobs) != 20 {
				tb.Error(err)
			}
			took[i] = time.Since(started)
		})
	}
	group.Wait()
	return took
}

// BenchmarkTenants polls 2,000 tenants on one host for a page that takes 200 ms, 64 at once, two rounds. The
// first one includes their tokens.
func BenchmarkTenants(b *testing.B) {
	const n, atOnce = 2000, 64
	ideal := latency.Seconds() * n / atOnce
	for _, protocol := range protocols {
		b.Run(protocol.name, func(b *testing.B) {
			for b.Loop() {
				service := protocol.serve(b, bench.NewList(20, 20), steady)
				before := live()
				clients := tenants(b, service, n)
				var opened [3]int
				for i := range 2 {
					started := time.Now()
					round(b, clients, atOnce)
					b.ReportMetric(time.Since(started).Seconds()/ideal, []string{"x-ideal-1", "x-ideal-2"}[i])
					opened[i+1] = service.Connections()
				}
				b.ReportMetric(float64(opened[1]), "connections")
				b.ReportMetric(float64(opened[2]-opened[1]), "new-in-2")
				b.ReportMetric(float64(live()-before)/n, "B-each")
				runtime.KeepAlive(clients)
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkStalledTenant compares the median of the calls of 50 tenants before and while another one on the
// same host has all its requests in flight without a response.
func BenchmarkStalledTenant(b *testing.B) {
	const page2 = 2 // never responds
	for _, protocol := range protocols {
		b.Run(protocol.name, func(b *testing.B) {
			service := protocol.serve(b, bench.NewList(40, 20), func(number int) time.Duration {
				if number == page2 {
					return time.Hour
				}
				return 100 * time.Millisecond
			})
			clients := tenants(b, service, 51)
			stalled, others := clients[0], clients[1:]
			median := func() time.Duration {
				var took []time.Duration
				for range 10 {
					took = append(took, round(b, others, 10)...)
				}
				slices.Sort(took)
				return took[len(took)/2]
			}
			round(b, clients, 10)
			for b.Loop() {
				alone := median()
				ctx, cancel := context.WithCancel(b.Context())
				var group sync.WaitGroup
				for range 32 { // twice as many as may be in flight
					group.Go(func() { _, _ = stalled.Page(ctx, valid, page2) })
				}
				service.Await(d365backup.DefaultMaxInFlight)
				b.ReportMetric(float64(median())/float64(alone), "x-median")
				cancel()
				group.Wait()
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// TestTenantsShareConnections: once as many connections are open as are used at a time, a round over many tenants of
// one host opens none.
func TestTenantsShareConnections(t *testing.T) {
	for _, protocol := range protocols {
		service := protocol.serve(t, bench.NewList(20, 20), func(int) time.Duration { return 100 * time.Millisecond })
		clients := tenants(t, service, 200)
		round(t, clients, 48) // each gets its own token, over a separate connection
		round(t, clients, 48)
		before := service.Connections()
		round(t, clients, 48) // fewer than are kept: net/http drops one whose request took 50 ms to be noted as written
		if opened := service.Connections() - before; opened != 0 {
			t.Errorf("%s: the third round opened %d connections", protocol.name, opened)
		}
	}
}
