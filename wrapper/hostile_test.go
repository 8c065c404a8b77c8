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

// TestNextLinkIsNotFollowed: a server cannot lead a sweep to another host or path by what it calls the
// next page.
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
					t.Errorf("%s %s was asked for: %v", r.Method, r.URL, err)
					return
				}
				page := map[string]any{"totalCount": 2, "jobs": []any{}, "nextLink": link}
				if number := *body.PageInfo.CurrentPage; number <= 2 {
					page["jobs"] = []any{map[string]any{"jobId": fmt.Sprint("job ", number), "type": 1, "status": 3}}
				}
				text, _ := json.Marshal(page)
				answer(200, "application/json", string(text))(w, r)
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

// TestUntrustedServers: who cannot show a certificate that is trusted, over a TLS version that is safe,
// sees neither secret nor token, whether as the API or as the token endpoint.
func TestUntrustedServers(t *testing.T) {
	for name, test := range map[string]struct {
		conf *tls.Config
		want string
	}{
		"unknown authority": {&tls.Config{}, "certificate"},
		"TLS 1.1":           {&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, "protocol version"},
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
				if !errors.Is(err, d365backup.ErrNetwork) || as == "API" && !strings.Contains(err.Error(), test.want) {
					t.Errorf("%s: got %v, want ErrNetwork with %q", as, err, test.want)
				}
			}
			if received.Len() > 0 {
				t.Errorf("the server received %q", received.String())
			}
		})
	}
}
