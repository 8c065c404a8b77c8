//go:build unix

package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	goccy "github.com/goccy/go-json"

	"github.com/d365backup/d365backup/generated"
	"github.com/d365backup/d365backup/internal/bench"
	"github.com/d365backup/d365backup/test/bench/ogen"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// ogen generates client and server of both operations from openapi.yaml.
var (
	_ = (*ogen.Client).GetJobs
	_ = (*ogen.Client).ListJobs
	_ = ogen.Handler.GetJobs
	_ = ogen.Handler.ListJobs
)

// The time range of the query.
var (
	start = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	end   = start.AddDate(0, 1, 0)
)

// job is a job with the contract's keys and without its optional properties, for which the generated clients need
// pointers or flags.
type job struct {
	Module           string    `json:"module"`
	Type             int       `json:"type"`
	JobID            string    `json:"jobId"`
	StartTime        time.Time `json:"startTime"`
	FinishTime       time.Time `json:"finishTime"`
	DurationHours    float64   `json:"durationHours"`
	Status           int       `json:"status"`
	SuccessfulEntity int64     `json:"successfulEntity"`
	FailedEntity     int64     `json:"failedEntity"`
	SkippedEntity    int64     `json:"skippedEntity"`
	WarningEntity    int64     `json:"warningEntity"`
	TotalEntity      int64     `json:"totalEntity"`
	SuccessfulRecord int64     `json:"successfulRecord"`
	FailedRecord     int64     `json:"failedRecord"`
	SkippedRecord    int64     `json:"skippedRecord"`
	WarningRecord    int64     `json:"warningRecord"`
	TotalRecord      int64     `json:"totalRecord"`
	BackupSize       int64     `json:"backupSize"`
	OrganizationID   string    `json:"organizationId"`
	OrganizationName string    `json:"organizationName"`
}

// result is a page as a client decoded it.
type result interface {
	// size returns the number of jobs, and the id of the last one.
	size() (jobs int, last string)
	// jobs returns all jobs.
	jobs() ([]job, error)
}

// client reads page 1 of a service.
type client struct {
	name string
	read func(context.Context) (result, error)
}

// clients returns the clients to compare, ours first. Each has a transport of its own with the same settings.
func clients(b *testing.B, url string, size int) []client {
	b.Helper()
	return []client{
		{"d365backup", newOurs(b, url, size)},
		{"generated", newGenerated(b, url, size)},
		{"ogen", newOgen(b, url, size)},
		{"go-json", newByHand(b, url, size, unmarshal)},
		{"go-json, streaming", newByHand(b, url, size, decode)},
	}
}

// httpClient returns a client with this timeout; 0 for none.
func httpClient(b *testing.B, timeout time.Duration) *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	b.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: timeout}
}

type ourPage struct{ *d365backup.Page }

func newOurs(b *testing.B, url string, size int) func(context.Context) (result, error) {
	b.Helper()
	client, err := d365backup.New(
		d365backup.WithBaseURL(url),
		d365backup.WithTokenURL(url+bench.TokenPath),
		d365backup.WithLoopbackHTTP(),
		d365backup.WithClientSecret("id", "secret"),
		d365backup.WithPageSize(size),
		d365backup.WithHTTPClient(httpClient(b, 0)), // it has timeouts of its own
	)
	if err != nil {
		b.Fatal(err)
	}
	return func(ctx context.Context) (result, error) {
		page, err := client.Page(ctx, d365backup.Query{Start: start, End: end}, 1)
		if err != nil {
			return nil, err
		}
		return ourPage{page}, nil
	}
}

func (p ourPage) size() (int, string) { return len(p.Jobs), p.Jobs[len(p.Jobs)-1].JobID }

func (p ourPage) jobs() (all []job, err error) {
	for _, j := range p.Jobs {
		all = append(all, job{
			j.Module, int(j.Type), j.JobID, j.StartTime, j.FinishTime, j.DurationHours, int(j.Status),
			j.SuccessfulEntity, j.FailedEntity, j.SkippedEntity, j.WarningEntity, j.TotalEntity,
			j.SuccessfulRecord, j.FailedRecord, j.SkippedRecord, j.WarningRecord, j.TotalRecord,
			j.BackupSize, j.OrganizationID, j.OrganizationName,
		})
	}
	return all, nil
}

type generatedPage struct{ *generated.JobPage }

func newGenerated(b *testing.B, url string, size int) func(context.Context) (result, error) {
	b.Helper()
	authorize := func(_ context.Context, req *http.Request) error {
		req.Header.Set("Authorization", "Bearer "+bench.Token)
		return nil
	}
	client, err := generated.NewClientWithResponses(url,
		generated.WithHTTPClient(httpClient(b, time.Minute)), generated.WithRequestEditorFn(authorize))
	if err != nil {
		b.Fatal(err)
	}
	return func(ctx context.Context) (result, error) {
		resp, err := client.GetJobsWithResponse(ctx, generated.JobFilterModel{
			PageInfo:  generated.PageModel{CurrentPage: new(int32(1)), PageSize: new(int32(size))},
			Type:      new(generated.BackupRestoreTypeAll),
			StartTime: &start,
			EndTime:   &end,
		})
		switch {
		case err != nil:
			return nil, err
		case resp.JSON200 == nil:
			return nil, fmt.Errorf("status %d", resp.StatusCode())
		}
		return generatedPage{resp.JSON200}, nil
	}
}

