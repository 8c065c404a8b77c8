package d365backup_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	d365backup "github.com/d365backup/d365backup/wrapper"
)

// TestSecretsAreNotShown: no exported value shows a secret, however it is printed, logged or encoded.
func TestSecretsAreNotShown(t *testing.T) {
	echo := func(w http.ResponseWriter, r *http.Request) { // what a careless server does
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Request-Id", r.Header.Get("Authorization")+string(body))
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(400)
		_, _ = w.Write(body)
	}
	echoToken := func(w http.ResponseWriter, r *http.Request) {
		respond(400, "application/json", `{"message":"`+r.Header.Get("Authorization")+`"}`)(w, r)
	}
	values := map[string]any{"secret option": d365backup.WithClientSecret("app", canarySecret)}
	for name, s := range map[string]*service{"good": {}, "token endpoint": {tokens: echo}, "API": {jobs: echoToken}, "API headers": {jobs: echo}, "API protocol": {jobs: func(w http.ResponseWriter, r *http.Request) {
		raw(t, w, r.Header.Get("Authorization")+"\r\n\r\n")
	}}, "refused": {jobs: respond(401, "", "")}} {
		client := s.start(t, once)
		page, err := client.Page(t.Context(), valid, 1)
		values[name+" client"], values[name+" page"], values[name+" error"] = client, page, err
		values[name+" client by value"] = reflect.ValueOf(client).Elem().Interface()
		for ; err != nil; err = errors.Unwrap(err) {
			if e, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
				t.Errorf("%s: %v wraps an error that holds the request", name, e)
			}
		}
	}
	for name, value := range values {
		var shown bytes.Buffer
		for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			_, _ = fmt.Fprintf(&shown, format, value)
		}
		slog.New(slog.NewJSONHandler(&shown, nil)).Info("x", "value", value)
		slog.New(slog.NewTextHandler(&shown, nil)).Info("x", "value", value)
		if encoded, err := json.Marshal(value); err == nil {
			shown.Write(encoded)
		}
		if text := shown.String(); strings.Contains(text, "canary") || strings.Contains(text, fmt.Sprintf("%x", "canary")) {
			t.Errorf("%s shows a secret: %.300s", name, text)
		}
	}
}

// TestEchoes: a token that the server repeats in any form appears neither in the error nor in the log.
func TestEchoes(t *testing.T) {
	const token = "ab+cd/ef-CANARY-0123456789~xyz="
	var escaped strings.Builder
	for _, r := range token {
		fmt.Fprintf(&escaped, `\u%04x`, r)
	}
	insert := func(what string) string { return token[:5] + what + token[5:] }
	header := func(name, value string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set(name, value)
			w.WriteHeader(map[bool]int{true: 302, false: 200}[name == "Location"])
		}
	}
	for name, handler := range map[string]http.HandlerFunc{
		"message":                        respond(400, "application/json", `{"message":"`+token+`"}`),
		"message in escapes":             respond(400, "application/json", `{"message":"`+escaped.String()+`"}`),
		"request id in escapes":          respond(400, "application/json", `{"requestId":"`+escaped.String()+`"}`),
		"zero width":                     respond(400, "text/plain", insert("\u200b")),
		"control character":              respond(400, "text/plain", insert("\x01")),
		"a piece":                        respond(400, "application/json", `{"message":"see `+token[8:16]+` and `+lowToken[8:16]+`"}`),
		"URL":                            respond(400, "text/plain", url.QueryEscape(token)),
		"header with a zero width":       header("X-Request-Id", insert("\u200b")),
		"page with a zero width":         respond(200, "text/html", insert("\u200b")),
		"failure with 200":               respond(200, "application/json", `{"message":"`+escaped.String()+`","requestId":"`+escaped.String()+`"}`),
		"no list of jobs, a zero width":  respond(200, "application/json", `{"x":"`+insert("\u200b")+`"}`),
		"no list of jobs, it comes late": respond(200, "application/json", `{"x":"`+strings.Repeat("x", 5000)+token+lowToken+`"}`),
		"redirect to it":                 header("Location", "https://host/"+token),
		"redirect to a host of the name": header("Location", "https://"+lowToken+".example/"),
		"media type":                     header("Content-Type", "text/"+lowToken),
	} {
		for _, token := range []string{token, lowToken} {
			var logged bytes.Buffer
			source := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token})
			client := serve(t, handler, d365backup.WithTokenSource(source), d365backup.WithLogger(slog.New(slog.NewTextHandler(&logged, nil))))
			_, err := client.Page(t.Context(), valid, 1)
			e, ok := errors.AsType[*d365backup.Error](err)
			if !ok {
				t.Errorf("%s: got %v", name, err)
				continue
			}
			if e.Excerpt != "" || e.ServiceMessage != "" {
				t.Errorf("%s: the response is quoted: %q, %q", name, e.Excerpt, e.ServiceMessage)
			}
			for _, shown := range []string{token, url.QueryEscape(token), token[8:16], token[len(token)-10:]} {
				if all := fmt.Sprintf("%v %#v", err, err) + logged.String(); strings.Contains(all, shown) {
					t.Errorf("%s: the token shows in %s", name, all)
				}
			}
		}
	}
}

// TestEchoInDrift: no value of a response that repeats the token is reported, since it may be cut within the token.
func TestEchoInDrift(t *testing.T) {
	token := strings.Repeat("CANARY/+=", 20)
	for _, echo := range []string{token, strings.ReplaceAll(token, "/", `\/`), url.QueryEscape(token)} {
		var drift []d365backup.Drift
		client := serve(t, respond(200, "application/json", `{"totalCount":1,"request":"Bearer `+echo+`","jobs":[{"jobId":"A"}]}`),
			d365backup.WithTokenSource(oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token})),
			d365backup.WithDriftHandler(func(d d365backup.Drift) { drift = append(drift, d) }))
		if _, err := client.Page(t.Context(), valid, 1); err != nil {
			t.Fatal(err)
		}
		if len(drift) < 2 || strings.Contains(fmt.Sprint(drift), "CANARY") {
			t.Errorf("got %+v", drift)
		}
	}
}

// lowToken is also a valid host name.
const lowToken = "canary0123456789abcdef"
