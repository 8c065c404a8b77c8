package d365backup

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// API is an operation that lists jobs; see WithAPI. New refuses the zero value.
type API string

// The choices of an operation.
const (
	// APIAuto, the default, requests version v1. If its response to the first request for page 1 is a 404, it requests the
	// successor once. If that returns a list of jobs, the Client uses it from then on, and reports DriftSuccessor; if not, the
	// error is that of version v1 and names both. A Query with an ObjectType and a media type other than the default are for
	// version v1 only.
	APIAuto API = "auto"
	// APIv1 is version v1 only, POST /api/OpenApi/GetJobs: the document that this project implements.
	APIv1 API = "v1"
	// APIGraph is the successor only, GET /dynamicsbackup/jobs, which replaced version v1. It is from the vendor's later pages,
	// and needs the same permission.
	APIGraph API = "graph"
)

// Operation returns the HTTP method of the operation and its path below the base URL; for APIAuto, those of version v1, which
// is requested first.
func (a API) Operation() (method, path string) {
	if a == APIGraph {
		return http.MethodGet, "/dynamicsbackup/jobs"
	}
	return http.MethodPost, "/api/OpenApi/GetJobs"
}

// check refuses an invalid API, and options of the other one.
func (a API) check(c *config) error {
	switch {
	case a != APIAuto && a != APIv1 && a != APIGraph:
		return badSetting("WithAPI", "API %q does not exist: use %s, %s or %s", excerpt(string(a), 64), APIAuto, APIv1, APIGraph)
	case a == APIGraph && c.mediaType != MediaTypeJSON:
		return badSetting("WithMediaType", "%q does not go with WithAPI(APIGraph), which sends no body: leave one of them out",
			excerpt(c.mediaType, 64))
	}
	return nil
}

// fetch reads one page by the API in use. The first page that is read may change the API if it is page 1; see APIAuto.
func (c *Client) fetch(ctx context.Context, f filter, number, size int, isFirst bool) (pageData, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.config.timeout, timeoutError(c.config.timeout))
	defer cancel()
	if c.config.api != APIAuto {
		return c.fetchBy(ctx, c.config.api, f, number, size)
	}
	v1Only := f.model.ObjectType != nil || c.config.mediaType != MediaTypeJSON
	if c.replaced.Load() && !v1Only {
		return c.fetchBy(ctx, APIGraph, f, number, size)
	}
	page, err := c.fetchBy(ctx, APIv1, f, number, size)
	own, ok := errors.AsType[*Error](err)
	switch {
	case !ok || !errors.Is(own.Kind, ErrNotFound):
	case v1Only:
		own.Message += "; its successor has no object types and no other media types, and was not requested"
	case number == 1 && isFirst:
		return c.fetchSuccessor(ctx, f, size, own)
	}
	return page, err
}

// fetchSuccessor reads page 1 by the successor after version v1 was not found. The first of several calls at a time that gets a
// page changes the API of the Client.
func (c *Client) fetchSuccessor(ctx context.Context, f filter, size int, notFound *Error) (pageData, error) {
	page, err := c.fetchBy(ctx, APIGraph, f, 1, size)
	own, failed := errors.AsType[*Error](err)
	switch {
	case err == nil:
		if c.replaced.CompareAndSwap(false, true) && c.config.onDrift != nil {
			c.config.onDrift(Drift{Kind: DriftSuccessor, Value: string(APIGraph), Count: 1})
		}
		return page, nil
	case c.replaced.Load() || !failed || own.Kind == nil: // without a kind, the call's context has ended
		return pageData{}, err
	}
	method, path := APIGraph.Operation()
	notFound.Message += fmt.Sprintf("; its successor, %s %s, was requested, too: %v (status %d)", method, path, own.Kind, own.StatusCode)
	return pageData{}, notFound
}
