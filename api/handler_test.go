package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHandlerRequests(t *testing.T) {
	const missing = `body /pageInfo: required: found nothing, want a property "pageInfo" (seed): version v1 requires it, the vendor's earlier description does not; this contract follows version v1`
	for _, test := range []struct {
		name, path, contentType, body string
		want                          []string // violations; nil if the request is valid
	}{
		{"application/json", jobsPath, "application/json", goodFilter, nil},
		{"text/json", jobsPath, "text/json; charset=utf-8", goodFilter, nil},
		{"+json", jobsPath, "application/vnd.example+json", goodFilter, nil},
		{"path prefix", "/sandbox" + jobsPath, "application/json", goodFilter, nil},
		{"no operation", "/connect/token", "application/x-www-form-urlencoded", "a=b", nil},
		{"invalid body", jobsPath, "application/json", `{}`, []string{missing}},
		{"invalid body as text/json", jobsPath, "text/json", `{}`, []string{missing}},
		{"invalid body as +json", jobsPath, "application/vnd.example+json", `{}`, []string{missing}},
		{"trailing text as +json", jobsPath, "application/vnd.example+json", goodFilter + "]", []string{"body: json: found invalid character ']' after top-level value at byte 145, want one JSON value in UTF-8"}},
		{"xml", jobsPath, "application/xml", goodFilter, []string{`header /Content-Type: content: found "application/xml", want application/*+json or application/json or text/json (seed)`}},
		{"no media type", jobsPath, "", goodFilter, []string{`header /Content-Type: content: found no media type, want application/*+json or application/json or text/json (seed)`}},
		{"no body", jobsPath, "application/json", "", []string{`body: requestBody: found no body, want a body (seed)`}},
		{"query and body", jobsPath + "?pageSize=1", "application/json", `{}`, []string{missing, `query /pageSize: parameters: found "1", want no query (inferred)`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			next, reported := goodResponder(), reports{}
			url := serve(t, Handler(next, reported.add))
			status, header, text := post(t, http.DefaultClient, url+test.path, test.contentType, test.body)
			if test.want == nil {
				if status != 200 || text != goodPage || next.got != test.body {
					t.Errorf("status %d, body %s; next received %q", status, text, next.got)
				}
				if all := reported.take(); all != nil {
					t.Errorf("reported %v", all)
				}
				return
			}
			if status != 400 || next.calls != 0 {
				t.Errorf("status %d, next called %d times", status, next.calls)
			}
			all := reported.take()
			if len(all) != 1 || all[0].Operation != operationID || all[0].Status != 0 {
				t.Fatalf("reported %v", all)
			}
			if diff := cmp.Diff(test.want, lines(all[0].Violations)); diff != "" {
				t.Error(diff)
			}
			checkRefusal(t, header, text, test.want)
		})
	}
}

// checkRefusal checks that the response of Handler itself is valid and has the violations.
func checkRefusal(t *testing.T, header http.Header, text string, want []string) {
	t.Helper()
	if err := ValidateResponse(operationID, 400, header.Get("Content-Type"), []byte(text)); err != nil {
		t.Error(err)
	}
	var e struct {
		StatusCode         int
		Message, RequestID string
		Errors             Violations
	}
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, lines(e.Errors)); diff != "" {
		t.Error(diff)
	}
	if e.StatusCode != 400 || !strings.HasPrefix(e.Message, want[0]) || len(e.RequestID) != 32 || e.RequestID != header.Get("Request-Id") {
		t.Errorf("body %s", text)
	}
}

func TestHandlerRefusesEncodedRequests(t *testing.T) {
	next := goodResponder()
	r := httptest.NewRequest(http.MethodPost, jobsPath, strings.NewReader(goodFilter))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Content-Encoding", "gzip")
	w := httptest.NewRecorder()
	Handler(next, nil).ServeHTTP(w, r)
	if w.Code != 400 || next.calls != 0 || !strings.Contains(w.Body.String(), "/Content-Encoding") {
		t.Errorf("status %d, next called %d times: %s", w.Code, next.calls, w.Body)
	}
}

func TestHandlerRefusesLongAndTruncatedBodies(t *testing.T) {
	for _, test := range []struct {
		name string
		body io.Reader
		want int
	}{
		{"too large", strings.NewReader(strings.Repeat(" ", DefaultMaxBytes+1)), 413},
		{"truncated", io.MultiReader(strings.NewReader("{"), failing{io.ErrUnexpectedEOF}), 400},
	} {
		next := goodResponder()
		w := httptest.NewRecorder()
		Handler(next, nil).ServeHTTP(w, httptest.NewRequest(http.MethodPost, jobsPath, test.body))
		if w.Code != test.want || next.calls != 0 {
			t.Errorf("%s: status %d, next called %d times", test.name, w.Code, next.calls)
		}
		if err := ValidateResponse(operationID, w.Code, w.Header().Get("Content-Type"), w.Body.Bytes()); err != nil {
			t.Error(err)
		}
	}
}

