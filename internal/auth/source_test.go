package auth_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/d365backup/d365backup/internal/auth"
	"github.com/d365backup/d365backup/internal/httpfail"
)

// slow delays the handler, unless the client leaves before.
func slow(delay time.Duration, handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(delay):
			handler(w, r)
		case <-r.Context().Done():
		}
	}
}

func TestColdCallersShareOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		endpoint := newPipeEndpoint(t, slow(time.Second, grant(time.Hour)))
		source := endpoint.source(t)
		var callers sync.WaitGroup
		for range 100 {
			callers.Go(func() {
				if got := take(t, source); got != "token-1" {
					t.Errorf("token = %q, want token-1", got)
				}
			})
		}
		callers.Wait()
		if got := endpoint.requests.Load(); got != 1 {
			t.Errorf("%d requests, want 1", got)
		}
	})
}

func TestCallersShareAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		endpoint := newPipeEndpoint(t, slow(time.Second, answer(http.StatusBadRequest, `{"error": "invalid_client"}`)))
		source := endpoint.source(t)
		var callers sync.WaitGroup
		for range 100 {
			callers.Go(func() { refused(t, source) })
		}
		callers.Wait()
		if got := endpoint.requests.Load(); got != 1 {
			t.Errorf("%d requests, want 1", got)
		}
	})
}

// Over loopback no moment is known at which all wait; but none of them may need a request of its own.
func TestColdCallersOverLoopback(t *testing.T) {
	endpoint := newEndpoint(t, grant(time.Hour))
	source := endpoint.source(t)
	var callers sync.WaitGroup
	for range 100 {
		callers.Go(func() { take(t, source) })
	}
	callers.Wait()
	if got := endpoint.requests.Load(); got != 1 {
		t.Errorf("%d requests, want 1", got)
	}
}

func TestCallersReturnWithTheirContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		endpoint := newPipeEndpoint(t, slow(20*time.Second, grant(time.Hour)))
		source := endpoint.source(t)
		var callers sync.WaitGroup
		callers.Go(func() {
			if got := take(t, source); got != "token-1" {
				t.Errorf("the caller without deadline got %q", got)
			}
		})
		for i := range 10 {
			callers.Go(func() {
				deadline := time.Duration(i+1) * time.Second
				ctx, cancel := context.WithTimeout(t.Context(), deadline)
				defer cancel()
				start := time.Now()
				_, err := source.Token(ctx)
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("error = %v, want that of the context", err)
				}
				if got := time.Since(start); got != deadline {
					t.Errorf("returned after %v, want %v", got, deadline)
				}
			})
		}
		callers.Wait()
		if got := endpoint.requests.Load(); got != 1 {
			t.Errorf("%d requests, want 1", got)
		}
	})
}

func TestLastCallerCancelsTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan time.Time, 2)
		var unstuck atomic.Bool
		endpoint := newPipeEndpoint(t, func(w http.ResponseWriter, r *http.Request) {
			if unstuck.Load() {
				grant(time.Hour)(w, r)
				return
			}
			<-r.Context().Done()
			ended <- time.Now()
		})
		source := endpoint.source(t)
		start := time.Now()
		var callers sync.WaitGroup
		for i := range 2 {
			callers.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i+1)*time.Second)
				defer cancel()
				source.Token(ctx)
			})
		}
		callers.Wait()
		synctest.Wait()
		if got := (<-ended).Sub(start); got != 2*time.Second {
			t.Errorf("the request ended after %v, want 2s, with the last caller", got)
		}
		unstuck.Store(true)
		if got := take(t, source); got != "token-1" {
			t.Errorf("the next caller got %q", got)
		}
	})
}

func TestAbandonedRequestDoesNotAffectTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// A transport that is deaf to its context keeps an abandoned request under way.
		arrived := make(chan chan *http.Response, 2)
		source := (&endpoint{URL: "https://identity.example/token"}).source(t, func(c *config) {
			c.Transport = roundTripper(func(*http.Request) (*http.Response, error) {
				reply := make(chan *http.Response)
				arrived <- reply
				return <-reply, nil
			})
		})
		ctx, cancel := context.WithCancel(t.Context())
		var callers sync.WaitGroup
		callers.Go(func() { source.Token(ctx) })
		abandoned := <-arrived
		cancel()
		callers.Wait()

		for range 2 {
			callers.Go(func() {
				if got := take(t, source); got != "token-1" {
					t.Errorf("got %q, want token-1", got)
				}
			})
		}
		successor := <-arrived
		late := httptest.NewRecorder()
		answer(http.StatusBadRequest, "{}")(late, nil)
		abandoned <- late.Result()
		synctest.Wait()

		callers.Go(func() { take(t, source) }) // joins the successor
		granted := httptest.NewRecorder()
		grant(time.Hour)(granted, nil)
		synctest.Wait()
		successor <- granted.Result()
		callers.Wait()
		if len(arrived) > 0 {
			t.Error("a third request was sent")
		}
	})
}

func TestEndedContextSendsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		endpoint := newPipeEndpoint(t, grant(time.Hour))
		sent := 0
		source := endpoint.source(t, func(c *config) {
			c.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
				sent++
				return endpoint.Transport.RoundTrip(r)
			})
		})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := source.Token(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("error = %v, want %v", err, context.Canceled)
		}
		synctest.Wait()
		if sent != 0 {
			t.Errorf("%d requests, want none", sent)
		}
		if got := take(t, source); got != "token-1" {
			t.Errorf("the next caller got %q", got)
		}
	})
}

func TestNoResponseInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		endpoint := newPipeEndpoint(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		source := endpoint.source(t)
		start := time.Now()
		_, err := source.Token(t.Context())
		failure, ok := errors.AsType[*auth.Error](err)
		if !ok || failure.Reason != httpfail.NoAnswer || !failure.Retry {
			t.Errorf("error = %#v, want a network error to retry", err)
		}
		if errors.Is(err, context.DeadlineExceeded) {
			t.Error("the error passes for the end of the caller's context")
		}
		if got := time.Since(start); got != 30*time.Second {
			t.Errorf("returned after %v, want 30s", got)
		}
	})
}

func TestRequestHasNoValuesOfCallers(t *testing.T) {
	type key struct{}
	endpoint := newEndpoint(t, grant(time.Hour))
	source := endpoint.source(t, func(c *config) {
		c.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
			if r.Context().Value(key{}) != nil {
				t.Error("the request carries a value of the caller's context")
			}
			return endpoint.Transport.RoundTrip(r)
		})
	})
	if _, err := source.Token(context.WithValue(t.Context(), key{}, "caller")); err != nil {
		t.Fatal(err)
	}
}

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
				expect(test.latest+time.Second/2, 2) // perhaps still under way
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
		{"retryable", answer(http.StatusServiceUnavailable, ""), 4},
		{"hanging", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, 3},
		{"refused for good", answer(http.StatusUnauthorized, `{"error": "invalid_client"}`), 1},
		{"asking to wait", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "150")
			answer(http.StatusTooManyRequests, "")(w, r)
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

func TestInvalidateCausesOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		endpoint := newPipeEndpoint(t, slow(time.Second, grant(time.Hour)))
		source := endpoint.source(t)
		old, err := source.Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var callers sync.WaitGroup
		for i := range 50 {
			callers.Go(func() {
				time.Sleep(time.Duration(i) * 100 * time.Millisecond) // some before, some after the new token
				source.Invalidate(old)
				if got := take(t, source); got != "token-2" {
					t.Errorf("got %q, want token-2", got)
				}
			})
		}
		callers.Wait()
		source.Invalidate(nil)
		if got := take(t, source); got != "token-2" {
			t.Errorf("after Invalidate(nil): got %q, want token-2", got)
		}
		if got := endpoint.requests.Load(); got != 2 {
			t.Errorf("%d requests, want 2", got)
		}
	})
}
