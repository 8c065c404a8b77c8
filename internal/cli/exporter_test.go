package cli_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/d365backup/d365backup/internal/cli"
	"github.com/d365backup/d365backup/sandbox"
)

// exporter is a running command "exporter".
type exporter struct {
	t      *testing.T
	url    string
	cancel context.CancelFunc
	code   chan int

	mu     sync.Mutex
	stderr bytes.Buffer
	wrote  chan struct{} // has an element if stderr has grown
}

func (e *exporter) Write(p []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	select {
	case e.wrote <- struct{}{}:
	default:
	}
	return e.stderr.Write(p)
}

// await returns the part of the standard error that matches, once there is one.
func (e *exporter) await(pattern string) string {
	e.t.Helper()
	for {
		e.mu.Lock()
		text := e.stderr.String()
		e.mu.Unlock()
		if found := regexp.MustCompile(pattern).FindStringSubmatch(text); found != nil {
			return found[len(found)-1]
		}
		select {
		case <-e.wrote:
		case <-time.After(30 * time.Second):
			e.t.Fatalf("no %s in\n%s", pattern, text)
		}
	}
}

// stop interrupts the command, and returns its exit code.
func (e *exporter) stop() int {
	e.cancel()
	return <-e.code
}

// startExporter runs the command on a free port.
func startExporter(t *testing.T, env []string, args ...string) *exporter {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	e := &exporter{t: t, cancel: cancel, code: make(chan int, 1), wrote: make(chan struct{}, 1)}
	go func() {
		e.code <- cli.Run(ctx, append([]string{"exporter", "--web.listen-address", "127.0.0.1:0"}, args...), env, nil, io.Discard, e)
	}()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		cancel()
	})
	e.url = "http://" + e.await(`msg="Listening on" address=(\S+)`)
	return e
}

func (e *exporter) get(path string) (int, string) {
	e.t.Helper()
	return e.send(http.DefaultClient, http.MethodGet, path)
}

