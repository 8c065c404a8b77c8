package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// reports collects what is reported, in one line each.
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

// answering is a server that answers as told and keeps the last request's body.
type answering struct {
	status      int
	contentType string
	encoding    string
	body        string
	got         string
	calls       int
}

func (a *answering) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	a.got, a.calls = string(body), a.calls+1
	w.Header()["Content-Type"] = []string{a.contentType}
	if a.encoding != "" {
		w.Header().Set("Content-Encoding", a.encoding)
	}
	w.WriteHeader(a.status)
	io.WriteString(w, a.body)
}

func goodAnswer() *answering {
	return &answering{status: 200, contentType: "application/json", body: goodPage}
}

func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

// post sends body without a Content-Encoding of the client's own making.
func post(t *testing.T, client *http.Client, url, contentType, body string) (status int, header http.Header, answer string) {
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
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header, string(text)
}

const jobsPath = "/api/OpenApi/GetJobs"

func TestHandlerRequests(t *testing.T) {
	const missing = `body /pageInfo: required: found nothing, want a property "pageInfo" (seed): version v1 requires it, the vendor's earlier description does not; this contract follows version v1`
	for _, test := range []struct {
		name, path, contentType, body string
		want                          []string // the violations; none: the request goes through
	}{
		{"application/json", jobsPath, "application/json", goodFilter, nil},
		{"text/json", jobsPath, "text/json; charset=utf-8", goodFilter, nil},
		{"+json", jobsPath, "application/vnd.example+json", goodFilter, nil},
		{"path prefix", "/sandbox" + jobsPath, "application/json", goodFilter, nil},
		{"not in the contract", "/connect/token", "application/x-www-form-urlencoded", "a=b", nil},
		{"bad body", jobsPath, "application/json", `{}`, []string{missing}},
		{"bad body as text/json", jobsPath, "text/json", `{}`, []string{missing}},
		{"bad body as +json", jobsPath, "application/vnd.example+json", `{}`, []string{missing}},
		{"garbage as +json", jobsPath, "application/vnd.example+json", goodFilter + "]", []string{"body: json: found invalid character ']' after top-level value at byte 145, want one JSON value in UTF-8"}},
		{"xml", jobsPath, "application/xml", goodFilter, []string{`header /Content-Type: content: found "application/xml", want application/*+json or application/json or text/json (seed)`}},
		{"no media type", jobsPath, "", goodFilter, []string{`header /Content-Type: content: found no media type, want application/*+json or application/json or text/json (seed)`}},
		{"no body", jobsPath, "application/json", "", []string{`body: requestBody: found no body, want a body (seed)`}},
		{"query and body", jobsPath + "?pageSize=1", "application/json", `{}`, []string{missing, `query /pageSize: parameters: found "1", want no query (inferred)`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			next, reported := goodAnswer(), reports{}
			url := serve(t, Handler(next, reported.add))
			status, header, answer := post(t, http.DefaultClient, url+test.path, test.contentType, test.body)
			if test.want == nil {
				if status != 200 || answer != goodPage || next.got != test.body {
					t.Errorf("status %d, answer %s; next got %q", status, answer, next.got)
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
			checkRefusal(t, header, answer, test.want)
		})
	}
}

// checkRefusal proves that the guard's own answer keeps the contract and says what was wrong.
func checkRefusal(t *testing.T, header http.Header, answer string, want []string) {
	t.Helper()
	if err := ValidateResponse(operationID, 400, header.Get("Content-Type"), []byte(answer)); err != nil {
		t.Error(err)
	}
	var e struct {
		StatusCode         int
		Message, RequestID string
		Errors             Violations
	}
	if err := json.Unmarshal([]byte(answer), &e); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, lines(e.Errors)); diff != "" {
		t.Error(diff)
	}
	if e.StatusCode != 400 || !strings.HasPrefix(e.Message, want[0]) || len(e.RequestID) != 32 || e.RequestID != header.Get("Request-Id") {
		t.Errorf("answer %s", answer)
	}
}

func TestHandlerEncodedRequest(t *testing.T) {
	next := goodAnswer()
	r := httptest.NewRequest(http.MethodPost, jobsPath, strings.NewReader(goodFilter))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Content-Encoding", "gzip")
	w := httptest.NewRecorder()
	Handler(next, nil).ServeHTTP(w, r)
	if w.Code != 400 || next.calls != 0 || !strings.Contains(w.Body.String(), "/Content-Encoding") {
		t.Errorf("status %d, next called %d times: %s", w.Code, next.calls, w.Body)
	}
}

func TestHandlerLargeAndBrokenRequest(t *testing.T) {
	for _, test := range []struct {
		name string
		body io.Reader
		want int
	}{
		{"too large", strings.NewReader(strings.Repeat(" ", DefaultMaxBytes+1)), 413},
		{"broken off", io.MultiReader(strings.NewReader("{"), failing{io.ErrUnexpectedEOF}), 400},
	} {
		next := goodAnswer()
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

// answers are what a server may say, and what is to be reported of it.
var answers = []struct {
	name   string
	answer answering
	want   []string
}{
	{"good", *goodAnswer(), nil},
	{"a page without a total", answering{status: 200, contentType: "application/json", body: `{"jobs":[]}`}, []string{`body /totalCount: required: found nothing, want a property "totalCount" (inferred)`}},
	{"a login page", answering{status: 200, contentType: "text/html", body: "<html>"}, []string{`header /Content-Type: content: found "text/html", want application/json (inferred)`}},
	{"a gateway's failure", answering{status: 502, contentType: "text/html", body: "<html>"}, nil},
	{"empty", answering{status: 200, contentType: "application/json"}, []string{`body: json: found nothing, want one JSON value in UTF-8`}},
	{"encoded", answering{status: 200, contentType: "application/json", encoding: "br", body: "??"}, nil},
	{"an unknown status", answering{status: 600, contentType: "application/json", body: goodPage}, []string{`status: responses: found 600, want a status of the contract (inferred)`}},
	{"long", answering{status: 200, contentType: "application/json", body: `{"jobs":[]}` + strings.Repeat(" ", 4096)}, []string{`body /totalCount: required: found nothing, want a property "totalCount" (inferred)`}},
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

func TestHandlerAnswers(t *testing.T) {
	for _, test := range answers {
		t.Run(test.name, func(t *testing.T) {
			next, reported := &test.answer, reports{}
			server := httptest.NewServer(Handler(next, reported.add))
			status, _, answer := post(t, http.DefaultClient, server.URL+jobsPath, "application/json", goodFilter)
			server.Close() // waits for the handler, which reports after the answer is out
			if status != next.status || answer != next.body {
				t.Errorf("the answer was changed to status %d, %s", status, answer)
			}
			checkReports(t, reported.take(), next.status, test.want)
		})
	}
}

func TestHandlerPassesControl(t *testing.T) {
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
	record(func(w http.ResponseWriter, _ *http.Request) { // too long to hold
		w.Header().Set("Content-Type", "application/json")
		w.Write(bytes.Repeat([]byte(" "), DefaultMaxBytes))
		io.WriteString(w, "no JSON")
	})
	if all := reported.take(); all != nil {
		t.Errorf("reported %v", all)
	}
	record(func(http.ResponseWriter, *http.Request) {}) // an empty answer of status 200
	record(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusProcessing) // not the answer
		io.WriteString(w, "jobs")
	})
	if all := reported.take(); len(all) != 2 || all[0].Status != 200 || all[1].Status != 200 {
		t.Errorf("reported %v", all)
	}
}

func TestTransportAnswers(t *testing.T) {
	for _, test := range answers {
		t.Run(test.name, func(t *testing.T) {
			server, reported := &test.answer, reports{}
			client := &http.Client{Transport: Transport(nil, reported.add)}
			status, _, answer := post(t, client, serve(t, server)+"/prefix"+jobsPath, "text/json", goodFilter)
			if status != server.status || answer != server.body || server.got != goodFilter {
				t.Errorf("the exchange was changed: status %d, %s; the server got %s", status, answer, server.got)
			}
			checkReports(t, reported.take(), server.status, test.want)
		})
	}
}

func TestTransportRequests(t *testing.T) {
	server, reported := goodAnswer(), reports{}
	client := &http.Client{Transport: Transport(http.DefaultTransport, reported.add)}
	url := serve(t, server)
	const bad = "{\"pageInfo\": {},\n\"status\": \"x\"} x"
	for _, body := range []io.Reader{
		strings.NewReader(bad),                      // one that can be read again
		io.MultiReader(strings.NewReader(bad)),      // one that cannot
		struct{ io.Reader }{strings.NewReader(bad)}, // likewise, of unknown length
	} {
		response, err := client.Post(url+jobsPath, "application/json", body)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if server.got != bad {
			t.Errorf("the server got %q", server.got)
		}
		checkReports(t, reported.take(), 0, []string{"body: json: found invalid character 'x' after top-level value at byte 33, want one JSON value in UTF-8"})
	}
	post(t, client, url+"/connect/token", "text/plain", "secret")
	post(t, client, url+"/api/OpenApi/Other", "application/json", "{}")
	if all := reported.take(); all != nil {
		t.Errorf("reported %v of what is no operation", all)
	}
}

func TestTransportQuery(t *testing.T) {
	server := &answering{status: 204}
	reported := reports{}
	client := &http.Client{Transport: smallContract(t).transport(http.DefaultTransport, reported.add)}
	response, err := client.Get(serve(t, server) + "/dynamicsbackup/jobs?type=1&finishtime=x")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	all := reported.take()
	if len(all) != 1 || all[0].Operation != "listJobs" {
		t.Fatalf("reported %v", all)
	}
	if got := all[0].Violations[0].Pointer; got != "/finishtime" {
		t.Errorf("got %s", got)
	}
}

func TestHandlerQuery(t *testing.T) {
	next := &answering{status: 204}
	h := smallContract(t).handler(next, nil)
	for query, want := range map[string]int{"type=1": 204, "type=1&x=1": 400, "": 400} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/dynamicsbackup/jobs?"+query, nil))
		if w.Code != want {
			t.Errorf("%q: status %d, want %d", query, w.Code, want)
		}
	}
}

func TestTransportOptions(t *testing.T) {
	const bad = `{}`
	for _, test := range []struct {
		name    string
		options []TransportOption
		want    int // reports of six exchanges, each with a bad request and a bad answer of 15 bytes
	}{
		{"none", nil, 12},
		{"the first and the fifth", []TransportOption{WithSampling(4)}, 4},
		{"every one", []TransportOption{WithSampling(0)}, 12},
		{"requests only", []TransportOption{WithMaxBytes(14)}, 6},
		{"just enough", []TransportOption{WithMaxBytes(15)}, 12},
		{"not even requests", []TransportOption{WithMaxBytes(1)}, 0},
		{"no bound", []TransportOption{WithMaxBytes(1<<63 - 1)}, 12},
		{"no number", []TransportOption{WithMaxBytes(0)}, 12},
	} {
		t.Run(test.name, func(t *testing.T) {
			server, reported := goodAnswer(), reports{}
			server.body = `{"message":"a"}`
			client := &http.Client{Transport: Transport(nil, reported.add, test.options...)}
			url := serve(t, server)
			for range 6 {
				if _, _, answer := post(t, client, url+jobsPath, "application/json", bad); answer != server.body || server.got != bad {
					t.Errorf("the exchange was changed: %s, %s", answer, server.got)
				}
			}
			all := reported.take()
			if len(all) != test.want {
				t.Errorf("%d reports, want %d", len(all), test.want)
			}
			for _, r := range all {
				if keyword := r.Violations[0].Keyword; keyword != "required" {
					t.Errorf("reported %s, as if the body were another", keyword)
				}
			}
		})
	}
}

// Faults of the line reach the caller as they are, and nothing is made of half a body.
func TestTransportFaults(t *testing.T) {
	reported := reports{}
	cut := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "100")
		io.WriteString(w, `{"jobs":`)
	}))
	client := &http.Client{Transport: Transport(nil, reported.add)}
	response, err := client.Post(cut+jobsPath, "application/json", strings.NewReader(goodFilter))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if string(text) != `{"jobs":` || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("read %q, %v", text, err)
	}
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	if _, err := client.Post(gone.URL+jobsPath, "application/json", strings.NewReader(goodFilter)); err == nil {
		t.Error("no error from a server that is gone")
	}
	if all := reported.take(); all != nil {
		t.Errorf("reported %v", all)
	}
}

// A flushed or written answer is judged as it went out, whatever its handler sets afterwards.
func TestHandlerJudgesWhatWasSent(t *testing.T) {
	const empty = "body: json: found nothing, want one JSON value in UTF-8"
	for _, test := range []struct {
		name string
		send func(t *testing.T, w http.ResponseWriter)
		want []string
	}{
		{"flushed", func(t *testing.T, w http.ResponseWriter) {
			flusher, ok := w.(http.Flusher)
			if !ok {
				t.Fatal("the writer does not flush")
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
				t.Errorf("status %d went out", w.Code)
			}
			checkReports(t, reported.take(), http.StatusOK, test.want)
		})
	}
}

// A server that cannot flush is no reason to take an answer for sent.
func TestHandlerCannotFlush(t *testing.T) {
	reported := reports{}
	h := Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if err := http.NewResponseController(w).Flush(); !errors.Is(err, http.ErrNotSupported) {
			t.Errorf("error %v, want that flushing is not supported", err)
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
