package d365backup_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"github.com/d365backup/d365backup/internal/auth/authtest"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

const pfxPassword = "canary-password"

// certificateFile writes a PFX with the password pfxPassword and returns its path.
func certificateFile(t *testing.T) string {
	t.Helper()
	key := authtest.Key()
	data, err := pkcs12.Modern2023.Encode(key, authtest.Issue(t, key), nil, pfxPassword)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "app.pfx")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoadCertificate(t *testing.T) {
	path := certificateFile(t)
	loaded, err := d365backup.LoadCertificate(path, pfxPassword)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := d365backup.ParseCertificate(data, pfxPassword)
	if err != nil {
		t.Fatal(err)
	}
	if loaded.Thumbprint() != parsed.Thumbprint() || len(loaded.Thumbprint()) != 40 {
		t.Errorf("thumbprints %q and %q", loaded.Thumbprint(), parsed.Thumbprint())
	}
	if left := time.Until(loaded.NotAfter()); left <= 0 || left > time.Hour {
		t.Errorf("expires in %v, want an hour", left)
	}
}

func TestLoadCertificateRefuses(t *testing.T) {
	directory := t.TempDir()
	huge := filepath.Join(directory, "huge.pem")
	if err := os.WriteFile(huge, make([]byte, 1<<20+1), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, path, password, want string }{
		{"no file", filepath.Join(directory, "absent.pfx"), "", "no such file"},
		{"a directory", directory, "", "is a directory"},
		{"too large", huge, "", "more than 1 MiB"},
		{"wrong password", certificateFile(t), pfxPassword + "?", "the password is wrong"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := d365backup.LoadCertificate(test.path, test.password)
			failure, ok := errors.AsType[*d365backup.Error](err)
			if !ok || got != nil || !errors.Is(err, d365backup.ErrConfig) {
				t.Fatalf("LoadCertificate = %v, %v; want an *Error that is ErrConfig", got, err)
			}
			if !strings.Contains(failure.Message, test.want) || !strings.Contains(failure.Message, test.path) {
				t.Errorf("message %q lacks %q or the path", failure.Message, test.want)
			}
			if text := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(text, pfxPassword) {
				t.Errorf("the error repeats the password: %s", text)
			}
		})
	}
}

func TestCertificateShowsItsThumbprint(t *testing.T) {
	certificate, err := d365backup.LoadCertificate(certificateFile(t), pfxPassword)
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("certificate %s, expires %s", certificate.Thumbprint(), certificate.NotAfter().UTC().Format(time.RFC3339))
	for _, value := range []any{certificate, *certificate} {
		texts := map[string]string{}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			texts[verb] = fmt.Sprintf(verb, value)
		}
		var encoded string
		text, err := json.Marshal(value)
		if err == nil {
			err = json.Unmarshal(text, &encoded)
		}
		if err != nil {
			t.Fatal(err)
		}
		texts["JSON"] = encoded
		for way, text := range texts {
			if text != want {
				t.Errorf("%s of %T makes %q, want %q", way, value, text, want)
			}
		}
		var logged bytes.Buffer
		slog.New(slog.NewTextHandler(&logged, nil)).Info("record", "certificate", value)
		if !strings.Contains(logged.String(), want) {
			t.Errorf("slog of %T makes %s", value, &logged)
		}
	}
}

func TestZeroCertificate(t *testing.T) {
	var zero d365backup.Certificate
	if got, want := fmt.Sprint(zero), "no certificate"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if zero.Thumbprint() != "" || !zero.NotAfter().IsZero() {
		t.Errorf("thumbprint %q, expires %v", zero.Thumbprint(), zero.NotAfter())
	}
}
