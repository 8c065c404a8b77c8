// Package oidc runs npm's oidc-provider on loopback, as the identity server in end-to-end tests. It needs node, and the
// packages that make test-more installs in this folder. It knows nothing about the client under test.
package oidc

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// Config says what the server knows.
type Config struct {
	Clients []Client `json:"clients"`
	// Scopes are all that the server knows. It passes over others in silence.
	Scopes []string `json:"scopes"`
	// Lifetime is that of a token, in seconds.
	Lifetime int `json:"lifetime"`
}

// Client is an app registered at the server, by the names of OpenID Connect.
type Client struct {
	ID     string `json:"client_id"`
	Secret string `json:"client_secret,omitempty"`
	// AuthMethod is client_secret_post or private_key_jwt.
	AuthMethod string `json:"token_endpoint_auth_method"`
	// Scope is the one that the app may ask for.
	Scope string `json:"scope"`
	// Keys holds the public keys of a private_key_jwt client.
	Keys *KeySet `json:"jwks,omitempty"`
}

// KeySet is a JSON Web Key Set.
type KeySet struct {
	Keys []map[string]string `json:"keys"`
}

// Server is a server that runs until the end of its test.
type Server struct {
	TokenURL      string
	introspectURL string
	revokeURL     string
	http          *http.Client
}

// Start runs a server until the end of the test.
func Start(t testing.TB, config Config) *Server {
	t.Helper()
	_, file, _, ok := runtime.Caller(0)
	if !ok {
		t.Fatal("this file cannot be found")
	}
	command := exec.CommandContext(t.Context(), "node", "server.mjs")
	command.Dir = filepath.Dir(file)
	command.WaitDelay = 10 * time.Second
	var log bytes.Buffer
	command.Stderr = &log
	input, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatalf("node: %v; the interop tests need it", err)
	}
	t.Cleanup(func() {
		_ = input.Close()  // ends the server; the end of t's context has killed it already, if need be
		_ = command.Wait() // in either case with an error or none that says anything
		if t.Failed() {
			t.Logf("the server wrote:\n%s", log.String())
		}
	})
	if err := json.NewEncoder(input).Encode(config); err != nil {
		t.Fatalf("the server did not read its configuration: %v", err)
	}
	line, err := bufio.NewReader(output).ReadBytes('\n')
	var started struct {
		Issuer string `json:"issuer"`
	}
	if err != nil || json.Unmarshal(line, &started) != nil {
		t.Fatalf("the server did not start (%v); run make test-more, which installs it", err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &Server{
		TokenURL:      started.Issuer + "/connect/token",
		introspectURL: started.Issuer + "/connect/introspect",
		revokeURL:     started.Issuer + "/connect/revoke",
		http:          &http.Client{Transport: transport, Timeout: 10 * time.Second},
	}
}

// Active asks the server whether the token is valid. The client must be one with a secret.
func (s *Server) Active(t testing.TB, client Client, token string) bool {
	t.Helper()
	var response struct {
		Active bool `json:"active"`
	}
	if err := json.Unmarshal(s.post(t, s.introspectURL, client, token), &response); err != nil {
		t.Fatalf("introspection: %v", err)
	}
	return response.Active
}

// Revoke makes the server forget the token, which must be one of the client's. The client must be one
// with a secret.
func (s *Server) Revoke(t testing.TB, client Client, token string) {
	t.Helper()
	s.post(t, s.revokeURL, client, token)
}

func (s *Server) post(t testing.TB, target string, client Client, token string) []byte {
	t.Helper()
	form := url.Values{"client_id": {client.ID}, "client_secret": {client.Secret}, "token": {token}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, target, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := s.http.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: status %d, %v: %s", target, response.StatusCode, err, body)
	}
	return body
}
