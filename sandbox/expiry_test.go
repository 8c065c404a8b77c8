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
			r := httptest.NewRequest(http.MethodPost, "http://localhost"+getJobs.path, strings.NewReader(`{"pageInfo":{}}`))
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Authorization", "Bearer "+token)
			w := httptest.NewRecorder()
			s.serve(w, r)
			if w.Code != step.want {
				t.Errorf("%v later: %d, want %d", step.after, w.Code, step.want)
			}
		}
		grantedBy(t, s)
		if got := len(s.tokens.kept.until); got != 1 {
			t.Errorf("%d tokens are kept, want only the one that is valid", got)
		}
	})
}

func grantedBy(t *testing.T, s *Server) string {
	t.Helper()
	form := url.Values{
		"grant_type": {clientGrant}, "client_id": {s.ClientID()}, "client_secret": {s.ClientSecret()}, "scope": {defaultScope},
	}
	r := httptest.NewRequest(http.MethodPost, "http://localhost"+tokenPath, strings.NewReader(form.Encode()))
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
		if !r.first("b", time.Now().Add(time.Minute)) || len(r.kept.until) != 1 {
			t.Errorf("kept: %v", r.kept.until)
		}
	})
}

// BenchmarkTokens issues tokens while many are kept: it must cost the same as with none.
func BenchmarkTokens(b *testing.B) {
	for _, kept := range []int{0, 35_000} {
		b.Run(fmt.Sprint(kept, " kept"), func(b *testing.B) {
			for range b.N {
				b.StopTimer()
				var t tokens
				for range kept {
					t.issue(time.Hour)
				}
				b.StartTimer()
				for range 1000 {
					t.issue(time.Hour)
				}
			}
		})
	}
}

// TestTokensDropInBulk: those that have expired are looked for rarely, and all of them go.
func TestTokensDropInBulk(t *testing.T) {
	now := time.Now()
	var kept expiring
	looked := 0
	for i := range 10_000 {
		full := kept.full
		kept.add(fmt.Sprint(i), now.Add(time.Hour), now)
		if kept.full != full {
			looked++
		}
	}
	if looked > 20 || len(kept.until) != 10_000 {
		t.Errorf("looked %d times, %d are kept", looked, len(kept.until))
	}
	now = now.Add(2 * time.Hour)
	for i := range 20_000 {
		kept.add(fmt.Sprint("later ", i), now.Add(time.Hour), now)
	}
	if len(kept.until) != 20_000 {
		t.Errorf("%d are kept, want the valid ones alone", len(kept.until))
	}
}
