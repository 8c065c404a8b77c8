package faults_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/d365backup/d365backup/generated"
	"github.com/d365backup/d365backup/sandbox"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

const (
	clientID     = "app"
	clientSecret = "canary-7d1f0c62a9-secret"
	pageSize     = 20
	pages        = 5
)

// service is a sandbox that records which tokens it grants.
type service struct {
	*sandbox.Server
	query d365backup.Query
	ids   []string // of the jobs that match

	mu      sync.Mutex
	granted []string
}

func startService(t *testing.T) *service {
	t.Helper()
	s := new(service)
	anchor := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	var err error
	s.Server, err = sandbox.Start(sandbox.WithClient(clientID, clientSecret), sandbox.WithAnchor(anchor),
		sandbox.WithJobs(pages*pageSize), sandbox.WithFault(sandbox.Fault{Name: "note-tokens", Middleware: s.recordTokens}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	s.query = d365backup.Query{Start: anchor.AddDate(-10, 0, 0), End: anchor}
	for _, job := range s.Jobs(sandbox.Filter{}) {
		s.ids = append(s.ids, job.JobID)
	}
	return s
}

func (s *service) recordTokens(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isToken(r) {
			next.ServeHTTP(w, r)
			return
		}
		response := httptest.NewRecorder()
		next.ServeHTTP(response, r)
		var grant struct {
			AccessToken string `json:"access_token"`
		}
		if json.Unmarshal(response.Body.Bytes(), &grant) == nil && grant.AccessToken != "" {
			s.mu.Lock()
			s.granted = append(s.granted, grant.AccessToken)
			s.mu.Unlock()
		}
		maps.Copy(w.Header(), response.Header())
		w.WriteHeader(response.Code)
		_, _ = w.Write(response.Body.Bytes())
	})
}

// leaked returns a secret whose beginning or end is in the text; empty if there is none.
func (s *service) leaked(text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, secret := range append([]string{clientSecret}, s.granted...) {
		if strings.Contains(text, secret[:12]) || strings.Contains(text, secret[len(secret)-12:]) {
			return secret
		}
	}
	return ""
}

func isToken(r *http.Request) bool { return r.URL.Path == "/connect/token" }

// pageRequested returns the number of the page that is requested; 0 for a token request.
func pageRequested(r *http.Request) int {
	if isToken(r) || r.GetBody == nil {
		return 0
	}
	var filter generated.JobFilterModel
	body, err := r.GetBody()
	if err == nil {
		var text []byte
		text, err = io.ReadAll(body)
		if err == nil {
			err = json.NewDecoder(bytes.NewReader(text)).Decode(&filter)
		}
	}
	if err != nil || filter.PageInfo.CurrentPage == nil {
		return 0
	}
	return int(*filter.PageInfo.CurrentPage)
}
