package api

import (
	"bytes"
	"io"
	"net/http"
)

// DefaultMaxBytes is how many bytes of a body [Handler] and [Transport] hold, unless an option says
// otherwise: 16 MiB. Validating a body that was made to violate the contract everywhere temporarily takes up
// to several hundred times its length in memory. If the other side may be hostile, set a lower limit: with
// [WithMaxBytes], or with [http.MaxBytesHandler] in front of [Handler].
const DefaultMaxBytes = 16 << 20

// Report describes a request or a response that violates the contract.
type Report struct {
	// Operation is the operationId.
	Operation string
	// Status is that of the response; 0 if the request violates the contract.
	Status int
	// Violations are all violations in the message, sorted. There is at least one.
	Violations Violations
}

// send calls report if something was found.
func (o *operation) send(report func(Report), status int, found Violations) {
	if report != nil && len(found) > 0 {
		report(Report{Operation: o.OperationID, Status: status, Violations: found.sorted()})
	}
}

// validateRequest validates a request whose body is given.
func (o *operation) validateRequest(r *http.Request, body []byte) Violations {
	found := o.checkQuery(r.URL.RawQuery)
	if encoded(r.Header) {
		return append(found, Violation{
			In: InHeader, Pointer: "/Content-Encoding", Keyword: KeywordContent,
			Found: quote(r.Header.Get("Content-Encoding")), Want: "an unencoded body", Source: SourceInferred,
		})
	}
	return append(found, o.checkBody(r.Header.Get("Content-Type"), body)...)
}

// validateResponse validates a response whose body is given. An unknown status is a violation.
func (o *operation) validateResponse(status int, header http.Header, body []byte) Violations {
	response := o.response(status)
	if response == nil {
		return Violations{{In: InStatus, Keyword: KeywordResponses, Found: compact(status), Want: "a status of the contract", Source: source(KeywordResponses, o.Extensions)}}
	}
	if encoded(header) {
		return nil // the contract allows any encoding, and the body cannot be read
	}
	return o.checkResponse(response, header.Get("Content-Type"), body)
}

func encoded(h http.Header) bool {
	encoding := h.Get("Content-Encoding")
	return encoding != "" && encoding != "identity"
}

// peek reads body up to limit bytes, and returns a body that reads the same from the start, errors included.
// whole reports whether data is all of it.
func peek(body io.ReadCloser, limit int64) (data []byte, whole bool, same io.ReadCloser) {
	if body == nil || body == http.NoBody {
		return nil, true, body
	}
	data, err := io.ReadAll(io.LimitReader(body, limit+1))
	rest := io.Reader(body)
	if err != nil {
		rest = failing{err}
	}
	same = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(data), rest), body}
	return data, err == nil && int64(len(data)) <= limit, same
}

// failing fails with the error of an earlier read.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
