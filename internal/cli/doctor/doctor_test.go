package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/d365backup/d365backup/sandbox"
)

const always = 1 << 30

// scenario is a world with one fault, and its expected diagnosis.
type scenario struct {
	name string
	// code and step are those of the diagnosis, or of the warning if the exit code is 0.
	code, step string
	exit       int
	world      func(*testing.T) *world
	// seen must be part of the evidence.
	seen string
}

func fault(faults ...sandbox.Fault) func(*testing.T) *world {
	return func(t *testing.T) *world { return newWorld(t, sandbox.WithFault(faults...)) }
}

func at(request string, handler http.HandlerFunc) func(*testing.T) *world {
	return func(t *testing.T) *world { return newWorld(t).handling(request, handler) }
}

// changed is a world with changed settings of the user.
func changed(change func(*world)) func(*testing.T) *world {
	return func(t *testing.T) *world {
		w := newWorld(t)
		change(w)
		return w
	}
}

// malformedProxy is a world with a proxy address that net/http ignores silently.
func malformedProxy(address string) func(*testing.T) *world {
	return changed(func(w *world) {
		w.dataCenter()
		w.env["HTTPS_PROXY"] = address
	})
}

const html = "text/html; charset=utf-8"

var scenarios = slices.Concat(ofConfiguration, ofNetwork, ofTLS, ofProxy, ofToken, ofOperation)

var ofConfiguration = []scenario{
	{"no data center", "configuration", "configuration", 2, changed(func(w *world) { delete(w.env, "D365BACKUP_BASE_URL") }),
		"No data center: set --data-center, D365BACKUP_DATA_CENTER"},
	{"unknown data center", "configuration", "configuration", 2, changed(func(w *world) {
		w.dataCenter()
		w.args = []string{"--data-center", "mars"}
	}), `data center "mars" does not exist: use one of au, sg,`},
	{"secret instead of a URL", "configuration", "configuration", 2, changed(func(w *world) {
		w.env["D365BACKUP_BASE_URL"] = "https://user:" + passwordCanary + "@127.0.0.1"
	}), "D365BACKUP_BASE_URL: the URL of 127.0.0.1 has a user, a query or a fragment"},
	{"no profile", "configuration", "configuration", 2, changed(func(w *world) { w.args = []string{"--profile", "nobody"} }), `There is no profile "nobody"`},
	{"sandbox and data center", "configuration", "configuration", 2,
		changed(func(w *world) { w.args = []string{"--sandbox", "--data-center", "us"} }), "--sandbox and --data-center are both given"},
	{"proxy with a % in its password", "proxy-setting", "configuration", 2, malformedProxy("http://user:" + passwordCanary + "%zz@127.0.0.1:3128"), "HTTPS_PROXY is not"},
	{"proxy with a # in its password", "proxy-setting", "configuration", 2, malformedProxy("http://user:" + passwordCanary + "#s@127.0.0.1:3128"), "HTTPS_PROXY is not"},
	{"proxy with a / in its password", "proxy-setting", "configuration", 2, malformedProxy("http://user:" + passwordCanary + "/s@127.0.0.1:3128"), "HTTPS_PROXY is not"},
	{"several missing settings", "configuration", "configuration", 2, changed(func(w *world) {
		delete(w.env, "D365BACKUP_TOKEN_URL")
		delete(w.env, "D365BACKUP_CLIENT_ID")
		delete(w.env, "D365BACKUP_CLIENT_SECRET")
	}), "No token URL: set --token-url, D365BACKUP_TOKEN_URL, or token_url in a profile; no client id: set "},
	{"Google Cloud", "google-cloud", "configuration", 0, changed(func(w *world) {
		w.proxied(w.secured(tls.VersionTLS13), 0)
		w.args = []string{"--data-center", "gcp-us"}
	}), "graph-gcp-us.avepointonlineservices.com"},
}

