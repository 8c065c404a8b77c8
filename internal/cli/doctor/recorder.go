package doctor

import (
	"errors"
	"mime"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/d365backup/d365backup/internal/httpfail"
)

// recorder is the transport below the client. It notes what the steps need to tell faults apart, and
// holds requests back that are not due yet, so that one call of the client can be looked at in parts.
// Of a token request it notes the outcome alone.
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
	seen.html = httpfail.IsHTML(mediaType)
	r.mu.Lock()
	*into = seen
	r.mu.Unlock()
	return response, nil
}
