package d365backup_test

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/oauth2"

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

// TestEchoes: a token that the server sends back, however it writes it, shows neither in the error nor in
// the log.
func TestEchoes(t *testing.T) {
	const token = "ab+cd/ef-CANARY-0123456789~xyz="
	var escaped strings.Builder
	for _, r := range token {
		fmt.Fprintf(&escaped, `\u%04x`, r)
	}
	insert := func(what string) string { return token[:5] + what + token[5:] }
	header := func(name, value string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set(name, value)
			w.WriteHeader(map[bool]int{true: 302, false: 200}[name == "Location"])
		}
	}
	for name, handler := range map[string]http.HandlerFunc{
		"message":                        answer(400, "application/json", `{"message":"`+token+`"}`),
		"message in escapes":             answer(400, "application/json", `{"message":"`+escaped.String()+`"}`),
		"request id in escapes":          answer(400, "application/json", `{"requestId":"`+escaped.String()+`"}`),
		"zero width":                     answer(400, "text/plain", insert("\u200b")),
		"control character":              answer(400, "text/plain", insert("\x01")),
		"a piece":                        answer(400, "application/json", `{"message":"see `+token[8:16]+` and `+lowToken[8:16]+`"}`),
		"URL":                            answer(400, "text/plain", url.QueryEscape(token)),
		"header with a zero width":       header("X-Request-Id", insert("\u200b")),
		"page with a zero width":         answer(200, "text/html", insert("\u200b")),
		"failure with 200":               answer(200, "application/json", `{"message":"`+escaped.String()+`","requestId":"`+escaped.String()+`"}`),
		"no list of jobs, a zero width":  answer(200, "application/json", `{"x":"`+insert("\u200b")+`"}`),
		"no list of jobs, it comes late": answer(200, "application/json", `{"x":"`+strings.Repeat("x", 5000)+token+lowToken+`"}`),
		"redirect to it":                 header("Location", "https://host/"+token),
		"redirect to a host of the name": header("Location", "https://"+lowToken+".example/"),
		"media type":                     header("Content-Type", "text/"+lowToken),
	} {
		for _, token := range []string{token, lowToken} {
			var logged bytes.Buffer
			source := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token})
			client := serve(t, handler, d365backup.WithTokenSource(source), d365backup.WithLogger(slog.New(slog.NewTextHandler(&logged, nil))))
			_, err := client.Page(t.Context(), valid, 1)
			e, ok := errors.AsType[*d365backup.Error](err)
			if !ok {
				t.Errorf("%s: got %v", name, err)
				continue
			}
			if e.Excerpt != "" || e.ServiceMessage != "" {
				t.Errorf("%s: the response is quoted: %q, %q", name, e.Excerpt, e.ServiceMessage)
			}
			for _, shown := range []string{token, url.QueryEscape(token), token[8:16], token[len(token)-10:]} {
				if all := fmt.Sprintf("%v %#v", err, err) + logged.String(); strings.Contains(all, shown) {
					t.Errorf("%s: the token shows in %s", name, all)
				}
			}
		}
	}
}

// TestEchoInDrift: of a response that repeats the token no value is reported, since it may be cut within the
// token.
func TestEchoInDrift(t *testing.T) {
	token := strings.Repeat("CANARY/+=", 20)
	for _, echo := range []string{token, strings.ReplaceAll(token, "/", `\/`), url.QueryEscape(token)} {
		var drift []d365backup.Drift
		client := serve(t, answer(200, "application/json", `{"totalCount":1,"request":"Bearer `+echo+`","jobs":[{"jobId":"A"}]}`),
			d365backup.WithTokenSource(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token})),
			d365backup.WithDriftHandler(func(d d365backup.Drift) { drift = append(drift, d) }))
		if _, err := client.Page(t.Context(), valid, 1); err != nil {
			t.Fatal(err)
		}
		if len(drift) < 2 || strings.Contains(fmt.Sprint(drift), "CANARY") {
			t.Errorf("got %+v", drift)
		}
	}
}

// lowToken can be the name of a host.
const lowToken = "canary0123456789abcdef"

// TestSwitchedProtocols: of an answer with status 101 the body is the connection, which no time limit ends;
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
			t.Errorf("101 at %s is no error", at)
		}
		<-closed
		transport.CloseIdleConnections()
		server.Close()
	}
}
