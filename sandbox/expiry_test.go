package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// These tests run on a fake clock, which needs a sandbox without a network.

func TestTokensExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := newServer([]Option{WithTokenLifetime(20 * time.Second), WithJobs(1)})
		if err != nil {
			t.Fatal(err)
		}
		token := requestToken(t, s)
		for _, step := range []struct {
			after time.Duration
			want  int
		}{{0, 200}, {20*time.Second - 1, 200}, {1, 401}} {
			time.Sleep(step.after)
			r := httptest.NewRequest(http.MethodPost, "http://localhost"+getJobs.path, strings.NewReader(`{"pageInfo":{}}`))
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Authorization", "Bearer "+token)
			w := httptest.NewRecorder()
			s.serve(w, r)
			if w.Code != step.want {
				t.Errorf("after another %v: status %d, want %d", step.after, w.Code, step.want)
			}
		}
	})
}

func requestToken(t *testing.T, s *Server) string {
	t.Helper()
	form := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {s.ClientID()}, "client_secret": {s.ClientSecret()}, "scope": {s.config.scope},
	}
	r := httptest.NewRequest(http.MethodPost, "http://localhost"+tokenPath, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	s.serve(w, r)
	var got struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got.AccessToken == "" {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	return got.AccessToken
}

func TestExpiring(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var set expiring
		end := time.Now().Add(time.Minute)
		for i := range 1000 {
			if s := fmt.Sprint(i); !set.add(s, end) || set.add(s, end) || !set.has(s) {
				t.Fatalf("%q is not new exactly once", s)
			}
		}
		time.Sleep(time.Minute)
		if set.has("1") {
			t.Error("a string is valid at its expiry")
		}
		synctest.Wait()
		set.expiry.Range(func(s, _ any) bool {
			t.Errorf("%q is still stored after its expiry", s)
			return false
		})
	})
}

// BenchmarkTokens adds tokens to an empty set and to a large one. The cost should hardly differ.
func BenchmarkTokens(b *testing.B) {
	for _, stored := range []int{0, 35_000} {
		b.Run(fmt.Sprint(stored, " stored"), func(b *testing.B) {
			var set expiring
			end := time.Now().Add(time.Hour)
			for i := range stored {
				set.add(fmt.Sprint("stored ", i), end)
			}
			for i := 0; b.Loop(); i++ {
				set.add(fmt.Sprint(i), end)
			}
		})
	}
}
