package d365backup_test

import (
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	d365backup "github.com/d365backup/d365backup/wrapper"
)

// TestRetry: which failures are retried, with the same body and within the policy.
func TestRetry(t *testing.T) {
	tests := []struct {
		name string
		fail http.HandlerFunc
		want bool
	}{
		{"408", respond(408, "", ""), true},
		{"429", respond(429, "", ""), true},
		{"500", respond(500, "", ""), true},
		{"502", respond(502, "", ""), true},
		{"503", respond(503, "", ""), true},
		{"504", respond(504, "", ""), true},
		{"closed without a response", func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }, true},
		{"400", respond(400, "", ""), false},
		{"403", respond(403, "", ""), false},
		{"404", respond(404, "", ""), false},
		{"409", respond(409, "", ""), false},
		{"501", respond(501, "", ""), false},
		{"307", respond(307, "", ""), false},
		{"204", respond(204, "", ""), false},
		{"wrong shape", respond(200, "application/json", "{}"), false},
		{"HTML", respond(200, "text/html", "<html>"), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var bodies []string
				client := servePipe(t, func(w http.ResponseWriter, r *http.Request) {
					body, _ := io.ReadAll(r.Body)
					bodies = append(bodies, string(body))
					if len(bodies) < 4 {
						test.fail(w, r)
						return
					}
					respond(200, "application/json", emptyPage)(w, r)
				}, d365backup.WithAPI(d365backup.APIv1))
				_, err := client.Page(t.Context(), valid, 1)
				if retried := err == nil; retried != test.want {
					t.Fatalf("got %v, want retried %t", err, test.want)
				}
				if want := map[bool]int{true: 4, false: 1}[test.want]; len(bodies) != want {
					t.Errorf("%d requests, want %d", len(bodies), want)
				}
				for _, body := range bodies {
					if body != bodies[0] || body == "" {
						t.Errorf("bodies differ: %q and %q", bodies[0], body)
					}
				}
				_, err = servePipe(t, test.fail, d365backup.WithAPI(d365backup.APIv1)).Page(t.Context(), valid, 1)
				if e, ok := errors.AsType[*d365backup.Error](err); !ok || e.Retryable() != test.want {
					t.Errorf("retryable is not %t: %v", test.want, err)
				}
			})
		})
	}
}

// TestRetryableContext: a deadline may be longer the next time, and a call that was canceled is not wanted any more.
func TestRetryableContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := servePipe(t, func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // or the end of the request is not noticed
			<-r.Context().Done()
		}, d365backup.WithTimeout(time.Hour),
			d365backup.WithRetry(d365backup.RetryPolicy{AttemptTimeout: 30 * time.Minute}))
		short, cancelShort := context.WithTimeout(t.Context(), time.Minute)
		defer cancelShort()
		canceled, cancel := context.WithCancel(t.Context())
		time.AfterFunc(40*time.Minute, cancel) // after an attempt that has timed out
		for _, tt := range []struct {
			name string
			ctx  context.Context
			want bool
		}{{"deadline", short, true}, {"canceled", canceled, false}, {"WithTimeout", t.Context(), true}} {
			_, err := client.Page(tt.ctx, valid, 1)
			if e, ok := errors.AsType[*d365backup.Error](err); !ok || e.Kind != nil || e.Retryable() != tt.want {
				t.Errorf("%s: want %t: %v", tt.name, tt.want, err)
			}
		}
	})
}

func TestRetryGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		requests := 0
		client := servePipe(t, func(w http.ResponseWriter, r *http.Request) {
			requests++
			respond(503, "", "")(w, r)
		})
		started := time.Now()
		_, err := client.Page(t.Context(), valid, 1)
		e, ok := errors.AsType[*d365backup.Error](err)
		if !ok || e.Attempts != 4 || requests != 4 || !errors.Is(err, d365backup.ErrServer) {
			t.Errorf("got %v after %d requests, want ErrServer after 4", err, requests)
		}
		if took := time.Since(started); took > 500*time.Millisecond+time.Second+2*time.Second {
			t.Errorf("waited %s in all, more than the policy's longest waits", took)
		}
	})
}

