package exporter

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/d365backup/d365backup/sandbox"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// ofSandbox returns the profile of a sandbox.
func ofSandbox(server *sandbox.Server) Profile {
	p := profile("sandbox", server.URL())
	p.Client = func(options ...d365backup.Option) (*d365backup.Client, error) {
		options = append(options, d365backup.WithLoopbackHTTP(), d365backup.WithBaseURL(server.URL()),
			d365backup.WithTokenURL(server.TokenURL()), d365backup.WithClientSecret(server.ClientID(), server.ClientSecret()))
		return d365backup.New(options...)
	}
	return p
}

// TestSandbox probes a sandbox over loopback: the whole way from the service to the metrics.
func TestSandbox(t *testing.T) {
	server, err := sandbox.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	e, address := serve(t, Options{}, ofSandbox(server))
	_, first := get(t, address+"/probe?target=sandbox")
	if value(t, first, "probe_success") != 1 || value(t, first, "probe_complete") != 1 || strings.Count(first, "d365backup_organization_info{") != 6 {
		t.Fatalf("got\n%s", first)
	}
	e.target("sandbox").forget(e.target("sandbox").last) // it would be reused for a few seconds
	const running = `jobs_running{module="Customer Engagement",organization_id="69cb1ecc-f8e8-439b-8077-a4b7fd45e87f"}`
	n := value(t, first, running)
	job := backup("new", time.Now(), 2)
	server.Put(sandbox.Job{Module: job.Module, Type: 1, JobID: "new", StartTime: job.StartTime.Add(-time.Minute), Status: 2,
		OrganizationID: job.OrganizationID, OrganizationName: "Larkfield Sales"})
	_, second := get(t, address+"/probe?target=sandbox")
	if value(t, second, "probe_requests") != 1 || value(t, second, running) != n+1 {
		t.Errorf("%v requests, %v jobs running instead of %v", value(t, second, "probe_requests"), value(t, second, running), n+1)
	}
	_, own := get(t, address+"/metrics")
	for _, text := range []string{second, own} {
		problems, err := promlint.New(strings.NewReader(text)).Lint()
		if err != nil || len(problems) > 0 {
			t.Errorf("promtool check metrics would report %v, %v", problems, err)
		}
	}
	if got := value(t, own, `requests_total{code="200"}`); got != value(t, first, "probe_requests")+1 {
		t.Errorf("%v requests in all", got)
	}
	_, open := get(t, address+"/probe?target=sandbox", "Accept", "application/openmetrics-text;version=1.0.0")
	if !strings.HasSuffix(open, "# EOF\n") {
		t.Error("no OpenMetrics")
	}
}

// TestDrift: what a read tolerated is shown with it, and that version v1 was not found also with later ones.
func TestDrift(t *testing.T) {
	server, err := sandbox.Start(sandbox.WithFault(sandbox.V1Replaced()))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	s := newService()
	job := backup("1", time.Now().Add(-time.Hour), 3)
	job.OrganizationID = "not a GUID"
	s.set(job)
	e, address := serve(t, Options{}, ofSandbox(server), profile("a", startService(t, s)))
	for range 2 {
		for name, want := range map[string]string{"sandbox": "successor", "a": "malformed GUID"} {
			_, got := get(t, address+"/probe?target="+name)
			if value(t, got, `drift{kind="`+want+`"}`) != 1 || strings.Count(got, "d365backup_drift{") != 1 {
				t.Errorf("%s: got\n%s", name, got)
			}
			e.target(name).forget(e.target(name).last)
		}
	}
}

// TestTargets: only the names of profiles are probed.
func TestTargets(t *testing.T) {
	s := newService()
	service := startService(t, s)
	_, address := serve(t, Options{}, profile("a", service), profile("b/c", service), profile("<x>&\"y\"", service))
	for path, want := range map[string]int{
		"/probe?target=a": 200, "/probe?target=b/c": 200, "/probe?target=%3Cx%3E%26%22y%22": 200,
		"/probe": 400, "/probe?target=": 400, "/probe?target=a&target=b": 400, "/probe?target=http://127.0.0.1:1/x": 400,
		"/probe?target=//evil": 400, "/probe?target=A": 404, "/probe?target=evil.example:443": 404, "/probe?target=%ff": 404,
		"/metrics": 200, "/sd": 200, "/": 200, "/-/healthy": 200, "/-/ready": 200, "/-/reload": 405, "/nothing": 404, "/config": 404,
	} {
		if got, body := get(t, address+path); got != want {
			t.Errorf("%s: status %d, want %d: %s", path, got, want, body)
		}
	}
	_, page := get(t, address+"/")
	if !strings.Contains(page, `<a href="probe?target=%3cx%3e%26%22y%22">&lt;x&gt;&amp;&#34;y&#34;</a>`) || strings.Contains(page, "<x>") {
		t.Errorf("landing page:\n%s", page)
	}
}

