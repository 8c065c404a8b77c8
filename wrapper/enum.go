package d365backup

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/d365backup/d365backup/generated"
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

// JobStatus is how far a job has come or how it ended. The values are those of version v1. A value without a constant,
// which a later release of the service may send, keeps its number; Known then reports false.
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

var jobTypes = newEnum("job type", map[JobType]string{
	JobTypeAll:         "All",
	JobTypeBackup:      "Backup",
	JobTypeRestore:     "Restore",
	JobTypeDryRun:      "DryRun",
	JobTypeRetention:   "Retention",
	JobTypeAuditBackup: "AuditBackup",
	JobTypeExport:      "Export",
})

var jobStatuses = newEnum("job status", map[JobStatus]string{
	JobStatusAny:                   "Any",
	JobStatusInProgress:            "InProgress",
	JobStatusFinished:              "Finished",
	JobStatusFailed:                "Failed",
	JobStatusFinishedWithException: "FinishedWithException",
})

// JobTypes returns every type that can be queried, ordered by value, JobTypeAll first.
func JobTypes() []JobType { return jobTypes.values() }

// JobStatuses returns every status that can be queried, ordered by value, JobStatusAny first.
func JobStatuses() []JobStatus { return jobStatuses.values() }

// ParseJobType returns the type with a name such as "Backup" or "dry-run", or a number such as "16". Case, spaces, hyphens
// and underscores do not matter. The error lists the valid names and matches ErrConfig.
func ParseJobType(name string) (JobType, error) { return jobTypes.parse(name) }

// ParseJobStatus returns the status with a name such as "Failed" or "in-progress", or a number such as "7". Case, spaces,
// hyphens and underscores do not matter. The error lists the valid names and matches ErrConfig.
func ParseJobStatus(name string) (JobStatus, error) { return jobStatuses.parse(name) }

// String returns the name of the type, "Unknown" for JobTypeUnknown, or the number of a value without a name.
func (t JobType) String() string { return jobTypes.name(t) }

// String returns the name of the status, "Unknown" for JobStatusUnknown, or the number of a value without a name.
func (s JobStatus) String() string { return jobStatuses.name(s) }

// Known reports whether the type is in the contract. JobTypeAll is.
func (t JobType) Known() bool { return jobTypes.names[t] != "" }

// Known reports whether the status is in the contract. JobStatusAny is not.
func (s JobStatus) Known() bool { return s != JobStatusAny && jobStatuses.names[s] != "" }

// MarshalText returns what String returns. It never fails.
func (t JobType) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// MarshalText returns what String returns. It never fails.
func (s JobStatus) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText accepts what MarshalText returns, and what ParseJobType accepts. It keeps a number without a name. The
// error matches ErrConfig.
func (t *JobType) UnmarshalText(text []byte) (err error) {
	*t, err = jobTypes.unmarshal(string(text))
	return err
}

// UnmarshalText accepts what MarshalText returns, and what ParseJobStatus accepts. It keeps a number without a name. The
// error matches ErrConfig.
func (s *JobStatus) UnmarshalText(text []byte) (err error) {
	*s, err = jobStatuses.unmarshal(string(text))
	return err
}

const unknownText = "Unknown"

// enum holds the names of an enumeration, whose value -1 means unknown.
type enum[E ~int32] struct {
	what   string // in errors
	names  map[E]string
	byName map[string]E // by the form of foldName
}

func newEnum[E ~int32](what string, names map[E]string) enum[E] {
	e := enum[E]{what, names, make(map[string]E)}
	for value, name := range names {
		e.byName[foldName(name)] = value
	}
	return e
}

var nameFolder = strings.NewReplacer(" ", "", "-", "", "_", "")

func foldName(name string) string { return strings.ToLower(nameFolder.Replace(name)) }

func (e enum[E]) values() []E { return slices.Sorted(maps.Keys(e.names)) }

func (e enum[E]) name(value E) string {
	if name, ok := e.names[value]; ok {
		return name
	}
	if value == -1 {
		return unknownText
	}
	return strconv.Itoa(int(value))
}

func (e enum[E]) parse(name string) (E, error) {
	if value, ok := e.byName[foldName(name)]; ok {
		return value, nil
	}
	number, err := strconv.ParseInt(strings.TrimSpace(name), 10, 32)
	if _, ok := e.names[E(number)]; ok && err == nil {
		return E(number), nil
	}
	return -1, e.invalid(name)
}

func (e enum[E]) unmarshal(text string) (E, error) {
	if text == unknownText {
		return -1, nil
	}
	if number, err := strconv.ParseInt(text, 10, 32); err == nil {
		return E(number), nil
	}
	return e.parse(text)
}

// invalid returns the error for a name that does not exist.
func (e enum[E]) invalid(name string) *Error {
	var names []string
	for _, value := range e.values() {
		names = append(names, e.name(value))
	}
	return configError("%s %q does not exist: use one of %s", e.what, excerpt(name, 64), strings.Join(names, ", "))
}
