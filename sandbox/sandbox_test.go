package sandbox_test

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/d365backup/d365backup/generated"
	"github.com/d365backup/d365backup/sandbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var anchor = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

const (
	getJobsPath = "/api/OpenApi/GetJobs"
	scope       = "Dynamics.ReadWrite.All"
)

// start starts a sandbox and fails the test if Close returns an error.
func start(t *testing.T, opts ...sandbox.Option) *sandbox.Server {
	t.Helper()
	srv, err := sandbox.Start(append([]sandbox.Option{sandbox.WithAnchor(anchor)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return srv
}

// response is a response with its body.
type response struct {
	*http.Response
	body []byte
}

// client opens a connection for each request, so that no connection outlives its test.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

func do(t *testing.T, req *http.Request) response {
	t.Helper()
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if id := resp.Header.Get("Request-Id"); id == "" || id != resp.Header.Get("X-Request-Id") {
		t.Errorf("%s %s: Request-Id %q, X-Request-Id %q", req.Method, req.URL.Path, id, resp.Header.Get("X-Request-Id"))
	}
	return response{resp, body}
}

func decode[T any](t *testing.T, resp response) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(resp.body, &v); err != nil {
		t.Fatalf("%s: %v in %q", resp.Status, err, resp.body)
	}
	return v
}

func request(t *testing.T, method, target, body string, header ...string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return req
}

// postToken posts a form to the token endpoint.
func postToken(t *testing.T, srv *sandbox.Server, form url.Values) response {
	t.Helper()
	return do(t, request(t, http.MethodPost, srv.TokenURL(), form.Encode(),
		"Content-Type", "application/x-www-form-urlencoded"))
}

func secretForm(srv *sandbox.Server) url.Values {
	return url.Values{
		"grant_type":    {"client_credentials"},
		"client_id":     {srv.ClientID()},
		"client_secret": {srv.ClientSecret()},
		"scope":         {scope},
	}
}

type tokenResponse struct {
	AccessToken      string `json:"access_token"`
	ExpiresIn        int    `json:"expires_in"`
	TokenType        string `json:"token_type"`
	Scope            string `json:"scope"`
	Error            string `json:"error"`
	ErrorDescription string `json:"error_description"`
}

func token(t *testing.T, srv *sandbox.Server) string {
	t.Helper()
	resp := postToken(t, srv, secretForm(srv))
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("token: %s: %s", resp.Status, resp.body)
	}
	return decode[tokenResponse](t, resp).AccessToken
}

// post sends a filter to the operation of version v1.
func post(t *testing.T, srv *sandbox.Server, token, filter string) response {
	t.Helper()
	return do(t, request(t, http.MethodPost, srv.URL()+getJobsPath, filter,
		"Content-Type", "application/json", "Authorization", "Bearer "+token))
}

// page requests a page from the operation of version v1.
func page(t *testing.T, srv *sandbox.Server, token string, filter generated.JobFilterModel) generated.JobPage {
	t.Helper()
	body, err := json.Marshal(filter)
	if err != nil {
		t.Fatal(err)
	}
	resp := post(t, srv, token, string(body))
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", resp.Status, resp.body)
	}
	return decode[generated.JobPage](t, resp)
}

func TestStartRefusesInvalidOptions(t *testing.T) {
	taken := start(t)
	for name, test := range map[string]struct {
		opt  sandbox.Option
		want string
	}{
		"all interfaces":      {sandbox.WithAddr(":0"), "loopback"},
		"public address":      {sandbox.WithAddr("192.0.2.1:0"), "loopback"},
		"host name":           {sandbox.WithAddr("example.org:0"), "loopback"},
		"no port":             {sandbox.WithAddr("127.0.0.1"), "missing port"},
		"address in use":      {sandbox.WithAddr(strings.TrimPrefix(taken.URL(), "http://")), "in use"},
		"no secret":           {sandbox.WithClient("id", ""), "secret"},
		"no id":               {sandbox.WithClient("", "secret"), "id"},
		"no certificate":      {sandbox.WithCertificate(nil), "certificate"},
		"no scope":            {sandbox.WithScope(""), "scope"},
		"zero time":           {sandbox.WithAnchor(time.Time{}), "anchor"},
		"negative jobs":       {sandbox.WithJobs(-1), "-1"},
		"too many jobs":       {sandbox.WithJobs(math.MaxInt), "1000000"},
		"half a second":       {sandbox.WithTokenLifetime(500 * time.Millisecond), "500ms"},
		"a second and a half": {sandbox.WithTokenLifetime(1500 * time.Millisecond), "1.5s"},
	} {
		t.Run(name, func(t *testing.T) {
			srv, err := sandbox.Start(test.opt)
			if err == nil {
				srv.Close()
				t.Fatal("started")
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("got error %q, want it to contain %q", err, test.want)
			}
		})
	}
}

func TestStartListensOnLoopback(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", "localhost:0"} {
		srv := start(t, sandbox.WithAddr(addr), sandbox.WithJobs(1))
		u, err := url.Parse(srv.URL())
		if err != nil || u.Scheme != "http" || u.Port() == "0" || u.Path != "" {
			t.Errorf("%s: URL %q, %v", addr, srv.URL(), err)
		}
		if got := len(page(t, srv, token(t, srv), generated.JobFilterModel{}).Jobs); got != 1 {
			t.Errorf("%s: %d jobs", addr, got)
		}
	}
}

