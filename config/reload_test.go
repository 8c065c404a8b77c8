package config

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	d365backup "github.com/d365backup/d365backup/wrapper"
)

// TestRotatedSecretFile: when a secret is refused, its file is read again, which Kubernetes replaces by changing the target of
// a link.
func TestRotatedSecretFile(t *testing.T) {
	accepted := "first"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.URL.Path != "/token" && r.Header.Get("Authorization") == "Bearer "+accepted:
			fmt.Fprint(w, `{"totalCount":0,"jobs":[]}`)
		case r.URL.Path == "/token" && r.PostFormValue("client_secret") == accepted:
			fmt.Fprintf(w, `{"access_token":%q,"expires_in":3600}`, accepted)
		default:
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"error":"invalid_client"}`)
		}
	}))
	defer server.Close()

	dir := t.TempDir()
	rotate := func(secret string) {
		save(t, filepath.Join(dir, ".."+secret, "secret"), secret+"\n", 0o400)
		next := filepath.Join(dir, "..data_tmp")
		if err := os.Symlink(".."+secret, next); err != nil {
			t.Skip(err) // Windows allows it to few
		}
		if err := os.Rename(next, filepath.Join(dir, "..data")); err != nil {
			t.Fatal(err)
		}
	}
	rotate("first")
	if err := os.Symlink("..data/secret", filepath.Join(dir, "secret")); err != nil {
		t.Fatal(err)
	}
	settings, err := resolve(t, t.TempDir(), []string{"BASE_URL=" + server.URL, "TOKEN_URL=" + server.URL + "/token", "CLIENT_ID=app",
		"CLIENT_SECRET_FILE=" + filepath.Join(dir, "secret")})
	if err != nil {
		t.Fatal(err)
	}
	client, err := settings.Client()
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"first", "second", "third"} {
		rotate(secret)
		accepted = secret // the tokens of the last one are refused, too
		if _, err := client.Page(t.Context(), d365backup.Query{Start: time.Now().Add(-time.Hour)}, 1); err != nil {
			t.Errorf("%s: %v", secret, err)
		}
	}
}
