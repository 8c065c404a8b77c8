package d365backup_test

import (
	"fmt"
	"net/http"
	"runtime"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/d365backup/d365backup/internal/bench"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

const (
	sweepPages = 200
	latency    = 200 * time.Millisecond
)

func steady(int) time.Duration { return latency }

// everyFifthSlow is five times slower for 20% of the pages.
func everyFifthSlow(number int) time.Duration {
	if number%5 == 3 {
		return 5 * latency
	}
	return latency
}

// clientOf returns a client of the service, with the shared transport unless an option sets another.
func clientOf(tb testing.TB, service *bench.Service, options ...d365backup.Option) *d365backup.Client {
	tb.Helper()
	client, err := d365backup.New(append([]d365backup.Option{
		d365backup.WithBaseURL(service.URL),
		d365backup.WithTokenURL(service.URL + bench.TokenPath),
		d365backup.WithLoopbackHTTP(),
		d365backup.WithClientSecret("id", "secret"),
	}, options...)...)
	if err != nil {
		tb.Fatal(err)
	}
	return client
}

// privateTransport returns a transport that shares no connection with other tests.
func privateTransport(tb testing.TB) d365backup.Option {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 64
	tb.Cleanup(transport.CloseIdleConnections)
	return d365backup.WithHTTPClient(&http.Client{Transport: transport})
}

// sweepAll reads all jobs of the service.
func sweepAll(tb testing.TB, client *d365backup.Client, want int) {
	tb.Helper()
	n := 0
	for _, err := range client.Jobs(tb.Context(), valid) {
		if err != nil {
			tb.Fatal(err)
		}
		n++
	}
	if n != want {
		tb.Fatalf("%d jobs, want %d", n, want)
	}
}

// BenchmarkSweep reads 200 pages of 100 jobs. Ideal is what their latencies take if all requests in
// flight are always used. Sequential reading takes at least the sum of the latencies.
func BenchmarkSweep(b *testing.B) {
	list := bench.NewList(sweepPages*100, 100)
	for _, test := range []struct {
		name              string
		prefetch          int
		latency           func(int) time.Duration
		ideal, sequential time.Duration
	}{
		{"prefetch=8", 8, steady, 25 * latency, 200 * latency},
		{"prefetch=16", 16, steady, 13 * latency, 200 * latency},
		{"prefetch=8/slow=20%", 8, everyFifthSlow, 45 * latency, (160 + 40*5) * latency},
	} {
		b.Run(test.name, func(b *testing.B) {
			service := bench.Serve(b, list, test.latency)
			client := clientOf(b, service, d365backup.WithPrefetch(test.prefetch), privateTransport(b))
			for b.Loop() {
				sweepAll(b, client, sweepPages*100)
			}
			took := b.Elapsed() / time.Duration(b.N)
			b.ReportMetric(took.Seconds()/test.ideal.Seconds(), "x-ideal")
			b.ReportMetric(test.sequential.Seconds()/took.Seconds(), "x-faster")
		})
	}
}

// BenchmarkRequests counts the requests for lists of several lengths.
func BenchmarkRequests(b *testing.B) {
	for _, pages := range []int{0, 1, 2, 200} {
		jobs := max(0, pages*100-1)
		b.Run(fmt.Sprintf("pages=%d", pages), func(b *testing.B) {
			service := bench.Serve(b, bench.NewList(jobs, 100), nil)
			client := clientOf(b, service, privateTransport(b))
			for b.Loop() {
				sweepAll(b, client, jobs)
			}
			b.ReportMetric(float64(service.Pages())/float64(b.N), "requests")
		})
	}
}

// live returns the number of heap bytes in use.
func live() int64 {
	var stats runtime.MemStats
	for range 3 { // the third collection frees what pools hold
		runtime.GC()
	}
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// BenchmarkBreak breaks out of a loop while 16 calls of 200 ms are in flight.
func BenchmarkBreak(b *testing.B) {
	service := bench.Serve(b, bench.NewList(100_000, 100), steady)
	client := clientOf(b, service, d365backup.WithPrefetch(16), privateTransport(b))
	var took time.Duration
	for b.Loop() {
		var left time.Time
		n := 0
		for _, err := range client.Jobs(b.Context(), valid) {
			if err != nil {
				b.Fatal(err)
			}
			if n++; n == 1 { // page 1 is being delivered
				service.Await(16)
				left = time.Now()
				break
			}
		}
		took += time.Since(left)
	}
	b.ReportMetric(float64(took.Microseconds())/1000/float64(b.N), "ms-to-leave")
}

// TestBreakLeavesNothing: after breaking out of a loop, none of its goroutines runs.
func TestBreakLeavesNothing(t *testing.T) {
	service := bench.Serve(t, bench.NewList(100_000, 100), steady)
	client := clientOf(t, service, d365backup.WithPrefetch(16), privateTransport(t))
	n := 0
	for _, err := range client.Jobs(t.Context(), valid) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == 1 {
			service.Await(16)
			break
		}
	}
	if err := goleak.Find(goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"),
		goleak.IgnoreAnyFunction("net/http.(*Server).Serve"), goleak.IgnoreAnyFunction("net/http.(*conn).serve"),
		goleak.IgnoreAnyFunction("net/http.(*connReader).backgroundRead")); err != nil {
		t.Error(err)
	}
}

// TestConnectionsAreShared: 16 goroutines need only a few more than 16 connections for all their calls. net/http dials for a request
// that finds none idle, and sends it on one that becomes idle meanwhile.
func TestConnectionsAreShared(t *testing.T) {
	service := bench.Serve(t, bench.NewList(100, 10), nil)
	client := clientOf(t, service, d365backup.WithPageSize(10)) // with the transport that all clients share
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			for range 100 {
				if _, err := client.Page(t.Context(), valid, 1); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	// net/http does not use a connection again if noting that its request was written took 50 ms, as on
	// a very busy machine.
	if most, opened := service.MostConnections(), service.Connections(); most > 64 || opened > 64 {
		t.Errorf("%d connections at a time and %d opened, want hardly more than 16", most, opened)
	} else {
		t.Logf("%d connections at a time, %d opened", most, opened)
	}
}

// TestPollOpensNothing: a second poll of 500 hosts finds its connections still open.
func TestPollOpensNothing(t *testing.T) {
	list := bench.NewList(5, 10)
	services := make([]*bench.Service, 500)
	clients := make([]*d365backup.Client, len(services))
	for i := range services {
		services[i] = bench.Serve(t, list, nil)
		clients[i] = clientOf(t, services[i], d365backup.WithPageSize(10))
	}
	poll := func() (connections int) {
		for i, client := range clients {
			if _, err := client.Page(t.Context(), valid, 1); err != nil {
				t.Fatal(err)
			}
			connections += services[i].Connections()
		}
		return connections
	}
	if first, second := poll(), poll(); second != first {
		t.Errorf("the second poll opened %d connections", second-first)
	}
}

// TestIdleClient: a client with the shared transport needs at most 2 KiB, so that there can be one per tenant.
func TestIdleClient(t *testing.T) {
	const clients = 20_000
	kept := make([]*d365backup.Client, clients)
	before := live()
	for i := range kept {
		var err error
		kept[i], err = d365backup.New(d365backup.WithDataCenter("us"), d365backup.WithClientSecret(fmt.Sprint("app", i), "secret"))
		if err != nil {
			t.Fatal(err)
		}
	}
	if each := (live() - before) / clients; each > 2<<10 || each < 200 {
		t.Errorf("%d bytes a client, want some hundred, at most 2048", each)
	} else {
		t.Logf("%d bytes a client", each)
	}
	runtime.KeepAlive(kept)
}