func TestDiscovery(t *testing.T) {
	service := startService(t, newService())
	a, b := profile("b", service), profile("a", service)
	a.Labels = map[string]string{"customer": "Contoso"}
	_, address := serve(t, Options{}, a, b)
	_, body := get(t, address+"/sd")
	const want = `[{"targets":["a"]},{"targets":["b"],"labels":{"customer":"Contoso"}}]`
	if diff := cmp.Diff(want, strings.TrimSpace(body)); diff != "" {
		t.Error(diff)
	}
	resp, err := http.Get(address + "/sd")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.Header.Get("Content-Type") != "application/json" {
		t.Errorf("Content-Type %s", resp.Header.Get("Content-Type"))
	}
	_, empty := serve(t, Options{})
	if _, body := get(t, empty+"/sd"); strings.TrimSpace(body) != "[]" {
		t.Errorf("without profiles: %s", body)
	}
}

func TestTimeoutOf(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"": probeTimeout, "10": 9500 * time.Millisecond, "1.5": time.Second, "0.5": 250 * time.Millisecond, "0.8": 400 * time.Millisecond,
		"0": 0, "-1": 0, "x": 0, "NaN": 0, "Inf": 0, "1e300": 0,
	} {
		r := &http.Request{Header: http.Header{"X-Prometheus-Scrape-Timeout-Seconds": {text}}}
		if got, err := timeoutOf(r); got != want || (err != nil) != (want == 0) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}

// TestProbeEndsInTime: a probe of a tenant that hangs ends before Prometheus gives up, and says so.
func TestProbeEndsInTime(t *testing.T) {
	s := newService()
	release := make(chan struct{})
	s.setIntercept(func(_ string, _ http.ResponseWriter, r *http.Request) bool {
		select {
		case <-release:
			return false
		case <-r.Context().Done():
			return true
		}
	})
	_, address := serve(t, Options{}, profile("a", startService(t, s)))
	status, got := get(t, address+"/probe?target=a", "X-Prometheus-Scrape-Timeout-Seconds", "0.6")
	if status != 200 || value(t, got, "probe_success") != 0 || value(t, got, `probe_error_info{kind="timeout",reason=""}`) != 1 {
		t.Errorf("status %d\n%s", status, got)
	}
	if value(t, got, "probe_requests") != -1 {
		t.Error("the number of requests is known before the end")
	}
	close(release)
	_, got = get(t, address+"/probe?target=a")
	if value(t, got, "probe_success") != 1 || value(t, got, `tenant_state{state="unknown"}`) != 1 || s.requestsOf("a") != 1 {
		t.Errorf("%d requests\n%s", s.requestsOf("a"), got)
	}
}

// TestOneReadAtATime: probes of a target at the same time share one read.
func TestOneReadAtATime(t *testing.T) {
	s := newService()
	_, address := serve(t, Options{}, profile("a", startService(t, s)))
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if _, got := get(t, address+"/probe?target=a"); value(t, got, "probe_success") != 1 {
				t.Errorf("got\n%s", got)
			}
		})
	}
	group.Wait()
	if n := s.requestsOf("a"); n != 1 {
		t.Errorf("%d requests", n)
	}
}

// configuration is what Load of an exporter returns, which a test can change.
type configuration struct {
	mu       sync.Mutex
	profiles []Profile
	err      error
}

func (c *configuration) load() ([]Profile, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.profiles, c.err
}

func (c *configuration) set(err error, profiles ...Profile) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.profiles, c.err = profiles, err
}

func reload(t *testing.T, address string, headers ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address+"/-/reload", nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return do(t, req)
}

