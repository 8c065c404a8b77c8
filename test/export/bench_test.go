package export

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/d365backup/d365backup/generated"
	"github.com/d365backup/d365backup/internal/bench"
)

// BenchmarkExport exports a million jobs in pages of 100 to a file, in the first run of an incremental export and without one.
// For comparison, the generated client decodes the same pages one by one, and writes nothing. Each is a process of its own.
func BenchmarkExport(b *testing.B) {
	const jobs = 1_000_000
	service := bench.Serve(b, bench.NewList(jobs, 100), nil)
	folder := b.TempDir()
	for name, mode := range map[string]struct {
		env  string
		args []string
	}{
		"incremental": {"EXPORT_TEST_RUN=1", []string{"jobs", "--since", "90d", "-o", "ndjson", "--since-last", filepath.Join(folder, "state.json")}},
		"plain":       {"EXPORT_TEST_RUN=1", []string{"jobs", "--since", "90d", "-o", "ndjson"}},
		"generated":   {"EXPORT_TEST_GENERATED=" + service.URL, nil},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				_ = os.Remove(filepath.Join(folder, "state.json"))
				output, err := os.Create(filepath.Join(folder, "jobs.ndjson"))
				if err != nil {
					b.Fatal(err)
				}
				cmd := exec.CommandContext(b.Context(), os.Args[0], mode.args...)
				cmd.Stdout, cmd.Stderr = output, os.Stderr
				cmd.Env = append(os.Environ(), mode.env, "HOME="+folder, "D365BACKUP_BASE_URL="+service.URL,
					"D365BACKUP_TOKEN_URL="+service.URL+bench.TokenPath, "D365BACKUP_CLIENT_ID=app", "D365BACKUP_CLIENT_SECRET=secret")
				started := time.Now()
				if err := cmd.Run(); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(jobs/time.Since(started).Seconds(), "jobs/s")
				b.ReportMetric(float64(cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)/1024, "MiB")
				b.ReportMetric((cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), "cpu-s")
				_ = output.Close()
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// readGenerated reads all pages with the generated client.
func readGenerated(url string) error {
	client, err := generated.NewClientWithResponses(url)
	if err != nil {
		return err
	}
	for number, left := int32(1), 1; left > 0; number++ {
		resp, err := client.GetJobsWithResponse(context.Background(), generated.JobFilterModel{PageInfo: generated.PageModel{CurrentPage: &number}})
		if err != nil {
			return err
		}
		if resp.JSON200 == nil {
			return fmt.Errorf("page %d: %s", number, resp.Status())
		}
		left = len(resp.JSON200.Jobs)
	}
	return nil
}
