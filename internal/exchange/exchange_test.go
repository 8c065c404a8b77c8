package exchange_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/oauth2"

	"github.com/d365backup/d365backup/internal/auth"
	"github.com/d365backup/d365backup/internal/exchange"
	"github.com/d365backup/d365backup/internal/httpfail"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// client returns a client of a server that gives these responses in turn, the last one again and again.
func client(t *testing.T, responses ...http.HandlerFunc) (*exchange.Client, *http.Request) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		respond := responses[0]
		if len(responses) > 1 {
			responses = responses[1:]
		}
		respond(w, r)
	}))
	t.Cleanup(server.Close)
	origin, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	return &exchange.Client{
		Transport: auth.Transport{
			Next:   server.Client().Transport.RoundTrip,
			Origin: origin,
			Tokens: auth.TokenSource{Source: oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "canary-token"})},
		},
		Policy:      exchange.Policy{Attempts: 3, BaseDelay: 1, MaxDelay: 1, AttemptTimeout: time.Minute},
		MaxInFlight: 1,
		MaxBytes:    100,
		IsMediaType: func(mediaType string) bool { return mediaType == "text/plain" },
		OnAttempt:   func(context.Context, *http.Request, *exchange.Attempt) {},
	}, request
}

func status(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
}

func text(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, body)
	}
}

func accepted(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain")
	w.WriteHeader(http.StatusAccepted)
	text("good")(w, r)
}

func cutOff(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain")
	w.Header().Set("Content-Length", "50")
	_, _ = io.WriteString(w, "half")
}

func TestDo(t *testing.T) {
	bad := &httpfail.Failure{Reason: httpfail.NotJobs, Text: "bad"}
	for name, tt := range map[string]struct {
		responses []http.HandlerFunc
		decoded   *httpfail.Failure
		want      httpfail.Reason // empty for success
		attempts  int
	}{
		"success":              {[]http.HandlerFunc{text("good")}, nil, "", 1},
		"success at last":      {[]http.HandlerFunc{status(503), cutOff, text("good")}, nil, "", 3},
		"never":                {[]http.HandlerFunc{status(502)}, nil, httpfail.Server, 3},
		"cut off":              {[]http.HandlerFunc{cutOff}, nil, httpfail.Truncated, 3},
		"refused":              {[]http.HandlerFunc{status(400)}, nil, httpfail.RequestRefused, 1},
		"refused token":        {[]http.HandlerFunc{status(401)}, nil, httpfail.TokenRefused, 1},
		"another success":      {[]http.HandlerFunc{accepted}, nil, httpfail.NotJobs, 1},
		"another media type":   {[]http.HandlerFunc{func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }}, nil, httpfail.LoginPage, 1},
		"too large":            {[]http.HandlerFunc{text(string(make([]byte, 101)))}, nil, httpfail.TooLarge, 1},
		"not decoded":          {[]http.HandlerFunc{text("odd")}, bad, httpfail.NotJobs, 1},
		"a secret in the body": {[]http.HandlerFunc{text("Bearer canary-token")}, bad, httpfail.NotJobs, 1},
	} {
		t.Run(name, func(t *testing.T) {
			c, request := client(t, tt.responses...)
			attempts, body := 0, ""
			c.OnAttempt = func(_ context.Context, _ *http.Request, a *exchange.Attempt) {
				if attempts++; a.Number != attempts {
					t.Errorf("attempt %d is called %d", attempts, a.Number)
				}
			}
			f := c.Do(t.Context(), request, func(data []byte, repeatsSecret func() bool) *httpfail.Failure {
				body = string(data)
				if repeatsSecret() != (name == "a secret in the body") {
					t.Errorf("repeatsSecret of %q is %t", body, repeatsSecret())
				}
				if tt.decoded == nil {
					return nil
				}
				f := *tt.decoded
				return &f
			})
			switch {
			case attempts != tt.attempts:
				t.Errorf("%d attempts, want %d", attempts, tt.attempts)
			case tt.want == "" && (f != nil || body != "good"):
				t.Errorf("read %q, failure %v", body, f)
			case tt.want != "" && (f == nil || f.Reason != tt.want || f.Attempts != attempts || f.Host != request.URL.Host):
				t.Errorf("failure %+v, want %s after %d attempts", f, tt.want, attempts)
			case name == "a secret in the body" && f.Text == bad.Text:
				t.Errorf("shows %q", f.Text)
			}
		})
	}
}

// When the context ends, the failure has its error and the last failure before it.
func TestContextEnds(t *testing.T) {
	c, request := client(t, status(503))
	c.Policy.BaseDelay, c.Policy.MaxDelay = time.Hour, time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	c.OnAttempt = func(context.Context, *http.Request, *exchange.Attempt) { cancel() }
	f := c.Do(ctx, request, func([]byte, func() bool) *httpfail.Failure { return nil })
	if f == nil || f.Reason != "" || !errors.Is(f.Err, context.Canceled) || f.Last == nil || f.Last.Status != 503 || f.Attempts != 1 {
		t.Errorf("got %+v, want the error of the context after status 503", f)
	}
}
