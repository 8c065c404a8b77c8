package d365backup

import (
	"bytes"
	"context"
	"net/http"
)

// API is one of the two operations that list jobs; see WithAPI. The zero value is neither: New refuses it.
type API string

// The operations that list jobs.
const (
	// APIv1 is version v1, POST /api/OpenApi/GetJobs: the document that this project implements, and
	// the default.
	APIv1 API = "v1"
	// APIGraph is the successor by which the vendor replaced it, GET /dynamicsbackup/jobs, from pages
	// later than version v1. It needs the same permission.
	APIGraph API = "graph"
)

// route returns the method of an API's operation and its path below the base URL.
func (a API) route() (method, path string) {
	if a == APIGraph {
		return http.MethodGet, "/dynamicsbackup/jobs"
	}
	return http.MethodPost, "/api/OpenApi/GetJobs"
}

// check finds what belongs to the other API. It is asked before anything is sent.
func (a API) check(c *config) error {
	switch {
	case a != APIv1 && a != APIGraph:
		return badSetting("WithAPI", "API %q does not exist: use %s or %s", excerpt(string(a), 64), APIv1, APIGraph)
	case a == APIGraph && c.mediaType != MediaTypeJSON:
		return badSetting("WithMediaType", "%q does not go with WithAPI(APIGraph), which sends no body: leave one of them out",
			excerpt(c.mediaType, 64))
	}
	return nil
}

// send sends the request for one page. It may be called again.
type send func(context.Context) (*http.Response, error)

// request makes the request for one page of what the filter asks for.
func (c *Client) request(f filter, number, size int) (send, error) {
	if c.config.api == APIGraph {
		params, err := f.params(number, size)
		return func(ctx context.Context) (*http.Response, error) {
			return c.raw.ListJobs(ctx, params, acceptJSON)
		}, err
	}
	body, err := f.body(number, size)
	return func(ctx context.Context) (*http.Response, error) {
		return c.raw.GetJobsWithBody(ctx, c.config.mediaType, bytes.NewReader(body), acceptJSON)
	}, err
}

func acceptJSON(_ context.Context, req *http.Request) error {
	req.Header.Set("Accept", MediaTypeJSON)
	return nil
}