func TestReload(t *testing.T) {
	s := newService()
	service := startService(t, s)
	var c configuration
	var log logs
	a, b := profile("a", service), profile("b", service)
	c.set(nil, a)
	_, address := serve(t, Options{Load: c.load, Log: slog.New(slog.NewTextHandler(&log, nil))})
	check := func(step string, success float64, want string) {
		t.Helper()
		_, own := get(t, address+"/metrics")
		if value(t, own, "config_last_reload_successful") != success || value(t, own, "profiles") != float64(strings.Count(want, "targets")) {
			t.Errorf("%s: success %v, %v profiles", step, value(t, own, "config_last_reload_successful"), value(t, own, "profiles"))
		}
		if _, sd := get(t, address+"/sd"); strings.TrimSpace(sd) != want {
			t.Errorf("%s: got %s", step, sd)
		}
	}
	const onlyA, both = `[{"targets":["a"]}]`, `[{"targets":["a"]},{"targets":["b"]}]`
	check("start", 1, onlyA)
	c.set(errors.New("config.yaml:3: unknown key"))
	if status, body := reload(t, address); status != 500 || !strings.Contains(body, "config.yaml:3: unknown key") {
		t.Errorf("status %d: %s", status, body)
	}
	check("bad file", 0, onlyA)
	broken := b
	broken.Client = func(...d365backup.Option) (*d365backup.Client, error) {
		return nil, errors.New("config.yaml:7: no secret")
	}
	c.set(nil, a, broken)
	if status, body := reload(t, address); status != 500 || !strings.Contains(body, "config.yaml:7: no secret") {
		t.Errorf("status %d: %s", status, body)
	}
	check("bad profile", 0, onlyA)
	c.set(nil, a, b)
	if status, _ := reload(t, address, "Sec-Fetch-Site", "cross-site"); status != http.StatusForbidden {
		t.Errorf("a web page can reload: status %d", status)
	}
	if status, body := reload(t, address); status != 200 {
		t.Errorf("status %d: %s", status, body)
	}
	check("good", 1, both)
	for _, want := range []string{"config.yaml:3: unknown key", "config.yaml:7: no secret", "profiles=2"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, log.String())
		}
	}
	c.set(nil, b)
	reload(t, address)
	if status, _ := get(t, address+"/probe?target=a"); status != http.StatusNotFound {
		t.Errorf("a profile that was removed: status %d", status)
	}
}

// TestReloadKeepsJobs: a tenant that is still the same keeps its jobs. One with another policy or connection does not.
func TestReloadKeepsJobs(t *testing.T) {
	s := newService()
	service := startService(t, s)
	now := time.Now()
	for i := range 300 { // so that all jobs take several requests
		s.jobs["a"] = append(s.jobs["a"], backup(fmt.Sprint(i), now.Add(-time.Duration(i)*2*time.Hour), 3))
	}
	var c configuration
	p := profile("a", service)
	c.set(nil, p)
	e, address := serve(t, Options{Load: c.load})
	probe := func() float64 {
		t.Helper()
		if tenant := e.target("a"); tenant.last != nil {
			tenant.forget(tenant.last)
		}
		_, got := get(t, address+"/probe?target=a")
		if value(t, got, "probe_success") != 1 {
			t.Fatalf("got\n%s", got)
		}
		return value(t, got, "probe_requests")
	}
	first := probe()
	if first < 4 {
		t.Fatalf("%v requests", first)
	}
	p.Labels = map[string]string{"customer": "Contoso"}
	c.set(nil, p)
	reload(t, address)
	if n := probe(); n != 2 {
		t.Errorf("%v requests instead of a token and a page", n)
	}
	p.Policy.MaxAge = time.Hour
	c.set(nil, p)
	reload(t, address)
	if n := probe(); n != first {
		t.Errorf("%v requests after the policy changed, want %v", n, first)
	}
	p.Identity = "another data center"
	c.set(nil, p)
	reload(t, address)
	if n := probe(); n != first {
		t.Errorf("%v requests after the connection changed, want %v", n, first)
	}
}

