package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/d365backup/d365backup/health"
	"github.com/d365backup/d365backup/internal/auth/authtest"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

const threeProfiles = `
default: b
profiles:
  c: {data_center: us, client_id: id-of-c, client_secret_file: missing.secret, expect: [Sales]}
  a: {data_center: us, max_age: 7d}
  b: {data_center: us, base_url: https://b.example, max_age: 1d}
`

func TestSelection(t *testing.T) {
	for name, tt := range map[string]struct {
		text, profile string
		env           []string
		want          []string
		fault         string
	}{
		"one":                 {threeProfiles, "a", nil, []string{"a"}, ""},
		"default":             {threeProfiles, "", nil, []string{"b"}, ""},
		"environment":         {threeProfiles, "", []string{"PROFILE=c,a"}, []string{"c", "a"}, ""},
		"flag first":          {threeProfiles, "a", []string{"PROFILE=all"}, []string{"a"}, ""},
		"some, with spaces":   {threeProfiles, "a, c", nil, []string{"a", "c"}, ""},
		"all":                 {threeProfiles, "all", nil, []string{"c", "a", "b"}, ""},
		"none":                {"profiles: {a: {}}", "", nil, []string{""}, ""},
		"unknown":             {threeProfiles, "d", nil, nil, "config.yaml: use one of a, b, c"},
		"one of them unknown": {threeProfiles, "a,d", nil, nil, `there is no profile "d" in `},
		"twice":               {threeProfiles, "a,c,a", nil, nil, `profile "a" is selected twice`},
		"empty name":          {threeProfiles, "a,", nil, nil, `"a," has an empty name`},
		"all and one":         {threeProfiles, "all,a", nil, nil, `there is no profile "all"`},
		"all of none":         {"profiles: {}", "all", nil, nil, "there are no profiles: "},
		"many":                {"profiles: {" + manyProfiles(30) + "}", "d", nil, nil, "p19, … (30 in all)"},
		"connection, several": {threeProfiles, "all", []string{"CLIENT_ID=x"}, nil, "several profiles are selected (all), and D365BACKUP_CLIENT_ID would apply to each"},
		"connection, one":     {threeProfiles, "a", []string{"CLIENT_ID=x"}, []string{"a"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			source := fileOf(t, tt.text, "--profile", tt.profile)
			source.Getenv = withEnv(source.Getenv, tt.env...)
			profiles, err := LoadAll(source)
			var names []string
			for _, p := range profiles {
				names = append(names, p.Name)
			}
			if !slices.Equal(names, tt.want) || (err == nil) != (tt.fault == "") || err != nil && !strings.Contains(err.Error(), tt.fault) {
				t.Errorf("got %q, %v, want %q, %s", names, err, tt.want, tt.fault)
			}
			if err != nil && !errors.Is(err, d365backup.ErrConfig) {
				t.Errorf("%v is no ErrConfig", err)
			}
			if errors.Is(err, ErrNoProfiles) != (name == "all of none") {
				t.Errorf("%v is ErrNoProfiles", err)
			}
		})
	}
}

func manyProfiles(n int) string {
	var names strings.Builder
	for i := range n {
		fmt.Fprintf(&names, "p%02d: {}, ", i)
	}
	return names.String()
}

