package transport_test

import (
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"testing"

	"github.com/d365backup/d365backup/internal/transport"
)

func TestParseURL(t *testing.T) {
	for text, want := range map[string]string{
		"https://graph.example":              "",
		"https://graph.example:8443/api/":    "",
		"http://localhost:8080":              "",
		"http://127.1.2.3/x":                 "",
		"http://[::1]:80":                    "",
		"http://graph.example":               "plain http",
		"http://10.0.0.1":                    "plain http",
		"http://localhost.example":           "plain http",
		"ftp://graph.example":                `scheme "ftp"`,
		"graph.example":                      "not an absolute URL",
		"":                                   "not an absolute URL",
		"https:///path":                      "not an absolute URL",
		"https:graph.example":                "not an absolute URL",
		"https://canary@graph.example":       "a user, a query or a fragment",
		"https://graph.example?key=canary":   "a user, a query or a fragment",
		"https://graph.example?":             "a user, a query or a fragment",
		"https://graph.example#canary":       "a user, a query or a fragment",
		"https://user:canary%zz@graph.examp": "not an absolute URL",
	} {
		u, err := transport.ParseURL(text)
		switch {
		case want == "" && (err != nil || u.String() != text):
			t.Errorf("%q: got %v, %v", text, u, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%q: error %v lacks %q", text, err, want)
		case err != nil && strings.Contains(err.Error(), "canary"):
			t.Errorf("%q: the error repeats what may be a secret: %v", text, err)
		}
	}
}

func TestCheck(t *testing.T) {
	for want, config := range map[string]*tls.Config{
		"":                   {MinVersion: tls.VersionTLS12},
		"InsecureSkipVerify": {InsecureSkipVerify: true},
		"allows TLS 1.1":     {MinVersion: tls.VersionTLS11},
		"no more than":       {MaxVersion: tls.VersionTLS10},
	} {
		err := transport.Check(&http.Transport{TLSClientConfig: config})
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	for name, other := range map[string]http.RoundTripper{"no settings": &http.Transport{}, "of the caller": struct{ http.RoundTripper }{}} {
		if err := transport.Check(other); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestUserAgent(t *testing.T) {
	for product, want := range map[string]string{"": "d365backup/devel", "monitor/1.4": "monitor/1.4 d365backup/devel"} {
		if got := transport.UserAgent(product); got != want {
			t.Errorf("%q: got %q, want %q", product, got, want)
		}
	}
	for product, want := range map[string]bool{
		"": true, "monitor/1.4 (night)": true, strings.Repeat("x", 256): true,
		strings.Repeat("x", 257): false, "a\nb": false, "a\x7f": false, "é": false,
	} {
		if got := transport.IsProduct(product); got != want {
			t.Errorf("%q: got %t, want %t", product, got, want)
		}
	}
}

// Clients of one transport share one transport for tokens, and a redirect is not followed.
func TestForTokens(t *testing.T) {
	shared := new(http.Transport)
	if transport.ForTokens(shared) != transport.ForTokens(shared) || transport.ForTokens(shared) == transport.ForTokens(new(http.Transport)) {
		t.Error("not one transport for tokens for each transport")
	}
	var closed []bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		closed = append(closed, r.Close)
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		}
	}))
	defer server.Close()
	client := transport.NewClient(transport.ForTokens(struct{ http.RoundTripper }{shared}), 0)
	response, err := client.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	transport.Drain(response.Body)
	if response.StatusCode != http.StatusFound || len(closed) != 1 || !closed[0] {
		t.Errorf("status %d after requests with Close %v, want 302 after one that closes its connection", response.StatusCode, closed)
	}
}

// net/http resends a request without limit if an HTTP/2 server refuses its stream.
func TestLimited(t *testing.T) {
	sent := 0
	next := roundTripper(func(r *http.Request) (*http.Response, error) { // as net/http does it
		trace := httptrace.ContextClientTrace(r.Context())
		for ; r.Context().Err() == nil; sent++ {
			trace.GotConn(httptrace.GotConnInfo{})
			if r.Context().Err() == nil {
				trace.WroteHeaders()
			}
		}
		return nil, r.Context().Err()
	})
	request := httptest.NewRequest(http.MethodGet, "http://graph.example", http.NoBody)
	_, err := transport.Limited{Next: next}.RoundTrip(request)
	if err == nil || !strings.Contains(err.Error(), "asked for the request a third time") || sent != 3 {
		t.Errorf("error %v after %d attempts to send, want one about it when the third begins", err, sent)
	}
	upgraded := roundTripper(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusSwitchingProtocols, Body: io.NopCloser(strings.NewReader("the connection"))}, nil
	})
	response, err := transport.Limited{Next: upgraded}.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if rest, err := io.ReadAll(response.Body); err != nil || len(rest) > 0 {
		t.Errorf("read %q, %v from a connection with another protocol", rest, err)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
