package d365backup

import (
	"database/sql/driver"

	"github.com/d365backup/d365backup/generated"
	"github.com/d365backup/d365backup/internal/enum"
)

// JobType is what a job does. The values are those of version v1, BackupRestoreType. A value without a constant, which a
// later release of the service may send, keeps its number; Known then reports false.
type JobType int32

// The types of jobs.
const (
	// JobTypeAll selects jobs of every type. It is the zero value, and no job has it.
	JobTypeAll = JobType(generated.BackupRestoreTypeAll)
	// JobTypeBackup is a backup.
	JobTypeBackup = JobType(generated.BackupRestoreTypeBackup)
	// JobTypeRestore is a restore.
	JobTypeRestore = JobType(generated.BackupRestoreTypeRestore)
	// JobTypeDryRun is a dry run.
	JobTypeDryRun = JobType(generated.BackupRestoreTypeDryRun)
	// JobTypeRetention is a run of the retention rules.
	JobTypeRetention = JobType(generated.BackupRestoreTypeRetention)
	// JobTypeAuditBackup is a backup of audit records.
	JobTypeAuditBackup = JobType(generated.BackupRestoreTypeAuditBackup)
	// JobTypeExport is an export. Version v1 lists it in its table only; later pages keep it.
	JobTypeExport = JobType(generated.BackupRestoreTypeExport)

	// JobTypeUnknown is the type of a job whose type is missing, or is a word that this package does not know; then
	// Job.UnknownType holds the word. It cannot be queried.
	JobTypeUnknown JobType = -1
)

// JobStatus is how far a job has come or how it ended. The values are those of version v1; others are kept, as for JobType.
type JobStatus int32

// The statuses of jobs.
const (
	// JobStatusAny selects jobs with any status. It is the zero value, is not sent, and no job has it.
	JobStatusAny JobStatus = 0
	// JobStatusInProgress is a job that is still running.
	JobStatusInProgress = JobStatus(generated.JobStatusInProgress)
	// JobStatusFinished is a job that succeeded.
	JobStatusFinished = JobStatus(generated.JobStatusFinished)
	// JobStatusFailed is a job that failed.
	JobStatusFailed = JobStatus(generated.JobStatusFailed)
	// JobStatusFinishedWithException is a job that ended with problems.
	JobStatusFinishedWithException = JobStatus(generated.JobStatusFinishedWithException)

	// JobStatusUnknown is the status of a job whose status is missing, or is a word that this package does not know; then
	// Job.UnknownStatus holds the word. It cannot be queried.
	JobStatusUnknown JobStatus = -1
)

var jobTypes = enum.New("job type", map[JobType]string{
	JobTypeAll:         "All",
	JobTypeBackup:      "Backup",
	JobTypeRestore:     "Restore",
	JobTypeDryRun:      "DryRun",
	JobTypeRetention:   "Retention",
	JobTypeAuditBackup: "AuditBackup",
	JobTypeExport:      "Export",
})

var jobStatuses = enum.New("job status", map[JobStatus]string{
	JobStatusAny:                   "Any",
	JobStatusInProgress:            "InProgress",
	JobStatusFinished:              "Finished",
	JobStatusFailed:                "Failed",
	JobStatusFinishedWithException: "FinishedWithException",
})

// JobTypes returns every type that can be queried, ordered by value, JobTypeAll first.
func JobTypes() []JobType { return jobTypes.Values() }

// JobStatuses returns every status that can be queried, ordered by value, JobStatusAny first.
func JobStatuses() []JobStatus { return jobStatuses.Values() }

// ParseJobType returns the type with a name such as "Backup" or "dry-run", or a number such as "16". Case, spaces, hyphens
// and underscores do not matter. The error lists the valid names and matches ErrConfig.
func ParseJobType(name string) (JobType, error) { return checked(jobTypes.Parse(name)) }

// ParseJobStatus does the same for a status, such as "Failed", "in-progress" or "7".
func ParseJobStatus(name string) (JobStatus, error) { return checked(jobStatuses.Parse(name)) }

// String returns the name of the type, "Unknown" for JobTypeUnknown, or the number of a value without a name.
func (t JobType) String() string { return jobTypes.Name(t) }

// String returns the name of the status, "Unknown" for JobStatusUnknown, or the number of a value without a name.
func (s JobStatus) String() string { return jobStatuses.Name(s) }

// Known reports whether the type is in the contract. JobTypeAll is.
func (t JobType) Known() bool { return jobTypes.Has(t) }

// Known reports whether the status is in the contract. JobStatusAny is not.
func (s JobStatus) Known() bool { return s != JobStatusAny && jobStatuses.Has(s) }

// MarshalText returns what String returns. It never fails.
func (t JobType) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// MarshalText returns what String returns. It never fails.
func (s JobStatus) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText accepts what MarshalText returns, what ParseJobType accepts, and any number. The error matches ErrConfig.
func (t *JobType) UnmarshalText(text []byte) (err error) {
	*t, err = checked(jobTypes.Unmarshal(string(text)))
	return err
}

// UnmarshalText accepts what MarshalText returns, what ParseJobStatus accepts, and any number. The error matches ErrConfig.
func (s *JobStatus) UnmarshalText(text []byte) (err error) {
	*s, err = checked(jobStatuses.Unmarshal(string(text)))
	return err
}

// Scan reads a column with what Value writes, or with numbers, for database/sql. Other text becomes JobTypeUnknown, as it does in a
// response: to keep a word that this package does not know, write Job.TypeText. NULL and other types of columns are ErrConfig; for
// NULL, scan into sql.Null.
func (t *JobType) Scan(column any) (err error) {
	*t, err = checked(jobTypes.Scan(column))
	return err
}

// Scan does the same as JobType.Scan for a status, with Job.StatusText.
func (s *JobStatus) Scan(column any) (err error) {
	*s, err = checked(jobStatuses.Scan(column))
	return err
}

// Value returns what String returns, so that a database shows words. It never fails.
func (t JobType) Value() (driver.Value, error) { return t.String(), nil }

// Value returns what String returns, so that a database shows words. It never fails.
func (s JobStatus) Value() (driver.Value, error) { return s.String(), nil }

// checked makes an error of package enum one that matches ErrConfig.
func checked[E any](value E, err error) (E, error) {
	if err != nil {
		return value, configError("%v", err)
	}
	return value, nil
}
