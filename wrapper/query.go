package d365backup

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/d365backup/d365backup/generated"
)

// Query says which jobs are wanted. Start is required; every other zero value asks for no limit.
//
// Which of a job's times the service compares with Start and End, and whether it includes the ends,
// is not documented.
type Query struct {
	// Type asks for jobs of one type. Zero: JobTypeAll.
	Type JobType
	// Status asks for jobs with one status. Zero: any, and nothing is sent.
	Status JobStatus
	// Start is the start of the time range. Required. It is sent in UTC, rounded down to the second.
	Start time.Time
	// End is the end of the time range, not before Start. It is sent in UTC, rounded up to the second.
	// Zero: the present, rounded down, fixed when the call or the loop over Jobs starts.
	End time.Time
	// OrganizationID asks for the jobs of one organization: a GUID such as
	// "69cb1ecc-f8e8-439b-8077-a4b7fd45e87f". Empty: of all, and nothing is sent.
	OrganizationID string
	// ObjectType asks for the jobs of one kind of module, by a number that is documented nowhere;
	// set it as in ObjectType: new(int32(1)). Nil: of all, and nothing is sent. Only version v1
	// has it: with APIAuto the successor is then not tried, and with APIGraph it is ErrConfig.
	ObjectType *int32
}

// filter is a Query that was found valid, as the body of a request of version v1 but for the page
// wanted.
type filter struct {
	model generated.JobFilterModel
}

// filter returns what is to be sent, or an error that matches ErrConfig.
func (q Query) filter(now time.Time) (filter, error) {
	end := q.End
	if end.IsZero() {
		end = now.Truncate(time.Second)
	} else if cut := end.Truncate(time.Second); cut.Before(end) {
		end = cut.Add(time.Second)
	}
	if err := q.check(end); err != nil {
		return filter{}, err
	}
	model := generated.JobFilterModel{
		Type:       new(generated.BackupRestoreType(q.Type)),
		StartTime:  new(q.Start.UTC().Truncate(time.Second)),
		EndTime:    new(end.UTC()),
		ObjectType: q.ObjectType,
	}
	if q.Status != JobStatusAny {
		model.Status = new(generated.JobStatus(q.Status))
	}
	if q.OrganizationID != "" {
		id, err := parseGUID(q.OrganizationID)
		if err != nil {
			return filter{}, err
		}
		model.OrganizationID = &id
	}
	return filter{model}, nil
}

func (q Query) check(end time.Time) error {
	switch {
	case q.Type != JobTypeAll && !q.Type.Known():
		return unknownQuery("Query.Type", "job type", q.Type.String(), JobTypes())
	case q.Status != JobStatusAny && !q.Status.Known():
		return unknownQuery("Query.Status", "job status", q.Status.String(), JobStatuses())
	case q.Start.IsZero():
		return badSetting("Query.Start", "missing: set the start of the time range")
	case q.Start.UTC().Year() < 1 || end.UTC().Year() > 9999:
		return badSetting("Query.Start", "the time range must be in the years 1 to 9999")
	case q.Start.Truncate(time.Second).After(end):
		return badSetting("Query.Start", "%s is after the end of the time range, %s: swap them",
			q.Start.UTC().Format(time.RFC3339), end.UTC().Format(time.RFC3339))
	}
	return nil
}

func unknownQuery[E fmt.Stringer](setting, what, name string, known []E) *Error {
	err := unknownName(what, name, known)
	err.Setting = setting
	return err
}

// parseGUID takes the one form that the contract's format uuid has.
func parseGUID(text string) (uuid.UUID, error) {
	id, err := uuid.Parse(text)
	if err != nil || len(text) != len("00000000-0000-0000-0000-000000000000") {
		return id, badSetting("Query.OrganizationID", "%q is not a GUID: write it like 69cb1ecc-f8e8-439b-8077-a4b7fd45e87f",
			excerpt(text, 64))
	}
	return id, nil
}

// body returns the body of a request for one page, by APIv1.
func (f filter) body(number, size int) ([]byte, error) {
	f.model.PageInfo = generated.PageModel{CurrentPage: new(int32(number)), PageSize: new(int32(size))}
	body, err := json.Marshal(f.model)
	if err != nil {
		return nil, configError("the query cannot be written as JSON: %v", err)
	}
	return body, nil
}

// params returns the query of a request for one page, by APIGraph.
func (f filter) params(number, size int) (*generated.ListJobsParams, error) {
	if f.model.ObjectType != nil {
		return nil, badSetting("Query.ObjectType", "only version v1 has it: leave it out, or request version v1")
	}
	return &generated.ListJobsParams{
		PageIndex:      new(int32(number)),
		PageSize:       new(int32(size)),
		Type:           *f.model.Type,
		StartTime:      *f.model.StartTime,
		FinishTime:     *f.model.EndTime,
		Status:         f.model.Status,
		OrganizationID: f.model.OrganizationID,
	}, nil
}
