package docs

import (
	"context"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/d365backup/d365backup/internal/auth/authtest"
	"github.com/d365backup/d365backup/internal/cli"
	"github.com/d365backup/d365backup/sandbox"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"d365backup": func() {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		code := cli.Run(ctx, os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr)
		stop()
		os.Exit(code)
	}})
}

// TestScripts runs testdata/*.txtar, which have the commands that the documents show.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			goEnv, err := exec.CommandContext(t.Context(), "go", "env", "GOPATH", "GOCACHE", "GOMODCACHE").Output()
			if err != nil {
				return err
			}
			paths := strings.Split(string(goEnv), "\n") // their defaults depend on HOME
			env.Vars = append(env.Vars, "HOME="+env.WorkDir, "REPOSITORY="+root, "GOPATH="+paths[0], "GOCACHE="+paths[1], "GOMODCACHE="+paths[2])
			setDocEnv(t, env)
			return nil
		},
	})
}

// setDocEnv gives a script what a reader of the documents has: files, and an account, here of a sandbox.
func setDocEnv(t *testing.T, env *testscript.Env) {
	t.Helper()
	key := authtest.Key()
	certificate := authtest.Issue(t, key)
	service, err := sandbox.Start(sandbox.WithCertificate(certificate))
	if err != nil {
		t.Fatal(err)
	}
	env.Defer(func() {
		if err := service.Close(); err != nil {
			t.Error(err)
		}
	})
	env.Vars = append(env.Vars, "BASE_URL="+service.URL(), "TOKEN_URL="+service.TokenURL(), "CLIENT_ID="+service.ClientID())
	const password = "password of the certificate"
	pfx, err := pkcs12.Modern.Encode(key, certificate, nil, password)
	if err != nil {
		t.Fatal(err)
	}
	keyPEM, bothPEM := authtest.PEM(t, key), authtest.PEM(t, key, certificate)
	for name, content := range map[string]string{
		"app.pfx": string(pfx), "app.password": password, "secret": service.ClientSecret(),
		"app.key": string(keyPEM), "app.crt": string(bothPEM[len(keyPEM):]),
	} {
		if err := os.WriteFile(filepath.Join(env.WorkDir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