var ofNetwork = []scenario{
	{"misspelled host", "unknown-host", "token host: DNS", 1, changed(func(w *world) {
		w.nameServer(3)
		w.env["D365BACKUP_TOKEN_URL"] = "https://identity.example/connect/token"
	}), "No proxy is set for identity.example"},
	{"vendor's host, not found", "unknown-host", "token host: DNS", 1, changed(func(w *world) {
		w.nameServer(3)
		w.dataCenter()
	}), "The name is that of the vendor"},
	{"name server fails", "name-service", "token host: DNS", 1, changed(func(w *world) {
		w.nameServer(2)
		w.env["D365BACKUP_TOKEN_URL"] = "https://identity.example/connect/token"
	}), "server misbehaving"},
	{"silent name server", "name-service", "token host: DNS", 1, changed(func(w *world) {
		w.doctor.timeout = 500 * time.Millisecond
		w.nameServer(silent)
		w.env["D365BACKUP_TOKEN_URL"] = "https://identity.example/connect/token"
	}), "identity.example"},
	{"no listener", "unreachable", "API host: TCP", 1, changed(func(w *world) { w.env["D365BACKUP_BASE_URL"] = "http://" + closed(w.t) }),
		"connection refused"},
	{"no host", "unreachable", "token host: TCP", 1, changed(func(w *world) {
		w.doctor.transport.DialContext = func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no route to host") }
	}), "no route to host"},
}

var ofTLS = []scenario{
	{"TLS inspection", "tls-untrusted", "token host: TLS", 1, changed(func(w *world) {
		w.secured(0)
		*w.roots = *x509.NewCertPool()
	}), "The certificate is for *.avepointonlineservices.com, issued by Example[31m Trust, valid from"},
	{"certificate of another host", "tls-wrong-host", "token host: TLS", 1, changed(func(w *world) {
		w.secured(0, func(c *x509.Certificate) { c.IPAddresses = nil })
	}), "The certificate is for *.avepointonlineservices.com"},
	{"expired certificate", "tls-expired", "token host: TLS", 1, changed(func(w *world) {
		w.secured(0, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })
	}), "The clock of this machine shows"},
	{"certificate that is not yet valid", "tls-not-yet-valid", "token host: TLS", 1, changed(func(w *world) {
		w.secured(0, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour) })
	}), "The clock of this machine shows"},
	{"certificate that expires soon", "tls-expires-soon", "token host: TLS", 0, changed(func(w *world) {
		w.secured(0, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(72*time.Hour + time.Minute) })
	}), "It expires in 3d"},
	{"old TLS", "tls-version", "token host: TLS", 1, changed(func(w *world) { w.secured(tls.VersionTLS11) }), "protocol version"},
	{"certificate with only a common name", "tls-defective", "token host: TLS", 1, changed(func(w *world) {
		w.secured(0, func(c *x509.Certificate) { c.DNSNames, c.IPAddresses, c.Subject.CommonName = nil, nil, "127.0.0.1" })
	}), "The certificate is for 127.0.0.1"},
	{"no TLS", "not-tls", "token host: TLS", 1, changed(func(w *world) {
		w.env["D365BACKUP_TOKEN_URL"] = strings.Replace(w.server.TokenURL(), "http:", "https:", 1)
	}), "No proxy is set"},
	{"cut off", "tls-failed", "token host: TLS", 1, changed(func(w *world) {
		w.env["D365BACKUP_TOKEN_URL"] = "https://" + deaf(w.t, true) + "/connect/token"
	}), "The error: "},
	{"silence", "no-answer", "token host: TLS", 1, changed(func(w *world) {
		w.doctor.timeout = 500 * time.Millisecond
		w.env["D365BACKUP_TOKEN_URL"] = "https://" + deaf(w.t, false) + "/connect/token"
	}), "deadline exceeded"},
}

