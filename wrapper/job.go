package d365backup

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/d365backup/d365backup/internal/httpfail"
	"github.com/d365backup/d365backup/internal/lenient"
)

// Job is one job as the service reports it. The fields have the contract's names; their meaning is from the vendor's pages
// after version v1, which documents no response. What the service leaves out is 0, empty or the zero time. A count that is not
// a whole number in range is rounded or becomes the nearest limit, and is reported to WithDriftHandler.
//
// A Job marshals to JSON under the contract's keys, with words for its type and status. That is this package's format, not the
// service's, which sends numbers. UnmarshalJSON reads both.
type Job struct {
	// Module is the part of Dynamics 365 that the job worked on, such as "Customer Engagement".
	Module string `json:"module"`
	// Type is what the job does. A number without a constant is kept.
	Type JobType `json:"type"`
	// UnknownType is the type as the service sent it if Type is JobTypeUnknown, such as "Migration"; otherwise empty.
	UnknownType string `json:"-"`
	// JobID names the job, such as "DCIB2026110103000012345601". It may not be unique: the vendor's own sample shows one id on
	// several jobs of a page.
	JobID string `json:"jobId"`
	// StartTime is when the job started, in UTC, to the nanosecond. A time without a zone is taken as UTC.
	StartTime time.Time `json:"startTime,omitzero"`
	// FinishTime is when the job ended, in UTC; zero while it is in progress.
	FinishTime time.Time `json:"finishTime,omitzero"`
	// DurationHours is how long the job took, in hours. It means nothing while the job is in progress.
	DurationHours float64 `json:"durationHours"`
	// Status is how far the job has come or how it ended. A number without a constant is kept.
	Status JobStatus `json:"status"`
	// UnknownStatus is the status as the service sent it if Status is JobStatusUnknown, such as "Partially Failed"; otherwise
	// empty.
	UnknownStatus string `json:"-"`

	// The numbers of entities: processed without a problem, failed, left out, processed with a warning, and all.
	SuccessfulEntity int64 `json:"successfulEntity"`
	FailedEntity     int64 `json:"failedEntity"`
	SkippedEntity    int64 `json:"skippedEntity"`
	WarningEntity    int64 `json:"warningEntity"`
	TotalEntity      int64 `json:"totalEntity"`

	// The numbers of records: processed without a problem, failed, left out, processed with a warning, and all.
	SuccessfulRecord int64 `json:"successfulRecord"`
	FailedRecord     int64 `json:"failedRecord"`
	SkippedRecord    int64 `json:"skippedRecord"`
	WarningRecord    int64 `json:"warningRecord"`
	TotalRecord      int64 `json:"totalRecord"`

	// BackupSize is the size of the backup in bytes; 0 for other jobs, or if it is missing.
	BackupSize int64 `json:"backupSize"`
	// OrganizationID is the organization of the job: a GUID, but kept as sent, since the vendor's own sample has an invalid one.
	OrganizationID string `json:"organizationId"`
	// OrganizationName is the name of the organization.
	OrganizationName string `json:"organizationName"`
}

// Running reports whether the job has not ended: its status is JobStatusInProgress or, if its status is unknown, it has no
// FinishTime.
func (j Job) Running() bool {
	return j.Status == JobStatusInProgress || !j.Status.Known() && j.FinishTime.IsZero()
}

// Duration returns how long the job took: the time from StartTime to FinishTime or, if one of them is missing or FinishTime is not
// after StartTime, DurationHours. It is at least 0 and at most about 292 years; 0 if it is not known or the status is
// JobStatusInProgress.
func (j Job) Duration() time.Duration {
	if j.Status == JobStatusInProgress {
		return 0
	}
	if !j.StartTime.IsZero() && j.FinishTime.After(j.StartTime) {
		return j.FinishTime.Sub(j.StartTime)
	}
	switch ns := j.DurationHours * float64(time.Hour); {
	case ns >= math.MaxInt64:
		return math.MaxInt64
	case ns > 0:
		return time.Duration(ns)
	}
	return 0 // NaN, too
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

// UnmarshalJSON reads a stored job: one from a response of the service, or one that MarshalJSON wrote. It replaces all fields.
// Nothing can report drift here, so a value that does not fit its field is an error that matches ErrNotJobs, such as a
// fraction for a count, a time that is not RFC 3339, or a duplicate field. Unknown types and statuses are kept.
func (j *Job) UnmarshalJSON(data []byte) error {
	return unmarshal(data, func(d *decoder) error {
		if d.Peek() != '{' {
			return httpfail.NotJobsError("invalid job: %s is not an object", excerpt(string(data), lenient.MaxText))
		}
		return d.readJob(&lenient.Object[*decoder]{Table: jobFields})
	}, func(d *decoder) { *j = d.job })
}

// unmarshal reads a stored payload, and keeps it if nothing is wrong with it. By convention, null changes nothing.
func unmarshal(data []byte, read func(*decoder) error, keep func(*decoder)) error {
	if string(bytes.TrimSpace(data)) == "null" {
		return nil
	}
	d := newDecoder(data, 0)
	d.Strict = true
	if f := d.Run(func() error { return read(d) }); f != nil {
		return newError(f)
	}
	keep(d)
	return nil
}

// Page is one page of jobs. It marshals to JSON under the contract's keys. UnmarshalJSON reads that, and a response of the
// service.
type Page struct {
	// Jobs are the jobs of this page, in the service's order, which is not documented.
	Jobs []Job
	// TotalCount is the number of matching jobs on all pages; -1 if the service does not state it.
	TotalCount int64
	// Number is the page's number, counted from 1; 0 if a stored page does not state it.
	Number int
	// Size is the number of jobs requested per page; 0 if a stored page does not state it.
	Size int
}

// MarshalJSON leaves out an unknown total.
func (p Page) MarshalJSON() ([]byte, error) {
	total := &p.TotalCount
	if *total < 0 {
		total = nil
	}
	return json.Marshal(struct {
		TotalCount *int64 `json:"totalCount,omitempty"`
		PageIndex  int    `json:"pageIndex,omitzero"`
		PageSize   int    `json:"pageSize,omitzero"`
		Jobs       []Job  `json:"jobs"`
	}{total, p.Number, p.Size, p.Jobs})
}

// UnmarshalJSON reads a stored page: a response of the service, or one that MarshalJSON wrote. It replaces all fields, and is
// as strict as Job.UnmarshalJSON. A failure report is not a page.
func (p *Page) UnmarshalJSON(data []byte) error {
	return unmarshal(data, (*decoder).document, func(d *decoder) { *p = d.page.Page })
}
