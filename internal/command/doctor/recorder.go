package doctor

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// recorder is the transport below the client. It notes what the steps need to tell faults apart, and
// holds requests back that are not due yet, so that one call of the client can be looked at in parts.
// Of a token request it notes the outcome, never the request, and of its answer no more than names.
type recorder struct {
	next http.RoundTripper

	mu    sync.Mutex
	due   stage
	token exchange
	api   exchange
}

// stage is how far requests may go.
type stage int

const (
	nothing stage = iota
	tokens
	everything
)

// exchange is what is known of a request and its answer.
type exchange struct {
	url      *url.URL
	method   string
	status   int // 0: no answer
	html     bool
	code     string // the error code of RFC 6749, if it is one
	scopes   []string
	answered time.Time // when the headers were there
}

// errHeld is the outcome of a request that is not due.
var errHeld = errors.New("held back")

// allow lets requests go as far as the stage, and forgets those before.
func (r *recorder) allow(due stage) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.due = due
}

// seen returns the last exchanges.
func (r *recorder) seen() (token, api exchange) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.token, r.api
}

// RoundTrip sends the request if it is due. The client sends tokens to the API and nowhere else, so that
// a request without one is one for a token.
func (r *recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	into, needs := &r.api, everything
	if request.Header.Get("Authorization") == "" {
		into, needs = &r.token, tokens
	}
	seen := exchange{url: request.URL, method: request.Method}
	r.mu.Lock()
	*into = seen
	held := r.due < needs
	r.mu.Unlock()
	if held {
		if request.Body != nil {
			_ = request.Body.Close()
		}
		return nil, errHeld
	}
	response, err := r.next.RoundTrip(request)
	if err != nil {
		return response, err
	}
	seen.status, seen.answered = response.StatusCode, time.Now()
	mediaType, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	seen.html = mediaType == "text/html" || mediaType == "application/xhtml+xml"
	if needs == tokens {
		seen.peek(response)
	}
	r.mu.Lock()
	*into = seen
	r.mu.Unlock()
	return response, nil
}

// maxPeek is more than a token endpoint has to say.
const maxPeek = 64 << 10

// peek reads the error code and the scopes from the answer of a token endpoint, and puts back what it
// read.
func (e *exchange) peek(response *http.Response) {
	begin, err := io.ReadAll(io.LimitReader(response.Body, maxPeek))
	rest := response.Body
	response.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(begin), broken{err}, rest), rest}
	var answer struct {
		Error string `json:"error"`
		Scope string `json:"scope"`
	}
	if json.Unmarshal(begin, &answer) == nil {
		e.code, e.scopes = answer.Error, strings.Fields(answer.Scope)
	}
}

// broken hands on the error of a read, at its place.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) {
	if b.err == nil {
		return 0, io.EOF
	}
	return 0, b.err
}
