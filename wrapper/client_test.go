package d365backup_test

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"crypto/tls"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"

	d365backup "github.com/d365backup/d365backup/wrapper"
)

func TestNewRefuses(t *testing.T) {
	secret := d365backup.WithClientSecret("app", "s3cret-canary")
	center := d365backup.WithDataCenter("us")
	tests := []struct {
		name    string
		options []d365backup.Option
		want    string
	}{
		{"nothing", nil, "no credentials"},
		{"no data center", []d365backup.Option{secret}, "WithDataCenter: missing"},
		{"no credentials", []d365backup.Option{center}, "no credentials"},
		{"two credentials", []d365backup.Option{center, secret, d365backup.WithTokenSource(oauth2.StaticTokenSource(nil))}, "two kinds of credentials"},
		{"no id", []d365backup.Option{center, d365backup.WithClientSecret("", "s3cret-canary")}, "client ID is empty"},
		{"no secret", []d365backup.Option{center, d365backup.WithClientSecret("app", "")}, "client secret"},
		{"no certificate", []d365backup.Option{center, d365backup.WithCertificate("app", nil)}, "certificate"},
		{"no token source", []d365backup.Option{center, d365backup.WithTokenSource(nil)}, "WithTokenSource"},
		{"unknown data center", []d365backup.Option{secret, d365backup.WithDataCenter("mars")}, `data center "mars" does not exist: use one of au, sg`},
		{"data center and URL", []d365backup.Option{secret, center, d365backup.WithBaseURL("https://example.com")}, "both WithDataCenter and WithBaseURL"},
		{"URL without token URL", []d365backup.Option{secret, d365backup.WithBaseURL("https://example.com")}, "WithTokenURL: missing"},
		{"relative URL", []d365backup.Option{secret, d365backup.WithBaseURL("example.com")}, "not an absolute URL"},
		{"broken URL", []d365backup.Option{secret, d365backup.WithBaseURL("https://exa mple")}, "not an absolute URL"},
		{"user in URL", []d365backup.Option{secret, d365backup.WithBaseURL("https://user:s3cret-canary@example.com")}, "has a user"},
		{"query in URL", []d365backup.Option{secret, center, d365backup.WithTokenURL("https://example.com/?s3cret-canary")}, "query"},
		{"fragment in URL", []d365backup.Option{secret, d365backup.WithBaseURL("https://example.com/#x")}, "fragment"},
		{"other scheme", []d365backup.Option{secret, d365backup.WithBaseURL("ftp://example.com")}, "use https"},
		{"plain http", []d365backup.Option{secret, d365backup.WithLoopbackHTTP(), d365backup.WithBaseURL("http://example.com")}, "plain http"},
		{"plain http that looks like loopback", []d365backup.Option{secret, d365backup.WithLoopbackHTTP(), d365backup.WithBaseURL("http://127.0.0.1.example.com")}, "plain http"},
		{"loopback not allowed", []d365backup.Option{secret, d365backup.WithBaseURL("http://127.0.0.1")}, "WithLoopbackHTTP"},
		{"token URL plain http", []d365backup.Option{secret, center, d365backup.WithTokenURL("http://example.com")}, "plain http"},
		{"page size", []d365backup.Option{secret, center, d365backup.WithPageSize(0)}, "WithPageSize: 0 is"},
		{"large page size", []d365backup.Option{secret, center, d365backup.WithPageSize(math.MaxInt32 + 1)}, "WithPageSize"},
		{"prefetch", []d365backup.Option{secret, center, d365backup.WithPrefetch(0)}, "WithPrefetch: 0 is"},
		{"timeout", []d365backup.Option{secret, center, d365backup.WithTimeout(-time.Second)}, "WithTimeout: -1s is"},
		{"response limit", []d365backup.Option{secret, center, d365backup.WithMaxResponseBytes(0)}, "WithMaxResponseBytes: 0 is"},
		{"large response limit", []d365backup.Option{secret, center, d365backup.WithMaxResponseBytes(math.MaxInt64)}, "WithMaxResponseBytes"},
		{"retry", []d365backup.Option{secret, center, d365backup.WithRetry(d365backup.RetryPolicy{Attempts: -1})}, "WithRetry"},
		{"media type", []d365backup.Option{secret, center, d365backup.WithMediaType("text/xml")}, "WithMediaType"},
		{"media type pattern", []d365backup.Option{secret, center, d365backup.WithMediaType("application/*+json")}, "concrete type"},
		{"API", []d365backup.Option{secret, center, d365backup.WithAPI("v2")}, `WithAPI: API "v2" does not exist: use auto, v1 or graph`},
		{"media type and graph", []d365backup.Option{secret, center, d365backup.WithMediaType("text/json"), graph}, "sends no body"},
		{"scope", []d365backup.Option{secret, center, d365backup.WithScope("")}, "WithScope: empty"},
		{"nil option", []d365backup.Option{nil}, "Option is nil"},
		{"unverified TLS", []d365backup.Option{secret, center, withTLS(&tls.Config{InsecureSkipVerify: true})}, "InsecureSkipVerify"},
		{"old TLS", []d365backup.Option{secret, center, withTLS(&tls.Config{MinVersion: tls.VersionTLS11})}, "TLS 1.1"},
		{"only old TLS", []d365backup.Option{secret, center, withTLS(&tls.Config{MaxVersion: tls.VersionTLS11})}, "TLS 1.1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			client, err := d365backup.New(test.options...)
			if client != nil || !errors.Is(err, d365backup.ErrConfig) {
				t.Fatalf("got %v, %v, want no client and ErrConfig", client, err)
			}
			if text := err.Error(); !strings.Contains(text, test.want) || strings.Contains(text, "s3cret-canary") {
				t.Errorf("error %q: want %q in it, and no secret", text, test.want)
			}
		})
	}
}

