package d365backup_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	d365backup "github.com/d365backup/d365backup/wrapper"
)

const emptyPage = `{"totalCount":0,"jobs":[]}`

// once makes a single attempt.
var once = d365backup.WithRetry(d365backup.RetryPolicy{Attempts: 1})

// TestNotJobs: anything but a list of jobs is an error with all facts, never an empty list.
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
			client := serve(t, respond(test.status, test.mediaType, test.body), once)
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
	client := serve(t, respond(200, "text/html", body))
	_, err := client.Page(t.Context(), valid, 1)
	e, ok := errors.AsType[*d365backup.Error](err)
	if !ok || !strings.HasPrefix(e.Excerpt, "[31mred next é") || len(e.Excerpt) > 2048 || len(e.Excerpt) < 2000 {
		t.Errorf("excerpt of %d bytes: %.40q", len(e.Excerpt), e.Excerpt)
	}
}

// TestTruncated: a truncated response is detected, for each way in which HTTP marks the end of a response.
func TestTruncated(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	tests := []struct{ name, response string }{
		{"by length", head + "Content-Length: 1000\r\n\r\n" + `{"totalCount":0,`},
		{"by chunk", head + "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"tot"},
		{"by close", head + "Connection: close\r\n\r\n" + `{"totalCount":0,`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var requests atomic.Int32
			client := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if requests.Add(1) == 2 {
					respond(200, "application/json", emptyPage)(w, r)
					return
				}
				raw(t, w, test.response)
			}, d365backup.WithRetry(d365backup.RetryPolicy{Attempts: 2, BaseDelay: 1}))
			if _, err := client.Page(t.Context(), valid, 1); err != nil {
				t.Errorf("second attempt: %v", err)
			}
			client = serve(t, func(w http.ResponseWriter, _ *http.Request) { raw(t, w, test.response) }, once)
			if _, err := client.Page(t.Context(), valid, 1); !errors.Is(err, d365backup.ErrTruncated) {
				t.Errorf("got %v, want ErrTruncated", err)
			}
		})
	}
}

// raw writes a response as it is and closes the connection.
func raw(t *testing.T, w http.ResponseWriter, response string) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	_, _ = io.WriteString(conn, response)
	_ = conn.Close()
}

func TestNetworkFailures(t *testing.T) {
	refused := newClient(t, "http://127.0.0.1:1", http.DefaultTransport, d365backup.WithRetry(d365backup.RetryPolicy{Attempts: 3, BaseDelay: 1}))
	_, err := refused.Page(t.Context(), valid, 1)
	e, ok := errors.AsType[*d365backup.Error](err)
	if !ok || !errors.Is(err, d365backup.ErrNetwork) || e.Attempts != 3 || e.Host != "127.0.0.1:1" || !e.Retryable() {
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
		if !ok || !errors.Is(err, d365backup.ErrNetwork) || e.Attempts != 1 || e.Retryable() || !strings.Contains(err.Error(), "does not speak TLS") {
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

// garbage returns the address of a server that does not speak TLS.
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

// TestEndlessHeader: the shared transport reads at most a megabyte of a header.
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

// TestCanceledRequestsAreNotWarnings: breaking out of a loop cancels requests, which did not fail.
func TestCanceledRequestsAreNotWarnings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		client := servePipe(t, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if !bytes.Contains(body, []byte(`"currentPage":1,`)) {
				<-r.Context().Done()
				return
			}
			respond(200, "application/json", `{"totalCount":9,"jobs":[{"jobId":"A","type":1,"status":3}]}`)(w, r)
		}, d365backup.WithPageSize(1), d365backup.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
		for _, err := range client.Jobs(t.Context(), valid) {
			if err != nil {
				t.Error(err)
			}
			synctest.Wait()
			break
		}
		if log.Len() > 0 {
			t.Errorf("breaking out of a loop logged %s", log.String())
		}
	})
}

func TestLog(t *testing.T) {
	var log bytes.Buffer
	requests := 0
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if requests++; requests == 1 {
			respond(503, "text/html", "canary-body")(w, r)
			return
		}
		respond(200, "application/json", emptyPage)(w, r)
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

// TestRequestIDs: errors and the log use the first header for request ids whose value has the form of an id.
func TestRequestIDs(t *testing.T) {
	const token = "tok+0123456789abcdef/xyz"
	long := strings.Repeat("a", 128)
	for _, tt := range []struct {
		name   string
		header http.Header
		want   string
	}{
		{"the documented header first", http.Header{"X-Request-Id": {"x"}, "Request-Id": {"r"}, "Traceparent": {"t"}}, "r"},
		{"x-request-id", http.Header{"X-Request-Id": {"x:1.2_3-4"}, "Traceparent": {"t"}}, "x:1.2_3-4"},
		{"traceparent", http.Header{"Traceparent": {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}}, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
		{"none", http.Header{"X-Correlation-Id": {"c"}}, ""},
		{"the next if one does not look like an id", http.Header{"Request-Id": {"two words"}, "X-Request-Id": {"x"}}, "x"},
		{"128 characters", http.Header{"Request-Id": {long}}, long},
		{"129 characters", http.Header{"Request-Id": {long + "a"}}, ""},
		{"the token", http.Header{"Request-Id": {token}}, ""},
		{"eight characters of the token", http.Header{"Request-Id": {"id-01234567-id"}}, ""},
		{"seven characters of the token", http.Header{"Request-Id": {"id-0123456-id"}}, "id-0123456-id"},
		{"the token, escaped", http.Header{"Request-Id": {url.QueryEscape(token)}}, ""},
		{"a part of the secret", http.Header{"Request-Id": {"id-" + canarySecret[:8]}}, ""},
	} {
		var logged bytes.Buffer
		s := &service{
			tokens: respond(200, "application/json", `{"access_token":"`+token+`"}`),
			jobs: func(w http.ResponseWriter, _ *http.Request) {
				maps.Copy(w.Header(), tt.header)
				w.WriteHeader(400)
			},
		}
		_, err := s.start(t, once, d365backup.WithLogger(slogTo(&logged))).Page(t.Context(), valid, 1)
		if e, ok := errors.AsType[*d365backup.Error](err); !ok || e.RequestID != tt.want {
			t.Errorf("%s: got %v, want the request id %q", tt.name, err, tt.want)
		}
		if want := `"request_id":"` + tt.want + `"`; !strings.Contains(logged.String(), want) {
			t.Errorf("%s: %s is not in %s", tt.name, want, logged.String())
		}
	}
}

// TestRequestIDOfABody: the same rule applies to the id in a body.
func TestRequestIDOfABody(t *testing.T) {
	for id, want := range map[string]string{"r-1": "r-1", "not an id": "", "id-" + canarySecret[:8]: ""} {
		for _, status := range []int{200, 400} {
			s := &service{jobs: func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(status)
				_, _ = io.WriteString(w, `{"statusCode":400,"message":"no","requestId":"`+id+`"}`)
			}}
			_, err := s.start(t, once).Page(t.Context(), valid, 1)
			if e, ok := errors.AsType[*d365backup.Error](err); !ok || e.RequestID != want {
				t.Errorf("%q, status %d: got %v, want the id %q", id, status, err, want)
			}
		}
	}
}
