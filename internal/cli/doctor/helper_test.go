package doctor

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/d365backup/d365backup/internal/auth/authtest"
	"github.com/d365backup/d365backup/internal/cli/cmdutil"
	"github.com/d365backup/d365backup/internal/httpfail"
	"github.com/d365backup/d365backup/sandbox"
	"github.com/d365backup/d365backup/sandbox/sandboxtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The canaries must not be in any report.
const (
	secretCanary   = "canary-of-the-secret"
	passwordCanary = "canary-of-a-password"
)

// world is a sandbox, what is in front of it, and a user who runs the doctor.
type world struct {
	t        *testing.T
	server   *sandbox.Server
	doctor   doctor
	roots    *x509.CertPool
	env      map[string]string
	args     []string
	mu       sync.Mutex
	canaries []string
}

// newWorld returns a world that has only the faults of the options.
func newWorld(t *testing.T, options ...sandbox.Option) *world {
	t.Helper()
	_, server := sandboxtest.New(t, append([]sandbox.Option{sandbox.WithClient("app", secretCanary)}, options...)...)
	w := &world{t: t, server: server, roots: x509.NewCertPool(), canaries: []string{secretCanary, passwordCanary}}
	w.env = map[string]string{
		"D365BACKUP_BASE_URL":      server.URL(),
		"D365BACKUP_TOKEN_URL":     server.TokenURL(),
		"D365BACKUP_CLIENT_ID":     "app",
		"D365BACKUP_CLIENT_SECRET": secretCanary,
	}
	w.doctor = doctor{timeout: 20 * time.Second, transport: &http.Transport{
		Proxy:       func(*http.Request) (*url.URL, error) { return nil, nil },
		DialContext: (&net.Dialer{}).DialContext,

		OnProxyConnectResponse: httpfail.CheckProxyResponse,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: w.roots},
	}}
	return w
}

// run runs the doctor, and checks that no canary is in its output.
func (w *world) run(args ...string) (code int, stdout string) {
	w.t.Helper()
	var env []string
	for name, value := range w.env {
		env = append(env, name+"="+value)
	}
	var out, errs bytes.Buffer
	app := cmdutil.NewApp(env, nil, &out, &errs)
	cmd := newCommand(&doctor{app: app, transport: w.doctor.transport, timeout: w.doctor.timeout})
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetArgs(append(append([]string{}, w.args...), args...))
	code, message := app.ExitCode(w.t.Context(), cmd.ExecuteContext(w.t.Context()))
	if message != "" || errs.Len() > 0 {
		w.t.Errorf("on the standard error: %s%s", message, errs.String())
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, canary := range w.canaries {
		if strings.Contains(out.String(), canary) {
			w.t.Errorf("%q shows:\n%s", canary, out.String())
		}
	}
	return code, out.String()
}

// report runs the doctor for JSON and for text.
func (w *world) report() (code int, r report, text string) {
	w.t.Helper()
	code, stdout := w.run("-o", "json")
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		w.t.Fatalf("%v: %s", err, stdout)
	}
	again, text := w.run()
	if again != code {
		w.t.Errorf("the codes differ: %d with JSON, %d with text", code, again)
	}
	return code, r, text
}

// through puts a handler in front of the sandbox.
func (w *world) through(handler func(next http.Handler) http.Handler) *world {
	w.server.SetFaults(sandbox.Fault{Name: "test", Middleware: handler})
	return w
}

// handling passes requests whose method and path contain a text to a handler.
func (w *world) handling(request string, handler http.HandlerFunc) *world {
	return w.through(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.Method+" "+r.URL.Path, request) {
				handler(rw, r)
				return
			}
			next.ServeHTTP(rw, r)
		})
	})
}

// Where requests go.
const (
	toToken     = "POST /connect/token"
	toOperation = "POST /api/OpenApi/GetJobs"
)

