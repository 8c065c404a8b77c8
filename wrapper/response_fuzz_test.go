package d365backup_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/oauth2"

	"github.com/d365backup/d365backup/generated"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// echoedToken has the characters of RFC 6750 that servers escape when they repeat it.
const echoedToken = "canary+token/of=="

// echoes are the ways to write a token into a response.
var echoes = []string{
	echoedToken,
	strings.ReplaceAll(echoedToken, "+", `\u002B`),
	strings.ReplaceAll(echoedToken, "/", `\/`),
	url.QueryEscape(echoedToken),
	strings.ReplaceAll(echoedToken, "+", "&#x2B;"),
	strings.ReplaceAll(echoedToken, "+", "&#43;"),
}

// FuzzRefusal responds to a request for a page with any bytes that include the token. The error is short, on one line,
// and without the token.
func FuzzRefusal(f *testing.F) {
	f.Add(400, "application/json", "", "", `{"statusCode":400,"message":"pageSize must be at least 1","requestId":"0f8fad5b"}`, uint16(29), uint8(1))
	f.Add(401, "application/json", "", "request-1", `{"message":"the token \" is refused"}`, uint16(24), uint8(2))
	f.Add(429, "text/html", "120", "", "<html>\r\n<h1>Too many requests</h1>", uint16(20), uint8(4))
	f.Add(503, "", "Wed, 01 Jul 2026 12:00:30 GMT", "\x1b[2J", "", uint16(0), uint8(0))
	f.Add(302, "text/html", "", "", "Object moved", uint16(6), uint8(3))
	f.Add(200, "text/html; charset=utf-8", "", "", "<!DOCTYPE html><title>Sign in</title>", uint16(30), uint8(5))
	f.Add(200, "application/json", "", "", `{"statusCode":500,"message":"the token  failed","data":null}`, uint16(40), uint8(1))
	f.Add(200, "application/json", "", "", `{"totalCount":1,"jobs":[{"type":1,"jobId":"A","startTime":"2026-11-01T03:00:00Z","status":3}]}`, uint16(0), uint8(0))
	f.Add(500, "application/json", "0", strings.Repeat("r", 1000), `{"message":"`+strings.Repeat("long ", 1000)+`"}`, uint16(0), uint8(0))
	f.Add(200, "application/json", "", "", strings.Repeat(" \x1b", 3000), uint16(2000), uint8(1))
	f.Fuzz(func(t *testing.T, status int, mediaType, retryAfter, requestID, body string, at uint16, form uint8) {
		echo, cut := echoes[int(form)%len(echoes)], min(int(at), len(body))
		body = body[:cut] + echo + body[cut:]
		header := http.Header{"Content-Type": {mediaType}, "Retry-After": {retryAfter}, "X-Request-Id": {requestID}}
		const longest = time.Microsecond // of a wait
		var log bytes.Buffer
		client := withResponses(t, func(*http.Request) *http.Response {
			return &http.Response{StatusCode: 200 + int(uint(status-200)%400), Header: header, Body: io.NopCloser(strings.NewReader(body))}
		}, d365backup.WithRetry(d365backup.RetryPolicy{Attempts: 2, BaseDelay: 1, MaxDelay: longest}),
			d365backup.WithLogger(slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))))

		_, err := client.Page(t.Context(), valid, 1)
		if err == nil {
			return
		}
		failure, ok := errors.AsType[*d365backup.Error](err)
		if !ok || failure.Kind == nil || failure.Message == "" {
			t.Fatalf("no *Error with kind and message: %#v", err)
		}
		if failure.RetryAfter < 0 || failure.RetryAfter > longest && failure.Attempts > 1 {
			t.Errorf("Retry-After %q is taken for %v, after %d attempts", retryAfter, failure.RetryAfter, failure.Attempts)
		}
		if len(err.Error()) > 4<<10 || len(failure.Excerpt) > 2<<10 || len(failure.RequestID) > 200 {
			t.Errorf("%d bytes of text, %d of the response, %d of a request id", len(err.Error()), len(failure.Excerpt), len(failure.RequestID))
		}
		for _, text := range []string{err.Error(), failure.Message, failure.Excerpt, failure.RequestID} {
			if strings.ContainsFunc(text, unicode.IsControl) || !utf8.ValidString(text) {
				t.Errorf("not one clean line: %q", text)
			}
		}
		shown := fmt.Sprintf("%v %+v %s %s", err, failure, failure.LogValue(), &log)
		for _, echo := range echoes {
			if strings.Contains(shown, echo) {
				t.Errorf("the token is shown: %s", shown)
			}
		}
	})
}

