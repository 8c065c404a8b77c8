//go:build interop

// Package prism validates the client's traffic with Prism, a mock and validating proxy that shares no code with this
// project. It needs node, and the packages that make test-more installs in this folder. Prism does not parse text/json, so
// everything is sent as application/json.
package prism

import (
	"bufio"
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/d365backup/d365backup/sandbox"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

const contract = "../../../openapi.yaml"

var apis = []d365backup.API{d365backup.APIv1, d365backup.APIGraph}

// TestMock: the client reads the responses that Prism makes from the contract, and reports no drift.
func TestMock(t *testing.T) {
	url := start(t, "mock", contract)
	source := d365backup.WithTokenSource(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "token"}))
	for _, api := range apis {
		traffic, client := connect(t, url, api, source)
		page, err := client.Page(t.Context(), everything(), 1)
		if err != nil {
			t.Fatalf("%s: %v", api, err)
		}
		if len(page.Jobs) != 2 || page.TotalCount != 2 || page.Jobs[0].OrganizationName != "Contoso Sales" {
			t.Errorf("%s: got %+v, want the example of the contract", api, page)
		}
		traffic.check(t, api, 1)
	}
}

// TestProxy: Prism, as a proxy between client and sandbox, finds no violation of either.
func TestProxy(t *testing.T) {
	service, err := sandbox.Start(sandbox.WithJobs(1000))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := service.Close(); err != nil {
			t.Errorf("the sandbox: %v", err)
		}
	}()
	url := start(t, "proxy", contract, service.URL())
	for _, api := range apis {
		traffic, client := connect(t, url, api, d365backup.WithTokenURL(service.TokenURL()),
			d365backup.WithClientSecret(service.ClientID(), service.ClientSecret()))
		most := everything()
		most.Type, most.Status, most.OrganizationID = d365backup.JobTypeBackup, d365backup.JobStatusFinished, "69cb1ecc-f8e8-439b-8077-a4b7fd45e87f"
		for _, query := range []d365backup.Query{everything(), most} {
			jobs := 0
			for _, err := range client.Jobs(t.Context(), query) {
				if err != nil {
					t.Fatalf("%s: %v", api, err)
				}
				jobs++
			}
			if want := service.Count(filter(query)); jobs != want || jobs == 0 {
				t.Errorf("%s: %d jobs, want %d", api, jobs, want)
			}
		}
		traffic.check(t, api, 10)
	}
}

// TestProxySeesViolations: Prism does report violations, so that finding none means something.
func TestProxySeesViolations(t *testing.T) {
	service, err := sandbox.Start(sandbox.WithJobs(1), sandbox.WithFault(sandbox.EmptyObject()))
	if err != nil {
		t.Fatal(err)
	}
	defer service.Close()
	url := start(t, "proxy", contract, service.URL())
	const valid = "?type=0&startTime=2026-11-01T00:00:00Z&finishTime=2026-11-02T00:00:00Z"
	for name, test := range map[string]struct {
		method, target, body string
		want                 string // in lower case, as Prism writes some names
	}{
		"body":      {http.MethodPost, "/api/OpenApi/GetJobs", `{"pageInfo":{},"type":3}`, "type"},
		"query":     {http.MethodGet, "/dynamicsbackup/jobs" + strings.Replace(valid, "type=0", "type=3", 1), "", "type"},
		"parameter": {http.MethodGet, "/dynamicsbackup/jobs?type=0", "", "finishtime"},
		"response":  {http.MethodGet, "/dynamicsbackup/jobs" + valid, "", "totalcount"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), test.method, url+test.target, strings.NewReader(test.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer token")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode < 400 || !strings.Contains(strings.ToLower(string(body)), test.want) {
			t.Errorf("%s: got %s: %s, want a violation at %s", name, resp.Status, body, test.want)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}

func everything() d365backup.Query {
	now := time.Now().Truncate(time.Second)
	return d365backup.Query{Start: now.AddDate(-5, 0, 0), End: now}
}

// filter returns a query as a filter of the sandbox.
func filter(q d365backup.Query) sandbox.Filter {
	return sandbox.Filter{Type: int(q.Type), Status: int(q.Status), Start: q.Start, End: q.End, OrganizationID: q.OrganizationID}
}

func connect(t *testing.T, url string, api d365backup.API, options ...d365backup.Option) (*traffic, *d365backup.Client) {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	seen := &traffic{next: transport, t: t}
	client, err := d365backup.New(append([]d365backup.Option{
		d365backup.WithBaseURL(url), d365backup.WithLoopbackHTTP(), d365backup.WithAPI(api),
		d365backup.WithHTTPClient(&http.Client{Transport: seen}),
		d365backup.WithRetry(d365backup.RetryPolicy{Attempts: 1}),
		d365backup.WithDriftHandler(func(d d365backup.Drift) { t.Errorf("%s: drift: %+v", api, d) }),
	}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	return seen, client
}

// traffic is a transport that reports the violations that Prism found in a response.
type traffic struct {
	next      http.RoundTripper
	t         *testing.T
	responses atomic.Int32
}

func (s *traffic) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := s.next.RoundTrip(r)
	if err == nil {
		s.responses.Add(1)
		if found := resp.Header.Get("sl-violations"); found != "" {
			s.t.Errorf("%s %s: %s", r.Method, r.URL, found)
		}
	}
	return resp, err
}

func (s *traffic) check(t *testing.T, api d365backup.API, least int32) {
	t.Helper()
	if n := s.responses.Load(); n < least {
		t.Errorf("%s: %d responses, want at least %d", api, n, least)
	}
}

var listening = regexp.MustCompile(`Prism is listening on (http://127\.0\.0\.1:\d+)`)

// start runs Prism until the end of the test and returns its address. It responds to a violation with an
// error.
func start(t *testing.T, command string, arguments ...string) string {
	t.Helper()
	// Through node, and not the script in .bin: the process that is killed is then the server itself.
	arguments = append([]string{"node_modules/@stoplight/prism-cli/dist/index.js", command,
		"--host", "127.0.0.1", "--port", "0", "--errors"}, arguments...)
	prism := exec.CommandContext(t.Context(), "node", arguments...)
	prism.WaitDelay = 10 * time.Second
	output, err := prism.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := prism.Start(); err != nil {
		t.Fatalf("node: %v; the interop tests need it", err)
	}
	address := make(chan string, 1)
	var log strings.Builder
	read := make(chan struct{})
	go func() {
		defer close(read)
		for lines := bufio.NewScanner(output); lines.Scan(); {
			log.WriteString(lines.Text() + "\n")
			if found := listening.FindStringSubmatch(lines.Text()); found != nil {
				address <- found[1]
			}
		}
	}()
	t.Cleanup(func() { // t's context has ended, and with it Prism
		<-read
		_ = prism.Wait()
		if t.Failed() {
			t.Logf("Prism wrote:\n%s", log.String())
		}
	})
	select {
	case url := <-address:
		return url
	case <-read:
		t.Fatal("Prism did not start; run make test-more, which installs it")
	case <-time.After(time.Minute):
		t.Fatal("Prism did not start within a minute")
	}
	return ""
}
