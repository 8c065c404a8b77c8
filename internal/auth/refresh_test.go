package auth_test

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/d365backup/d365backup/internal/auth"
)

func TestRefreshesEarly(t *testing.T) {
	tests := []struct{ lifetime, earliest, latest time.Duration }{
		{time.Hour, 50 * time.Minute, 55 * time.Minute},
		{25 * time.Minute, 15 * time.Minute, 20 * time.Minute},
		{100 * time.Second, 60 * time.Second, 80 * time.Second},
		{20 * time.Second, 12 * time.Second, 16 * time.Second},
	}
	for _, test := range tests {
		t.Run(test.lifetime.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				endpoint := newPipeEndpoint(t, slow(time.Second, grant(test.lifetime)))
				source := endpoint.source(t)
				sent := time.Now()
				take(t, source)
				expect := func(at time.Duration, requests int32) {
					t.Helper()
					time.Sleep(at - time.Since(sent))
					take(t, source)
					if got := time.Since(sent); got != at {
						t.Errorf("at %v: the caller waited until %v", at, got)
					}
					synctest.Wait()
					if got := endpoint.requests.Load(); got != requests {
						t.Errorf("at %v: %d requests, want %d", at, got, requests)
					}
				}
				expect(test.earliest-time.Nanosecond, 1)
				expect(test.latest, 2)
				expect(test.latest+time.Second/2, 2) // perhaps still in progress
				time.Sleep(time.Second)
				if got := take(t, source); got != "token-2" {
					t.Errorf("got %q, want token-2", got)
				}
			})
		})
	}
}

// TestRefreshesSpread: the tokens of clients created together do not come due together.
func TestRefreshesSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		endpoint := newPipeEndpoint(t, grant(time.Hour))
		sources := make([]auth.Tokens, 100)
		for i := range sources {
			sources[i] = endpoint.source(t)
			take(t, sources[i])
		}
		seen := int32(len(sources))
		time.Sleep(50 * time.Minute)
		for range 11 {
			for _, source := range sources {
				take(t, source)
			}
			synctest.Wait()
			if now := endpoint.requests.Load(); now-seen > 30 {
				t.Errorf("%d of 100 tokens came due within 30 s", now-seen)
			} else {
				seen = now
			}
			time.Sleep(30 * time.Second)
		}
		if seen != 200 {
			t.Errorf("%d requests in all, want 200", seen)
		}
	})
}

func TestExpiredTokenIsNotReturned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		endpoint := newPipeEndpoint(t, grant(time.Hour))
		source := endpoint.source(t)
		take(t, source)
		time.Sleep(time.Hour)
		if got := take(t, source); got != "token-2" {
			t.Errorf("got %q, want token-2", got)
		}
	})
}

func TestShortLifetimesCauseNoStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		endpoint := newPipeEndpoint(t, grant(20*time.Second))
		source := endpoint.source(t)
		var callers sync.WaitGroup
		for range 50 {
			callers.Go(func() {
				for start := time.Now(); time.Since(start) < time.Minute; time.Sleep(100 * time.Millisecond) {
					take(t, source)
				}
			})
		}
		callers.Wait()
		if got := endpoint.requests.Load(); got < 4 || got > 5 { // every 12 to 16 s
			t.Errorf("%d requests in a minute, want 4 or 5", got)
		}
	})
}

func TestFailedRefreshFailsNoCall(t *testing.T) {
	tests := []struct {
		name     string
		failure  http.HandlerFunc
		requests int32 // from the early refresh to the expiry, if that begins at the latest time
	}{
		{"retryable", respond(http.StatusServiceUnavailable, ""), 4},
		{"hanging", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, 3},
		{"refused", respond(http.StatusUnauthorized, `{"error": "invalid_client"}`), 1},
		{"with Retry-After", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "150")
			respond(http.StatusTooManyRequests, "")(w, r)
		}, 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var failing atomic.Bool
				granted := grant(time.Hour)
				endpoint := newPipeEndpoint(t, func(w http.ResponseWriter, r *http.Request) {
					if failing.Load() {
						test.failure(w, r)
						return
					}
					granted(w, r)
				})
				source := endpoint.source(t)
				start := time.Now()
				take(t, source)
				failing.Store(true)
				for ; time.Since(start) < time.Hour; time.Sleep(time.Second) {
					before := time.Now()
					if got := take(t, source); got != "token-1" {
						t.Fatalf("got %q, want token-1", got)
					}
					if waited := time.Since(before); waited != 0 {
						t.Fatalf("a caller waited for %v", waited)
					}
				}
				synctest.Wait()
				if got := endpoint.requests.Load() - 1; got < test.requests || got > 2*test.requests {
					t.Errorf("%d early requests, want %d to %d", got, test.requests, 2*test.requests)
				}
				refused(t, source)
				failing.Store(false)
				if got := take(t, source); got != "token-2" {
					t.Errorf("after the failure: got %q, want token-2", got)
				}
			})
		})
	}
}