func (e *exporter) send(client *http.Client, method, path string) (int, string) {
	e.t.Helper()
	req, err := http.NewRequestWithContext(e.t.Context(), method, e.url+path, nil)
	if err != nil {
		e.t.Fatal(err)
	}
	if strings.HasPrefix(e.url, "https") {
		req.SetBasicAuth("prometheus", "password")
	}
	resp, err := client.Do(req)
	if err != nil {
		e.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		e.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestExporterWithSandbox(t *testing.T) {
	e := startExporter(t, nil, "--sandbox")
	if status, body := e.get("/probe?target=default"); status != 200 || !strings.Contains(body, "d365backup_probe_success 1\n") {
		t.Errorf("status %d\n%s", status, body)
	}
	if _, body := e.get("/sd"); body != `[{"targets":["default"]}]`+"\n" {
		t.Error(body)
	}
	if status, body := e.send(http.DefaultClient, http.MethodPost, "/-/reload"); status != 200 {
		t.Errorf("status %d: %s", status, body)
	}
	if _, body := e.get("/metrics"); !strings.Contains(body, `d365backup_build_info{goversion="go1.`) {
		t.Error(body)
	}
	if code := e.stop(); code != 0 {
		t.Errorf("code %d", code)
	}
}

// tenants writes a configuration of these profiles, which all use one sandbox, and returns the environment that finds it.
func tenants(t *testing.T, server *sandbox.Server, home, profiles string) []string {
	t.Helper()
	write(t, filepath.Join(home, ".config", "d365backup", "secret"), server.ClientSecret())
	write(t, filepath.Join(home, ".config", "d365backup", "config.yaml"), strings.NewReplacer(
		"CONNECTION", "base_url: "+server.URL()+", token_url: "+server.TokenURL()+", client_id: "+server.ClientID()+", client_secret_file: secret",
	).Replace(profiles))
	return []string{"HOME=" + home}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestExporterReloads: SIGHUP and the endpoint read the file again; a bad one is named with its line and changes nothing.
func TestExporterReloads(t *testing.T) {
	server, err := sandbox.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	home := t.TempDir()
	env := tenants(t, server, home, "profiles:\n  a: {CONNECTION, expect: [Payroll], client_secret_expires: 2027-01-31, labels: {customer: Contoso}}\n")
	e := startExporter(t, env)
	_, body := e.get("/probe?target=a")
	for _, want := range []string{
		`d365backup_organization_state{module="",organization_id="Payroll",state="missing"} 1`, "credential_expiry_timestamp_seconds 1.8013536e+09",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in\n%s", want, body)
		}
	}
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	tenants(t, server, home, "profiles:\n  a: {CONNECTION}\n  b: {CONNECTION, expects: []}\n")
	if err := self.Signal(syscall.SIGHUP); err != nil {
		t.Skip(err) // Windows has no such signal
	}
	e.await(`level=ERROR msg="cannot load the configuration; keeping the old one" error=.*config\.yaml:3: .*expects`)
	if status, body := e.send(http.DefaultClient, http.MethodPost, "/-/reload"); status != 500 || !strings.Contains(body, "config.yaml:3: ") {
		t.Errorf("status %d: %s", status, body)
	}
	if _, body := e.get("/metrics"); !strings.Contains(body, "d365backup_config_last_reload_successful 0\n") {
		t.Error("the metric does not say so")
	}
	if _, body := e.get("/sd"); body != `[{"targets":["a"],"labels":{"customer":"Contoso"}}]`+"\n" {
		t.Error(body)
	}
	tenants(t, server, home, "profiles:\n  a: {CONNECTION}\n  b: {CONNECTION}\n")
	if err := self.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	e.await("profiles=2")
	if status, _ := e.get("/probe?target=b"); status != 200 {
		t.Errorf("status %d", status)
	}
	if code := e.stop(); code != 0 || strings.Contains(e.stderr.String(), server.ClientSecret()) {
		t.Errorf("code %d, %s", code, e.stderr.String())
	}
}

// TestExporterStops: a probe in progress ends before the command does.
func TestExporterStops(t *testing.T) {
	arrived, release := make(chan struct{}, 1), make(chan struct{})
	server, err := sandbox.Start(sandbox.WithFault(sandbox.Fault{Name: "gate", Middleware: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "GetJobs") {
				select {
				case arrived <- struct{}{}:
				default:
				}
				<-release
			}
			next.ServeHTTP(w, r)
		})
	}}))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	e := startExporter(t, tenants(t, server, t.TempDir(), "profiles:\n  a: {CONNECTION}\n"))
	bodies := make(chan string)
	go func() {
		_, body := e.get("/probe?target=a")
		bodies <- body
	}()
	<-arrived
	e.cancel()
	e.await("msg=stopping")
	close(release)
	if body := <-bodies; !strings.Contains(body, "d365backup_probe_success 1\n") {
		t.Errorf("got\n%s", body)
	}
	if code := e.stop(); code != 0 {
		t.Errorf("code %d", code)
	}
}

// TestExporterWebConfig: TLS and basic authentication come from the file that other exporters have, too.
func TestExporterWebConfig(t *testing.T) {
	dir := t.TempDir()
	certificate, key := selfSigned(t)
	write(t, filepath.Join(dir, "cert.pem"), certificate)
	write(t, filepath.Join(dir, "key.pem"), key)
	write(t, filepath.Join(dir, "web.yaml"), "tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n"+
		"basic_auth_users: {prometheus: $2a$04$8BtcMY29UkTKCdF73Qzazeh15vn8wCN56j2Y5qitDkvyze.tbz9OS}\n")
	e := startExporter(t, nil, "--sandbox", "--web.config.file", filepath.Join(dir, "web.yaml"))
	if status, _ := e.get("/-/healthy"); status != http.StatusBadRequest {
		t.Errorf("plain http: status %d", status)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	e.url = strings.Replace(e.url, "http:", "https:", 1)
	if status, body := e.send(client, http.MethodGet, "/-/healthy"); status != 200 {
		t.Errorf("status %d: %s", status, body)
	}
	anonymous, err := client.Get(e.url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer anonymous.Body.Close()
	if anonymous.StatusCode != http.StatusUnauthorized {
		t.Errorf("without a password: status %d", anonymous.StatusCode)
	}
	if code := e.stop(); code != 0 {
		t.Errorf("code %d", code)
	}
}

// selfSigned returns a certificate and its key as PEM.
func selfSigned(t *testing.T) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded}))
}
