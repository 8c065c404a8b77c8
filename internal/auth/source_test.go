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

	"github.com/d365backup/d365backup/internal/httpfail"
)

// slow delays the handler, unless the client disconnects earlier.
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
		endpoint := newPipeEndpoint(t, slow(time.Second, respond(http.StatusBadRequest, `{"error": "invalid_client"}`)))
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

// Over loopback, no caller needs its own request, whether or not all wait at the same time.
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
		// A transport that ignores its context keeps an abandoned request in flight.
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
		respond(http.StatusBadRequest, "{}")(late, nil)
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
		failure, ok := errors.AsType[*httpfail.Failure](err)
		if !ok || failure.Reason != httpfail.NoAnswer || !failure.Retry {
			t.Errorf("error = %#v, want a network error to retry", err)
		}
		if errors.Is(err, context.DeadlineExceeded) {
			t.Error("the error matches that of an ended context")
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
