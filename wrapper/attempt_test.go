package d365backup_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	d365backup "github.com/d365backup/d365backup/wrapper"
)

const emptyPage = `{"totalCount":0,"jobs":[]}`

// once turns repeating off.
var once = d365backup.WithRetry(d365backup.RetryPolicy{Attempts: 1})

// TestNotJobs: whatever is no job list is an error with all that is known, never an empty list.
func TestNotJobs(t *testing.T) {
	const html = "<html><title>Sign in</title></html>"
	tests := []struct {
		name      string
		status    int
		mediaType string
		body      string
		kind      error
		want      string // in the error's text
	}{
		{"HTML", 200, "text/html", html, d365backup.ErrNotJobs, "login page"},
		{"text", 200, "text/plain", "ok", d365backup.ErrNotJobs, "text/plain"},
		{"JSON without a media type", 200, "", emptyPage, d365backup.ErrNotJobs, "not JSON"},
		{"HTML that calls itself JSON", 200, "application/json", html, d365backup.ErrNotJobs, "Sign in"},
		{"no content", 204, "", "", d365backup.ErrNotJobs, "204"},
		{"created", 201, "application/json", emptyPage, d365backup.ErrNotJobs, "201"},
		{"empty", 200, "application/json", "", d365backup.ErrNotJobs, "empty"},
		{"null", 200, "application/json", "null", d365backup.ErrNotJobs, "null"},
		{"object", 200, "application/json", "{}", d365backup.ErrNotJobs, "list of jobs"},
		{"error object", 200, "application/json", `{"statusCode":500,"message":"database is gone","requestId":"r-2"}`, d365backup.ErrNotJobs, "database is gone"},
		{"problem", 200, "application/problem+json", `{"type":"about:blank","title":"Bad"}`, d365backup.ErrNotJobs, "list of jobs"},
		{"JSON error", 200, "application/json", `{"totalCount":0,"jobs":[}`, d365backup.ErrNotJobs, ""},
		{"trailing garbage", 200, "application/json", emptyPage + "x", d365backup.ErrNotJobs, ""},
		{"cut off by close", 200, "application/json", `{"totalCount":1,"jobs":[{"jobId":"A`, d365backup.ErrTruncated, ""},
		{"bad request", 400, "application/json", `{"message":"bad page size"}`, d365backup.ErrBadRequest, "bad page size"},
		{"unauthorized", 401, "", "", d365backup.ErrAuth, "does not accept the token"},
		{"forbidden", 403, "text/html", html, d365backup.ErrForbidden, "Dynamics.ReadWrite.All"},
		{"not found", 404, "", "", d365backup.ErrNotFound, "WithDataCenter"},
		{"teapot", 418, "", "", d365backup.ErrBadRequest, "did not accept"},
		{"too many", 429, "", "", d365backup.ErrThrottled, "too many"},
		{"server error", 500, "text/html", html, d365backup.ErrServer, "try again"},
		{"not implemented", 501, "", "", d365backup.ErrServer, ""},
		{"gateway", 502, "", "", d365backup.ErrServer, ""},
		{"see other", 303, "", "", d365backup.ErrRedirect, "is not followed"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			client := serve(t, answer(test.status, test.mediaType, test.body), once)
			page, err := client.Page(t.Context(), valid, 1)
			if page != nil || !errors.Is(err, test.kind) || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v, %v, want no page, %q and %q", page, err, test.kind, test.want)
			}
			e, ok := errors.AsType[*d365backup.Error](err)
			if !ok {
				t.Fatalf("%T is no *Error", err)
			}
			if e.StatusCode != test.status || e.RequestID == "" || !strings.HasPrefix(e.Host, "127.0.0.1:") || e.Attempts != 1 {
				t.Errorf("status %d, request id %q, host %q, attempts %d", e.StatusCode, e.RequestID, e.Host, e.Attempts)
			}
			if test.body != "" && e.Excerpt != test.body {
				t.Errorf("excerpt %q, want %q", e.Excerpt, test.body)
			}
		})
	}
}

func TestExcerptIsBoundedAndHarmless(t *testing.T) {
	body := "\x1b[31mred\x00\u202e\nnext \xff" + strings.Repeat("é", 4000)
	client := serve(t, answer(200, "text/html", body))
	_, err := client.Page(t.Context(), valid, 1)
	e, ok := errors.AsType[*d365backup.Error](err)
	if !ok || !strings.HasPrefix(e.Excerpt, "[31mred next é") || len(e.Excerpt) > 2048 || len(e.Excerpt) < 2000 {
		t.Errorf("excerpt of %d bytes: %.40q", len(e.Excerpt), e.Excerpt)
	}
}

