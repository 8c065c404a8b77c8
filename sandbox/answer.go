package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/d365backup/d365backup/api"
	"github.com/d365backup/d365backup/generated"
)

const (
	requestIDHeader = "Request-Id"
	jsonType        = "application/json"
)

// operation is one operation of the contract.
type operation struct{ id, method, path string }

// answer sends an answer to an operation, if it keeps to the contract. Otherwise it sends a 500 that
// says where it does not, and notes that for Close.
func (s *Server) answer(w http.ResponseWriter, op operation, status int, v any) {
	body, err := json.Marshal(v)
	if err == nil {
		err = api.ValidateResponse(op.id, status, jsonType, body)
	}
	if err != nil {
		s.broken.add(fmt.Errorf("sandbox: an answer %d to %s breaks the contract: %w", status, op.id, err))
		refuse(w, http.StatusInternalServerError, "The sandbox was about to break the contract.", faultsIn(err)...)
		return
	}
	send(w, status, body)
}

// refuseBadRequest answers 400 and points at what is wrong with the request.
func (s *Server) refuseBadRequest(w http.ResponseWriter, op operation, err error) {
	message := "The request breaks the contract: " + strings.ReplaceAll(err.Error(), "\n", "; ")
	s.answer(w, op, http.StatusBadRequest, problem(w, http.StatusBadRequest, message, faultsIn(err)))
}

// refuse answers with the contract's error object where the contract leaves the body open.
func refuse(w http.ResponseWriter, status int, message string, faults ...any) {
	body, _ := json.Marshal(problem(w, status, message, faults)) // It holds nothing that cannot be marshalled.
	send(w, status, body)
}

// problem makes the contract's error object.
func problem(w http.ResponseWriter, status int, message string, faults []any) generated.Error {
	return generated.Error{
		StatusCode: new(int32(status)),
		Message:    &message,
		Errors:     faults,
		RequestID:  new(w.Header().Get(requestIDHeader)),
		Timestamp:  new(time.Now().UTC().Format(time.RFC3339)),
	}
}

// faultsIn takes an error apart into the items of the error object.
func faultsIn(err error) []any {
	violations, ok := errors.AsType[api.Violations](err)
	if !ok {
		return []any{err.Error()}
	}
	faults := make([]any, len(violations))
	for i, v := range violations {
		faults[i] = v
	}
	return faults
}

func send(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", jsonType)
	w.WriteHeader(status)
	_, _ = w.Write(body) // The client has gone, or it has the answer.
}

// isJSON tells the media types that the contract takes.
func isJSON(contentType string) bool {
	mediaType, _, err := mime.ParseMediaType(contentType)
	return err == nil && (mediaType == jsonType || mediaType == "text/json" ||
		strings.HasPrefix(mediaType, "application/") && strings.HasSuffix(mediaType, "+json"))
}

// newRequestID names a request.
func newRequestID() string { return strings.ReplaceAll(uuid.NewString(), "-", "") }

// breaks collects the answers that broke the contract. The zero value is ready.
type breaks struct {
	mu   sync.Mutex
	errs []error
}

func (b *breaks) add(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.errs = append(b.errs, err)
}

func (b *breaks) err() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return errors.Join(b.errs...)
}
