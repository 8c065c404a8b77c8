package d365backup

import (
	"fmt"
	"time"

	"github.com/d365backup/d365backup/internal/jsonscan"
)

// maxPageJobs bounds the jobs of one answer. A job of few fields takes many times its size in memory,
// so the limit on the size of a body does not bound that. No body of the default limit holds so many
// jobs with all their fields.
const maxPageJobs = 100_000

// minJobSize is less than a job takes in a body.
const minJobSize = 64

// jobFields are the fields of a job.
var jobFields = newFieldTable("jobs.", []field{
	{name: "module", read: func(d *decoder, v jsonscan.Value, path string) { d.job.Module = d.same(&d.module, v, path) }},
	{name: "type", read: func(d *decoder, v jsonscan.Value, path string) {
		d.job.Type, d.job.UnknownType = enumValue(d, v, path, jobTypeValues)
	}},
	{name: "jobId", read: func(d *decoder, v jsonscan.Value, path string) { d.job.JobID = d.text(v, path) }},
	{name: "startTime", read: func(d *decoder, v jsonscan.Value, path string) { d.job.StartTime, _ = d.time(v, path) }},
	{name: "finishTime", read: func(d *decoder, v jsonscan.Value, path string) {
		var ok bool
		if d.job.FinishTime, ok = d.time(v, path); ok {
			d.finish = v.Raw
		}
	}},
	{name: "durationHours", read: func(d *decoder, v jsonscan.Value, path string) { d.job.DurationHours = d.float(v, path) }},
	{name: "status", read: func(d *decoder, v jsonscan.Value, path string) {
		d.job.Status, d.job.UnknownStatus = enumValue(d, v, path, jobStatusValues)
	}},
	count("successfulEntity", func(job *Job) *int64 { return &job.SuccessfulEntity }),
	count("failedEntity", func(job *Job) *int64 { return &job.FailedEntity }),
	count("skippedEntity", func(job *Job) *int64 { return &job.SkippedEntity }),
	count("warningEntity", func(job *Job) *int64 { return &job.WarningEntity }),
	count("totalEntity", func(job *Job) *int64 { return &job.TotalEntity }),
	count("successfulRecord", func(job *Job) *int64 { return &job.SuccessfulRecord }),
	count("failedRecord", func(job *Job) *int64 { return &job.FailedRecord }),
	count("skippedRecord", func(job *Job) *int64 { return &job.SkippedRecord }),
	count("warningRecord", func(job *Job) *int64 { return &job.WarningRecord }),
	count("totalRecord", func(job *Job) *int64 { return &job.TotalRecord }),
	count("backupSize", func(job *Job) *int64 { return &job.BackupSize }),
	{name: "organizationId", read: func(d *decoder, v jsonscan.Value, path string) {
		d.job.OrganizationID = d.same(&d.organizationID, v, path)
		if !isGUID(d.job.OrganizationID) {
			d.tolerate(DriftMalformedGUID, path, v.Raw)
		}
	}},
	{name: "organizationName", read: func(d *decoder, v jsonscan.Value, path string) {
		d.job.OrganizationName = d.same(&d.organizationName, v, path)
	}},
})

var requiredJobFields = jobFields.set("type", "jobId", "startTime", "status")

func count(name string, of func(*Job) *int64) field {
	return field{name: name, read: func(d *decoder, v jsonscan.Value, path string) { *of(&d.job), _ = d.integer(v, path) }}
}

// list reads the jobs. They replace those of a list read before.
func (d *decoder) list() error {
	if d.listed = true; d.page.jobs == nil {
		d.page.jobs = []Job{}
	}
	d.page.jobs = d.page.jobs[:0]
	o := object{table: jobFields}
	return d.Each(']', func() error {
		number := len(d.page.jobs) + 1
		if d.Peek() != '{' {
			if _, err := d.Value(); err != nil {
				return err
			}
			return notJobs("job %d of the list is not an object", number)
		}
		if err := d.readJob(&o); err != nil {
			return err
		}
		switch {
		case o.last < 0:
			return notJobs("job %d of the list has no field of a job", number)
		case number > maxPageJobs:
			return &Error{Kind: ErrTooLarge, Message: fmt.Sprintf("the answer has more than %d jobs: ask for smaller pages", maxPageJobs)}
		case cap(d.page.jobs) == 0: // room for as many as asked for, if the rest of the body can hold them
			d.page.jobs = make([]Job, 0, 1+min(max(d.size-1, 0), d.Rest()/minJobSize))
		}
		d.reportMissing(&o, requiredJobFields)
		d.page.jobs = append(d.page.jobs, d.job)
		return nil
	})
}

// readJob reads one job, whose brace is next.
func (d *decoder) readJob(o *object) error {
	d.job, d.finish = Job{Type: JobTypeUnknown, Status: JobStatusUnknown}, nil
	if err := d.object(o); err != nil {
		return err
	}
	if d.finish != nil && d.job.hasPlaceholder() {
		d.tolerate(DriftPlaceholder, "jobs.finishTime", d.finish)
		d.job.FinishTime = time.Time{}
	}
	return nil
}

// hasPlaceholder reports whether the finish time of a job that has not ended cannot be one: it is the zero
// of some system or the end of its calendar, or a running job has it not after its start.
func (j *Job) hasPlaceholder() bool {
	switch year := j.FinishTime.Year(); j.Status {
	case JobStatusFinished, JobStatusFailed, JobStatusFinishedWithException:
		return false
	case JobStatusInProgress:
		return year < 1971 || year == 9999 || !j.FinishTime.After(j.StartTime)
	default:
		return year < 1971 || year == 9999
	}
}
