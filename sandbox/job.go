package sandbox

import (
	"encoding/json"
	"strings"
	"time"
)

// Job is one job of the history. The fields have the names and numbers of the schema Job in openapi.yaml.
//
// Of a job in progress, the sandbox sends only Module, Type, JobID, StartTime, Status and the organization.
// Strings, FinishTime and DurationHours are never sent if they are zero.
type Job struct {
	// Module is the part of Dynamics 365 that the job worked on, such as "Customer Engagement".
	Module string `json:"module,omitzero"`
	// Type is 1 for a backup, 2 restore, 4 dry run, 8 retention, 16 audit backup, 32 export.
	Type int `json:"type"`
	// JobID identifies the job for [Server.Put] and [Server.Delete].
	JobID string `json:"jobId"`
	// StartTime is when the job started.
	StartTime time.Time `json:"startTime"`
	// FinishTime is when the job ended.
	FinishTime time.Time `json:"finishTime,omitzero"`
	// DurationHours is how long the job took, in hours.
	DurationHours float64 `json:"durationHours,omitzero"`
	// Status is 2 for a job in progress, 3 finished, 4 failed, 7 finished with exception.
	Status int `json:"status"`

	// The counts of entities, such as accounts or contacts.
	SuccessfulEntity int64 `json:"successfulEntity"`
	FailedEntity     int64 `json:"failedEntity"`
	SkippedEntity    int64 `json:"skippedEntity"`
	WarningEntity    int64 `json:"warningEntity"`
	TotalEntity      int64 `json:"totalEntity"`

	// The counts of records.
	SuccessfulRecord int64 `json:"successfulRecord"`
	FailedRecord     int64 `json:"failedRecord"`
	SkippedRecord    int64 `json:"skippedRecord"`
	WarningRecord    int64 `json:"warningRecord"`
	TotalRecord      int64 `json:"totalRecord"`

	// BackupSize is the size of the backup in bytes.
	BackupSize int64 `json:"backupSize"`
	// OrganizationID is the GUID of the organization that the job belongs to.
	OrganizationID string `json:"organizationId,omitzero"`
	// OrganizationName is the name of that organization.
	OrganizationName string `json:"organizationName,omitzero"`
}

// The types and statuses of the contract.
const (
	backup      = 1
	restore     = 2
	dryRun      = 4
	retention   = 8
	auditBackup = 16
	export      = 32

	inProgress            = 2
	finished              = 3
	failed                = 4
	finishedWithException = 7
)

// MarshalJSON writes the job as the sandbox sends it.
func (j Job) MarshalJSON() ([]byte, error) {
	if j.Status != inProgress {
		type ended Job // without this method
		return json.Marshal(ended(j))
	}
	return json.Marshal(struct {
		Module           string    `json:"module,omitzero"`
		Type             int       `json:"type"`
		JobID            string    `json:"jobId"`
		StartTime        time.Time `json:"startTime"`
		Status           int       `json:"status"`
		OrganizationID   string    `json:"organizationId,omitzero"`
		OrganizationName string    `json:"organizationName,omitzero"`
	}{j.Module, j.Type, j.JobID, j.StartTime, j.Status, j.OrganizationID, j.OrganizationName})
}

// Filter selects jobs. A zero field matches every job, and so does the zero Filter.
type Filter struct {
	// Type and Status are numbers as in [Job].
	Type, Status int
	// Start and End select jobs that started at Start or later, and before End.
	Start, End time.Time
	// OrganizationID is a GUID; the case of its letters does not matter.
	OrganizationID string
}

func (f *Filter) matches(job *Job) bool {
	return (f.Type == 0 || f.Type == job.Type) &&
		(f.Status == 0 || f.Status == job.Status) &&
		(f.Start.IsZero() || !job.StartTime.Before(f.Start)) &&
		(f.End.IsZero() || job.StartTime.Before(f.End)) &&
		(f.OrganizationID == "" || strings.EqualFold(f.OrganizationID, job.OrganizationID))
}
