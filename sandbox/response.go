package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/d365backup/d365backup/api"
)

// respond sends a page. If it violates the contract, respond sends status 500 with the violations instead,
// and Close returns them.
func (s *Server) respond(w http.ResponseWriter, op operation, p page) {
	body, err := json.Marshal(p)
	if err == nil {
		err = api.ValidateResponse(op.id, http.StatusOK, "application/json", body)
	}
	if err != nil {
		s.mu.Lock()
		s.violations = append(s.violations, fmt.Errorf("sandbox: response of %s violates the contract: %w", op.id, err))
		s.mu.Unlock()
		refuse(w, http.StatusInternalServerError, "The sandbox has a response that violates the contract.", err)
		return
	}
	send(w, http.StatusOK, body)
}

// refuse sends the contract's Error, with the violations in err or its text.
func refuse(w http.ResponseWriter, status int, message string, err error) {
	response := map[string]any{
		"statusCode": status,
		"message":    message,
		"requestId":  w.Header().Get("Request-Id"),
		"timestamp":  time.Now().UTC().Format(time.RFC3339),
	}
	if violations, ok := errors.AsType[api.Violations](err); ok {
		response["errors"] = violations
	} else if err != nil {
		response["errors"] = []string{err.Error()}
	}
	body, _ := json.Marshal(response) // cannot fail: it has strings and numbers only
	send(w, status, body)
}

func send(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // fails only if the client has gone
}
