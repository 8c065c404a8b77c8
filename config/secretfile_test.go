package config

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestReadSecret(t *testing.T) {
	for name, tt := range map[string]struct{ text, want, fault string }{
		"plain":     {"hush", "hush", ""},
		"line":      {"hush\n", "hush", ""},
		"Windows":   {"\ufeffhush\r\n", "hush", ""},
		"spaces":    {" hu sh \n", " hu sh ", ""},
		"empty":     {"", "", "is empty"},
		"line feed": {"\r\n", "", "is empty"},
		"two lines": {"hush\nhush", "", "is not one line of plain text"},
		"UTF-16":    {"\xff\xfeh\x00u\x00", "", "is not one line of plain text: save it as UTF-8"},
		"escape":    {"hu\x1bsh", "", "is not one line"},
		"too long":  {strings.Repeat("h", maxSecret+1), "", "is too long"},
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
	for _, s := range append([]Setting{{Name: "profile"}}, settings...) {
		name := strings.TrimPrefix(s.Variable(), "D365BACKUP_")
		home := t.TempDir()
		save(t, filepath.Join(home, ".config", "d365backup", "config.yaml"), "profiles:\n  hush: {}\n", 0o600)
		for _, end := range []string{"", "\n", "\r\n", "\r", "\n\n"} {
			got, err := resolve(t, home, []string{name + "=hush" + end})
			if text := got.value(s.Name).text; err != nil || text != "hush" && s.Name != "profile" {
				t.Errorf("%s with %q at its end: got %q, %v", name, end, text, err)
			}
		}
		for _, bad := range []string{"hu\nsh", "hu\rsh", "hush\x1b", "\x00hush", "\thush", "hu\u0085sh", "hush\xff"} {
			_, err := resolve(t, home, []string{name + "=" + bad})
			if err == nil || !strings.Contains(err.Error(), s.Variable()+" is not one line") || strings.Contains(err.Error(), "sh\"") {
				t.Errorf("%s=%q: %v", name, bad, err)
			}
			if s.Secret && strings.Contains(err.Error(), "hu") {
				t.Errorf("the secret is shown: %v", err)
			}
		}
	}
}
