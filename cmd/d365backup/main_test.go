package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/d365backup/d365backup/internal/cli"
)

func TestMain(m *testing.M) {
	if os.Getenv("D365BACKUP_TEST_RUN") != "" {
		os.Exit(cli.Main())
	}
	os.Exit(m.Run())
}

// TestUnsolicitedResponses: an echo of the request, which a careless server sends after its response, is not shown.
func TestUnsolicitedResponses(t *testing.T) {
	const page = `{"totalCount":1,"jobs":[{"jobId":"1","type":1,"status":3,"startTime":"2026-11-01T00:00:00Z"}]}`
	const noMore = `{"totalCount":1,"jobs":[]}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent, _ := io.ReadAll(r.Body)
		body := `{"access_token":"canary-token","expires_in":3600}`
		switch {
		case r.URL.Path == "/token":
		case strings.Contains(string(sent), `"currentPage":1,`):
			body = page
		default:
			body = noMore
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%sAuthorization: %s %s",
			len(body), body, r.Header.Get("Authorization"), sent)
		_, _ = io.Copy(io.Discard, conn) // until the client closes it
	}))
	defer server.Close()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "jobs", "--page-size", "1", "-o", "ndjson")
	cmd.Env = append(os.Environ(), "D365BACKUP_TEST_RUN=1", "HOME="+t.TempDir(), "D365BACKUP_BASE_URL="+server.URL,
		"D365BACKUP_TOKEN_URL="+server.URL+"/token", "D365BACKUP_CLIENT_ID=app", "D365BACKUP_CLIENT_SECRET=canary-secret-value")
	out, err := cmd.CombinedOutput()
	if text := string(out); strings.Contains(text, "canary") || strings.Contains(text, "Unsolicited") || !strings.Contains(text, `"jobId":"1"`) {
		t.Errorf("%v: %s", err, out)
	}
}