func (p generatedPage) size() (int, string) { return len(p.Jobs), p.Jobs[len(p.Jobs)-1].JobID }

func (p generatedPage) jobs() (all []job, err error) {
	data, err := json.Marshal(p.Jobs)
	if err != nil {
		return nil, err
	}
	return all, json.Unmarshal(data, &all)
}

type ogenPage struct{ *ogen.JobPage }

type token struct{}

func (token) OAuth2(context.Context, ogen.OperationName) (ogen.OAuth2, error) {
	return ogen.OAuth2{Token: bench.Token}, nil
}

func newOgen(b *testing.B, url string, size int) func(context.Context) (result, error) {
	b.Helper()
	client, err := ogen.NewClient(url, token{}, ogen.WithClient(httpClient(b, time.Minute)))
	if err != nil {
		b.Fatal(err)
	}
	return func(ctx context.Context) (result, error) {
		response, err := client.GetJobs(ctx, &ogen.Dynamics365ModelRequestJobFilterModel{
			PageInfo:  ogen.Dynamics365ModelPageModel{CurrentPage: ogen.NewOptInt32(1), PageSize: ogen.NewOptInt32(int32(size))},
			Type:      ogen.NewOptDynamics365EnumsBackupRestoreType(ogen.Dynamics365EnumsBackupRestoreType0),
			StartTime: ogen.NewOptNilDateTime(start),
			EndTime:   ogen.NewOptNilDateTime(end),
		})
		if err != nil {
			return nil, err
		}
		page, ok := response.(*ogen.JobPageHeaders)
		if !ok {
			return nil, fmt.Errorf("got %T", response)
		}
		return ogenPage{&page.Response}, nil
	}
}

func (p ogenPage) size() (int, string) { return len(p.Jobs), p.Jobs[len(p.Jobs)-1].JobId }

// jobs converts each field, since ogen's MarshalJSON leaves out the fraction of a time.
func (p ogenPage) jobs() (all []job, err error) {
	for _, j := range p.Jobs {
		all = append(all, job{
			j.Module.Value, int(j.Type), j.JobId, j.StartTime, j.FinishTime.Value, j.DurationHours.Value, int(j.Status),
			j.SuccessfulEntity.Value, j.FailedEntity.Value, j.SkippedEntity.Value, j.WarningEntity.Value, j.TotalEntity.Value,
			j.SuccessfulRecord.Value, j.FailedRecord.Value, j.SkippedRecord.Value, j.WarningRecord.Value, j.TotalRecord.Value,
			j.BackupSize.Value, j.OrganizationId.Value.String(), j.OrganizationName.Value,
		})
	}
	return all, nil
}

// plainPage is decoded by hand.
type plainPage struct {
	TotalCount int64  `json:"totalCount"`
	NextLink   string `json:"nextLink"`
	Jobs       []job  `json:"jobs"`
	PageIndex  int    `json:"pageIndex"`
	PageSize   int    `json:"pageSize"`
}

type plainFilter struct {
	PageInfo struct {
		CurrentPage int `json:"currentPage"`
		PageSize    int `json:"pageSize"`
	} `json:"pageInfo"`
	Type      int       `json:"type"`
	StartTime time.Time `json:"startTime"`
	EndTime   time.Time `json:"endTime"`
}

// newByHand returns a client that is net/http and this way to read a body.
func newByHand(b *testing.B, url string, size int, read func(io.Reader, *plainPage) error) func(context.Context) (result, error) {
	b.Helper()
	client := httpClient(b, time.Minute)
	return func(ctx context.Context) (result, error) {
		filter := plainFilter{StartTime: start, EndTime: end}
		filter.PageInfo.CurrentPage, filter.PageInfo.PageSize = 1, size
		body, err := goccy.Marshal(filter)
		if err != nil {
			return nil, err
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/api/OpenApi/GetJobs", bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+bench.Token)
		resp, err := client.Do(req)
		if err != nil {
			return nil, err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("status %d", resp.StatusCode)
		}
		page := new(plainPage)
		return page, read(resp.Body, page)
	}
}

func unmarshal(body io.Reader, page *plainPage) error {
	data, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	return goccy.Unmarshal(data, page)
}

func decode(body io.Reader, page *plainPage) error { return goccy.NewDecoder(body).Decode(page) }

func (p *plainPage) size() (int, string)  { return len(p.Jobs), p.Jobs[len(p.Jobs)-1].JobID }
func (p *plainPage) jobs() ([]job, error) { return p.Jobs, nil }

func discard(body io.Reader, _ *plainPage) error {
	_, err := io.Copy(io.Discard, body)
	return err
}
