//go:build interop

package prometheus

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/d365backup/d365backup/sandbox"
)

// tenants are sandboxes, and a configuration file with a profile for each of them.
type tenants struct {
	services map[string]*sandbox.Server // by name of the profile
	home     string                     // XDG_CONFIG_HOME
}

const organizationID = "69cb1ecc-f8e8-439b-8077-a4b7fd45e87f"

// backup returns a job that started so long ago.
func backup(status int, ago time.Duration) sandbox.Job {
	started := time.Now().Add(-ago).UTC().Truncate(time.Second)
	return sandbox.Job{
		Module: "Customer Engagement", Type: 1, JobID: fmt.Sprintf("DCIB%s%02d", started.Format("20060102150405"), status), Status: status,
		StartTime: started, FinishTime: started.Add(30 * time.Minute), DurationHours: 0.5, BackupSize: 1 << 20,
		SuccessfulEntity: 1, TotalEntity: 1, SuccessfulRecord: 10, TotalRecord: 10,
		OrganizationID: organizationID, OrganizationName: "Sales",
	}
}

// The statuses of a job.
const (
	finished = 3
	failed   = 4
)

// startTenants starts n sandboxes. The last backup of each was successful.
func startTenants(t *testing.T, n int) *tenants {
	t.Helper()
	all := &tenants{services: make(map[string]*sandbox.Server), home: t.TempDir()}
	folder := filepath.Join(all.home, "d365backup")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	config := "profiles:\n"
	for i := range n {
		service, err := sandbox.Start(sandbox.WithJobs(0))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := service.Close(); err != nil {
				t.Errorf("the sandbox: %v", err)
			}
		})
		service.Put(backup(finished, 2*time.Hour))
		name := fmt.Sprintf("tenant-%02d", i)
		all.services[name] = service
		config += fmt.Sprintf("  %s: {base_url: %q, token_url: %q, client_id: %q, client_secret_file: secret, client_secret_expires: 2999-12-31, labels: {customer: %q}}\n",
			name, service.URL(), service.TokenURL(), service.ClientID(), "Customer "+name)
		write(t, filepath.Join(folder, "secret"), service.ClientSecret()) // the same for all
	}
	write(t, filepath.Join(folder, "config.yaml"), config)
	return all
}

// exporter starts an exporter of all profiles.
func (a *tenants) exporter(t *testing.T) *program {
	t.Helper()
	command := exec.Command(exporterProgram, "exporter", "--web.listen-address=127.0.0.1:0")
	command.Env = []string{"XDG_CONFIG_HOME=" + a.home}
	return start(t, command)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
