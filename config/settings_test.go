package config

import (
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const configText = `
default: production
profiles:
  production:
    data_center: us
    client_id: id-of-production
    client_secret_file: production.secret
  test:
    base_url: https://test.example
    token_url: https://test.example/token
    client_id: 42
    certificate: ~/test.pfx
    certificate_password_file: /run/test.password
`

func TestSettings(t *testing.T) {
	home := t.TempDir()
	config := filepath.Join(home, ".config", "d365backup", "config.yaml")
	save(t, config, configText, 0o600)
	production := map[string]string{
		"data-center": "us", "client-id": "id-of-production",
		"client-secret-file": filepath.Join(filepath.Dir(config), "production.secret"),
	}
	tests := map[string]struct {
		env, args []string
		want      map[string]string
	}{
		"default profile": {want: production},
		"profile by flag": {args: []string{"--profile", "test"}, want: map[string]string{
			"base-url": "https://test.example", "token-url": "https://test.example/token", "client-id": "42",
			"certificate": filepath.Join(home, "test.pfx"), "certificate-password-file": filepath.FromSlash("/run/test.password"),
		}},
		"profile by environment, flag first": {env: []string{"PROFILE=test"}, args: []string{"--profile", "production"}, want: production},
		"environment over profile":           {env: []string{"CLIENT_ID=env", "SCOPE=s"}, want: with(production, "client-id", "env", "scope", "s")},
		"flags over environment":             {env: []string{"CLIENT_ID=env"}, args: []string{"--client-id", "flag"}, want: with(production, "client-id", "flag")},
		"an empty variable is not set":       {env: []string{"CLIENT_ID="}, want: production},
		"another endpoint replaces the token URL": {env: []string{"PROFILE=test", "DATA_CENTER=de", "CLIENT_SECRET=x"}, want: map[string]string{
			"data-center": "de", "client-id": "42", "client-secret": "x",
		}},
		"a token URL replaces no endpoint": {env: []string{"TOKEN_URL=https://t"}, want: with(production, "token-url", "https://t")},
		"a certificate replaces the secret": {args: []string{"--certificate", "c.pem"}, env: []string{"CLIENT_SECRET=x"}, want: map[string]string{
			"data-center": "us", "client-id": "id-of-production", "certificate": "c.pem",
		}},
		"a password replaces that of the profile": {env: []string{"PROFILE=test", "CERTIFICATE_PASSWORD=p"}, want: map[string]string{
			"base-url": "https://test.example", "token-url": "https://test.example/token", "client-id": "42",
			"certificate": filepath.Join(home, "test.pfx"), "certificate-password": "p",
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := resolve(t, home, tt.env, tt.args...)
			if err != nil {
				t.Fatal(err)
			}
			texts := make(map[string]string)
			for _, s := range settings {
				if v := got.value(s.Name); v.text != "" {
					texts[s.Name] = v.text
				}
			}
			if diff := cmp.Diff(tt.want, texts); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestBritishDataCenter(t *testing.T) {
	home := t.TempDir()
	save(t, filepath.Join(home, ".config", "d365backup", "config.yaml"), "profiles:\n  a: {data_centre: uk}\n", 0o600)
	got, err := resolve(t, home, nil, "--profile", "a")
	if code, origin := got.Get("data-center"); err != nil || code != "uk" || origin != "data_centre of profile a" {
		t.Errorf("got %q from %q, %v", code, origin, err)
	}
}

func TestOrigin(t *testing.T) {
	home := t.TempDir()
	save(t, filepath.Join(home, ".config", "d365backup", "config.yaml"), configText, 0o600)
	got, err := resolve(t, home, []string{"CLIENT_ID=x"}, "--scope", "s")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"data-center": "data_center of profile production", "client-id": "D365BACKUP_CLIENT_ID", "scope": "--scope", "base-url": "",
	} {
		if _, origin := got.Get(name); origin != want {
			t.Errorf("%s: got %q, want %q", name, origin, want)
		}
	}
}

func TestRefused(t *testing.T) {
	tests := map[string]struct{ text, profile, want string }{
		"unknown key":         {"profiles: {}\nprofile: x\n", "", `config.yaml:2: unknown key "profile": use default and profiles`},
		"unknown setting":     {"profiles:\n  a: {datacenter: us}\n", "", `profile a: unknown key "datacenter": use one of data_center, base_url,`},
		"secret":              {"profiles:\n  a: {client_secret: hush}\n", "", "client_secret must not be in this file"},
		"password":            {"profiles:\n  a: {certificate_password: hush}\n", "", "name that with certificate_password_file"},
		"invalid YAML":        {"profiles: [", "", "config.yaml:1: invalid YAML: "},
		"twice":               {"default: a\ndefault: b\n", "", `config.yaml:2: the configuration file: mapping key "default" already defined at line 1`},
		"list":                {"profiles:\n  a: {data_center: [us]}\n", "", "config.yaml:2: profile a: data_center must be a single value"},
		"two spellings":       {"profiles:\n  a: {data_center: us, data_centre: de}\n", "", "both data_center and data_centre are given"},
		"unknown profile":     {"profiles:\n  a: {}\n  b: {}\n", "c", `there is no profile "c" in `},
		"unknown default":     {"default: c\nprofiles:\n  a: {}\n  b: {}\n", "", "use one of a, b"},
		"no profiles":         {"", "c", "has no profiles"},
		"two endpoints":       {"default: a\nprofiles:\n  a: {data_center: us, base_url: https://x}\n", "", "both data_center of profile a and base_url of profile a are given"},
		"certificate, secret": {"default: a\nprofiles:\n  a: {certificate: c, client_secret_file: s}\n", "", "are given: choose one"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			save(t, filepath.Join(home, ".config", "d365backup", "config.yaml"), tt.text, 0o600)
			_, err := resolve(t, home, nil, "--profile", tt.profile)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hush") {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestConfigPath(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Setenv("APPDATA", "") // this tests only the XDG places
	}
	home := filepath.Join(t.TempDir(), "h")
	other := filepath.Join(home, "x")
	for name, tt := range map[string]struct {
		env  []string
		want string
	}{
		"home":     {[]string{"HOME=" + home}, filepath.Join(home, ".config", "d365backup", "config.yaml")},
		"XDG":      {[]string{"HOME=" + home, "XDG_CONFIG_HOME=" + other}, filepath.Join(other, "d365backup", "config.yaml")},
		"relative": {[]string{"HOME=" + home, "XDG_CONFIG_HOME=x"}, filepath.Join(home, ".config", "d365backup", "config.yaml")},
		"none":     {nil, ""},
	} {
		if got := configPath(getenvOf(tt.env)); got != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}

// resolve loads settings with a home directory, variables without their prefix, and flags with their values.
func resolve(t *testing.T, home string, env []string, args ...string) (Profile, error) {
	t.Helper()
	all := []string{"HOME=" + home, "APPDATA=" + filepath.Join(home, ".config")}
	for _, v := range env {
		all = append(all, "D365BACKUP_"+v)
	}
	return Load(sourceOf(getenvOf(all), args...))
}

// sourceOf returns the source of an environment and flags with their values.
func sourceOf(getenv func(string) string, args ...string) Source {
	source := Source{Getenv: getenv, Flags: make(map[string]string)}
	for i := 0; i < len(args); i += 2 {
		if args[i] == "--profile" {
			source.Profile = args[i+1]
			continue
		}
		source.Flags[strings.TrimPrefix(args[i], "--")] = args[i+1]
	}
	return source
}

func getenvOf(env []string) func(string) string {
	return func(name string) string {
		for _, entry := range env {
			if value, ok := strings.CutPrefix(entry, name+"="); ok {
				return value
			}
		}
		return ""
	}
}

func save(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // the umask would take bits away
		t.Fatal(err)
	}
}

func with(m map[string]string, pairs ...string) map[string]string {
	out := maps.Clone(m)
	for i := 0; i < len(pairs); i += 2 {
		out[pairs[i]] = pairs[i+1]
	}
	return out
}

// fileOf returns a source with a configuration file of this text, and flags.
func fileOf(t *testing.T, text string, args ...string) Source {
	t.Helper()
	home := t.TempDir()
	save(t, filepath.Join(home, ".config", "d365backup", "config.yaml"), text, 0o600)
	return sourceOf(getenvOf([]string{"HOME=" + home, "APPDATA=" + filepath.Join(home, ".config")}), args...)
}