func TestPathsAndMethods(t *testing.T) {
	srv := start(t)
	for _, test := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"GET", "/", 404, ""},
		{"POST", "/api/openapi/getjobs", 404, ""},
		{"POST", getJobsPath + "/", 404, ""},
		{"POST", "/" + getJobsPath, 404, ""},
		{"GET", getJobsPath, 405, "POST"},
		{"GET", "/connect/token", 405, "POST"},
		{"POST", getJobsPath, 401, ""},
	} {
		resp := do(t, request(t, test.method, srv.URL()+test.path, "{}"))
		if resp.StatusCode != test.status || resp.Header.Get("Allow") != test.allow {
			t.Errorf("%s %s: %s, Allow %q", test.method, test.path, resp.Status, resp.Header.Get("Allow"))
		}
		problem := decode[generated.Error](t, resp)
		if *problem.StatusCode != int32(test.status) || *problem.RequestID != resp.Header.Get("Request-Id") {
			t.Errorf("%s %s: %s", test.method, test.path, resp.body)
		}
	}
}

func TestOperationRequiresToken(t *testing.T) {
	srv := start(t)
	good := token(t, srv)
	const filter = `{"pageInfo":{}}`
	for name, test := range map[string]struct {
		header    string
		status    int
		challenge string
	}{
		"none":              {"", 401, `Bearer realm="sandbox"`},
		"another scheme":    {"Basic " + good, 401, `Bearer realm="sandbox"`},
		"empty":             {"Bearer ", 401, `Bearer realm="sandbox"`},
		"unknown":           {"Bearer x" + good, 401, `Bearer realm="sandbox", error="invalid_token"`},
		"valid":             {"Bearer " + good, 200, ""},
		"lower-case scheme": {"bearer " + good, 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			resp := do(t, request(t, "POST", srv.URL()+getJobsPath, filter,
				"Content-Type", "application/json", "Authorization", test.header))
			if resp.StatusCode != test.status || resp.Header.Get("WWW-Authenticate") != test.challenge {
				t.Errorf("%s, WWW-Authenticate %q", resp.Status, resp.Header.Get("WWW-Authenticate"))
			}
		})
	}
	srv.RevokeTokens()
	if resp := post(t, srv, good, filter); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("after revocation: %s", resp.Status)
	}
	if resp := post(t, srv, token(t, srv), filter); resp.StatusCode != http.StatusOK {
		t.Errorf("with a token issued after revocation: %s", resp.Status)
	}
}

func TestConcurrentRequests(t *testing.T) {
	srv := start(t)
	shared := token(t, srv)
	want := srv.Count(sandbox.Filter{})
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			if got := int(page(t, srv, shared, generated.JobFilterModel{}).TotalCount); got < want || got > want+20 {
				t.Errorf("%d jobs, want %d to %d", got, want, want+20)
			}
			job := srv.Jobs(sandbox.Filter{})[0]
			job.JobID += string(rune('a' + i))
			srv.Put(job)
		})
	}
	all.Wait()
	if got := srv.Count(sandbox.Filter{}); got != want+20 {
		t.Errorf("%d jobs at the end, want %d", got, want+20)
	}
}

func TestCloseTwice(t *testing.T) {
	srv := start(t)
	for range 2 {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	}
	if resp, err := http.Get(srv.URL()); err == nil {
		resp.Body.Close()
		t.Error("the sandbox still responds")
	}
}

// TestCloseWaitsForConnections uses one whose request body the sandbox does not read to its end.
func TestCloseWaitsForConnections(t *testing.T) {
	others := goleak.IgnoreCurrent()
	srv := start(t)
	post(t, srv, token(t, srv), strings.Repeat(" ", 1<<20))
	if err := srv.Close(); err != nil {
		t.Error(err)
	}
	goleak.VerifyNone(t, others)
}

func TestCloseReportsContractViolations(t *testing.T) {
	srv, err := sandbox.Start(sandbox.WithJobs(0))
	if err != nil {
		t.Fatal(err)
	}
	srv.Put(sandbox.Job{JobID: "x", StartTime: anchor, Type: 1 << 30, Status: 3})
	resp := post(t, srv, token(t, srv), `{"pageInfo":{}}`)
	if resp.StatusCode != http.StatusInternalServerError || !bytes.Contains(resp.body, []byte(`"/jobs/0/type"`)) {
		t.Errorf("%s: %s", resp.Status, resp.body)
	}
	if err := srv.Close(); err == nil || !strings.Contains(err.Error(), "/jobs/0/type") {
		t.Errorf("Close: %v", err)
	}
}

func TestForeignHostsAreRefused(t *testing.T) {
	srv := start(t)
	port := srv.URL()[strings.LastIndexByte(srv.URL(), ':'):]
	for host, want := range map[string]int{
		"127.0.0.1" + port: 400, "127.0.0.1": 400, "localhost" + port: 400, "LOCALHOST": 400, "[::1]" + port: 400, "[::1]": 400, "127.9.9.9:1": 400,
		"attacker.example": 421, "attacker.example" + port: 421, "127.0.0.1.attacker.example": 421, "192.0.2.1" + port: 421, "localhost.example": 421,
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.TokenURL(), nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		if got := do(t, req); got.StatusCode != want {
			t.Errorf("%s: status %d, want %d", host, got.StatusCode, want)
		}
	}
}
