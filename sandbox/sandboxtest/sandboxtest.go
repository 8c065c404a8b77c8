// Package sandboxtest gives a test a sandbox of the service and a client that is connected to it.
//
//	client, service := sandboxtest.New(t, sandboxtest.WithHistory(
//		d365backup.Job{JobID: "1", Type: d365backup.JobTypeBackup, Status: d365backup.JobStatusFailed, StartTime: start},
//	))
//
// Histories are described with the client's own Job. The sandbox sends every field of a job, except that it sends only some
// of a job in progress; see [sandbox.Job]. The type and the status must be of the contract: the sandbox replaces a response
// that violates it by status 500, and the test fails when the sandbox is closed.
package sandboxtest

import (
	"testing"
	"time"

	"github.com/d365backup/d365backup/sandbox"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// New starts a sandbox and returns a client that is connected to it. Without options, the sandbox has a generated history. It
// is closed when the test ends. An invalid option, and a response that violates the contract, fail the test. The client pauses
// for milliseconds before it tries again, so that faults do not slow the test; only a Retry-After is as long as it says.
func New(tb testing.TB, options ...sandbox.Option) (*d365backup.Client, *sandbox.Server) {
	tb.Helper()
	server, err := sandbox.Start(options...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := server.Close(); err != nil {
			tb.Error(err)
		}
	})
	retry := d365backup.WithRetry(d365backup.RetryPolicy{BaseDelay: time.Millisecond})
	client, err := d365backup.New(append(Options(server), retry)...)
	if err != nil {
		tb.Fatal(err)
	}
	return client, server
}

// Options returns the options that connect a client to a sandbox, for a test that needs another client than that of [New].
func Options(server *sandbox.Server) []d365backup.Option {
	return []d365backup.Option{
		d365backup.WithBaseURL(server.URL()),
		d365backup.WithTokenURL(server.TokenURL()),
		d365backup.WithLoopbackHTTP(),
		d365backup.WithClientSecret(server.ClientID(), server.ClientSecret()),
	}
}

// WithHistory makes these jobs the history of a sandbox, instead of the generated one. Without jobs it is empty.
func WithHistory(jobs ...d365backup.Job) sandbox.Option { return sandbox.WithHistory(convert(jobs)...) }

// Put adds jobs to the history of a sandbox and replaces those with the same JobID, as [sandbox.Server.Put] does.
func Put(server *sandbox.Server, jobs ...d365backup.Job) { server.Put(convert(jobs)...) }

func convert(jobs []d365backup.Job) []sandbox.Job {
	converted := make([]sandbox.Job, len(jobs))
	for i, j := range jobs {
		converted[i] = sandbox.Job{
			Module: j.Module, Type: int(j.Type), JobID: j.JobID, Status: int(j.Status),
			StartTime: j.StartTime, FinishTime: j.FinishTime, DurationHours: j.DurationHours,
			SuccessfulEntity: j.SuccessfulEntity, FailedEntity: j.FailedEntity, SkippedEntity: j.SkippedEntity,
			WarningEntity: j.WarningEntity, TotalEntity: j.TotalEntity,
			SuccessfulRecord: j.SuccessfulRecord, FailedRecord: j.FailedRecord, SkippedRecord: j.SkippedRecord,
			WarningRecord: j.WarningRecord, TotalRecord: j.TotalRecord,
			BackupSize: j.BackupSize, OrganizationID: j.OrganizationID, OrganizationName: j.OrganizationName,
		}
	}
	return converted
}
