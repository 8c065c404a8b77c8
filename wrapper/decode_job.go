package d365backup

import (
	"fmt"
	"time"

	"github.com/d365backup/d365backup/internal/httpfail"
	"github.com/d365backup/d365backup/internal/jsonscan"
	"github.com/d365backup/d365backup/internal/lenient"
)

// maxPageJobs bounds the jobs of one response. A job with few fields takes many times its size in memory, which a limit on
// the size of a body does not bound. No body within the default limit holds so many complete jobs.
const maxPageJobs = 100_000

// minJobSize is less than the size of any real job in a body.
const minJobSize = 64

// jobFields are the fields of a job.
var jobFields = lenient.NewTable("jobs.", []lenient.Field[*decoder]{
	{Name: "module", Read: func(d *decoder, v jsonscan.Value, path string) { d.job.Module = d.SharedText(&d.module, v, path) }},
	{Name: "type", Required: true, Read: func(d *decoder, v jsonscan.Value, path string) {
		d.job.Type, d.job.UnknownType = lenient.Enum(&d.Reader, v, path, jobTypes)
	}},
	{Name: "jobId", Required: true, Read: func(d *decoder, v jsonscan.Value, path string) { d.job.JobID = d.Text(v, path) }},
	{Name: "startTime", Required: true, Read: func(d *decoder, v jsonscan.Value, path string) { d.job.StartTime, _ = d.Time(v, path) }},
	{Name: "finishTime", Read: func(d *decoder, v jsonscan.Value, path string) {
		var ok bool
		if d.job.FinishTime, ok = d.Time(v, path); ok {
			d.finish = v.Raw
		}
	}},
	{Name: "durationHours", Read: func(d *decoder, v jsonscan.Value, path string) { d.job.DurationHours = d.Float(v, path) }},
	{Name: "status", Required: true, Read: func(d *decoder, v jsonscan.Value, path string) {
		d.job.Status, d.job.UnknownStatus = lenient.Enum(&d.Reader, v, path, jobStatuses)
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
	{Name: "organizationId", Read: func(d *decoder, v jsonscan.Value, path string) {
		d.job.OrganizationID = d.SharedText(&d.organizationID, v, path)
		if !isGUID(d.job.OrganizationID) {
			d.tolerate(DriftMalformedGUID, path, v.Raw)
		}
	}},
	{Name: "organizationName", Read: func(d *decoder, v jsonscan.Value, path string) {
		d.job.OrganizationName = d.SharedText(&d.organizationName, v, path)
	}},
})

func count(name string, of func(*Job) *int64) lenient.Field[*decoder] {
	return lenient.Field[*decoder]{Name: name, Read: func(d *decoder, v jsonscan.Value, path string) { *of(&d.job), _ = d.Integer(v, path) }}
}

// list reads the jobs. They replace those of an earlier list.
func (d *decoder) list() error {
	if d.isList = true; d.page.Jobs == nil {
		d.page.Jobs = []Job{}
	}
	d.page.Jobs = d.page.Jobs[:0]
	o := lenient.Object[*decoder]{Table: jobFields}
	return d.Each(']', func() error {
		number := len(d.page.Jobs) + 1
		if d.Peek() != '{' {
			if _, err := d.Value(); err != nil {
				return err
			}
			return httpfail.NotJobsError("job %d of the list is not an object", number)
		}
		if err := d.readJob(&o); err != nil {
			return err
		}
		switch {
		case o.IsEmpty():
			return httpfail.NotJobsError("job %d of the list has no field of a job", number)
		case number > maxPageJobs:
			return httpfail.New(httpfail.TooLarge, fmt.Sprintf("the response has more than %d jobs: request smaller pages", maxPageJobs))
		case cap(d.page.Jobs) == 0: // room for as many as requested, if the rest of the body can hold them
			d.page.Jobs = make([]Job, 0, 1+min(max(d.size-1, 0), d.Rest()/minJobSize))
		}
		o.ReportMissing(&d.Reader)
		d.page.Jobs = append(d.page.Jobs, d.job)
		return nil
	})
}

// readJob reads one job, whose brace is next.
func (d *decoder) readJob(o *lenient.Object[*decoder]) error {
	d.job, d.finish = Job{Type: JobTypeUnknown, Status: JobStatusUnknown}, nil
	if err := o.Read(&d.Reader, d); err != nil {
		return err
	}
	if d.finish != nil && d.job.hasPlaceholder() {
		d.tolerate(DriftPlaceholder, "jobs.finishTime", d.finish)
		d.job.FinishTime = time.Time{}
	}
	return nil
}

// hasPlaceholder reports whether the finish time of a job that has not ended is not a real one: the zero time or the last
// year of some system or, for a running job, not after its start.
func (j *Job) hasPlaceholder() bool {
	hasEnded := j.Status == JobStatusFinished || j.Status == JobStatusFailed || j.Status == JobStatusFinishedWithException
	isRunning := j.Status == JobStatusInProgress
	year := j.FinishTime.Year()
	return !hasEnded && (year < 1971 || year == 9999 || isRunning && !j.FinishTime.After(j.StartTime))
}