// respond responds with a status and a body.
func respond(status int, mediaType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", mediaType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// certificate gives the user a certificate instead of the secret.
func (w *world) certificate() {
	w.t.Helper()
	certificate := authtest.Issue(w.t, authtest.Key())
	path := filepath.Join(w.t.TempDir(), "app.pem")
	if err := os.WriteFile(path, authtest.PEM(w.t, authtest.Key(), certificate), 0o600); err != nil {
		w.t.Fatal(err)
	}
	delete(w.env, "D365BACKUP_CLIENT_SECRET")
	w.env["D365BACKUP_CERTIFICATE"] = path
	w.env["D365BACKUP_CERTIFICATE_PASSWORD"] = passwordCanary
}

// secured puts a TLS server in front of the sandbox, and has the user connect to it. Its certificate is trusted,
// unless the caller removes it from the roots.
func (w *world) secured(maxVersion uint16, change ...func(*x509.Certificate)) *httptest.Server {
	w.t.Helper()
	target, err := url.Parse(w.server.URL())
	if err != nil {
		w.t.Fatal(err)
	}
	certificate := authtest.Issue(w.t, authtest.Key(), append([]func(*x509.Certificate){func(c *x509.Certificate) {
		c.Subject = pkix.Name{Organization: []string{"Example\x1b[31m Trust"}}
		c.NotAfter = time.Now().Add(90 * 24 * time.Hour)
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		c.DNSNames = []string{"*.avepointonlineservices.com"}
		c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	}}, change...)...)
	w.roots.AddCert(certificate)
	front := httptest.NewUnstartedServer(&httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: &http.Transport{DisableKeepAlives: true},
	})
	front.TLS = &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{certificate.Raw}, PrivateKey: authtest.Key()}},
		MaxVersion:   maxVersion,
	}
	front.Config.ErrorLog = log.New(io.Discard, "", 0)
	front.StartTLS()
	w.t.Cleanup(front.Close)
	w.env["D365BACKUP_BASE_URL"] = front.URL
	w.env["D365BACKUP_TOKEN_URL"] = front.URL + "/connect/token"
	return front
}

// proxied has the user connect to a data center of the vendor through a proxy, which connects to the TLS server.
func (w *world) proxied(front *httptest.Server, refuse int) {
	w.t.Helper()
	target := front.Listener.Addr().String()
	proxy := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect || refuse != 0 {
			rw.WriteHeader(refuse)
			return
		}
		tunnel(w.t, rw, target)
	}))
	w.t.Cleanup(proxy.Close)
	w.throughProxy("http://user:" + passwordCanary + "@" + proxy.Listener.Addr().String())
}

func (w *world) throughProxy(address string) {
	w.dataCenter()
	w.env["HTTPS_PROXY"] = address
	w.doctor.transport.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse(address) }
}

// dataCenter has the user connect to a data center of the vendor.
func (w *world) dataCenter() {
	delete(w.env, "D365BACKUP_BASE_URL")
	delete(w.env, "D365BACKUP_TOKEN_URL")
	w.args = append(w.args, "--data-center", "us")
}

// tunnel connects the client of a proxy to the target.
func tunnel(t *testing.T, rw http.ResponseWriter, target string) {
	client, _, err := rw.(http.Hijacker).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	defer client.Close()
	server, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", target)
	if err != nil {
		t.Error(err)
		return
	}
	defer server.Close()
	_, _ = io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n")
	var back sync.WaitGroup
	back.Go(func() {
		_, _ = io.Copy(client, server)
		_ = client.Close()
	})
	_, _ = io.Copy(server, client)
	_ = server.Close()
	back.Wait()
}

// silent is for a name server that does not respond.
const silent = 255

// nameServer makes the user have a name server that responds to every query with this code, such as 3: no such name.
func (w *world) nameServer(code byte) {
	t := w.t
	t.Helper()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	go func() {
		message := make([]byte, 1500)
		for {
			n, from, err := socket.ReadFrom(message)
			if err != nil {
				return
			}
			if code == silent {
				continue
			}
			message[2] |= 0x80                         // a response
			message[3] = message[3]&0x70 | 0x80 | code // from a recursive server
			_, _ = socket.WriteTo(message[:n], from)
		}
	}()
	address := socket.LocalAddr().String()
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		connection, err := (&net.Dialer{}).DialContext(ctx, "udp", address)
		if err == nil {
			t.Cleanup(func() { _ = connection.Close() }) // a lookup would wait for longer than its context
		}
		return connection, err
	}}
	w.doctor.transport.DialContext = (&net.Dialer{Resolver: resolver}).DialContext
}