// FuzzNextLink responds with any nextLink. It is data: every request goes to the configured address
// ask, and every page is got by its number.
func FuzzNextLink(f *testing.F) {
	f.Add("/jobs?pageIndex=2&pageSize=1", false)
	f.Add("http://127.0.0.1:1/dynamicsbackup/jobs?pageIndex=2", true)
	f.Add("//attacker.example/jobs", true)
	f.Add("javascript:alert(1)", false)
	f.Add("/jobs?pageIndex=9223372036854775808", true)
	f.Fuzz(func(t *testing.T, link string, graph bool) {
		option, method, path := d365backup.WithAPI(d365backup.APIv1), http.MethodPost, "/api/OpenApi/GetJobs"
		if graph {
			option, method, path = d365backup.WithAPI(d365backup.APIGraph), http.MethodGet, "/dynamicsbackup/jobs"
		}
		const pages = 3
		client := withResponses(t, func(r *http.Request) *http.Response {
			if r.Method != method || r.URL.Scheme+"://"+r.URL.Host+r.URL.Path != serviceURL+path || r.Host != r.URL.Host {
				t.Errorf("a request went to %s %s", r.Method, r.URL)
			}
			return pageResponse(t, r, pages, link)
		}, option, d365backup.WithPageSize(1))
		var ids []string
		for job, err := range client.Jobs(t.Context(), valid) {
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, job.JobID)
		}
		if got := strings.Join(ids, ""); got != "123" {
			t.Errorf("got the jobs %q", got)
		}
	})
}

const serviceURL = "https://jobs.example.com"

// withResponses returns a client whose requests get their responses without a network.
func withResponses(t *testing.T, respond func(*http.Request) *http.Response, options ...d365backup.Option) *d365backup.Client {
	t.Helper()
	transport := roundTripper(func(r *http.Request) (*http.Response, error) { return respond(r), nil })
	return newClient(t, serviceURL, transport, append([]d365backup.Option{
		d365backup.WithTokenSource(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: echoedToken})),
	}, options...)...)
}

// pageResponse returns the page that r requests, of one job with the page's number as its id. Pages after the last one are
// empty.
func pageResponse(t *testing.T, r *http.Request, pages int, link string) *http.Response {
	t.Helper()
	number, _ := strconv.Atoi(r.URL.Query().Get("pageIndex"))
	if r.Method == http.MethodPost {
		var filter generated.JobFilterModel
		if err := json.NewDecoder(r.Body).Decode(&filter); err != nil {
			t.Error(err)
			return &http.Response{StatusCode: http.StatusBadRequest, Body: http.NoBody}
		}
		number = int(*filter.PageInfo.CurrentPage)
	}
	jobs := []map[string]any{}
	if number <= pages {
		jobs = append(jobs, map[string]any{"type": 1, "jobId": strconv.Itoa(number), "startTime": start, "status": 3})
	}
	body, err := json.Marshal(map[string]any{"totalCount": pages, "nextLink": link, "pageIndex": number, "jobs": jobs})
	if err != nil {
		t.Error(err)
	}
	return &http.Response{
		StatusCode: http.StatusOK,
		Header:     http.Header{"Content-Type": {"application/json"}},
		Body:       io.NopCloser(bytes.NewReader(body)),
	}
}