// TestNoFile: without a file or a home directory there are no profiles, and all is not the environment.
func TestNoFile(t *testing.T) {
	for home, want := range map[string]string{"": "without HOME", t.TempDir(): "config.yaml has no profiles or does not exist"} {
		getenv := getenvOf([]string{"HOME=" + home, "D365BACKUP_DATA_CENTER=us"})
		if _, err := LoadAll(Source{Getenv: withEnv(getenv, "DATA_CENTER="), Profile: All}); !errors.Is(err, ErrNoProfiles) || !strings.Contains(err.Error(), want) {
			t.Errorf("all: %v", err)
		}
		if _, err := LoadAll(Source{Getenv: getenv, Profile: "a"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("one: %v", err)
		}
		profiles, err := LoadAll(Source{Getenv: getenv})
		if err != nil || len(profiles) != 1 || profiles[0].Name != "" || profiles[0].value("data-center").text != "us" {
			t.Errorf("none: %v, %v", profiles, err)
		}
	}
}

func TestLoadSelectsOne(t *testing.T) {
	for _, profile := range []string{"a,c", "all"} {
		_, err := Load(fileOf(t, threeProfiles, "--profile", profile))
		if err == nil || !strings.Contains(err.Error(), `"`+profile+`" selects several profiles: select one`) {
			t.Errorf("%s: %v", profile, err)
		}
	}
	p, err := Load(fileOf(t, threeProfiles, "--profile", "c"))
	if diff := cmp.Diff(health.Policy{Expected: []health.Target{{Organization: "Sales"}}}, p.Policy); err != nil || p.Name != "c" || diff != "" {
		t.Errorf("got %+v, %v", p, err)
	}
}

// TestProfilesFailAlone: what is wrong with one profile is an error of its client, and none of the others'.
func TestProfilesFailAlone(t *testing.T) {
	text := threeProfiles + "  d: {data_center: us, client_id: x, client_secret_file: d.secret}\n  e: {}\n  f: {data_center: mars, client_id: x, client_secret_file: d.secret}\n" +
		"  g: {base_url: https://g.example, client_id: x, client_secret_file: d.secret}\n"
	source := fileOf(t, text, "--profile", "all")
	folder := filepath.Dir(configPath(source.Getenv))
	save(t, filepath.Join(folder, "d.secret"), "hush", 0o600)
	profiles, err := LoadAll(source)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "config.yaml")
	want := map[string]string{
		"c": file + ":4: client_secret_file of profile c: open " + filepath.Join(folder, "missing.secret") + ": ",
		"a": file + ":5: profile a: no client id: set client_id; " + file + ":5: profile a: no client secret: set client_secret_file, or certificate",
		"b": file + ":6: both data_center of profile b and base_url of profile b are given: choose one",
		"d": "",
		"e": file + ":8: profile e: no data center: set data_center; ",
		"f": file + `:9: data_center of profile f: data center "mars" does not exist: `,
		"g": file + ":10: profile g: no token URL: set token_url",
	}
	for _, p := range profiles {
		client, err := p.Client()
		if want := want[p.Name]; (client == nil) == (want == "") || (err == nil) != (want == "") || err != nil && !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", p.Name, err, want)
		}
		if err != nil && !errors.Is(err, d365backup.ErrConfig) {
			t.Errorf("%v is no ErrConfig", err)
		}
	}
}

// TestPackageComment: the configuration file in the package comment is valid.
func TestPackageComment(t *testing.T) {
	source, err := os.ReadFile("config.go")
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, match := range regexp.MustCompile(`(?m)^//\t(.*)$`).FindAllStringSubmatch(string(source), -1) {
		text.WriteString(match[1] + "\n")
	}
	p, err := Load(fileOf(t, text.String(), "--profile", "production"))
	if err != nil || len(p.Policy.Expected) != 2 || len(p.Policy.Overrides) != 2 || len(p.Labels) != 1 || p.secretExpires.IsZero() {
		t.Errorf("got %+v, %v, from\n%s", p, err, text.String())
	}
}

// TestMessages: a library does not mention flags; a command does.
func TestMessages(t *testing.T) {
	getenv := getenvOf([]string{"HOME=" + t.TempDir(), "D365BACKUP_DATA_CENTER=mars"})
	for _, tt := range []struct {
		source Source
		want   string
	}{
		{Source{Getenv: getenvOf(nil)}, "no data center: set D365BACKUP_DATA_CENTER, or data_center in a profile; " +
			"no client id: set D365BACKUP_CLIENT_ID, or client_id in a profile; " +
			"no client secret: set D365BACKUP_CLIENT_SECRET_FILE, or client_secret_file in a profile, " +
			"or the secret itself in D365BACKUP_CLIENT_SECRET, or a certificate in D365BACKUP_CERTIFICATE"},
		{Source{Getenv: getenvOf(nil), Flags: map[string]string{"client-id": "x"}},
			"no data center: set --data-center, D365BACKUP_DATA_CENTER, or data_center in a profile; --sandbox needs none; no client secret: set --client-secret-file, "},
		{Source{Getenv: getenv}, `D365BACKUP_DATA_CENTER: data center "mars" does not exist`},
		{Source{Getenv: getenv, Flags: map[string]string{"data-center": "venus"}}, `--data-center: data center "venus" does not exist`},
	} {
		p, err := Load(tt.source)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = p.Client(); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("got %v, want %s", err, tt.want)
		}
		if tt.source.Flags == nil && strings.Contains(err.Error(), "--") {
			t.Errorf("a flag in %v", err)
		}
	}
	if _, err := Load(Source{Getenv: getenv, Flags: map[string]string{"expect": "x"}}); err == nil || err.Error() != `there is no setting "expect"` {
		t.Errorf("unknown setting: %v", err)
	}
	p, err := Load(Source{Getenv: getenvOf([]string{"D365BACKUP_CLIENT_SECRET_FILE=missing"})})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Client(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a cause is lost among others: %v", err)
	}
	if _, err := (Profile{}).Client(); err == nil || !errors.Is(err, d365backup.ErrConfig) {
		t.Errorf("the zero value: %v", err)
	}
}