var ofProxy = []scenario{
	{"proxy requires a password", "proxy-refused", "token host: TLS", 1, changed(func(w *world) {
		w.proxied(w.secured(0), http.StatusProxyAuthRequired)
	}), "Connections go through the proxy http://127.0.0.1:"},
	{"proxy inspects TLS", "tls-untrusted", "token host: TLS", 1, changed(func(w *world) {
		w.proxied(w.secured(0), 0)
		*w.roots = *x509.NewCertPool()
	}), "(HTTPS_PROXY)"},
	{"no proxy at the address", "proxy-unreachable", "token host: TCP", 1, changed(func(w *world) {
		w.throughProxy("http://user:" + passwordCanary + "@" + closed(w.t))
	}), "connection refused"},
	{"unknown proxy host", "proxy-unreachable", "token host: DNS", 1, changed(func(w *world) {
		w.nameServer(3)
		w.throughProxy("http://user:" + passwordCanary + "@proxy.example:8080")
	}), "the proxy http://proxy.example:8080 (HTTPS_PROXY)"},
}

var ofToken = []scenario{
	{"expired secret", "secret-refused", "token", 1, fault(sandbox.ExpiredSecret()), "invalid_client"},
	{"wrong secret", "secret-refused", "token", 1, changed(func(w *world) { w.env["D365BACKUP_CLIENT_SECRET"] = passwordCanary }), "invalid_client"},
	{"refused without a reason", "secret-refused", "token", 1, at(toToken, respond(401, "text/plain", "no")), "status 401"},
	{"certificate not registered", "certificate-not-registered", "token", 1, changed(func(w *world) { w.certificate() }), "certificate "},
	{"certificate and a wrong clock", "clock", "token", 1, func(t *testing.T) *world {
		w := newWorld(t, sandbox.WithFault(sandbox.ClockSkew(-10*time.Minute)))
		w.certificate()
		return w
	}, "a certificate that is not registered would look the same"},
	{"wrong clock", "clock", "clock", 0, fault(sandbox.ClockSkew(10 * time.Minute)), "behind that of 127.0.0.1"},
	{"scope of the other spelling", "scope", "scope", 1, func(t *testing.T) *world {
		return newWorld(t, sandbox.WithScope("dynamics.readwrite.all"))
	}, `try the other spelling, "dynamics.readwrite.all"`},
	{"token without the scope", "scope", "scope", 1, at(toToken, respond(200, "application/json",
		`{"access_token":"x","expires_in":60,"token_type":"Bearer","scope":"other.scope"}`)), "lacks the requested scope"},
	{"certificate that makes an invalid request", "certificate-not-registered", "token", 1, func(t *testing.T) *world {
		w := at(toToken, respond(400, "application/json", `{"error":"invalid_request"}`))(t)
		w.certificate()
		return w
	}, "may not be registered for this client id"},
	{"network requires login for a token", "login-page", "token", 1, at(toToken, respond(511, html, "<html>sign in</html>")), "sign in"},
	{"app for users only", "app-not-allowed", "token", 1, at(toToken, respond(400, "application/json", `{"error":"unauthorized_client"}`)), "unauthorized_client"},
	{"no token endpoint", "token-url", "token", 1, changed(func(w *world) { w.env["D365BACKUP_TOKEN_URL"] = w.server.URL() + "/token" }), "status 404"},
	{"unknown grant", "token-url", "token", 1, at(toToken, respond(400, "application/json", `{"error":"unsupported_grant_type"}`)), "unsupported_grant_type"},
	{"login page for a token", "login-page", "token", 1, at(toToken, respond(200, html, "<html>Sign in</html>")), "not a token response"},
	{"token endpoint moved", "redirect", "token", 1, at(toToken, http.RedirectHandler("https://login.example/", http.StatusFound).ServeHTTP), "redirect"},
	{"token endpoint fails", "server-error", "token", 1, at(toToken, respond(503, html, "busy")), "status 503"},
	{"token endpoint throttles", "throttled", "token", 1, at(toToken, respond(429, "application/json", "{}")), "status 429"},
	{"token endpoint hangs up", "no-answer", "token", 1, at(toToken, hangUp), "closed before the end"},
}

