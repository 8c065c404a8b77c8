package auth_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"github.com/d365backup/d365backup/internal/httpfail"
)

// texts returns the output of every way of printing value: by itself and within a structure, in which
// fmt calls no methods.
func texts(t *testing.T, value any) map[string]string {
	t.Helper()
	made := make(map[string]string)
	within := struct {
		hidden any
		Shown  any
	}{value, value}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
		made[verb] = fmt.Sprintf(verb, value)
		made["within "+verb] = fmt.Sprintf(verb, within)
		made["pointer "+verb] = fmt.Sprintf(verb, &within)
	}
	if text, err := json.Marshal(within); err == nil {
		made["JSON"] = string(text)
	}
	var text, logged bytes.Buffer
	slog.New(slog.NewTextHandler(&text, nil)).Info("record", "value", value, "within", within)
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("record", "value", value, "within", within)
	made["slog text"], made["slog JSON"] = text.String(), logged.String()
	if err, ok := value.(error); ok {
		made["Error"] = err.Error()
	}
	return made
}

// expectSilence fails the test for each canary that a text about value contains, in any encoding.
func expectSilence(t *testing.T, value any, canaries ...string) {
	t.Helper()
	for way, text := range texts(t, value) {
		for _, canary := range canaries {
			for _, form := range []string{canary, hex.EncodeToString([]byte(canary)), url.QueryEscape(canary),
				base64.StdEncoding.EncodeToString([]byte(canary))} {
				if strings.Contains(strings.ToLower(text), strings.ToLower(form)) {
					t.Errorf("%T by %s shows %q: %s", value, way, canary, text)
				}
			}
		}
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	var assertion string
	endpoint := newEndpoint(t, func(w http.ResponseWriter, r *http.Request) {
		assertion = r.PostForm.Get("client_assertion")
		respond(http.StatusOK, `{"access_token": "canary-token"}`)(w, r)
	})
	for name, change := range map[string]func(*config){
		"secret": func(*config) {}, "certificate": withCertificate(t),
	} {
		t.Run(name, func(t *testing.T) {
			var made config
			source := endpoint.source(t, change, func(c *config) { made = *c })
			if got := take(t, source); got != "canary-token" {
				t.Fatalf("got %q", got)
			}
			canaries := []string{secret, "canary-token"}
			if assertion != "" {
				canaries = append(canaries, assertion)
			}
			source.Invalidate(nil) // waits until the request's goroutine is done with its fields
			made.Transport = nil   // its fields change while connections are idle
			for _, value := range []any{source, made, &made, made.Credential} {
				expectSilence(t, value, canaries...)
			}
		})
	}
}

// echo responds with the secret or assertion in every place that a response has for it.
func echo(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		sent := r.PostForm.Get("client_secret") + r.PostForm.Get("client_assertion")
		for _, header := range []string{"X-Request-Id", "Retry-After", "Location", "Content-Type", "WWW-Authenticate"} {
			w.Header().Set(header, sent)
		}
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"error": %q, "error_description": %[1]q, "error_uri": %[1]q, "access_token": %q, "token_type": %[1]q}`,
			sent, sent+" ")
	}
}

func TestEchoedSecretsAreNotQuoted(t *testing.T) {
	for _, status := range []int{200, 302, 307, 400, 401, 403, 404, 429, 500, 503} {
		for name, change := range map[string]func(*config){
			"secret": func(*config) {}, "certificate": withCertificate(t),
		} {
			t.Run(fmt.Sprint(status, " ", name), func(t *testing.T) {
				canary := secret
				endpoint := newEndpoint(t, func(w http.ResponseWriter, r *http.Request) {
					if assertion := r.PostForm.Get("client_assertion"); assertion != "" {
						canary = assertion
					}
					echo(status)(w, r)
				})
				failure := refused(t, endpoint.source(t, change))
				expectSilence(t, failure, canary)
				expectSilence(t, *failure, canary)
				expectNothingWrapped(t, failure)
			})
		}
	}
}

func TestTransportErrorsAreNotQuoted(t *testing.T) {
	for _, transport := range []roundTripper{
		func(r *http.Request) (*http.Response, error) {
			body, _ := io.ReadAll(r.Body)
			return nil, &leakyError{request: r, text: string(body)}
		},
		func(r *http.Request) (*http.Response, error) {
			body, _ := io.ReadAll(r.Body)
			return &http.Response{StatusCode: 200, Body: io.NopCloser(&leakyReader{&leakyError{r, string(body)}})}, nil
		},
	} {
		source := (&endpoint{URL: "https://identity.example/"}).source(t, func(c *config) { c.Transport = transport })
		failure := refused(t, source)
		if failure.Reason != httpfail.NoAnswer {
			t.Errorf("reason %s, want a network error", failure.Reason)
		}
		expectSilence(t, failure, secret)
		expectNothingWrapped(t, failure)
	}
}

// leakyError is the kind of error that a caller's transport may return.
type leakyError struct {
	request *http.Request
	text    string
}

func (e *leakyError) Error() string { return "cannot send " + e.text }

type leakyReader struct{ err error }

func (r *leakyReader) Read([]byte) (int, error) { return 0, r.err }

func expectNothingWrapped(t *testing.T, err error) {
	t.Helper()
	if wrapped := errors.Unwrap(err); wrapped != nil {
		t.Errorf("the error wraps %T", wrapped)
	}
	if _, ok := err.(interface{ Unwrap() []error }); ok {
		t.Error("the error wraps others")
	}
	if _, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		t.Error("the error wraps oauth2's")
	}
	if _, ok := errors.AsType[*leakyError](err); ok {
		t.Error("the error wraps the transport's")
	}
}

func TestRequestIDs(t *testing.T) {
	for header, want := range map[string]string{
		"0f8fad5bd9cb469fa16570867728950e":     "0f8fad5bd9cb469fa16570867728950e",
		"0f8fad5b-d9cb-469f-a165-70867728950e": "0f8fad5b-d9cb-469f-a165-70867728950e",
		"7e5.1_":                               "7e5.1_",
		"|7e5.1_":                              "",
		"<script>":                             "",
		"two words":                            "",
		strings.Repeat("a", 128):               strings.Repeat("a", 128),
		strings.Repeat("a", 129):               "",
		"id-" + secret[3:11]:                   "",
		url.QueryEscape("a/" + secret):         "",
		"id-" + secret:                         "",
	} {
		endpoint := newEndpoint(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Request-Id", header)
			w.WriteHeader(http.StatusBadRequest)
		})
		if got := refused(t, endpoint.source(t)).RequestID; got != want {
			t.Errorf("request id of %q = %q, want %q", header, got, want)
		}
	}
}

func TestErrorNamesTheHost(t *testing.T) {
	failure := &httpfail.Failure{Text: "too many requests", Status: 429, RequestID: "1", Host: "identity.example", Token: true}
	if got, want := failure.Error(), "token endpoint: too many requests (host identity.example, status 429, request id 1)"; got != want {
		t.Errorf("Error = %q, want %q", got, want)
	}
}
