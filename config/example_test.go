package config_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/d365backup/d365backup/config"
	"github.com/d365backup/d365backup/health"
	"github.com/d365backup/d365backup/sandbox"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// A service reads a profile, connects to its tenant, here a sandbox, and assesses its backups.
func Example() {
	present := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	srv, err := sandbox.Start(sandbox.WithAnchor(present))
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	folder := writeConfiguration(srv, "")
	defer os.RemoveAll(folder)

	profile, err := config.Load(config.Source{Getenv: func(name string) string {
		return map[string]string{"XDG_CONFIG_HOME": folder}[name] // most programs leave out Getenv and use their environment
	}})
	if err != nil {
		log.Fatal(err)
	}
	client, err := profile.Client()
	if err != nil {
		log.Fatal(err)
	}
	policy := profile.Policy
	policy.Start, policy.Now = present.Add(-health.DefaultLookBack), present
	jobs := client.Jobs(context.Background(), d365backup.Query{Start: policy.Start, End: policy.Now})
	summary, err := health.Assess(jobs, policy)
	if err != nil {
		log.Fatal(err)
	}
	for _, organization := range summary.Organizations {
		if organization.Expected {
			fmt.Println(profile.Labels["customer"], organization.Name, organization.State)
		}
	}
	// Output:
	// Contoso Larkfield Training warning
}

// writeConfiguration writes a configuration file for the sandbox and other profiles, and returns its folder.
func writeConfiguration(srv *sandbox.Server, others string) string {
	folder, err := os.MkdirTemp("", "config")
	if err != nil {
		log.Fatal(err)
	}
	text := fmt.Sprintf(`
default: production
profiles:
  production:
    base_url: %s
    token_url: %s
    client_id: %s
    client_secret_file: production.secret
    expect: [Larkfield Training]
    max_age: 7d
    labels: {customer: Contoso}
%s`, srv.URL(), srv.TokenURL(), srv.ClientID(), others)
	for name, text := range map[string]string{"config.yaml": text, "production.secret": srv.ClientSecret()} {
		path := filepath.Join(folder, "d365backup", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			log.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			log.Fatal(err)
		}
	}
	return folder
}

// A profile that is invalid stops no other.
func ExampleLoadAll() {
	srv, err := sandbox.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	folder := writeConfiguration(srv, "  test: {data_center: mars}")
	defer os.RemoveAll(folder)

	profiles, err := config.LoadAll(config.Source{Profile: config.All, Getenv: func(name string) string {
		return map[string]string{"XDG_CONFIG_HOME": folder}[name]
	}})
	if err != nil {
		log.Fatal(err) // the file as a whole
	}
	for _, profile := range profiles {
		_, err := profile.Client()
		fmt.Println(profile.Name, err == nil)
	}
	// Output:
	// production true
	// test false
}

func connect() (*d365backup.Client, error) {
	profile, err := config.Load(config.Source{Profile: "production"})
	if err != nil {
		return nil, err
	}
	client, err := profile.Client()
	return client, err
}

var _ = connect // quoted by the guide