var ofOperation = []scenario{
	{"wrong data center", "not-found", "operation", 1, fault(sandbox.WrongDataCenter()), "GET /dynamicsbackup/jobs responds with status 404"},
	{"unlicensed product", "not-found", "operation", 1, fault(sandbox.UnlicensedProduct()), "The tenant has no license"},
	{"missing permission", "missing-permission", "operation", 1, fault(sandbox.MissingPermission()), "lacks a permission"},
	{"v1 replaced", "v1-replaced", "operation", 1, func(t *testing.T) *world {
		w := newWorld(t, sandbox.WithFault(sandbox.V1Replaced()))
		w.args = []string{"--api", "v1"}
		return w
	}, "GET /dynamicsbackup/jobs responds with status 200"},
	{"v1 replaced, which does not matter", "v1-replaced", "operation", 0, fault(sandbox.V1Replaced()), "GET /dynamicsbackup/jobs responds with status 200"},
	{"v1 replaced, permission missing", "missing-permission", "operation", 1, func(t *testing.T) *world {
		return newWorld(t, sandbox.WithFault(sandbox.V1Replaced(), sandbox.MissingPermission()))
	}, "GET /dynamicsbackup/jobs responds with status 403"},
	{"no successor", "no-successor", "operation", 1, func(t *testing.T) *world {
		w := newWorld(t).handling("GET /dynamicsbackup/jobs", http.NotFound)
		w.args = []string{"--api", "graph"}
		return w
	}, "POST /api/OpenApi/GetJobs responds with status 200"},
	{"token of another environment", "token-refused", "operation", 1, at(toOperation, respond(401, "application/json", "{}")), "status 401"},
	{"request refused", "request-refused", "operation", 1, at(toOperation, respond(400, "application/json", `{"message":"no"}`)), "The service says: no"},
	{"throttled", "throttled", "operation", 1, fault(sandbox.Throttled(always, 7*time.Second)), "retry after 7s"},
	{"server error", "server-error", "operation", 1, fault(sandbox.ServerError(always, 502)), "status 502"},
	{"login page", "login-page", "operation", 1, fault(sandbox.LoginPage()), "The response is a web page"},
	{"network requires login", "login-page", "operation", 1, at(toOperation, respond(511, html, "<html>sign in</html>")), "status 511"},
	{"Google Cloud", "not-found", "operation", 1, func(t *testing.T) *world {
		w := fault(sandbox.WrongDataCenter())(t)
		w.proxied(w.secured(0), 0)
		w.args = []string{"--data-center", "gcp-us"}
		return w
	}, "does not list Dynamics 365 backup"},
	{"page that blocks", "missing-permission", "operation", 1, at(toOperation, respond(403, html, "<html>Blocked</html>")), "The response is a web page, so"},
	{"redirect", "redirect", "operation", 1, at(toOperation, http.RedirectHandler("https://login.example/?s=1", http.StatusFound).ServeHTTP), "https://login.example"},
	{"silence of the operation", "no-answer", "operation", 1, func(t *testing.T) *world {
		w := newWorld(t, sandbox.WithFault(sandbox.Latency(time.Hour)))
		w.doctor.timeout = 500 * time.Millisecond
		return w
	}, "No complete response within"},
	{"empty object", "not-jobs", "first page", 1, fault(sandbox.EmptyObject()), "no list of jobs"},
	{"cut off page", "truncated", "first page", 1, at(toOperation, cutOff(100)), "ended after"},
	{"page too large", "too-large", "first page", 1, at(toOperation, cutOff(1<<30)), "exceeds"},
	{"no jobs", "no-jobs", "first page", 0, func(t *testing.T) *world { return newWorld(t, sandbox.WithJobs(0)) }, ""},
}

