package d365backup

import (
	"bytes"
	"encoding/json"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/d365backup/d365backup/generated"
)

// Query selects jobs. Start is required; every other zero value means no limit.
//
// Which of a job's times the service compares with Start and End, and whether it includes the boundaries, is not
// documented.
type Query struct {
	// Type selects jobs of one type. Zero: JobTypeAll.
	Type JobType
	// Status selects jobs with one status. Zero selects every status; the request then has no such filter.
	Status JobStatus
	// Start is the start of the time range. Required. It is sent in UTC, rounded down to the second.
	Start time.Time
	// End is the end of the time range, not before Start. It is sent in UTC, rounded up to the second. Zero: now, rounded
	// down, fixed when the call or the loop over Jobs starts.
	End time.Time
	// OrganizationID selects the jobs of one organization: a GUID such as "69cb1ecc-f8e8-439b-8077-a4b7fd45e87f". Empty
	// selects every organization; the request then has no such filter.
	OrganizationID string
	// ObjectType selects the jobs of one kind of module: a number that is not documented; set it as in
	// ObjectType: new(int32(1)). Nil selects every kind; the request then has no such filter. Only version v1 has it: if it
	// is set, APIAuto does not request the successor, and APIGraph is ErrConfig.
	ObjectType *int32
}

// filter is a valid Query as the body of a request to version v1, without the page number and size.
type filter generated.JobFilterModel

// filter validates the query. The error matches ErrConfig.
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
	f := filter{
		Type:       new(generated.BackupRestoreType(q.Type)),
		StartTime:  new(q.Start.UTC().Truncate(time.Second)),
		EndTime:    new(end.UTC()),
		ObjectType: q.ObjectType,
	}
	if q.Status != JobStatusAny {
		f.Status = new(generated.JobStatus(q.Status))
	}
	if q.OrganizationID != "" {
		f.OrganizationID = new(uuid.MustParse(q.OrganizationID)) // check has validated it
	}
	return f, nil
}

func (q Query) check(end time.Time) error {
	switch {
	case q.Type != JobTypeAll && !q.Type.Known():
		return badSetting("Query.Type", "%v", jobTypes.Error(q.Type.String()))
	case q.Status != JobStatusAny && !q.Status.Known():
		return badSetting("Query.Status", "%v", jobStatuses.Error(q.Status.String()))
	case q.Start.IsZero():
		return badSetting("Query.Start", "missing: set the start of the time range")
	case q.Start.UTC().Year() < 1 || end.UTC().Year() > 9999:
		return badSetting("Query.Start", "the time range must be in the years 1 to 9999")
	case q.Start.Truncate(time.Second).After(end):
		return badSetting("Query.Start", "%s is after the end of the time range, %s: swap them",
			q.Start.UTC().Format(time.RFC3339), end.UTC().Format(time.RFC3339))
	case q.OrganizationID != "" && !isGUID(q.OrganizationID):
		return badSetting("Query.OrganizationID", "invalid GUID %q: write it like 69cb1ecc-f8e8-439b-8077-a4b7fd45e87f",
			excerpt(q.OrganizationID, 64))
	}
	return nil
}

// request returns the request for one page. APIGraph has no object types.
func (f filter) request(api API, server, mediaType string, number, size int) (*http.Request, error) {
	index, count := new(int32(number)), new(int32(size))
	if api == APIGraph {
		return generated.NewListJobsRequest(server, &generated.ListJobsParams{
			PageIndex:      index,
			PageSize:       count,
			Type:           *f.Type,
			StartTime:      *f.StartTime,
			FinishTime:     *f.EndTime,
			Status:         f.Status,
			OrganizationID: f.OrganizationID,
		})
	}
	f.PageInfo = generated.PageModel{CurrentPage: index, PageSize: count}
	body, err := json.Marshal(generated.JobFilterModel(f))
	if err != nil {
		return nil, err
	}
	return generated.NewGetJobsRequestWithBody(server, mediaType, bytes.NewReader(body))
}

// isGUID reports whether text is 8-4-4-4-12 hexadecimal digits, the one form that the contract's format uuid has.
func isGUID(text string) bool { return len(text) == 36 && uuid.Validate(text) == nil }
