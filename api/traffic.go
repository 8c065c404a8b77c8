package api

import (
	"bytes"
	"io"
	"net/http"
)

// DefaultMaxBytes is how many bytes of one body [Handler] and [Transport] hold, unless an option says
// otherwise: 16 MiB. Judging a body that is made to break the contract everywhere takes up to
// several hundred times its length in memory, for a while. Where the other side may be hostile, set a lower bound: with
// [WithMaxBytes], or with [http.MaxBytesHandler] in front of [Handler].
const DefaultMaxBytes = 16 << 20

// Report tells of one message, a request or an answer, that breaks the contract.
type Report struct {
	// Operation is the operationId.
	Operation string
	// Status is the answer's; 0 where the request breaks the contract.
	Status int
	// Violations are all breaches in the message, sorted. There is at least one.
	Violations Violations
}

// tell reports what was found, sorted, if anything was.
func tell(report func(Report), o *operation, status int, found Violations) {
	if report == nil || len(found) == 0 {
		return
	}
	report(Report{Operation: o.OperationID, Status: status, Violations: found.sorted()})
}

// checkRequest judges a request whose body has been read.
func (o *operation) checkRequest(r *http.Request, body []byte) Violations {
	found := o.checkQuery(r.URL.RawQuery)
	if encoded(r.Header) {
		return append(found, Violation{
			In: InHeader, Pointer: "/Content-Encoding", Keyword: KeywordContent,
			Found: quote(r.Header.Get("Content-Encoding")), Want: "a body as it is", Source: SourceInferred,
		})
	}
	return append(found, o.checkBody(r.Header.Get("Content-Type"), body)...)
}

// checkAnswer judges an answer whose body has been read. A status that the contract does not have
// is a violation here.
func (o *operation) checkAnswer(status int, header http.Header, body []byte) Violations {
	response := o.response(status)
	if response == nil {
		return Violations{{In: InStatus, Keyword: KeywordResponses, Found: compact(status), Want: "a status of the contract", Source: source(KeywordResponses, o.Extensions)}}
	}
	if encoded(header) {
		return nil // a transfer matter, which the contract leaves open; the text is not to be seen
	}
	return o.checkResponse(response, header.Get("Content-Type"), body)
}

func encoded(h http.Header) bool {
	encoding := h.Get("Content-Encoding")
	return encoding != "" && encoding != "identity"
}

// peek reads body up to limit bytes and gives a body that reads the same from the start, errors
// included. whole tells whether data is all of it.
func peek(body io.ReadCloser, limit int64) (data []byte, whole bool, same io.ReadCloser) {
	if body == nil || body == http.NoBody {
		return nil, true, body
	}
	data, err := io.ReadAll(io.LimitReader(body, limit+1))
	whole = err == nil && int64(len(data)) <= limit
	rest := io.Reader(body)
	if err != nil {
		rest = failing{err}
	}
	return data, whole, &replay{io.MultiReader(bytes.NewReader(data), rest), body}
}

// replay reads what was read before and closes the body it came from.
type replay struct {
	io.Reader
	io.Closer
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
