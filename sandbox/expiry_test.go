package sandbox

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// These tests hold the clock, which takes a sandbox without a network.

func TestTokensExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := newServer([]Option{WithTokenLifetime(20 * time.Second), WithJobs(1)})
		if err != nil {
			t.Fatal(err)
		}
		token := grantedBy(t, s)
		for _, step := range []struct {
			after time.Duration
			want  int
		}{{0, 200}, {20*time.Second - 1, 200}, {1, 401}} {
			time.Sleep(step.after)
			r := httptest.NewRequest(http.MethodPost, getJobs.path, strings.NewReader(`{"pageInfo":{}}`))
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Authorization", "Bearer "+token)
			w := httptest.NewRecorder()
			s.serve(w, r)
			if w.Code != step.want {
				t.Errorf("%v later: %d, want %d", step.after, w.Code, step.want)
			}
		}
		grantedBy(t, s)
		if got := len(s.tokens.expiry); got != 1 {
			t.Errorf("%d tokens are kept, want only the one that is valid", got)
		}
	})
}

func grantedBy(t *testing.T, s *Server) string {
	t.Helper()
	form := url.Values{
		"grant_type": {clientGrant}, "client_id": {s.ClientID()}, "client_secret": {s.ClientSecret()}, "scope": {defaultScope},
	}
	r := httptest.NewRequest(http.MethodPost, tokenPath, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	s.serve(w, r)
	var got grant
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got.AccessToken == "" {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	return got.AccessToken
}

func TestReplaysAreForgottenWhenTheyCannotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r replays
		end := time.Now().Add(time.Minute)
		if !r.first("a", end) || r.first("a", end) {
			t.Error("an id is new once")
		}
		time.Sleep(time.Minute)
		if !r.first("b", time.Now().Add(time.Minute)) || len(r.expiry) != 1 {
			t.Errorf("kept: %v", r.expiry)
		}
	})
}
