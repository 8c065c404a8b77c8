//go:build interop

package oidc_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/d365backup/d365backup/internal/auth/authtest"
	"github.com/d365backup/d365backup/test/interop/oidc"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// TestSweeps goes through 20 pages with tokens of a real server, one of which is revoked half-way.
func TestSweeps(t *testing.T) {
	_, byCertificate := newCertificate(t)
	key := authtest.Key()
	certificate, err := d365backup.ParseCertificate(authtest.PEM(t, key, authtest.Issue(t, key)), "")
	if err != nil {
		t.Fatal(err)
	}
	byCertificate.Keys.Keys[0]["kid"] = certificate.Thumbprint() // the key is the same, the certificate is not
	server := oidc.Start(t, oidc.Config{
		Clients: []oidc.Client{bySecret, byCertificate}, Scopes: []string{scope}, Lifetime: int(lifetime.Seconds()),
	})
	for name, test := range map[string]struct {
		credential d365backup.Option
		revoke     bool
		refused    int32
	}{
		"by secret":              {d365backup.WithClientSecret(bySecret.ID, bySecret.Secret), false, 0},
		"by secret, and revoked": {d365backup.WithClientSecret(bySecret.ID, bySecret.Secret), true, 1},
		"by certificate":         {d365backup.WithCertificate(byCertificate.ID, certificate), false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var pages, refused atomic.Int32
			api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				bearer, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
				if test.revoke && pages.Add(1) == 10 {
					server.Revoke(t, bySecret, bearer)
				}
				// This client may not introspect the tokens of another one.
				if bearer == "" || test.revoke && !server.Active(t, bySecret, bearer) {
					refused.Add(1)
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				w.Header().Set("Content-Type", "application/json")
				_, _ = fmt.Fprint(w, page(r))
			}))
			defer api.Close()
			client, err := d365backup.New(test.credential, d365backup.WithBaseURL(api.URL), d365backup.WithTokenURL(server.TokenURL),
				d365backup.WithLoopbackHTTP(), d365backup.WithPageSize(1), d365backup.WithPrefetch(1),
				d365backup.WithHTTPClient(&http.Client{Transport: api.Client().Transport}))
			if err != nil {
				t.Fatal(err)
			}
			jobs := 0
			for _, err := range client.Jobs(t.Context(), d365backup.Query{Start: time.Now().Add(-time.Hour)}) {
				if err != nil {
					t.Fatal(err)
				}
				jobs++
			}
			if jobs != 20 || refused.Load() != test.refused {
				t.Errorf("%d jobs and %d refusals, want 20 and %d", jobs, refused.Load(), test.refused)
			}
		})
	}
}

// page returns the page that a request asks for, of 20 with one job each.
func page(r *http.Request) string {
	var number int
	body := new(strings.Builder)
	_, _ = io.Copy(body, r.Body)
	_, _ = fmt.Sscanf(body.String()[strings.Index(body.String(), `"currentPage":`):], `"currentPage":%d`, &number)
	if number > 20 {
		return `{"totalCount":20,"jobs":[]}`
	}
	return fmt.Sprintf(`{"totalCount":20,"jobs":[{"jobId":"job%d","type":1,"status":3,"startTime":"2026-11-01T00:00:00Z"}]}`, number)
}
