package cmdutil

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// TestNoSecretIsAFlag: flags are visible in the list of processes, so none of them takes a secret.
func TestNoSecretIsAFlag(t *testing.T) {
	var connection Connection
	cmd := &cobra.Command{Use: "test"}
	connection.AddFlags(cmd)
	secrets := map[string]bool{}
	for _, s := range settings {
		secrets[s.name] = s.secret
	}
	for _, name := range []string{"client-secret", "certificate-password"} {
		if !secrets[name] {
			t.Errorf("%s is not marked as a secret", name)
		}
	}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if secrets[f.Name] {
			t.Errorf("--%s takes a secret", f.Name)
		}
	})
}

func TestReadSecret(t *testing.T) {
	for name, tt := range map[string]struct{ text, want, fault string }{
		"plain":          {"hush", "hush", ""},
		"line":           {"hush\n", "hush", ""},
		"Windows":        {"\ufeffhush\r\n", "hush", ""},
		"spaces":   {" hu sh \n", " hu sh ", ""},
		"empty":          {"", "", "is empty"},
		"line feed":      {"\r\n", "", "is empty"},
		"two lines":      {"hush\nhush", "", "is not one line of plain text"},
		"UTF-16":         {"\xff\xfeh\x00u\x00", "", "is not one line of plain text: save it as UTF-8"},
		"escape":         {"hu\x1bsh", "", "is not one line"},
		"too long": {strings.Repeat("h", maxSecret+1), "", "is too long"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "secret")
			save(t, path, tt.text, 0o600)
			got, err := secretFiles{}.line(path)
			if got != tt.want || (err == nil) != (tt.fault == "") {
				t.Errorf("got %q, %v", got, err)
			}
			if err != nil && (!strings.Contains(err.Error(), tt.fault) || strings.Contains(err.Error(), "hush")) {
				t.Errorf("got %v, want %s", err, tt.fault)
			}
		})
	}
}

// TestVariablesAreCleaned: a variable is read like a file, with any line ends.
func TestVariablesAreCleaned(t *testing.T) {
	for _, s := range append([]setting{{name: "profile"}}, settings...) {
		name := strings.TrimPrefix(s.variable(), "D365BACKUP_")
		home := t.TempDir()
		save(t, filepath.Join(home, ".config", "d365backup", "config.yaml"), "profiles:\n  hush: {}\n", 0o600)
		for _, end := range []string{"", "\n", "\r\n", "\r", "\n\n"} {
			got, err := resolve(t, home, []string{name + "=hush" + end})
			if text := got.Get(s.name); err != nil || text != "hush" && s.name != "profile" {
				t.Errorf("%s with %q at its end: got %q, %v", name, end, text, err)
			}
		}
		for _, bad := range []string{"hu\nsh", "hu\rsh", "hush\x1b", "\x00hush", "\thush", "hu\u0085sh", "hush\xff"} {
			_, err := resolve(t, home, []string{name + "=" + bad})
			code, text := NewApp(nil, nil, nil, nil).ExitCode(t.Context(), err)
			if code != ExitUsage || !strings.Contains(text, s.variable()+" is not one line") || strings.Contains(text, "sh\"") {
				t.Errorf("%s=%q: code %d, %s", name, bad, code, text)
			}
			if s.secret && strings.Contains(text, "hu") {
				t.Errorf("the secret is shown: %s", text)
			}
		}
	}
}
