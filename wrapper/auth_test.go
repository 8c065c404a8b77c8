package d365backup_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/d365backup/d365backup/generated"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

const canarySecret = "canary-secret"

// service is an API and a token endpoint with the responses of a test.
type service struct {
	tokens, jobs func(http.ResponseWriter, *http.Request)
	granted      atomic.Int32
	requested    atomic.Int32
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/connect/token" {
		s.granted.Add(1)
		if s.tokens != nil {
			s.tokens(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"access_token":"canary-token-%d","expires_in":3600,"token_type":"Bearer"}`, s.granted.Load())
		return
	}
	s.requested.Add(1)
	if s.jobs != nil {
		s.jobs(w, r)
		return
	}
	respond(200, "application/json", emptyPage)(w, r)
}

// client returns a client of the service that authenticates by secret.
func (s *service) client(t *testing.T, url string, transport http.RoundTripper, options ...d365backup.Option) *d365backup.Client {
	t.Helper()
	client, err := d365backup.New(append([]d365backup.Option{
		d365backup.WithBaseURL(url),
		d365backup.WithTokenURL(url + "/connect/token"),
		d365backup.WithLoopbackHTTP(),
		d365backup.WithClientSecret("app", canarySecret),
		d365backup.WithHTTPClient(&http.Client{Transport: transport}),
	}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func (s *service) start(t *testing.T, options ...d365backup.Option) *d365backup.Client {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s.client(t, server.URL, server.Client().Transport, options...)
}

// TestRedirects: redirects of the API and of the token endpoint are not followed: their target receives nothing.
func TestRedirects(t *testing.T) {
	var seen atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { seen.Add(1) }))
	defer other.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		redirect := func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, status) }
		for name, s := range map[string]*service{"API": {jobs: redirect}, "token endpoint": {tokens: redirect}} {
			client := s.start(t)
			_, err := client.Page(t.Context(), valid, 1)
			e, ok := errors.AsType[*d365backup.Error](err)
			if !ok || !errors.Is(err, d365backup.ErrRedirect) || e.StatusCode != status || e.Attempts != 1 {
				t.Errorf("%s, status %d: got %v, want ErrRedirect after one attempt", name, status, err)
			}
			if resp, err := client.Raw().GetJobs(t.Context(), generated.JobFilterModel{}); err == nil {
				_ = resp.Body.Close()
				if resp.StatusCode != status {
					t.Errorf("%s, raw client: status %d, want %d", name, resp.StatusCode, status)
				}
			}
		}
	}
	if n := seen.Load(); n != 0 {
		t.Errorf("the other host received %d requests", n)
	}
}

// TestTokenStaysAtOrigin: a request that was redirected to another address gets no token and is not sent.
func TestTokenStaysAtOrigin(t *testing.T) {
	var seen atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { seen.Add(1) }))
	defer other.Close()
	client := (&service{}).start(t)
	for name, edit := range map[string]generated.RequestEditorFn{
		"host": func(_ context.Context, r *http.Request) error {
			r.URL.Host = strings.TrimPrefix(other.URL, "http://")
			return nil
		},
		"scheme": func(_ context.Context, r *http.Request) error { r.URL.Scheme = "https"; return nil },
		"header": func(_ context.Context, r *http.Request) error { r.Host = "example.com"; return nil },
	} {
		resp, err := client.Raw().GetJobs(t.Context(), generated.JobFilterModel{}, edit)
		if err == nil {
			_ = resp.Body.Close()
		}
		if !errors.Is(err, d365backup.ErrConfig) || !strings.Contains(err.Error(), "was not sent") {
			t.Errorf("another %s: got %v, want an error", name, err)
		}
	}
	if n := seen.Load(); n != 0 {
		t.Errorf("the other host received %d requests", n)
	}
}

// TestTokenRequestIsShared: many callers at once share one token request.
func TestTokenRequestIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{}
		client := s.client(t, "http://127.0.0.1", pipe(t, s))
		var group sync.WaitGroup
		for range 100 {
			group.Go(func() {
				if _, err := client.Page(t.Context(), valid, 1); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if s.granted.Load() != 1 || s.requested.Load() != 100 {
			t.Errorf("%d token requests and %d page requests, want 1 and 100", s.granted.Load(), s.requested.Load())
		}
	})
}

// TestRevoked: calls in flight whose token is rejected share one refresh, and each is sent again once.
func TestRevoked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{}
		arrived := make(chan struct{}, 50)
		refuse := make(chan struct{})
		s.jobs = func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if r.Header.Get("Authorization") == "Bearer canary-token-1" {
				arrived <- struct{}{}
				<-refuse
				respond(401, "", "")(w, r)
				return
			}
			if len(body) == 0 {
				t.Error("the replay has no body")
			}
			respond(200, "application/json", emptyPage)(w, r)
		}
		client := s.client(t, "http://127.0.0.1", pipe(t, s), once, d365backup.WithMaxInFlight(50))
		var group sync.WaitGroup
		for range 50 {
			group.Go(func() {
				if _, err := client.Page(t.Context(), valid, 1); err != nil {
					t.Error(err)
				}
			})
		}
		for range 50 {
			<-arrived
		}
		close(refuse)
		group.Wait()
		if s.granted.Load() != 2 || s.requested.Load() != 100 {
			t.Errorf("%d token requests and %d page requests, want 2 and 100", s.granted.Load(), s.requested.Load())
		}
	})
}

// TestRevokedWhileTokensFail: if there is no new token, that is the error, and retried if it may be temporary; the
// rejection of the old token would be final.
func TestRevokedWhileTokensFail(t *testing.T) {
	tests := []struct {
		name   string
		tokens http.HandlerFunc // instead of the second token
		kind   error            // nil: success
		want   string
	}{
		{"passes", respond(503, "", ""), nil, ""},
		{"hangs", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, nil, ""},
		{"is final", respond(401, "application/json", `{"error":"invalid_client"}`), d365backup.ErrAuth, "token endpoint"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &service{}
				s.tokens = func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					if s.granted.Load() == 2 {
						test.tokens(w, r)
						return
					}
					_, _ = fmt.Fprintf(w, `{"access_token":"token-%d","expires_in":3600}`, s.granted.Load())
				}
				s.jobs = func(w http.ResponseWriter, r *http.Request) {
					if r.Header.Get("Authorization") == "Bearer token-1" {
						respond(401, "", "")(w, r)
						return
					}
					respond(200, "application/json", emptyPage)(w, r)
				}
				client := s.client(t, "http://127.0.0.1", pipe(t, s))
				_, err := client.Page(t.Context(), valid, 1)
				if !errors.Is(err, test.kind) || err != nil && !strings.Contains(err.Error(), test.want) {
					t.Errorf("got %v, want %v and %q", err, test.kind, test.want)
				}
			})
		})
	}
}

// TestRefusedOnLastConnection: a rejection releases the connection that the request for another token needs.
func TestRefusedOnLastConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{}
		s.jobs = func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") == "Bearer canary-token-1" {
				respond(401, "application/json", `{"message":"unknown token"}`)(w, r)
				return
			}
			respond(200, "application/json", emptyPage)(w, r)
		}
		transport := pipe(t, s)
		transport.MaxConnsPerHost = 1
		started := time.Now()
		_, err := s.client(t, "http://127.0.0.1", transport).Page(t.Context(), valid, 1)
		if took := time.Since(started); err != nil || took != 0 {
			t.Errorf("got %v after %s, want success at once", err, took)
		}
	})
}

func TestRefusedTwice(t *testing.T) {
	s := &service{jobs: respond(401, "", "")}
	_, err := s.start(t).Page(t.Context(), valid, 1)
	if !errors.Is(err, d365backup.ErrAuth) || s.granted.Load() != 2 || s.requested.Load() != 2 {
		t.Errorf("got %v after %d token and %d page requests, want ErrAuth after 2 and 2", err, s.granted.Load(), s.requested.Load())
	}
}

// TestSlowToken: the end of one caller's context does not affect other callers.
func TestSlowToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{}
		s.tokens = func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(10 * time.Second) // of the test's clock
			_, _ = io.WriteString(w, `{"access_token":"token"}`)
		}
		client := s.client(t, "http://127.0.0.1", pipe(t, s))
		started := time.Now()
		var group sync.WaitGroup
		group.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err := client.Page(ctx, valid, 1)
			if took := time.Since(started); !errors.Is(err, context.DeadlineExceeded) || took != time.Second {
				t.Errorf("got %v after %s, want the context's error after 1s", err, took)
			}
		})
		group.Go(func() {
			if _, err := client.Page(t.Context(), valid, 1); err != nil {
				t.Error(err)
			}
		})
		group.Wait()
		if s.granted.Load() != 1 {
			t.Errorf("%d token requests, want 1", s.granted.Load())
		}
	})
}

// TestFreshTokenForEachAttempt: a retry after the token has expired carries a new one.
func TestFreshTokenForEachAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{}
		s.tokens = func(w http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprintf(w, `{"access_token":"token-%d","expires_in":10}`, s.granted.Load())
		}
		var carried []string
		s.jobs = func(w http.ResponseWriter, r *http.Request) {
			carried = append(carried, r.Header.Get("Authorization"))
			if len(carried) == 1 {
				w.Header().Set("Retry-After", "20")
				respond(503, "", "")(w, r)
				return
			}
			respond(200, "application/json", emptyPage)(w, r)
		}
		client := s.client(t, "http://127.0.0.1", pipe(t, s))
		if _, err := client.Page(t.Context(), valid, 1); err != nil {
			t.Fatal(err)
		}
		if want := []string{"Bearer token-1", "Bearer token-2"}; !reflect.DeepEqual(carried, want) {
			t.Errorf("got %v, want %v", carried, want)
		}
	})
}

// TestTokenEndpointFails: which failures of the token endpoint are retried, and their kinds.
func TestTokenEndpointFails(t *testing.T) {
	tests := []struct {
		status   int
		body     string
		kind     error
		attempts int
		want     string
	}{
		{400, `{"error":"invalid_client"}`, d365backup.ErrAuth, 1, "secret may be wrong or may have expired"},
		{401, `{"error":"invalid_client"}`, d365backup.ErrAuth, 1, "client secret"},
		{400, `{"error":"invalid_scope"}`, d365backup.ErrAuth, 1, `"dynamics.readwrite.all"`},
		{200, `<html>`, d365backup.ErrAuth, 1, "not a token response"},
		{429, ``, d365backup.ErrThrottled, 2, ""},
		{503, `<html>`, d365backup.ErrServer, 2, ""},
	}
	for _, test := range tests {
		s := &service{tokens: respond(test.status, "application/json", test.body)}
		client := s.start(t, d365backup.WithRetry(d365backup.RetryPolicy{Attempts: 2, BaseDelay: 1}))
		_, err := client.Page(t.Context(), valid, 1)
		e, ok := errors.AsType[*d365backup.Error](err)
		if !ok || !errors.Is(err, test.kind) || !strings.Contains(err.Error(), test.want) || e.Attempts != test.attempts || int(s.granted.Load()) != test.attempts {
			t.Errorf("%d %s: got %v after %d requests, want %v after %d", test.status, test.body, err, s.granted.Load(), test.kind, test.attempts)
		}
		if s.requested.Load() != 0 {
			t.Errorf("%d %s: the API was requested without a token", test.status, test.body)
		}
	}
}

// sourceFunc is a token source.
type sourceFunc func() (*oauth2.Token, error)

func (f sourceFunc) Token() (*oauth2.Token, error) { return f() }

func TestTokenSource(t *testing.T) {
	page := respond(200, "application/json", emptyPage)
	for name, source := range map[string]sourceFunc{
		"error":   func() (*oauth2.Token, error) { return nil, errors.New("canary: " + canarySecret) },
		"nil":     func() (*oauth2.Token, error) { return nil, nil },
		"empty":   func() (*oauth2.Token, error) { return &oauth2.Token{}, nil },
		"expired": func() (*oauth2.Token, error) { return &oauth2.Token{AccessToken: "t", Expiry: time.Unix(1, 0)}, nil },
	} {
		_, err := serve(t, page, d365backup.WithTokenSource(source)).Page(t.Context(), valid, 1)
		if !errors.Is(err, d365backup.ErrAuth) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: got %v, want ErrAuth without what the source said", name, err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		client := servePipe(t, page, d365backup.WithTokenSource(sourceFunc(func() (*oauth2.Token, error) {
			<-release
			return nil, errors.New("late")
		})))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		started := time.Now()
		if _, err := client.Page(ctx, valid, 1); !errors.Is(err, context.DeadlineExceeded) || time.Since(started) != time.Second {
			t.Errorf("got %v after %s, want the context's error after 1s", err, time.Since(started))
		}
		close(release)
	})
}
