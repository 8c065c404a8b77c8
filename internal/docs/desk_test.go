package docs

import (
	"bytes"
	"context"
	"crypto/x509"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"github.com/d365backup/d365backup/internal/credential/credentialtest"
	"github.com/d365backup/d365backup/sandbox"
)

// desk is where a reader of a document sits: a home, a folder with files that the document speaks of, and
// a sandbox in the place of the reader's account.
type desk struct {
	service   *sandbox.Server
	dir, home string
	// configured says that the document has shown a configuration file, so that the environment need
	// not lead to the service.
	configured bool
}

const certificatePassword = "password of the certificate"

func newDesk(t *testing.T) *desk {
	t.Helper()
	leaf := credentialtest.Issue(t, credentialtest.Key())
	service, err := sandbox.Start(sandbox.WithCertificate(leaf))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := service.Close(); err != nil {
			t.Errorf("the sandbox: %v", err)
		}
	})
	d := &desk{service: service, dir: t.TempDir(), home: t.TempDir()}
	d.lay(t, leaf)
	return d
}

// lay puts the files on the desk.
func (d *desk) lay(t *testing.T, leaf *x509.Certificate) {
	t.Helper()
	pfx, err := pkcs12.Modern.Encode(credentialtest.Key(), leaf, nil, certificatePassword)
	if err != nil {
		t.Fatal(err)
	}
	pem := string(credentialtest.PEM(t, credentialtest.Key(), leaf))
	key, certificate, _ := strings.Cut(pem, "-----BEGIN CERTIFICATE-----")
	for path, content := range map[string]string{
		filepath.Join(d.dir, "app.pfx"):      string(pfx),
		filepath.Join(d.dir, "app.password"): certificatePassword + "\n",
		filepath.Join(d.dir, "app.key"):      key,
		filepath.Join(d.dir, "app.crt"):      "-----BEGIN CERTIFICATE-----" + certificate,
		filepath.Join(d.dir, "company.pem"):  "-----BEGIN CERTIFICATE-----" + certificate,
		filepath.Join(d.dir, "body.json"):    file(t, "api/samples/getJobs/request/valid/all-types.json"),
		filepath.Join(d.dir, "page.json"):    file(t, "api/samples/getJobs/200/valid/page.json"),
		filepath.Join(d.dir, "refusal.json"): file(t, "api/samples/getJobs/400/valid/envelope.json"),
		filepath.Join(d.home, "secret"):      d.service.ClientSecret() + "\n",
		filepath.Join(d.dir, "go.mod"):       "module example.com/program\n\ngo 1.26.0\n",
		filepath.Join(d.dir, "go.sum"):       file(t, "go.sum"), // or the checksum database is asked
		filepath.Join(d.dir, "main.go"): "package main\n\nimport d365backup \"github.com/d365backup/d365backup/wrapper\"\n\n" +
			"func main() { _, _ = d365backup.New() }\n",
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// file returns what a file of the repository holds.
func file(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// account puts the sandbox and its secret in the place of what only a customer of the vendor has. Nothing
// else of a document is changed.
func (d *desk) account(text string) string {
	secret := filepath.Join(d.home, "secret")
	return strings.NewReplacer(
		`d365backup.WithDataCenter("us")`, `d365backup.WithBaseURL("`+d.service.URL()+`"), d365backup.WithTokenURL("`+
			d.service.TokenURL()+`"), d365backup.WithLoopbackHTTP()`,
		"--data-center us", "--base-url "+d.service.URL()+" --token-url "+d.service.TokenURL(),
		"D365BACKUP_DATA_CENTER=us", "D365BACKUP_BASE_URL="+d.service.URL()+" D365BACKUP_TOKEN_URL="+d.service.TokenURL(),
		"data_center: us", "base_url: "+d.service.URL()+"\n    token_url: "+d.service.TokenURL(),
		"D365BACKUP_CLIENT_ID=…", "D365BACKUP_CLIENT_ID="+d.service.ClientID(),
		"client_id: …", "client_id: "+d.service.ClientID(),
		"D365BACKUP_CLIENT_SECRET_FILE=…", "D365BACKUP_CLIENT_SECRET_FILE="+secret,
	).Replace(text)
}

// environment is that of the reader's programs.
func (d *desk) environment(t *testing.T) []string {
	t.Helper()
	env := []string{
		"PATH=" + filepath.Dir(built(t)) + string(os.PathListSeparator) + os.Getenv("PATH"),
		"HOME=" + d.home, "APPDATA=" + filepath.Join(d.home, ".config"),
	}
	for _, name := range []string{"TMPDIR", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "GOPROXY", "GOSUMDB", "GOFLAGS", "GOTOOLCHAIN"} {
		if value, found := os.LookupEnv(name); found {
			env = append(env, name+"="+value)
		}
	}
	env = append(env, goEnv(t)...) // which would move with HOME
	if !d.configured {
		env = append(env,
			"D365BACKUP_BASE_URL="+d.service.URL(), "D365BACKUP_TOKEN_URL="+d.service.TokenURL(),
			"D365BACKUP_CLIENT_ID="+d.service.ClientID(), "D365BACKUP_CLIENT_SECRET_FILE="+filepath.Join(d.home, "secret"))
	}
	return env
}

// goEnv returns where the go command keeps things.
func goEnv(t *testing.T) (env []string) {
	t.Helper()
	names := []string{"GOENV", "GOPATH", "GOCACHE", "GOMODCACHE"}
	for i, value := range strings.Split(strings.TrimSpace(goCommand(t, append([]string{"env"}, names...)...)), "\n") {
		env = append(env, names[i]+"="+value)
	}
	return env
}

// built returns the path of the command's binary, made once for all documents.
func built(t *testing.T) string {
	t.Helper()
	build.Do(func() {
		build.dir, build.err = os.MkdirTemp("", "d365backup-docs-") //nolint:usetesting // it outlives the test that asks first
		if build.err == nil {
			goCommand(t, "build", "-o", build.dir, "./cmd/d365backup")
		}
	})
	if build.err != nil {
		t.Fatal(build.err)
	}
	return filepath.Join(build.dir, "d365backup")
}

var build struct {
	sync.Once
	dir string
	err error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if build.dir != "" {
		_ = os.RemoveAll(build.dir)
	}
	os.Exit(code)
}

// patience bounds each program that is run.
const patience = 5 * time.Minute

// goCommand runs the go command in the root of the repository.
func goCommand(t *testing.T, args ...string) (stdout string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = root
	return output(t, cmd)
}

func output(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s%s", strings.Join(cmd.Args, " "), err, out.String(), errs.String())
	}
	return out.String()
}
