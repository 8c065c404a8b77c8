package d365backup

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/d365backup/d365backup/internal/jsonscan"
)

// Job is one job, as the service reports it. The fields have the contract's names. Numbers that the service
// leaves out are 0, strings are empty and times are zero. A count that is not a whole number in range is
// rounded or becomes the nearest limit, and is reported to WithDriftHandler.
//
// What the fields mean is documented by the vendor's later pages. Version v1 documents no response body.
//
// A Job marshals to JSON under the contract's keys, with words for its type and status. That is this
// package's format, not the service's, which sends numbers. UnmarshalJSON reads both.
type Job struct {
	// Module is the part of Dynamics 365 that the job worked on, such as "Customer Engagement".
	Module string `json:"module"`
	// Type is what the job does. A number unknown to this package is kept. JobTypeUnknown stands for a
	// missing type, and for one that UnknownType holds.
	Type JobType `json:"type"`
	// UnknownType is the type as the service sent it if JobType cannot hold it, such as "Migration". Empty
	// for every other job.
	UnknownType string `json:"-"`
	// JobID names the job, such as "DCIB2026110103000012345601". The vendor's own sample shows one
	// id on several jobs of a page, so it is not proven to be unique.
	JobID string `json:"jobId"`
	// StartTime is when the job started, in UTC, to the nanosecond; a time without a zone is taken as UTC.
	StartTime time.Time `json:"startTime,omitzero"`
	// FinishTime is when the job ended, in UTC. Zero while it is in progress.
	FinishTime time.Time `json:"finishTime,omitzero"`
	// DurationHours is how long the job took, in hours. It means nothing while the job is in progress.
	DurationHours float64 `json:"durationHours"`
	// Status is how far the job has come or how it ended. A number unknown to this package is kept.
	// JobStatusUnknown stands for a missing status, and for one that UnknownStatus holds.
	Status JobStatus `json:"status"`
	// UnknownStatus is the status as the service sent it if JobStatus cannot hold it, such as
	// "Partially Failed". Empty for every other job.
	UnknownStatus string `json:"-"`

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

// TypeText returns the name of the type, or what the service sent if this package does not know it.
func (j Job) TypeText() string { return textOf(j.Type, j.UnknownType) }

// StatusText returns the name of the status, or what the service sent if this package does not know it.
func (j Job) StatusText() string { return textOf(j.Status, j.UnknownStatus) }

func textOf(value fmt.Stringer, unknown string) string {
	if unknown != "" {
		return unknown
	}
	return value.String()
}

// MarshalJSON writes the type and the status as TypeText and StatusText return them.
func (j Job) MarshalJSON() ([]byte, error) {
	type fields Job
	if j.UnknownType == "" && j.UnknownStatus == "" {
		return json.Marshal(fields(j))
	}
	return json.Marshal(struct {
		Type   string `json:"type"`
		Status string `json:"status"`
		fields
	}{j.TypeText(), j.StatusText(), fields(j)})
}

// UnmarshalJSON reads a stored job: one of a response of the service, or one that MarshalJSON wrote. It
// replaces all fields. Type and status may be numbers or words, and values unknown to this package are kept.
// A value that does not fit its field is an error that matches ErrNotJobs, because nothing could report it
// as drift: a fraction for a count, say, a time that is not RFC 3339, or a field that is there twice.
func (j *Job) UnmarshalJSON(data []byte) error {
	d := decoder{Scanner: jsonscan.New(data), strict: true}
	switch d.Peek() {
	case 'n':
		return nil // null, which by convention changes nothing
	case '{':
	default:
		return notJobs("invalid job: %s is not an object", excerpt(string(data), maxDriftText))
	}
	err := d.run(func() error { return d.readJob(&object{table: jobFields}) })
	if err == nil {
		*j = d.job
	}
	return err
}

// Page is one page of jobs with what the service says about all of them. It marshals to JSON under the
// contract's keys, with the jobs as Job has them. UnmarshalJSON reads that, and a response of the service.
type Page struct {
	// Jobs are the jobs of this page, in the service's order, which is not documented.
	Jobs []Job
	// TotalCount is how many jobs match over all pages; -1 if the service does not say.
	TotalCount int64
	// Number is the page's number, counted from 1: as requested, or as a stored page states it, 0 if it
	// does not.
	Number int
	// Size is the number of jobs requested on a page; 0 if a stored page does not state it.
	Size int
}

// pageJSON has the contract's keys.
type pageJSON struct {
	TotalCount *int64 `json:"totalCount,omitempty"`
	PageIndex  int    `json:"pageIndex,omitzero"`
	PageSize   int    `json:"pageSize,omitzero"`
	Jobs       []Job  `json:"jobs"`
}

// MarshalJSON leaves out a total that is not known.
func (p Page) MarshalJSON() ([]byte, error) {
	page := pageJSON{&p.TotalCount, p.Number, p.Size, p.Jobs}
	if p.TotalCount < 0 {
		page.TotalCount = nil
	}
	return json.Marshal(page)
}

// UnmarshalJSON reads a stored page: a response of the service, or one that MarshalJSON wrote. It replaces
// all fields, and is as strict as Job.UnmarshalJSON. A report of a failure is not a page.
func (p *Page) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	d := decoder{Scanner: jsonscan.New(data), strict: true, page: pageData{total: -1}}
	err := d.run(d.document)
	if err == nil {
		*p = Page{Jobs: d.page.jobs, TotalCount: d.page.total, Number: int(d.page.pageIndex), Size: int(d.page.pageSize)}
	}
	return err
}
