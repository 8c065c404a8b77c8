package sandboxtest_test

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/d365backup/d365backup/generated"
	"github.com/d365backup/d365backup/sandbox/sandboxtest"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

var start = time.Date(2026, 11, 2, 3, 0, 0, 0, time.UTC)

func read(t *testing.T, client *d365backup.Client) (jobs []d365backup.Job) {
	t.Helper()
	for job, err := range client.Jobs(t.Context(), d365backup.Query{Start: start.AddDate(-1, 0, 0)}) {
		if err != nil {
			t.Fatal(err)
		}
		jobs = append(jobs, job)
	}
	return jobs
}

// TestEveryField: a client reads the jobs that the test has described, with every field.
func TestEveryField(t *testing.T) {
	defer goleak.VerifyNone(t)
	t.Run("jobs", func(t *testing.T) {
		first := d365backup.Job{StartTime: start, FinishTime: start.Add(time.Hour), Type: d365backup.JobTypeExport, Status: d365backup.JobStatusFailed}
		for field, value := range reflect.ValueOf(&first).Elem().Fields() {
			switch {
			case strings.HasPrefix(field.Name, "Unknown"), !value.IsZero():
			case field.Type.Kind() == reflect.String:
				value.SetString("69cb1ecc-f8e8-439b-8077-a4b7fd45e87f")
			case field.Type.Kind() == reflect.Int64:
				value.SetInt(int64(field.Offset))
			case field.Type.Kind() == reflect.Float64:
				value.SetFloat(1)
			default:
				t.Errorf("cannot set %s", field.Name)
			}
		}
		client, service := sandboxtest.New(t, sandboxtest.WithHistory(first))
		if diff := cmp.Diff([]d365backup.Job{first}, read(t, client)); diff != "" {
			t.Errorf("(-want +got): read and write each field in sandbox/sandboxtest/sandboxtest.go:\n%s", diff)
		}
		first.Status = d365backup.JobStatusFinished
		second := d365backup.Job{JobID: "2", Type: d365backup.JobTypeBackup, Status: d365backup.JobStatusInProgress, StartTime: start.Add(time.Minute)}
		sandboxtest.Put(service, first, second)
		if diff := cmp.Diff([]d365backup.Job{second, first}, read(t, client)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		empty, _ := sandboxtest.New(t, sandboxtest.WithHistory())
		if jobs := read(t, empty); len(jobs) > 0 {
			t.Errorf("an empty history has %d jobs", len(jobs))
		}
	})
}

// recorder is a test that notes that it has failed.
type recorder struct {
	testing.TB
	cleanup func()
	failed  bool
}

func (r *recorder) Helper()                  {}
func (r *recorder) Context() context.Context { return context.Background() }
func (r *recorder) Cleanup(f func())         { r.cleanup = f }
func (r *recorder) Error(...any)             { r.failed = true }
func (r *recorder) end()                     { r.cleanup() }

// TestViolation: a history that violates the contract fails the test.
func TestViolation(t *testing.T) {
	for kind, fails := range map[d365backup.JobType]bool{d365backup.JobTypeBackup: false, 1 << 30: true} {
		r := new(recorder)
		client, _ := sandboxtest.New(r, sandboxtest.WithHistory(d365backup.Job{Type: kind, Status: d365backup.JobStatusFailed, StartTime: start}))
		request, err := client.Raw().GetJobs(t.Context(), generated.JobFilterModel{}) // without retries
		if err != nil {
			t.Fatal(err)
		}
		request.Body.Close()
		if r.end(); r.failed != fails {
			t.Errorf("type %d: the test has failed: %v, want %v", kind, r.failed, fails)
		}
	}
}
