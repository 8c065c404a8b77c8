package api

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// reports collects reports.
type reports struct {
	mu  sync.Mutex
	all []Report
}

func (r *reports) add(report Report) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, report)
}

func (r *reports) take() (all []Report) {
	r.mu.Lock()
	defer r.mu.Unlock()
	all, r.all = r.all, nil
	return all
}

// responder is a server with a fixed response. It records the body of the last request.
type responder struct {
	status      int
	contentType string
	encoding    string
	body        string
	got         string
	calls       int
}

func (a *responder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	a.got, a.calls = string(body), a.calls+1
	w.Header()["Content-Type"] = []string{a.contentType}
	if a.encoding != "" {
		w.Header().Set("Content-Encoding", a.encoding)
	}
	w.WriteHeader(a.status)
	io.WriteString(w, a.body)
}

func goodResponder() *responder {
	return &responder{status: 200, contentType: "application/json", body: goodPage}
}

func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

func post(t *testing.T, client *http.Client, url, contentType, body string) (status int, header http.Header, text string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header, string(data)
}

const jobsPath = "/api/OpenApi/GetJobs"

// responses are responses of a server, with the violations.
var responses = []struct {
	name      string
	responder responder
	want      []string
}{
	{"good", *goodResponder(), nil},
	{"page without total", responder{status: 200, contentType: "application/json", body: `{"jobs":[]}`}, []string{`body /totalCount: required: found nothing, want a property "totalCount" (inferred)`}},
	{"login page", responder{status: 200, contentType: "text/html", body: "<html>"}, []string{`header /Content-Type: content: found "text/html", want application/json (inferred)`}},
	{"gateway failure", responder{status: 502, contentType: "text/html", body: "<html>"}, nil},
	{"empty", responder{status: 200, contentType: "application/json"}, []string{`body: json: found nothing, want one JSON value in UTF-8`}},
	{"encoded", responder{status: 200, contentType: "application/json", encoding: "br", body: "??"}, nil},
	{"unknown status", responder{status: 600, contentType: "application/json", body: goodPage}, []string{`status: responses: found 600, want a status of the contract (inferred)`}},
	{"long", responder{status: 200, contentType: "application/json", body: `{"jobs":[]}` + strings.Repeat(" ", 4096)}, []string{`body /totalCount: required: found nothing, want a property "totalCount" (inferred)`}},
}

func checkReports(t *testing.T, all []Report, status int, want []string) {
	t.Helper()
	if want == nil {
		if all != nil {
			t.Errorf("reported %v", all)
		}
		return
	}
	if len(all) != 1 || all[0].Operation != operationID || all[0].Status != status {
		t.Fatalf("reported %v", all)
	}
	if diff := cmp.Diff(want, lines(all[0].Violations)); diff != "" {
		t.Error(diff)
	}
}
