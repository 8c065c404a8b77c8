package d365backup_test

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/d365backup/d365backup/generated"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// TestNextLinkIsNotFollowed: nextLink cannot redirect requests to another host or path.
func TestNextLinkIsNotFollowed(t *testing.T) {
	var lured atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { lured.Add(1) }))
	defer other.Close()
	for name, link := range map[string]string{
		"another host":   other.URL + "/jobs?pageIndex=2",
		"without scheme": strings.TrimPrefix(other.URL, "http:") + "/jobs?pageIndex=2",
		"another path":   "/elsewhere?pageIndex=2",
	} {
		t.Run(name, func(t *testing.T) {
			s := &service{}
			s.jobs = func(w http.ResponseWriter, r *http.Request) {
				var body generated.JobFilterModel
				if err := json.NewDecoder(r.Body).Decode(&body); err != nil || r.URL.Path != "/api/OpenApi/GetJobs" {
					t.Errorf("%s %s was requested: %v", r.Method, r.URL, err)
					return
				}
				page := map[string]any{"totalCount": 2, "jobs": []any{}, "nextLink": link}
				if number := *body.PageInfo.CurrentPage; number <= 2 {
					page["jobs"] = []any{map[string]any{"jobId": fmt.Sprint("job ", number), "type": 1, "status": 3}}
				}
				text, _ := json.Marshal(page)
				respond(200, "application/json", string(text))(w, r)
			}
			got := 0
			for _, err := range s.start(t, d365backup.WithPageSize(1)).Jobs(t.Context(), valid) {
				if err != nil {
					t.Fatal(err)
				}
				got++
			}
			if got != 2 || lured.Load() != 0 {
				t.Errorf("%d jobs, and the other host saw %d requests, want 2 and none", got, lured.Load())
			}
		})
	}
}

// TestUntrustedServers: a server without a trusted certificate and a safe TLS version receives neither secret nor token,
// whether as the API or as the token endpoint.
func TestUntrustedServers(t *testing.T) {
	for name, test := range map[string]struct {
		conf *tls.Config
		want string
	}{
		"unknown authority": {&tls.Config{}, "certificate"},
		"TLS 1.1":           {&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, "neither TLS 1.2 nor TLS 1.3"},
	} {
		t.Run(name, func(t *testing.T) {
			var received bytes.Buffer
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				_ = r.Write(&received)
			}))
			server.Config.ErrorLog = log.New(io.Discard, "", 0)
			server.TLS = test.conf
			server.StartTLS()
			defer server.Close()
			for as, credentials := range map[string][]d365backup.Option{
				"API":            {d365backup.WithTokenSource(canaryToken{})},
				"token endpoint": {d365backup.WithTokenURL(server.URL + "/connect/token"), d365backup.WithClientSecret("app", canarySecret)},
			} {
				client, err := d365backup.New(append(credentials, d365backup.WithBaseURL(server.URL), once)...)
				if err != nil {
					t.Fatal(err)
				}
				_, err = client.Page(t.Context(), valid, 1)
				if !errors.Is(err, d365backup.ErrNetwork) || !strings.Contains(err.Error(), test.want) {
					t.Errorf("%s: got %v, want ErrNetwork with %q", as, err, test.want)
				}
			}
			if received.Len() > 0 {
				t.Errorf("the server received %q", received.String())
			}
		})
	}
}

// TestSwitchedProtocols: the body of a response with status 101 is the connection, which no timeout ends;
// it is closed at once.
func TestSwitchedProtocols(t *testing.T) {
	for _, at := range []string{"/api/OpenApi/GetJobs", "/connect/token"} {
		closed := make(chan struct{})
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != at {
				(&service{}).ServeHTTP(w, r)
				return
			}
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
			_, _ = io.Copy(io.Discard, conn) // until the client closes it
			_ = conn.Close()
			close(closed)
		}))
		transport := &http.Transport{}
		client := (&service{}).client(t, server.URL, transport, once)
		if _, err := client.Page(t.Context(), valid, 1); err == nil {
			t.Errorf("101 at %s is not an error", at)
		}
		<-closed
		transport.CloseIdleConnections()
		server.Close()
	}
}
