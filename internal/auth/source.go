package auth

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/oauth2"

	"github.com/d365backup/d365backup/internal/httpfail"
)

// A token is refreshed at least this long, or a fifth of its lifetime if that is less, before it expires, and
// at most twice as long. The moment is random, so that clients created together do not refresh together.
const refreshMargin = 5 * time.Minute

// source keeps the last token of an app. Callers that find none share one request for it, and a token that
// expires soon is refreshed in the background.
type source struct {
	endpoint Endpoint
	// reloading is full while a refused credential is replaced. It is not a sync.Mutex because testing/synctest does not advance
	// time while a goroutine waits for one, as another does for Reload.
	reloading chan struct{}

	mu         sync.Mutex
	credential appCredential
	token      *oauth2.Token  // nil if there is none
	margin     time.Duration  // the least time between the refresh of token and its expiry
	refreshAt  time.Time      // when to refresh it, or to retry that
	pending    *sharedRequest // nil if no request is in flight
}

// sharedRequest is one request for a token and those who wait for it.
type sharedRequest struct {
	done    chan struct{} // closed when token and err are set
	token   *oauth2.Token
	err     *httpfail.Failure
	waiters int
	cancel  context.CancelFunc
}

// Format hides the token, whatever the verb.
func (*source) Format(f fmt.State, _ rune) { io.WriteString(f, "token source") }

func newSource(endpoint Endpoint, credential appCredential) (Tokens, error) {
	if err := credential.check(); err != nil {
		return nil, err
	}
	return &source{endpoint: endpoint, reloading: make(chan struct{}, 1), credential: credential}, nil
}

// Token returns the token kept, or waits for a new one until ctx ends. The end of ctx does not end a request
// that others wait for.
func (s *source) Token(ctx context.Context) (*oauth2.Token, error) {
	s.mu.Lock()
	// Both times carry the monotonic clock, so that setting the wall clock changes nothing.
	if now := time.Now(); s.token != nil && now.Before(s.token.Expiry) {
		defer s.mu.Unlock()
		if s.pending == nil && !now.Before(s.refreshAt) {
			s.start()
		}
		return s.token, nil
	}
	if err := ctx.Err(); err != nil {
		s.mu.Unlock()
		return nil, err
	}
	if s.pending == nil {
		s.start()
	}
	r := s.pending
	r.waiters++
	s.mu.Unlock()

	select {
	case <-r.done:
		if r.err != nil {
			return nil, r.err
		}
		return r.token, nil
	case <-ctx.Done():
		s.leave(r)
		return nil, ctx.Err()
	}
}

// Invalidate drops the token if it is still the one kept. If many callers report the same token, they share
// the request for the next one.
func (s *source) Invalidate(token *oauth2.Token) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token == token {
		s.token = nil
	}
}

// Secret returns the client secret in use.
func (s *source) Secret() string {
	if c, ok := s.current().(ClientSecret); ok {
		return c.secret()
	}
	return ""
}

func (s *source) current() appCredential {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.credential
}

// start requests a token in a new goroutine. No caller's context ends the request, but it ends when the last
// caller that waits for it has left. The lock is held.
func (s *source) start() {
	ctx, cancel := context.WithCancel(context.Background())
	r := &sharedRequest{done: make(chan struct{}), cancel: cancel}
	s.pending = r
	go func() {
		defer cancel()
		credential := s.current()
		token, lifetime, err := s.endpoint.fetch(ctx, credential)
		if err != nil && !err.Retry && s.endpoint.Reload != nil {
			if next := s.reload(credential); next != nil {
				token, lifetime, err = s.endpoint.fetch(ctx, next)
			}
		}
		s.finish(r, token, lifetime, err)
	}()
}

// reload returns the credential to use after a refused one; nil if there is no other.
func (s *source) reload(refused appCredential) appCredential {
	s.reloading <- struct{}{}
	defer func() { <-s.reloading }()
	if current := s.current(); current.id() != refused.id() {
		return current // reloaded for an earlier request
	}
	loaded, err := s.endpoint.Reload()
	next, ok := loaded.(appCredential)
	if err != nil || !ok || next.check() != nil || next.id() == refused.id() {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.credential = next
	return next
}

// finish passes the result to those who wait and keeps the token.
func (s *source) finish(r *sharedRequest, token *oauth2.Token, lifetime time.Duration, err *httpfail.Failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.token, r.err = token, err
	close(r.done)
	if s.pending != r {
		return // all callers had left, and another may be in flight
	}
	s.pending = nil
	switch {
	case err == nil:
		s.token, s.margin = token, min(refreshMargin, lifetime/5)
		s.refreshAt = token.Expiry.Add(-s.margin - rand.N(s.margin+1))
	case s.token != nil && err.Retry:
		// The old token may still be valid: retry a few times, at long intervals.
		s.refreshAt = time.Now().Add(max(err.RetryAfter, s.margin/4))
	case s.token != nil:
		s.refreshAt = s.token.Expiry
	}
}

// leave records that one caller no longer waits. The last one to leave cancels the request.
func (s *source) leave(r *sharedRequest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.waiters--
	if r.waiters > 0 {
		return
	}
	r.cancel()
	if s.pending == r {
		s.pending = nil
	}
}
