package d365backup_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/d365backup/d365backup/internal/bench"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// bucket is a service that serves a number of requests per second (a token bucket as large as the rate), and refuses the
// others with Retry-After: 1.
type bucket struct {
	rate            float64
	list            *bench.List
	mu              sync.Mutex
	tokens          float64
	last            time.Time
	served, refused int
}

func (b *bucket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var filter struct {
		PageInfo struct{ CurrentPage int }
	}
	body, _ := io.ReadAll(r.Body)
	if err := json.Unmarshal(body, &filter); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	time.Sleep(20 * time.Millisecond) // of virtual time
	if !b.take() {
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(b.list.AppendPage(nil, filter.PageInfo.CurrentPage))
}

func (b *bucket) take() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	b.tokens = min(b.rate, b.tokens+b.rate*now.Sub(b.last).Seconds())
	b.last = now
	if b.tokens < 1 {
		b.refused++
		return false
	}
	b.tokens--
	b.served++
	return true
}

// TestThrottledSweeps: with a limited rate, loops over 150 pages in all finish with few refusals and in a few times the least
// possible time. Its log is the table in docs/performance.md.
func TestThrottledSweeps(t *testing.T) {
	for _, test := range []struct {
		rate                      float64
		clients, sweeps, prefetch int
		refused                   float64 // at most, per request served
	}{
		{5, 1, 1, 16, 0.15},
		{5, 1, 4, 4, 0.15},
		{5, 4, 1, 4, 0.5},
		{10, 16, 1, 4, 0.5},
		{50, 1, 4, 4, 0.15},
	} {
		name := fmt.Sprintf("%.0f per second, %d clients of %d sweeps, prefetch %d", test.rate, test.clients, test.sweeps, test.prefetch)
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				jobs := 3000 / test.clients / test.sweeps
				service := &bucket{rate: test.rate, list: bench.NewList(jobs, 20), tokens: test.rate, last: time.Now()}
				var group sync.WaitGroup
				started := time.Now()
				for range test.clients {
					client := newClient(t, "http://127.0.0.1", pipe(t, service), d365backup.WithPrefetch(test.prefetch), d365backup.WithPageSize(20))
					for range test.sweeps {
						group.Go(func() { sweepAll(t, client, jobs) })
					}
				}
				group.Wait()
				took := time.Since(started).Seconds()
				ideal := (float64(service.served) - test.rate) / test.rate
				share := float64(service.refused) / float64(service.served)
				t.Logf("served %d, refused %d (%.0f%%), took %.1f s, %.2f x ideal", service.served, service.refused, 100*share, took, took/ideal)
				if share > test.refused || took > 3*ideal {
					t.Errorf("want at most %.0f%% refused and 3 x ideal", 100*test.refused)
				}
			})
		})
	}
}

// TestPause: a Retry-After delays every request of the client that was not sent, and they do not resume all at once.
func TestPause(t *testing.T) {
	for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			var at []time.Duration
			started := time.Now()
			client := servePipe(t, func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				at = append(at, time.Since(started))
				first := len(at) == 1
				mu.Unlock()
				if first {
					w.Header().Set("Retry-After", "5")
					respond(status, "", "")(w, r)
					return
				}
				time.Sleep(time.Second) // of virtual time
				respond(200, "application/json", emptyPage)(w, r)
			}, d365backup.WithMaxInFlight(3))
			var group sync.WaitGroup
			for range 10 {
				group.Go(func() {
					if _, err := client.Page(t.Context(), valid, 1); err != nil {
						t.Error(err)
					}
				})
			}
			group.Wait()
			if len(at) != 11 {
				t.Fatalf("%d requests, want 11", len(at))
			}
			for i, when := range at[3:] { // the first three were in flight together
				if when < 5*time.Second || when == at[i+2] {
					t.Errorf("status %d: request %d was sent after %s, the one before after %s", status, i+4, when, at[i+2])
				}
			}
		})
	}
}

// TestLongPause: a pause that is too long to wait for is reported at once, and to later calls without a request.
func TestLongPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		requests := 0
		client := servePipe(t, func(w http.ResponseWriter, r *http.Request) {
			if requests++; requests == 1 {
				w.Header().Set("Retry-After", "86400")
				respond(429, "", "")(w, r)
				return
			}
			respond(200, "application/json", emptyPage)(w, r)
		})
		want := 24 * time.Hour // as the service sent it; then as the client observes it
		for _, attempts := range []int{1, 0} {
			started := time.Now()
			_, err := client.Page(t.Context(), valid, 1)
			e, ok := errors.AsType[*d365backup.Error](err)
			if !ok || e.Kind != d365backup.ErrThrottled || e.RetryAfter != want || e.Attempts != attempts || !e.Retryable() || time.Since(started) != 0 {
				t.Errorf("got %v after %s, want ErrThrottled with RetryAfter %s after %d attempts at once", err, time.Since(started), want, attempts)
			}
			want = time.Hour
		}
		time.Sleep(time.Hour) // of virtual time
		if _, err := client.Page(t.Context(), valid, 1); err != nil || requests != 2 {
			t.Errorf("after the pause: %v, %d requests", err, requests)
		}
	})
}

// TestWaitingUsesNoAttempt: a 429 with Retry-After may occur more often than there are attempts; a 503 may not. Both are
// counted in the log and in the error.
func TestWaitingUsesNoAttempt(t *testing.T) {
	for _, test := range []struct {
		first, last, attempts int
		want                  error
	}{
		{first: 429, last: 200, attempts: 7},
		{first: 429, last: 500, attempts: 7, want: d365backup.ErrServer},
		{first: 503, last: 200, attempts: 2, want: d365backup.ErrServer},
	} {
		synctest.Test(t, func(t *testing.T) {
			requests := 0
			var log strings.Builder
			client := servePipe(t, func(w http.ResponseWriter, r *http.Request) {
				switch requests++; {
				case requests <= 5:
					w.Header().Set("Retry-After", "1")
					respond(test.first, "", "")(w, r)
				case requests == 6:
					respond(500, "", "")(w, r)
				default:
					respond(test.last, "application/json", emptyPage)(w, r)
				}
			}, d365backup.WithRetry(d365backup.RetryPolicy{Attempts: 2}),
				d365backup.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))))
			_, err := client.Page(t.Context(), valid, 1)
			e, failed := errors.AsType[*d365backup.Error](err)
			if !errors.Is(err, test.want) || requests != test.attempts || failed && e.Attempts != test.attempts {
				t.Errorf("status %d: got %v after %d requests, want %v after %d", test.first, err, requests, test.want, test.attempts)
			}
			for number := 1; number <= test.attempts; number++ {
				if n := strings.Count(log.String(), fmt.Sprintf(" attempt=%d ", number)); n != 1 {
					t.Errorf("status %d: attempt %d was logged %d times:\n%s", test.first, number, n, log.String())
				}
			}
		})
	}
}

// TestMaxInFlight: the client observes the limit, and the time of waiting requests does not count for their attempts.
func TestMaxInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int64
		client := servePipe(t, func(w http.ResponseWriter, r *http.Request) {
			if n := now.Add(1); n > most.Load() {
				most.Store(n)
			}
			time.Sleep(50 * time.Second) // of virtual time
			now.Add(-1)
			respond(200, "application/json", emptyPage)(w, r)
		}, d365backup.WithMaxInFlight(2))
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				if _, err := client.Page(t.Context(), valid, 1); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if most.Load() != 2 {
			t.Errorf("%d requests at a time, want 2", most.Load())
		}
	})
}