// TestTruncated: an answer cut off on the way is seen as such in each of the ways HTTP has to end one.
func TestTruncated(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	tests := []struct{ name, answer string }{
		{"by length", head + "Content-Length: 1000\r\n\r\n" + `{"totalCount":0,`},
		{"by chunk", head + "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"tot"},
		{"by close", head + "Connection: close\r\n\r\n" + `{"totalCount":0,`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var requests atomic.Int32
			client := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if requests.Add(1) == 2 {
					answer(200, "application/json", emptyPage)(w, r)
					return
				}
				raw(t, w, test.answer)
			}, d365backup.WithRetry(d365backup.RetryPolicy{Attempts: 2, BaseDelay: 1}))
			if _, err := client.Page(t.Context(), valid, 1); err != nil {
				t.Errorf("second attempt: %v", err)
			}
			client = serve(t, func(w http.ResponseWriter, _ *http.Request) { raw(t, w, test.answer) }, once)
			if _, err := client.Page(t.Context(), valid, 1); !errors.Is(err, d365backup.ErrTruncated) {
				t.Errorf("got %v, want ErrTruncated", err)
			}
		})
	}
}

// raw writes an answer as it is and closes the connection.
func raw(t *testing.T, w http.ResponseWriter, answer string) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	_, _ = io.WriteString(conn, answer)
	_ = conn.Close()
}

// TestRetry: which failures are tried again, with the same body and no more often than asked for.
func TestRetry(t *testing.T) {
	tests := []struct {
		name string
		fail http.HandlerFunc
		want bool
	}{
		{"408", answer(408, "", ""), true},
		{"429", answer(429, "", ""), true},
		{"500", answer(500, "", ""), true},
		{"502", answer(502, "", ""), true},
		{"503", answer(503, "", ""), true},
		{"504", answer(504, "", ""), true},
		{"closed without an answer", func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }, true},
		{"400", answer(400, "", ""), false},
		{"403", answer(403, "", ""), false},
		{"404", answer(404, "", ""), false},
		{"409", answer(409, "", ""), false},
		{"501", answer(501, "", ""), false},
		{"307", answer(307, "", ""), false},
		{"204", answer(204, "", ""), false},
		{"wrong shape", answer(200, "application/json", "{}"), false},
		{"HTML", answer(200, "text/html", "<html>"), false},
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
					answer(200, "application/json", emptyPage)(w, r)
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
			})
		})
	}
}

func TestRetryGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		requests := 0
		client := servePipe(t, func(w http.ResponseWriter, r *http.Request) {
			requests++
			answer(503, "", "")(w, r)
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
			answer(503, "", "")(w, r)
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
		client = servePipe(t, answer(503, "", ""), d365backup.WithRetry(d365backup.RetryPolicy{BaseDelay: math.MaxInt64, MaxDelay: math.MaxInt64}))
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
					answer(503, "", "")(w, r)
					return
				}
				answer(200, "application/json", emptyPage)(w, r)
			})
			started := time.Now()
			_, err := client.Page(t.Context(), valid, 1)
			took := time.Since(started)
			// After the pause comes a random part of the second that the first rate leaves between requests.
			if test.wait >= 0 && (err != nil || took > test.wait+time.Second || took < test.wait) {
				t.Errorf("%s: got %v after %s, want success after %s", test.name, err, took, test.wait)
			}
			if e, ok := errors.AsType[*d365backup.Error](err); test.wait < 0 && (!ok || e.RetryAfter != test.carries || took != 0) {
				t.Errorf("%s: got %v after %s, want RetryAfter %s at once", test.name, err, took, test.carries)
			}
		})
	}
}

// TestRetryAfterBeyondDeadline: a wait that the context cannot last is not begun.
func TestRetryAfterBeyondDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := servePipe(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "20")
			answer(429, "", "")(w, r)
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

// TestContextEnds: the context's error and the last real cause are both found.
func TestContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		requests := 0
		client := servePipe(t, func(w http.ResponseWriter, r *http.Request) {
			if requests++; requests == 1 {
				answer(503, "", "")(w, r)
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

func TestNetworkFailures(t *testing.T) {
	refused := newClient(t, "http://127.0.0.1:1", http.DefaultTransport, d365backup.WithRetry(d365backup.RetryPolicy{Attempts: 3, BaseDelay: 1}))
	_, err := refused.Page(t.Context(), valid, 1)
	e, ok := errors.AsType[*d365backup.Error](err)
	if !ok || !errors.Is(err, d365backup.ErrNetwork) || e.Attempts != 3 || e.Host != "127.0.0.1:1" {
		t.Errorf("connection refused: got %v, want ErrNetwork after 3 attempts", err)
	}
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	for name, url := range map[string]string{
		"HTTP in place of TLS":    strings.Replace(plain.URL, "http:", "https:", 1),
		"garbage in place of TLS": "https://" + garbage(t),
	} {
		client := newClient(t, url, new(http.Transport))
		_, err = client.Page(t.Context(), valid, 1)
		e, ok = errors.AsType[*d365backup.Error](err)
		if !ok || !errors.Is(err, d365backup.ErrNetwork) || e.Attempts != 1 || !strings.Contains(err.Error(), "does not speak TLS") {
			t.Errorf("%s: got %v, want ErrNetwork after 1 attempt", name, err)
		}
	}
	dials := 0
	unknown := newClient(t, "https://example.invalid", &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		dials++
		return nil, &net.DNSError{Err: "no such host", Name: "example.invalid", IsNotFound: true}
	}})
	if _, err := unknown.Page(t.Context(), valid, 1); !errors.Is(err, d365backup.ErrNetwork) || !strings.Contains(err.Error(), "does not exist") || dials != 1 {
		t.Errorf("unknown host: got %v after %d dials, want ErrNetwork after 1", err, dials)
	}
}

// garbage is the address of a server that greets with something else than TLS.
func garbage(t *testing.T) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		_, _ = io.WriteString(conn, "SSH-2.0-OpenSSH_9.2\r\n")
		_, _ = io.Copy(io.Discard, conn) // until the client leaves
		_ = conn.Close()
	}()
	return listener.Addr().String()
}

