package api

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestTransportResponses(t *testing.T) {
	for _, test := range responses {
		t.Run(test.name, func(t *testing.T) {
			server, reported := &test.responder, reports{}
			client := &http.Client{Transport: Transport(nil, reported.add)}
			status, _, text := post(t, client, serve(t, server)+"/prefix"+jobsPath, "text/json", goodFilter)
			if status != server.status || text != server.body || server.got != goodFilter {
				t.Errorf("the exchange was changed: status %d, %s; the server received %s", status, text, server.got)
			}
			checkReports(t, reported.take(), server.status, test.want)
		})
	}
}

func TestTransportRequests(t *testing.T) {
	server, reported := goodResponder(), reports{}
	client := &http.Client{Transport: Transport(http.DefaultTransport, reported.add)}
	url := serve(t, server)
	const bad = "{\"pageInfo\": {},\n\"status\": \"x\"} x"
	for _, body := range []io.Reader{
		strings.NewReader(bad),                      // can be read again
		io.MultiReader(strings.NewReader(bad)),      // cannot
		struct{ io.Reader }{strings.NewReader(bad)}, // cannot, and has an unknown length
	} {
		response, err := client.Post(url+jobsPath, "application/json", body)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if server.got != bad {
			t.Errorf("the server received %q", server.got)
		}
		checkReports(t, reported.take(), 0, []string{"body: json: found invalid character 'x' after top-level value at byte 33, want one JSON value in UTF-8"})
	}
	post(t, client, url+"/connect/token", "text/plain", "secret")
	post(t, client, url+"/api/OpenApi/Other", "application/json", "{}")
	if all := reported.take(); all != nil {
		t.Errorf("reported %v for requests of no operation", all)
	}
}

func TestTransportQuery(t *testing.T) {
	server := &responder{status: 204}
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

func TestTransportOptions(t *testing.T) {
	const bad = `{}`
	for _, test := range []struct {
		name    string
		options []TransportOption
		want    int // reports of six exchanges, each with an invalid request and an invalid response of 15 bytes
	}{
		{"none", nil, 12},
		{"every fourth", []TransportOption{WithSampling(4)}, 4},
		{"invalid sampling", []TransportOption{WithSampling(0)}, 12},
		{"requests only", []TransportOption{WithMaxBytes(14)}, 6},
		{"limit just high enough", []TransportOption{WithMaxBytes(15)}, 12},
		{"limit too low", []TransportOption{WithMaxBytes(1)}, 0},
		{"highest limit", []TransportOption{WithMaxBytes(1<<63 - 1)}, 12},
		{"invalid limit", []TransportOption{WithMaxBytes(0)}, 12},
	} {
		t.Run(test.name, func(t *testing.T) {
			server, reported := goodResponder(), reports{}
			server.body = `{"message":"a"}`
			client := &http.Client{Transport: Transport(nil, reported.add, test.options...)}
			url := serve(t, server)
			for range 6 {
				if _, _, text := post(t, client, url+jobsPath, "application/json", bad); text != server.body || server.got != bad {
					t.Errorf("the exchange was changed: %s, %s", text, server.got)
				}
			}
			all := reported.take()
			if len(all) != test.want {
				t.Errorf("%d reports, want %d", len(all), test.want)
			}
			for _, r := range all {
				if keyword := r.Violations[0].Keyword; keyword != "required" {
					t.Errorf("reported keyword %s, want required", keyword)
				}
			}
		})
	}
}

// TestTransportPassesOnNetworkErrors checks that a truncated body is not validated.
func TestTransportPassesOnNetworkErrors(t *testing.T) {
	reported := reports{}
	truncated := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "100")
		io.WriteString(w, `{"jobs":`)
	}))
	client := &http.Client{Transport: Transport(nil, reported.add)}
	response, err := client.Post(truncated+jobsPath, "application/json", strings.NewReader(goodFilter))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if string(text) != `{"jobs":` || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("read %q, %v", text, err)
	}
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	if _, err := client.Post(closed.URL+jobsPath, "application/json", strings.NewReader(goodFilter)); err == nil {
		t.Error("no error from a closed server")
	}
	if all := reported.take(); all != nil {
		t.Errorf("reported %v", all)
	}
}
