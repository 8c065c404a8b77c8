package command_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/d365backup/d365backup/internal/command"
	"github.com/d365backup/d365backup/sandbox"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// result is what a run of the command left behind.
type result struct {
	code           int
	stdout, stderr string
}

func run(t *testing.T, env []string, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := command.Run(t.Context(), args, env, strings.NewReader(""), &stdout, &stderr)
	return result{code, stdout.String(), stderr.String()}
}

// serve starts a sandbox and returns the environment that points the command at it.
func serve(t *testing.T, options ...sandbox.Option) (*sandbox.Server, []string) {
	t.Helper()
	server, err := sandbox.Start(options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Errorf("the sandbox: %v", err)
		}
	})
	return server, []string{
		"D365BACKUP_BASE_URL=" + server.URL(),
		"D365BACKUP_TOKEN_URL=" + server.TokenURL(),
		"D365BACKUP_CLIENT_ID=" + server.ClientID(),
		"D365BACKUP_CLIENT_SECRET=" + server.ClientSecret(),
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

var day = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

const (
	sales   = "69cb1ecc-f8e8-439b-8077-a4b7fd45e87f"
	service = "2f8a6d10-94c3-4b7b-8d52-6e0f3c1a7b95"
)

// newJob returns a job that started this long after the start of the day.
func newJob(id string, after time.Duration, t, s int, organization, name string) sandbox.Job {
	return sandbox.Job{
		Module: "Customer Engagement", JobID: id, Type: t, Status: s, StartTime: day.Add(after),
		OrganizationID: organization, OrganizationName: name,
	}
}

func ended(j sandbox.Job, hours float64, size, records, failed int64) sandbox.Job {
	j.FinishTime = j.StartTime.Add(time.Duration(hours * float64(time.Hour)))
	j.DurationHours, j.BackupSize = hours, size
	j.TotalRecord, j.FailedRecord, j.SuccessfulRecord = records, failed, records-failed
	return j
}

// fewJobs are jobs whose names try to break each format.
func fewJobs() []sandbox.Job {
	return []sandbox.Job{
		ended(newJob("DCIB2026110103000012345601", 3*time.Hour+123456700*time.Nanosecond, 1, 3, sales, "Contoso Sales"), 0.5, 734003200, 48012, 0),
		ended(newJob("DCIB2026110104000012345602", 4*time.Hour, 1, 4, service, `Service, "North" <b>`), 26.25, 5<<40, 1234567, 1200),
		ended(newJob("DCAB2026110105000012345603", 5*time.Hour, 16, 7, sales, "営業部 \x1b[31mred\u202e"), 0.0125, 1023, 999, 1),
		newJob("DCRS2026110106000012345604", 6*time.Hour, 2, 2, service, "=1+1"),
	}
}

var dayFlags = []string{"--start", "2026-11-01", "--end", "2026-11-02", "--utc"}
