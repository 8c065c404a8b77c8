package d365backup

import "time"

// Job is one job, as the service reports it. The fields have the contract's names and the JSON keys
// of the contract; JobType and JobStatus marshal as words. Numbers that the service leaves out are 0,
// strings are empty and times are zero. A count that is no whole number in range is rounded or becomes the
// nearest limit, and WithDriftHandler hears of it.
//
// What the fields mean is documented by the vendor's later pages. Version v1 documents no answer.
type Job struct {
	// Module is the part of Dynamics 365 that the job worked on, such as "Customer Engagement".
	Module string `json:"module"`
	// Type is what the job does. A number unknown to this package is kept; JobTypeUnknown stands for a
	// word that is, and where it is missing.
	Type JobType `json:"type"`
	// JobID names the job, such as "DCIB2026110103000012345601". The vendor's own sample shows one
	// id on several jobs of a page, so it is not proven to be unique.
	JobID string `json:"jobId"`
	// StartTime is when the job started, in UTC, to the nanosecond; a time without a zone is taken as UTC.
	StartTime time.Time `json:"startTime,omitzero"`
	// FinishTime is when the job ended, in UTC. Zero while it is in progress.
	FinishTime time.Time `json:"finishTime,omitzero"`
	// DurationHours is how long the job took, in hours. It means nothing while the job is in progress.
	DurationHours float64 `json:"durationHours"`
	// Status is how far the job has come or how it ended. A number unknown to this package is kept;
	// JobStatusUnknown stands for a word that is, and where it is missing.
	Status JobStatus `json:"status"`

	// SuccessfulEntity counts the entities processed without a fault.
	SuccessfulEntity int64 `json:"successfulEntity"`
	// FailedEntity counts the entities that failed.
	FailedEntity int64 `json:"failedEntity"`
	// SkippedEntity counts the entities left out.
	SkippedEntity int64 `json:"skippedEntity"`
	// WarningEntity counts the entities processed with a warning.
	WarningEntity int64 `json:"warningEntity"`
	// TotalEntity counts all entities of the job.
	TotalEntity int64 `json:"totalEntity"`

	// SuccessfulRecord counts the records processed without a fault.
	SuccessfulRecord int64 `json:"successfulRecord"`
	// FailedRecord counts the records that failed.
	FailedRecord int64 `json:"failedRecord"`
	// SkippedRecord counts the records left out.
	SkippedRecord int64 `json:"skippedRecord"`
	// WarningRecord counts the records processed with a warning.
	WarningRecord int64 `json:"warningRecord"`
	// TotalRecord counts all records of the job.
	TotalRecord int64 `json:"totalRecord"`

	// BackupSize is the size of the backup in bytes; 0 for other jobs, and where it is missing.
	BackupSize int64 `json:"backupSize"`
	// OrganizationID is the organization that the job worked for: a GUID, but kept as the service
	// sent it, for the vendor's own sample has one that is malformed.
	OrganizationID string `json:"organizationId"`
	// OrganizationName is the name of that organization.
	OrganizationName string `json:"organizationName"`
}

// Page is one page of jobs with what the service says about all of them.
type Page struct {
	// Jobs are the jobs of this page, in the service's order, which is not documented.
	Jobs []Job
	// TotalCount is how many jobs match over all pages; -1 where the answer does not say.
	TotalCount int64
	// Number is the page's number, counted from 1, as asked for.
	Number int
	// Size is the number of jobs asked for on a page.
	Size int
}
