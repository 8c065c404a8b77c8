package d365backup

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/d365backup/d365backup/generated"
)

// JobType is what a job does. The values are the vendor's (version v1, BackupRestoreType). A later
// release of the service may send a value that has no constant here: it keeps its number, and Known
// reports false.
type JobType int32

// The types of jobs.
const (
	// JobTypeAll asks for jobs of every type. It is the zero value and does not occur on a job.
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

	// JobTypeUnknown is the type of a job whose type is missing, or is a word that this package does not
	// know, which Job.UnknownType then holds. It cannot be queried.
	JobTypeUnknown JobType = -1
)

// JobStatus is how far a job has come or how it ended. The values are the vendor's (version v1). A
// later release of the service may send a value that has no constant here: it keeps its number, and
// Known reports false.
type JobStatus int32

// The statuses of jobs.
const (
	// JobStatusAny asks for jobs with any status. It is the zero value, is not sent, and does not
	// occur on a job.
	JobStatusAny JobStatus = 0
	// JobStatusInProgress is a job that still runs.
	JobStatusInProgress = JobStatus(generated.JobStatusInProgress)
	// JobStatusFinished is a job that ended well.
	JobStatusFinished = JobStatus(generated.JobStatusFinished)
	// JobStatusFailed is a job that failed.
	JobStatusFailed = JobStatus(generated.JobStatusFailed)
	// JobStatusFinishedWithException is a job that ended, but not with everything well.
	JobStatusFinishedWithException = JobStatus(generated.JobStatusFinishedWithException)

	// JobStatusUnknown is the status of a job whose status is missing, or is a word that this package does
	// not know, which Job.UnknownStatus then holds. It cannot be queried.
	JobStatusUnknown JobStatus = -1
)

var (
	jobTypeNames = map[JobType]string{
		JobTypeAll:         "All",
		JobTypeBackup:      "Backup",
		JobTypeRestore:     "Restore",
		JobTypeDryRun:      "DryRun",
		JobTypeRetention:   "Retention",
		JobTypeAuditBackup: "AuditBackup",
		JobTypeExport:      "Export",
	}
	jobStatusNames = map[JobStatus]string{
		JobStatusAny:                   "Any",
		JobStatusInProgress:            "InProgress",
		JobStatusFinished:              "Finished",
		JobStatusFailed:                "Failed",
		JobStatusFinishedWithException: "FinishedWithException",
	}
	jobTypeValues   = byName(jobTypeNames)
	jobStatusValues = byName(jobStatusNames)
)

// JobTypes returns every type that can be asked for, in the order of their values, JobTypeAll first.
func JobTypes() []JobType { return slices.Sorted(maps.Keys(jobTypeNames)) }

// JobStatuses returns every status that can be asked for, in the order of their values, JobStatusAny
// first.
func JobStatuses() []JobStatus { return slices.Sorted(maps.Keys(jobStatusNames)) }

// ParseJobType returns the type of a name such as "Backup", "dry-run" or "16". Case, spaces, hyphens
// and underscores do not matter. The error lists the names that exist and matches ErrConfig.
func ParseJobType(name string) (JobType, error) {
	t, ok := parseEnum(name, jobTypeValues, jobTypeNames)
	if !ok {
		return JobTypeUnknown, unknownName("job type", name, JobTypes())
	}
	return t, nil
}

// ParseJobStatus returns the status of a name such as "Failed", "in-progress" or "7". Case, spaces,
// hyphens and underscores do not matter. The error lists the names that exist and matches ErrConfig.
func ParseJobStatus(name string) (JobStatus, error) {
	s, ok := parseEnum(name, jobStatusValues, jobStatusNames)
	if !ok {
		return JobStatusUnknown, unknownName("job status", name, JobStatuses())
	}
	return s, nil
}

// String returns the name of the type, "Unknown" for JobTypeUnknown, or the number of a value
// without a name.
func (t JobType) String() string { return enumName(t, jobTypeNames) }

// String returns the name of the status, "Unknown" for JobStatusUnknown, or the number of a value
// without a name.
func (s JobStatus) String() string { return enumName(s, jobStatusNames) }

// Known reports whether the type is one of the contract's, JobTypeAll included: there it is a value.
func (t JobType) Known() bool { return jobTypeNames[t] != "" }

// Known reports whether the status is one of the contract's. JobStatusAny is not: it is not sent.
func (s JobStatus) Known() bool { return s != JobStatusAny && jobStatusNames[s] != "" }

// MarshalText returns what String returns. It never fails.
func (t JobType) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// MarshalText returns what String returns. It never fails.
func (s JobStatus) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText takes what MarshalText returns, and the names that ParseJobType takes. It keeps a
// number without a name. The error matches ErrConfig.
func (t *JobType) UnmarshalText(text []byte) (err error) {
	*t, err = unmarshalEnum(string(text), ParseJobType)
	return err
}

// UnmarshalText takes what MarshalText returns, and the names that ParseJobStatus takes. It keeps a
// number without a name. The error matches ErrConfig.
func (s *JobStatus) UnmarshalText(text []byte) (err error) {
	*s, err = unmarshalEnum(string(text), ParseJobStatus)
	return err
}

const unknownText = "Unknown"

func byName[E ~int32](names map[E]string) map[string]E {
	values := make(map[string]E, len(names))
	for value, name := range names {
		values[foldName(name)] = value
	}
	return values
}

var nameFolder = strings.NewReplacer(" ", "", "-", "", "_", "")

func foldName(name string) string { return strings.ToLower(nameFolder.Replace(name)) }

func parseEnum[E ~int32](name string, values map[string]E, names map[E]string) (E, bool) {
	if value, ok := values[foldName(name)]; ok {
		return value, true
	}
	number, err := strconv.ParseInt(strings.TrimSpace(name), 10, 32)
	_, known := names[E(number)]
	return E(number), err == nil && known
}

func unmarshalEnum[E ~int32](text string, parse func(string) (E, error)) (E, error) {
	if text == unknownText {
		return -1, nil
	}
	if number, err := strconv.ParseInt(text, 10, 32); err == nil {
		return E(number), nil
	}
	return parse(text)
}

func enumName[E ~int32](value E, names map[E]string) string {
	if name, ok := names[value]; ok {
		return name
	}
	if value == -1 {
		return unknownText
	}
	return strconv.Itoa(int(value))
}

func unknownName[E fmt.Stringer](what, name string, known []E) *Error {
	names := make([]string, len(known))
	for i, value := range known {
		names[i] = value.String()
	}
	return configError("%s %q does not exist: use one of %s", what, excerpt(name, 64), strings.Join(names, ", "))
}