// TestDiagnoses: each fault gets its diagnosis in both formats, and no secret is shown.
func TestDiagnoses(t *testing.T) {
	for _, tt := range scenarios {
		t.Run(tt.name, func(t *testing.T) {
			code, r, text := tt.world(t).report()
			d := r.Diagnosis
			if tt.exit == 0 && len(r.Warnings) == 1 && d == nil {
				d = &r.Warnings[0]
			}
			if d == nil {
				t.Fatalf("no diagnosis: %s", text)
			}
			if code != tt.exit || r.Healthy != (code == 0) || d.Code != tt.code || d.Step != tt.step {
				t.Errorf("code %d, healthy %t, %s at %s:\n%s", code, r.Healthy, d.Code, d.Step, text)
			}
			if evidence := strings.Join(d.Evidence, "\n"); !strings.Contains(evidence, tt.seen) {
				t.Errorf("%q is not in the evidence:\n%s", tt.seen, evidence)
			}
			if last := r.Steps[len(r.Steps)-1]; (last.Status == failed) != (tt.exit > 0) {
				t.Errorf("the last step is %+v", last)
			}
			checkText(t, text, d)
		})
	}
}

// checkText checks that the text has the same diagnosis, fits 80 columns, and contains no control characters.
func checkText(t *testing.T, text string, d *finding) {
	t.Helper()
	flat := strings.Join(strings.Fields(text), " ")
	for _, want := range append([]string{d.Title, "(" + d.Code + ")", d.Meaning, "Who must act " + d.Side.String()}, d.Next...) {
		if !strings.Contains(flat, want) {
			t.Errorf("%q is not in the text:\n%s", want, text)
		}
	}
	if strings.Contains(flat, "Everything works: ") {
		t.Errorf("the text says that everything works: %s", text)
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' }) {
			t.Errorf("a control character: %q", line)
		}
		if words := strings.Fields(line); utf8.RuneCountInString(line) > 80 && len(words) > 1 {
			t.Errorf("a line of more than 80 columns: %s", line)
		}
	}
}

// TestEveryDiagnosisIsMade: each has a scenario, except those that are only alternatives or made by other commands.
func TestEveryDiagnosisIsMade(t *testing.T) {
	onlyAlike := []string{"wrong-data-center", "unlicensed-product", "certificate-expired", "unknown"}
	known := make(map[string]bool)
	for _, d := range Diagnoses() {
		if known[d.Code] {
			t.Errorf("%s is duplicated", d.Code)
		}
		known[d.Code] = true
		made := slices.ContainsFunc(scenarios, func(i scenario) bool { return i.code == d.Code })
		if made == slices.Contains(onlyAlike, d.Code) {
			t.Errorf("%s: has a scenario: %t", d.Code, made)
		}
		if d.Title == "" || d.Meaning == "" || d.Side.String() == "" || len(d.Next) == 0 {
			t.Errorf("%s is not complete: %+v", d.Code, d)
		}
	}
	for _, d := range Diagnoses() {
		for _, code := range d.Alike {
			if !known[code] {
				t.Errorf("%s looks like %s, which does not exist", d.Code, code)
			}
		}
	}
	for _, i := range scenarios {
		if !known[i.code] {
			t.Errorf("%s: the diagnosis %s does not exist", i.name, i.code)
		}
	}
}

// TestDiagnosesThatLookTheSame: the alternatives are listed, without a replaced operation if that was ruled out.
func TestDiagnosesThatLookTheSame(t *testing.T) {
	_, both, _ := fault(sandbox.WrongDataCenter())(t).report()
	var codes []string
	for _, a := range both.Diagnosis.Alike {
		codes = append(codes, a.Code)
	}
	if diff := cmp.Diff([]string{"wrong-data-center", "missing-permission", "unlicensed-product"}, codes); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	_, unsure, text := newWorld(t).through(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/dynamicsbackup/jobs":
				hangUp(w, r)
			case "/api/OpenApi/GetJobs":
				http.NotFound(w, r)
			default:
				next.ServeHTTP(w, r)
			}
		})
	}).report()
	if got := unsure.Diagnosis.Alike; len(got) != 4 || got[0].Code != "v1-replaced" {
		t.Errorf("got %+v", got)
	}
	if !strings.Contains(text, "These look the same, the most likely first:\n    1. Version v1 is gone") {
		t.Errorf("got %s", text)
	}
}