// TestJitter: waits are random over the whole range, and capped.
func TestJitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Time
		client := servePipe(t, func(w http.ResponseWriter, r *http.Request) {
			at = append(at, time.Now())
			respond(503, "", "")(w, r)
		}, d365backup.WithTimeout(time.Hour),
			d365backup.WithRetry(d365backup.RetryPolicy{Attempts: 200, BaseDelay: time.Second, MaxDelay: 8 * time.Second}))
		_, _ = client.Page(t.Context(), valid, 1)
		var low, high int
		for i := range len(at) - 1 {
			wait := at[i+1].Sub(at[i])
			if longest := min(time.Second<<min(i, 10), 8*time.Second); wait > longest {
				t.Errorf("wait %d took %s, more than %s", i+1, wait, longest)
			}
			if wait < 2*time.Second {
				low++
			} else if wait > 6*time.Second {
				high++
			}
		}
		if low < 20 || high < 20 {
			t.Errorf("of 199 waits %d are short and %d are long: want many of both", low, high)
		}
		client = servePipe(t, respond(503, "", ""), d365backup.WithRetry(d365backup.RetryPolicy{BaseDelay: math.MaxInt64, MaxDelay: math.MaxInt64}))
		if _, err := client.Page(t.Context(), valid, 1); !errors.Is(err, d365backup.ErrServer) {
			t.Errorf("the longest wait of all: got %v, want ErrServer", err)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	in := func(d time.Duration) string { // from the start of the virtual clock
		return time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC).Add(d).Format(http.TimeFormat)
	}
	for _, test := range []struct {
		name, header string
		clock        time.Duration // how far the server's is ahead
		wait         time.Duration // -1: fails at once
		carries      time.Duration
	}{
		{"seconds", "7", 0, 7 * time.Second, 0},
		{"date", in(9 * time.Second), 0, 9 * time.Second, 0},
		{"date of a slow clock", in(-time.Hour + 5*time.Second), -time.Hour, 5 * time.Second, 0},
		{"date of a fast clock", in(time.Hour + 5*time.Second), time.Hour, 5 * time.Second, 0},
		{"beyond the cap", "31", 0, -1, 31 * time.Second},
		{"date beyond the cap", in(time.Hour), 0, -1, time.Hour},
	} {
		synctest.Test(t, func(t *testing.T) {
			requests := 0
			client := servePipe(t, func(w http.ResponseWriter, r *http.Request) {
				if requests++; requests == 1 {
					w.Header().Set("Retry-After", test.header)
					w.Header().Set("Date", in(test.clock))
					respond(503, "", "")(w, r)
					return
				}
				respond(200, "application/json", emptyPage)(w, r)
			})
			started := time.Now()
			_, err := client.Page(t.Context(), valid, 1)
			took := time.Since(started)
			// A random part of the second between requests at the first rate follows the pause.
			if test.wait >= 0 && (err != nil || took > test.wait+time.Second || took < test.wait) {
				t.Errorf("%s: got %v after %s, want success after %s", test.name, err, took, test.wait)
			}
			if e, ok := errors.AsType[*d365backup.Error](err); test.wait < 0 && (!ok || e.RetryAfter != test.carries || took != 0) {
				t.Errorf("%s: got %v after %s, want RetryAfter %s at once", test.name, err, took, test.carries)
			}
		})
	}
}

// TestRetryAfterBeyondDeadline: a wait that would outlast the context is not started.
func TestRetryAfterBeyondDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := servePipe(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "20")
			respond(429, "", "")(w, r)
		})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		started := time.Now()
		_, err := client.Page(ctx, valid, 1)
		e, ok := errors.AsType[*d365backup.Error](err)
		if !ok || e.RetryAfter != 20*time.Second || !errors.Is(err, d365backup.ErrThrottled) || time.Since(started) != 0 {
			t.Errorf("got %v after %s, want ErrThrottled with RetryAfter 20s at once", err, time.Since(started))
		}
	})
}

// TestContextEnds: the error wraps the context's error and the last other failure.
func TestContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		requests := 0
		client := servePipe(t, func(w http.ResponseWriter, r *http.Request) {
			if requests++; requests == 1 {
				respond(503, "", "")(w, r)
				return
			}
			_, _ = io.Copy(io.Discard, r.Body) // only then does the server see that the client left
			<-r.Context().Done()
		})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := client.Page(ctx, valid, 1)
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, d365backup.ErrServer) {
			t.Errorf("got %v, want the context's error and ErrServer", err)
		}
		ctx, cancel = context.WithCancel(t.Context())
		cancel()
		_, err = client.Page(ctx, valid, 1)
		if !errors.Is(err, context.Canceled) || !strings.HasPrefix(err.Error(), "d365backup: the call's context ended") {
			t.Errorf("got %v, want context.Canceled and no empty kind", err)
		}
	})
}

func TestTimeouts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var requests atomic.Int32
		hang := func(w http.ResponseWriter, r *http.Request) {
			requests.Add(1)
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, "{")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}
		started := time.Now()
		client := servePipe(t, hang, d365backup.WithRetry(d365backup.RetryPolicy{Attempts: 2, BaseDelay: 1}))
		_, err := client.Page(t.Context(), valid, 1)
		if !errors.Is(err, d365backup.ErrNetwork) || requests.Load() != 2 || time.Since(started).Round(time.Second) != 2*time.Minute {
			t.Errorf("got %v after %d requests and %s, want ErrNetwork after 2 attempts of a minute", err, requests.Load(), time.Since(started))
		}
		started = time.Now()
		client = servePipe(t, hang, d365backup.WithTimeout(90*time.Second))
		_, err = client.Page(t.Context(), valid, 1)
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "WithTimeout") || time.Since(started) != 90*time.Second {
			t.Errorf("got %v after %s, want WithTimeout named after 90s", err, time.Since(started))
		}
	})
}