func TestHandlerResponses(t *testing.T) {
	for _, test := range responses {
		t.Run(test.name, func(t *testing.T) {
			next, reported := &test.responder, reports{}
			server := httptest.NewServer(Handler(next, reported.add))
			status, _, text := post(t, http.DefaultClient, server.URL+jobsPath, "application/json", goodFilter)
			server.Close() // waits for the handler, which reports after the response is sent
			if status != next.status || text != next.body {
				t.Errorf("the response was changed to status %d, %s", status, text)
			}
			checkReports(t, reported.take(), next.status, test.want)
		})
	}
}

func TestHandlerWithUnusualResponses(t *testing.T) {
	reported := reports{}
	record := func(next http.HandlerFunc) { // over real connections
		server := httptest.NewServer(Handler(next, reported.add))
		defer server.Close()
		response, err := http.Post(server.URL+jobsPath, "application/json", strings.NewReader(goodFilter))
		if err == nil {
			io.Copy(io.Discard, response.Body)
			response.Body.Close()
		}
	}
	record(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		conn.Close()
	})
	record(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, goodPage)
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
	})
	record(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	record(func(w http.ResponseWriter, _ *http.Request) { // too long to validate
		w.Header().Set("Content-Type", "application/json")
		w.Write(bytes.Repeat([]byte(" "), DefaultMaxBytes))
		io.WriteString(w, "not JSON")
	})
	if all := reported.take(); all != nil {
		t.Errorf("reported %v", all)
	}
	record(func(http.ResponseWriter, *http.Request) {}) // an empty response with status 200
	record(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusProcessing) // not the final status
		io.WriteString(w, "jobs")
	})
	if all := reported.take(); len(all) != 2 || all[0].Status != 200 || all[1].Status != 200 {
		t.Errorf("reported %v", all)
	}
}

func TestHandlerQuery(t *testing.T) {
	next := &responder{status: 204}
	h := smallContract(t).handler(next, nil)
	for query, want := range map[string]int{"type=1": 204, "type=1&x=1": 400, "": 400} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/dynamicsbackup/jobs?"+query, nil))
		if w.Code != want {
			t.Errorf("%q: status %d, want %d", query, w.Code, want)
		}
	}
}

// TestHandlerValidatesWhatWasSent changes the header and the status after the response was flushed or written.
func TestHandlerValidatesWhatWasSent(t *testing.T) {
	const empty = "body: json: found nothing, want one JSON value in UTF-8"
	for _, test := range []struct {
		name string
		send func(t *testing.T, w http.ResponseWriter)
		want []string
	}{
		{"flushed", func(t *testing.T, w http.ResponseWriter) {
			flusher, ok := w.(http.Flusher)
			if !ok {
				t.Fatal("the writer is not a Flusher")
			}
			flusher.Flush()
		}, []string{empty}},
		{"flushed by a controller", func(t *testing.T, w http.ResponseWriter) {
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Error(err)
			}
		}, []string{empty}},
		{"written", func(_ *testing.T, w http.ResponseWriter) { io.WriteString(w, goodPage) }, nil},
		{"with a status", func(_ *testing.T, w http.ResponseWriter) { w.WriteHeader(200) }, []string{empty}},
	} {
		t.Run(test.name, func(t *testing.T) {
			reported := reports{}
			w := httptest.NewRecorder()
			h := Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				test.send(t, w)
				w.Header().Set("Content-Type", "text/html")
				w.Header().Set("Content-Encoding", "gzip")
				w.WriteHeader(http.StatusInternalServerError)
			}), reported.add)
			r := httptest.NewRequest(http.MethodPost, jobsPath, strings.NewReader(goodFilter))
			r.Header.Set("Content-Type", "application/json")
			h.ServeHTTP(w, r)
			if w.Code != http.StatusOK {
				t.Errorf("status %d, want 200", w.Code)
			}
			checkReports(t, reported.take(), http.StatusOK, test.want)
		})
	}
}

// TestHandlerWithoutFlush checks that a failed flush does not count as a response.
func TestHandlerWithoutFlush(t *testing.T) {
	reported := reports{}
	h := Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if err := http.NewResponseController(w).Flush(); !errors.Is(err, http.ErrNotSupported) {
			t.Errorf("got error %v, want ErrNotSupported", err)
		}
		w.WriteHeader(http.StatusInternalServerError)
	}), reported.add)
	r := httptest.NewRequest(http.MethodPost, jobsPath, strings.NewReader(goodFilter))
	r.Header.Set("Content-Type", "application/json")
	h.ServeHTTP(struct{ http.ResponseWriter }{httptest.NewRecorder()}, r)
	if all := reported.take(); all != nil {
		t.Errorf("reported %v", all)
	}
}
