package d365backup

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/d365backup/d365backup/generated"
	"github.com/d365backup/d365backup/internal/enum"
)

// Query selects jobs. Start is required; every other zero value means no limit.
//
// Which of a job's times the service compares with Start and End, and whether it includes the boundaries, is not
// documented.
//
// The service selects by one type and one status. For several, Jobs requests the list of each type with each status, one after the
// other, ordered by type and then by status, as JobTypes and JobStatuses are. Each takes the requests of a list of its own, at least
// one. Nothing is left out here, so what matches is up to the service. Page reads one list only.
type Query struct {
	// Type selects jobs of one type. Zero: JobTypeAll.
	Type JobType
	// Types selects jobs of several types instead. Empty: Type applies. Repeated ones count once; JobTypeAll must be alone.
	Types []JobType
	// Status selects jobs with one status. Zero selects every status; the request then has no such filter.
	Status JobStatus
	// Statuses selects jobs with several statuses instead. Empty: Status applies. Repeated ones count once; JobStatusAny must be
	// alone.
	Statuses []JobStatus
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

// filters validates the query, and returns the filter of each list to request. Those of jobs in progress come before those of
// jobs that ended, so that no job is missed because it ends between them. The error matches ErrConfig.
func (q Query) filters(now time.Time) (filters []filter, err error) {
	end := q.End
	if end.IsZero() {
		end = now.Truncate(time.Second)
	} else if cut := end.Truncate(time.Second); cut.Before(end) {
		end = cut.Add(time.Second)
	}
	types, err := choose("Query.Type", "Query.Types", q.Type, q.Types, jobTypes)
	if err != nil {
		return nil, err
	}
	statuses, err := choose("Query.Status", "Query.Statuses", q.Status, q.Statuses, jobStatuses)
	if err != nil {
		return nil, err
	}
	if err := q.check(end); err != nil {
		return nil, err
	}
	f := filter{
		StartTime:  new(q.Start.UTC().Truncate(time.Second)),
		EndTime:    new(end.UTC()),
		ObjectType: q.ObjectType,
	}
	if q.OrganizationID != "" {
		f.OrganizationID = new(uuid.MustParse(q.OrganizationID)) // check has validated it
	}
	for _, t := range types {
		f.Type = new(generated.BackupRestoreType(t))
		for _, s := range statuses {
			if s != JobStatusAny { // which is alone
				f.Status = new(generated.JobStatus(s))
			}
			filters = append(filters, f)
		}
	}
	return filters, nil
}

// choose returns the values of a field for one value and a field for several, in ascending order.
func choose[E ~int32](field, list string, one E, several []E, names enum.Enum[E]) ([]E, error) {
	if len(several) == 0 {
		list, several = field, []E{one}
	} else if one != 0 {
		return nil, badSetting(list, "%s is given, too: leave one of them out", field)
	}
	several = slices.Compact(slices.Sorted(slices.Values(several)))
	for _, value := range several {
		switch {
		case !names.Has(value):
			return nil, badSetting(list, "%v", names.Error(names.Name(value)))
		case value == 0 && len(several) > 1:
			return nil, badSetting(list, "%s includes all others: leave it or them out", names.Name(value))
		}
	}
	return several, nil
}

func (q Query) check(end time.Time) error {
	switch {
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