func withTLS(conf *tls.Config) d365backup.Option {
	return d365backup.WithHTTPClient(&http.Client{Transport: &http.Transport{TLSClientConfig: conf}})
}

func TestNewTakesEveryDataCenter(t *testing.T) {
	for _, center := range d365backup.DataCenters() {
		for _, option := range []d365backup.Option{d365backup.WithDataCenter(center.Code), d365backup.WithBaseURL(center.URL + "/")} {
			client, err := d365backup.New(option, d365backup.WithClientSecret("app", "secret"))
			if err != nil {
				t.Errorf("%s: %v", center.Code, err)
			} else if want := "d365backup.Client(" + center.URL + ")"; client.String() != want {
				t.Errorf("%s: got %s, want %s", center.Code, client, want)
			}
		}
	}
}

func TestQueryRefused(t *testing.T) {
	var requests atomic.Int32
	client := serve(t, func(http.ResponseWriter, *http.Request) { requests.Add(1) })
	tests := []struct {
		name  string
		query d365backup.Query
		page  int
		want  string
	}{
		{"no start", d365backup.Query{}, 1, "Query.Start: missing"},
		{"start after end", d365backup.Query{Start: start, End: start.Add(-time.Second)}, 1, "is after the end"},
		{"start in the future", d365backup.Query{Start: time.Now().Add(time.Hour)}, 1, "is after the end"},
		{"year", d365backup.Query{Start: start, End: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}, 1, "years 1 to 9999"},
		{"type", d365backup.Query{Start: start, Type: 1 << 30}, 1, `Query.Type: job type "1073741824" does not exist: use one of All, Backup, Restore, DryRun, Retention, AuditBackup, Export`},
		{"unknown type", d365backup.Query{Start: start, Type: d365backup.JobTypeUnknown}, 1, `Query.Type: job type "Unknown" does not exist`},
		{"status", d365backup.Query{Start: start, Status: 1 << 30}, 1, `Query.Status: job status "1073741824" does not exist: use one of Any, InProgress, Finished, Failed, FinishedWithException`},
		{"a type twice", d365backup.Query{Start: start, Type: 1, Types: []d365backup.JobType{1}}, 1, "Query.Types: Query.Type is given, too"},
		{"a status twice", d365backup.Query{Start: start, Status: 3, Statuses: []d365backup.JobStatus{4}}, 1, "Query.Statuses: Query.Status is given, too"},
		{"one of the types", d365backup.Query{Start: start, Types: []d365backup.JobType{1, 1 << 30}}, 1, `Query.Types: job type "1073741824" does not exist: use one of All`},
		{"one of the statuses", d365backup.Query{Start: start, Statuses: []d365backup.JobStatus{4, -1}}, 1, `Query.Statuses: job status "Unknown" does not exist`},
		{"all types and one", d365backup.Query{Start: start, Types: []d365backup.JobType{2, 0}}, 1, "Query.Types: All includes all others"},
		{"any status and one", d365backup.Query{Start: start, Statuses: []d365backup.JobStatus{0, 2}}, 1, "Query.Statuses: Any includes all others"},
		{"organization", d365backup.Query{Start: start, OrganizationID: "contoso"}, 1, `invalid GUID "contoso"`},
		{"organization in braces", d365backup.Query{Start: start, OrganizationID: "{69cb1ecc-f8e8-439b-8077-a4b7fd45e87f}"}, 1, "invalid GUID"},
		{"organization without hyphens", d365backup.Query{Start: start, OrganizationID: "69cb1eccf8e8439b8077a4b7fd45e87f"}, 1, "invalid GUID"},
		{"page 0", valid, 0, "page 0 does not exist"},
		{"page too large", valid, math.MaxInt32 + 1, "does not exist"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := client.Page(t.Context(), test.query, test.page)
			if !errors.Is(err, d365backup.ErrConfig) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Page: got %v, want ErrConfig with %q", err, test.want)
			}
			if test.page != 1 {
				return
			}
			for _, err = range client.Jobs(t.Context(), test.query) {
			}
			if !errors.Is(err, d365backup.ErrConfig) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Jobs: got %v, want ErrConfig with %q", err, test.want)
			}
		})
	}
	if n := requests.Load(); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