// TestZeroSource reads the environment of the process.
func TestZeroSource(t *testing.T) {
	home := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", home)
	t.Setenv("D365BACKUP_CLIENT_ID", "id-of-process")
	save(t, filepath.Join(home, "d365backup", "config.yaml"), "default: x\nprofiles: {x: {scope: s}}", 0o600)
	p, err := Load(Source{})
	if id, origin := p.Get("client-id"); err != nil || p.Name != "x" || id != "id-of-process" || origin != "D365BACKUP_CLIENT_ID" {
		t.Errorf("got %q from %q, %v", id, origin, err)
	}
}

// TestSecretsAreNotShown: no way to print a profile shows a secret, and Get does not return it.
func TestSecretsAreNotShown(t *testing.T) {
	p, err := Load(Source{Getenv: getenvOf([]string{"D365BACKUP_CLIENT_SECRET=hush", "D365BACKUP_CERTIFICATE_PASSWORD=hush"})})
	if err != nil {
		t.Fatal(err)
	}
	asJSON, err := json.Marshal(p)
	secret, origin := p.Get("client-secret")
	if all := fmt.Sprintf("%v %+v %#v %s %s %v", p, p, &p, asJSON, secret, err); strings.Contains(all, "hush") || strings.Contains(all, fmt.Sprintf("%x", "hush")) {
		t.Errorf("the secret is in %s", all)
	}
	if p.value("client-secret").text != "hush" || origin != "D365BACKUP_CLIENT_SECRET" {
		t.Errorf("the secret of %q is lost", origin)
	}
}

func TestCredentialExpiry(t *testing.T) {
	source := fileOf(t, `
profiles:
  stated: {client_secret_file: s, client_secret_expires: 2027-01-31}
  date: {client_secret_expires: "2027-01-31"}
  certificate: {certificate: c.pem}
  unknown: {client_secret_file: s}
`)
	stated := time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)
	certificate := authtest.Issue(t, authtest.Key())
	save(t, filepath.Join(filepath.Dir(configPath(source.Getenv)), "c.pem"), string(authtest.PEM(t, authtest.Key(), certificate)), 0o600)
	for _, tt := range []struct {
		profile string
		env     []string
		want    time.Time
	}{
		{"stated", nil, stated},
		{"stated", []string{"CLIENT_SECRET=x"}, time.Time{}}, // another secret
		{"date", nil, stated},
		{"date", []string{"CLIENT_SECRET=x"}, stated},
		{"certificate", nil, certificate.NotAfter},
		{"unknown", nil, time.Time{}},
	} {
		source := Source{Getenv: withEnv(source.Getenv, tt.env...), Profile: tt.profile}
		p, err := Load(source)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := p.CredentialExpiry(); err != nil || !got.Equal(tt.want) {
			t.Errorf("%s %v: got %s, %v, want %s", tt.profile, tt.env, got, err, tt.want)
		}
	}
	p, err := Load(Source{Getenv: getenvOf([]string{"D365BACKUP_CERTIFICATE=missing.pem"})})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.CredentialExpiry(); !errors.Is(err, d365backup.ErrConfig) || !strings.Contains(err.Error(), "D365BACKUP_CERTIFICATE: open missing.pem") {
		t.Errorf("a missing file: %v", err)
	}
}

// withEnv adds variables, without their prefix, to an environment.
func withEnv(getenv func(string) string, env ...string) func(string) string {
	return func(name string) string {
		for _, entry := range env {
			if value, ok := strings.CutPrefix("D365BACKUP_"+entry, name+"="); ok {
				return value
			}
		}
		return getenv(name)
	}
}

// TestOptionsHavePriority: options given to Client replace settings.
func TestOptionsHavePriority(t *testing.T) {
	p, err := Load(Source{Getenv: getenvOf(nil), Flags: map[string]string{
		"base-url": "https://a.example", "token-url": "https://a.example/token", "client-id": "x", "client-secret": "hush",
	}})
	if err != nil {
		t.Fatal(err)
	}
	for want, options := range map[string][]d365backup.Option{"https://a.example": nil, "https://b.example": {d365backup.WithBaseURL("https://b.example")}} {
		client, err := p.Client(options...)
		if err != nil || client.BaseURL() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
