package d365backup

import "net/http"

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