// TestRequest checks the whole body, which must contain only what the caller has set.
func TestRequest(t *testing.T) {
	zone := time.FixedZone("somewhere", 2*60*60)
	tests := []struct {
		name  string
		query d365backup.Query
		want  string
	}{
		{
			"least", d365backup.Query{Start: start, End: start},
			`{"endTime":"2026-11-01T00:00:00Z","pageInfo":{"currentPage":3,"pageSize":100},"startTime":"2026-11-01T00:00:00Z","type":0}`,
		},
		{
			"most", d365backup.Query{
				Type: d365backup.JobTypeExport, Status: d365backup.JobStatusFinishedWithException,
				Start: start, End: start.Add(time.Hour),
				OrganizationID: "69CB1ECC-f8e8-439b-8077-a4b7fd45e87f", ObjectType: new(int32(0)),
			},
			`{"endTime":"2026-11-01T01:00:00Z","objectType":0,"organizationId":"69cb1ecc-f8e8-439b-8077-a4b7fd45e87f",` +
				`"pageInfo":{"currentPage":3,"pageSize":100},"startTime":"2026-11-01T00:00:00Z","status":7,"type":32}`,
		},
		{
			"times go out in UTC, rounded outwards",
			d365backup.Query{Start: start.In(zone).Add(time.Millisecond), End: start.In(zone).Add(time.Millisecond)},
			`{"endTime":"2026-11-01T00:00:01Z","pageInfo":{"currentPage":3,"pageSize":100},"startTime":"2026-11-01T00:00:00Z","type":0}`,
		},
	}
	for _, mediaType := range []string{d365backup.MediaTypeJSON, d365backup.MediaTypeTextJSON, "application/vnd.example+json"} {
		for _, test := range tests {
			t.Run(mediaType+" "+test.name, func(t *testing.T) {
				var got, header string
				client := serve(t, func(w http.ResponseWriter, r *http.Request) {
					body, _ := io.ReadAll(r.Body)
					got = string(body)
					header = fmt.Sprint(r.Method, " ", r.URL, " ", r.Header.Get("Content-Type"), " ", r.Header.Get("Authorization"))
					respond(200, "application/json", `{"totalCount":0,"jobs":[]}`)(w, r)
				}, d365backup.WithMediaType(mediaType))
				if _, err := client.Page(t.Context(), test.query, 3); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Error(diff)
				}
				if want := "POST /api/OpenApi/GetJobs " + mediaType + " Bearer token"; header != want {
					t.Errorf("got %s, want %s", header, want)
				}
			})
		}
	}
}

func TestAddresses(t *testing.T) {
	secret, tokens := d365backup.WithClientSecret("app", "s3cret-canary"), d365backup.WithTokenSource(oauth2.StaticTokenSource(&oauth2.Token{}))
	for name, tt := range map[string]struct {
		options         []d365backup.Option
		wantURL, wantTU string
	}{
		"data center":  {[]d365backup.Option{secret, d365backup.WithDataCenter("us")}, "https://graph-us.avepointonlineservices.com", "https://identity.avepointonlineservices.com/connect/token"},
		"own URLs":     {[]d365backup.Option{secret, d365backup.WithBaseURL("https://example.com/api/"), d365backup.WithTokenURL("https://id.example.com/token")}, "https://example.com/api", "https://id.example.com/token"},
		"token source": {[]d365backup.Option{tokens, d365backup.WithBaseURL("https://example.com")}, "https://example.com", ""},
	} {
		client, err := d365backup.New(tt.options...)
		if err != nil {
			t.Fatal(err)
		}
		if client.BaseURL() != tt.wantURL || client.TokenURL() != tt.wantTU {
			t.Errorf("%s: got %s, %s", name, client.BaseURL(), client.TokenURL())
		}
	}
}