// TestEndlessHeader: the transport that clients share reads no more than a megabyte of one.
func TestEndlessHeader(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = conn.Close() }()
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n")
		field := "X-Field: " + strings.Repeat("x", 1000) + "\r\n"
		for range 64 << 10 {
			if _, err := io.WriteString(conn, field); err != nil {
				return
			}
		}
	}))
	defer server.Close()
	_, err := newClient(t, server.URL, nil, once).Page(t.Context(), valid, 1)
	if !errors.Is(err, d365backup.ErrNetwork) || !strings.Contains(err.Error(), "1048576") {
		t.Errorf("got %v, want ErrNetwork that names the limit", err)
	}
}

// TestTooLarge: neither a body of 2 GiB nor a gzip bomb is read into memory.
func TestTooLarge(t *testing.T) {
	chunk := bytes.Repeat([]byte(" "), 1<<20)
	tests := []struct {
		name  string
		write func(w http.ResponseWriter)
	}{
		{"announced", func(w http.ResponseWriter) { w.Header().Set("Content-Length", "2147483648") }},
		{"streamed", func(http.ResponseWriter) {}},
		{"gzip bomb", func(w http.ResponseWriter) { w.Header().Set("Content-Encoding", "gzip") }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				test.write(w)
				var out io.Writer = w
				if w.Header().Get("Content-Encoding") == "gzip" {
					zip := gzip.NewWriter(w)
					defer func() { _ = zip.Close() }()
					out = zip
				}
				for range 2 << 10 {
					if _, err := out.Write(chunk); err != nil {
						return
					}
				}
			})
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			_, err := client.Page(t.Context(), valid, 1)
			runtime.ReadMemStats(&after)
			if !errors.Is(err, d365backup.ErrTooLarge) || !strings.Contains(err.Error(), "WithMaxResponseBytes") {
				t.Errorf("got %v, want ErrTooLarge", err)
			}
			if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > 100<<20 {
				t.Errorf("memory grew by %d MiB", grown>>20)
			}
		})
	}
}

// TestLog: a record has what helps and nothing that must stay secret.
// TestLeavingALoopIsNoWarning: requests that nobody waits for any more did not fail.
func TestLeavingALoopIsNoWarning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		client := servePipe(t, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if !bytes.Contains(body, []byte(`"currentPage":1,`)) {
				<-r.Context().Done()
				return
			}
			answer(200, "application/json", `{"totalCount":9,"jobs":[{"jobId":"A","type":1,"status":3}]}`)(w, r)
		}, d365backup.WithPageSize(1), d365backup.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
		for _, err := range client.Jobs(t.Context(), valid) {
			if err != nil {
				t.Error(err)
			}
			synctest.Wait()
			break
		}
		if log.Len() > 0 {
			t.Errorf("a loop that was left logged %s", log.String())
		}
	})
}

func TestLog(t *testing.T) {
	var log bytes.Buffer
	requests := 0
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if requests++; requests == 1 {
			answer(503, "text/html", "canary-body")(w, r)
			return
		}
		answer(200, "application/json", emptyPage)(w, r)
	}, d365backup.WithLogger(slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))),
		d365backup.WithRetry(d365backup.RetryPolicy{BaseDelay: 1}),
		d365backup.WithTokenSource(canaryToken{}))
	query := valid
	query.OrganizationID = "69cb1ecc-f8e8-439b-8077-a4b7fd45e87f"
	if _, err := client.Page(t.Context(), query, 1); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"level":"WARN"`, `"level":"DEBUG"`, `"method":"POST"`, `"path":"/api/OpenApi/GetJobs"`, `"status":503`, `"status":200`,
		`"duration":`, `"attempt":1`, `"attempt":2`, `"request_id":"request-1"`, `"kind":"server error"`,
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %s", want)
		}
	}
	for _, secret := range []string{"canary", query.OrganizationID, "2026-11-01"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log has %s", secret)
		}
	}
	if t.Failed() {
		fmt.Println(log.String())
	}
}
