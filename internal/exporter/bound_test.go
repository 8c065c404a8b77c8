package exporter

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// names returns this many names that begin so.
func names(prefix string, n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprintf("%s%d", prefix, i))
	}
	return names
}

// pause waits in a handler. It returns false if the client disconnects first.
func pause(r *http.Request, d time.Duration) bool { return pauseContext(r.Context(), d) }

func pauseContext(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// probeAll probes tenants at once and returns how long each took.
func probeAll(t *testing.T, e *Exporter, names []string, timeout time.Duration) []time.Duration {
	t.Helper()
	took := make([]time.Duration, len(names))
	var group sync.WaitGroup
	for i, name := range names {
		group.Go(func() {
			started := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), timeout)
			defer cancel()
			if r := e.target(name).probe(ctx); r == nil {
				t.Errorf("%s: no result in time", name)
			} else if r.err != nil {
				t.Errorf("%s: %v", name, r.err)
			}
			took[i] = time.Since(started)
		})
	}
	group.Wait()
	return took
}

func mean(d []time.Duration) (sum time.Duration) {
	for _, one := range d {
		sum += one
	}
	return sum / time.Duration(len(d))
}

// TestSlowTenantDelaysNoOther: with more probes at once than requests may be in flight, one slow tenant delays the others by
// less than 10%, from the first probe on.
func TestSlowTenantDelaysNoOther(t *testing.T) {
	const latency = 200 * time.Millisecond
	rounds := func(t *testing.T, slow bool) (means []time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			s := newService()
			others := names("other", 320)
			e := virtual(t, s, 64, append(others, "slow")...)
			now := time.Now()
			for i := range 1000 { // so that the slow tenant has several pages to read
				s.jobs["slow"] = append(s.jobs["slow"], backup(fmt.Sprint(i), now.Add(-time.Duration(i)*time.Minute), 3))
			}
			s.setIntercept(func(tenant string, w http.ResponseWriter, r *http.Request) bool {
				if tenant == "slow" {
					return !pause(r, 20*time.Second)
				}
				return !pause(r, latency)
			})
			for range 3 {
				ctx, cancel := context.WithCancel(t.Context())
				if slow {
					go e.target("slow").probe(ctx)
					synctest.Wait()
				}
				means = append(means, mean(probeAll(t, e, others, time.Minute)))
				cancel()
				time.Sleep(2 * reuse)
			}
		})
		return means
	}
	alone, beside := rounds(t, false), rounds(t, true)
	for i := range alone {
		ratio := float64(beside[i]) / float64(alone[i])
		t.Logf("round %d: %v alone, %v beside a slow tenant: %.3f", i+1, alone[i], beside[i], ratio)
		if ratio > 1.10 {
			t.Errorf("round %d: a slow tenant delays the others by a factor of %.3f", i+1, ratio)
		}
	}
}

// TestHangingTenantsShareAQuarter: tenants that hang or are throttled hold at most a quarter of the requests in flight, and the
// others can be read.
func TestHangingTenantsShareAQuarter(t *testing.T) {
	for name, bad := range map[string]func(w http.ResponseWriter, r *http.Request) bool{
		"hanging": func(_ http.ResponseWriter, r *http.Request) bool { return !pause(r, time.Hour) },
		"throttled": func(w http.ResponseWriter, r *http.Request) bool {
			if strings.HasSuffix(r.URL.Path, "/token") {
				return false
			}
			if pause(r, time.Second) {
				w.WriteHeader(http.StatusTooManyRequests)
			}
			return true
		},
		"token hangs": func(_ http.ResponseWriter, r *http.Request) bool {
			return strings.HasSuffix(r.URL.Path, "/token") && !pause(r, time.Hour)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newService()
				others, tenants := names("other", 100), names("bad", 100)
				e := virtual(t, s, 64, append(others, tenants...)...)
				s.setIntercept(func(tenant string, w http.ResponseWriter, r *http.Request) bool {
					if strings.HasPrefix(tenant, "bad") {
						return bad(w, r)
					}
					return !pause(r, 200*time.Millisecond)
				})
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				for _, tenant := range tenants {
					go e.target(tenant).probe(ctx)
				}
				synctest.Wait()
				most := 0
				go func() {
					for pauseContext(ctx, 10*time.Millisecond+time.Nanosecond) { // at moments at which nothing else happens
						most = max(most, s.load("bad"))
					}
				}()
				for i, most := range []time.Duration{time.Minute, time.Second, time.Second} {
					if took := mean(probeAll(t, e, others, 5*time.Minute)); took > most {
						t.Errorf("probe %d of the others takes %v, want %v at most", i+1, took, most)
					}
					time.Sleep(2 * reuse)
				}
				cancel()
				synctest.Wait()
				if most > 16 || most < 8 {
					t.Errorf("they held %d of 64 requests in flight", most)
				}
			})
		})
	}
}

// TestTenantsThatBeginToHang: they hold a quarter of the requests soon after, and the others can still be read.
func TestTenantsThatBeginToHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		others, tenants := names("other", 20), names("bad", 100)
		e := virtual(t, s, 64, append(others, tenants...)...)
		probeAll(t, e, append(others, tenants...), time.Minute)
		time.Sleep(2 * reuse)
		s.setIntercept(func(tenant string, _ http.ResponseWriter, r *http.Request) bool {
			return strings.HasPrefix(tenant, "bad") && !pause(r, time.Hour)
		})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		for _, tenant := range tenants {
			go e.target(tenant).probe(ctx)
		}
		time.Sleep(2*slowAfter + time.Second) // so long that all have been in flight for slowAfter
		if held := s.load("bad"); held > 16 || held == 0 {
			t.Errorf("they hold %d of 64 requests", held)
		}
		for _, took := range probeAll(t, e, others, time.Minute) {
			if took > time.Second {
				t.Errorf("a probe of another tenant took %v", took)
			}
		}
		time.Sleep(2 * reuse)
		s.setIntercept(nil) // they recover
		time.Sleep(requestTimeout)
		probeAll(t, e, tenants, time.Minute)
		if n := e.bound.inFlight(); n != 0 {
			t.Errorf("%d slots are lost", n)
		}
	})
}

// TestOneTenantIsBounded: one tenant has at most a sixteenth of the requests in flight, even while its settled jobs are read
// again.
func TestOneTenantIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		for i := range 35 * 24 {
			s.jobs["a"] = append(s.jobs["a"], backup(fmt.Sprint(i), time.Now().Add(-time.Duration(i)*time.Hour), 3))
		}
		e := virtual(t, s, 32, "a")
		e.target("a").probe(t.Context())
		time.Sleep(keepSettled)
		s.setIntercept(func(_ string, _ http.ResponseWriter, r *http.Request) bool { return !pause(r, 4*time.Second) })
		most := 0
		for range 20 {
			go e.target("a").probe(t.Context())
			time.Sleep(time.Second + time.Nanosecond)
			most = max(most, s.load("a"))
		}
		if most != 2 {
			t.Errorf("%d requests in flight, want 2 of 32", most)
		}
	})
}