// TestReloadUnderLoad: no probe is lost while the configuration is read again and again.
func TestReloadUnderLoad(t *testing.T) {
	s := newService()
	service := startService(t, s)
	var c configuration
	for _, name := range names("tenant", 20) {
		c.profiles = append(c.profiles, profile(name, service))
	}
	_, address := serve(t, Options{Load: c.load})
	var group sync.WaitGroup
	var probes atomic.Int64
	done := make(chan struct{})
	for i := range 8 {
		group.Go(func() {
			for n := i; ; n++ {
				select {
				case <-done:
					return
				default:
				}
				if status, got := get(t, fmt.Sprintf("%s/probe?target=tenant%d", address, n%20)); status != 200 || value(t, got, "probe_success") != 1 {
					t.Errorf("status %d\n%s", status, got)
				}
				probes.Add(1)
			}
		})
	}
	for range 50 {
		if status, body := reload(t, address); status != 200 {
			t.Errorf("status %d: %s", status, body)
		}
	}
	close(done)
	group.Wait()
	t.Logf("%d probes", probes.Load())
}

// TestCredentials: the secret is read again on reload and when it is refused, and its expiry is shown.
func TestCredentials(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	write := func(secret string) {
		if err := os.WriteFile(path, []byte(secret), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	server, err := sandbox.Start(sandbox.WithClient("app", "second-secret"))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	credential := func() (d365backup.Option, error) {
		secret, err := os.ReadFile(path)
		return d365backup.WithClientSecret("app", string(secret)), err
	}
	p := profile("a", server.URL())
	p.Expires = func() time.Time { return at("2027-01-31 00:00") }
	p.Client = func(options ...d365backup.Option) (*d365backup.Client, error) {
		option, err := credential()
		if err != nil {
			return nil, err
		}
		return d365backup.New(append(options, d365backup.WithLoopbackHTTP(), d365backup.WithBaseURL(server.URL()),
			d365backup.WithTokenURL(server.TokenURL()), option, d365backup.WithCredentialReload(credential))...)
	}
	write("first-secret")
	e, address := serve(t, Options{}, p)
	_, got := get(t, address+"/probe?target=a")
	if value(t, got, `probe_error_info{kind="auth",reason="secret-refused"}`) != 1 || value(t, got, "credential_expiry_timestamp_seconds") != 1.8013536e9 {
		t.Errorf("got\n%s", got)
	}
	write("second-secret")
	e.target("a").forget(e.target("a").last)
	if _, got = get(t, address+"/probe?target=a"); value(t, got, "probe_success") != 1 {
		t.Errorf("the secret is not read again after it was refused:\n%s", got)
	}
	write("third-secret")
	reload(t, address)
	if _, got = get(t, address+"/probe?target=a"); value(t, got, "probe_success") != 0 {
		t.Errorf("reload does not read the secret, or an old result is used again:\n%s", got)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if status, body := reload(t, address); status != 500 || !strings.Contains(body, path) {
		t.Errorf("reload does not read the secret: status %d, %s", status, body)
	}
}

// TestSecretsAreNotShown: no output contains a secret, even if the service repeats it.
func TestSecretsAreNotShown(t *testing.T) {
	s := newService()
	s.setIntercept(func(tenant string, w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case tenant == "fine":
			return false
		case tenant == "token":
			w.WriteHeader(http.StatusBadRequest)
			_ = json.NewEncoder(w).Encode(map[string]string{"error": "invalid_client", "error_description": "bad secret hush-hush"})
		case strings.HasSuffix(r.URL.Path, "/token"):
			return false
		default:
			w.WriteHeader(http.StatusInternalServerError)
			_ = json.NewEncoder(w).Encode(map[string]string{"message": "token " + r.Header.Get("Authorization")})
		}
		return true
	})
	service := startService(t, s)
	var log logs
	profiles := []Profile{profile("fine", service), profile("token", service), profile("the-bearer-token-of-a-tenant", service)}
	_, address := serve(t, Options{Log: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}, profiles...)
	var outputs []string
	for _, p := range profiles {
		_, body := get(t, address+"/probe?target="+p.Name, "X-Prometheus-Scrape-Timeout-Seconds", "1")
		outputs = append(outputs, strings.ReplaceAll(body, p.Name, "NAME"))
	}
	_, own := get(t, address+"/metrics")
	_, page := get(t, address+"/")
	outputs = append(outputs, own, page, log.String())
	for _, output := range outputs {
		if strings.Contains(output, "hush") || strings.Contains(output, "Bearer") {
			t.Errorf("a secret is in\n%s", output)
		}
	}
	if !strings.Contains(log.String(), `"profile":"token","kind":"auth"`) {
		t.Errorf("the log does not say why: %s", log.String())
	}
}
