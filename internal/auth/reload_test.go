package auth_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/d365backup/d365backup/internal/auth"
	"github.com/d365backup/d365backup/internal/auth/authtest"
	"github.com/d365backup/d365backup/internal/httpfail"
)

// grantTo grants tokens for one secret, and refuses all others.
func grantTo(accepted *atomic.Value) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.PostFormValue("client_secret") != accepted.Load() {
			respond(http.StatusUnauthorized, `{"error": "invalid_client"}`)(w, r)
			return
		}
		grant(time.Hour)(w, r)
	}
}

// reloading returns the tokens of a credential that reload may replace.
func (e *endpoint) reloading(t *testing.T, credential auth.Credential, reload func() (auth.Credential, error)) auth.Tokens {
	t.Helper()
	return e.source(t, func(c *config) { c.Credential, c.Reload = credential, reload })
}

// A new secret is loaded when the old one is refused, once for all callers, and the old one is not sent again.
func TestReplacedSecretIsReloaded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var accepted atomic.Value
		accepted.Store("old")
		endpoint := newPipeEndpoint(t, grantTo(&accepted))
		reloads := 0
		source := endpoint.reloading(t, auth.NewClientSecret(clientID, "old"), func() (auth.Credential, error) {
			reloads++
			return auth.NewClientSecret(clientID, accepted.Load().(string)), nil
		})
		first, err := source.Token(t.Context())
		if err != nil || reloads != 0 {
			t.Fatalf("error %v after %d reloads", err, reloads)
		}
		accepted.Store("new")
		source.Invalidate(first)
		var callers sync.WaitGroup
		for range 20 {
			callers.Go(func() {
				if _, err := source.Token(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		callers.Wait()
		if got := endpoint.requests.Load(); got != 3 || reloads != 1 {
			t.Errorf("%d requests and %d reloads, want 3 (granted, refused, granted) and 1", got, reloads)
		}
	})
}

// If no other credential is loaded, nothing is sent again, and the error is that of the refusal.
func TestRefusalWithoutNewCredential(t *testing.T) {
	var accepted atomic.Value
	accepted.Store("another")
	another := auth.NewClientSecret(clientID, "another")
	for name, reload := range map[string]func() (auth.Credential, error){
		"the same":       func() (auth.Credential, error) { return auth.NewClientSecret(clientID, "old"), nil },
		"unreadable":     func() (auth.Credential, error) { return another, errors.New("no such file") },
		"empty":          func() (auth.Credential, error) { return auth.NewClientSecret(clientID, ""), nil },
		"no certificate": func() (auth.Credential, error) { return auth.ClientCertificate{ClientID: clientID}, nil },
		"none":           func() (auth.Credential, error) { return nil, nil },
		"another kind":   func() (auth.Credential, error) { return auth.TokenSource{}, nil },
	} {
		t.Run(name, func(t *testing.T) {
			endpoint := newEndpoint(t, grantTo(&accepted))
			source := endpoint.reloading(t, auth.NewClientSecret(clientID, "old"), reload)
			_, err := source.Token(t.Context())
			if failure, ok := errors.AsType[*httpfail.Failure](err); !ok || !strings.Contains(failure.Text, "invalid_client") {
				t.Errorf("error %v, want the refusal", err)
			}
			if got := endpoint.requests.Load(); got != 1 {
				t.Errorf("%d requests, want 1", got)
			}
		})
	}
}

// Nothing is reloaded for an outage, which another credential does not end.
func TestOutageReloadsNothing(t *testing.T) {
	endpoint := newEndpoint(t, respond(http.StatusServiceUnavailable, ``))
	source := endpoint.reloading(t, auth.NewClientSecret(clientID, "old"), func() (auth.Credential, error) {
		t.Error("reloaded")
		return nil, nil
	})
	if _, err := source.Token(t.Context()); err == nil {
		t.Error("no error")
	}
}

// A certificate that expires while it is in use is replaced by its successor, and no longer signs anything.
func TestExpiredCertificateIsReloaded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		endpoint := newPipeEndpoint(t, grant(time.Hour))
		key := authtest.Key()
		load := func() (auth.Credential, error) {
			certificate, err := auth.ParseCertificate(authtest.PEM(t, key, authtest.Issue(t, key)), "", time.Now())
			if err != nil {
				t.Fatal(err)
			}
			return auth.ClientCertificate{ClientID: clientID, Certificate: certificate}, nil
		}
		first, _ := load()
		source := endpoint.reloading(t, first, load)
		time.Sleep(2 * time.Hour) // the certificate is valid for one
		if _, err := source.Token(t.Context()); err != nil {
			t.Error(err)
		}
		if got := endpoint.requests.Load(); got != 1 {
			t.Errorf("%d requests, want 1", got)
		}
	})
}

// A caller does not wait longer than its context for a reload, and the next one does not start a second reload.
func TestReloadOutlastsItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var accepted atomic.Value
		accepted.Store("new")
		var reloads atomic.Int32
		source := newPipeEndpoint(t, grantTo(&accepted)).reloading(t, auth.NewClientSecret(clientID, "old"), func() (auth.Credential, error) {
			reloads.Add(1)
			time.Sleep(10 * time.Second)
			return auth.NewClientSecret(clientID, "new"), nil
		})
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := source.Token(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want that of the context", err)
		}
		take(t, source)
		if took := time.Since(start); took != 10*time.Second || reloads.Load() != 1 {
			t.Errorf("a token after %v and %d reloads, want 10s and 1", took, reloads.Load())
		}
	})
}

// A credential that is refused when a token is replaced early is reloaded then, while the old token is still in use.
func TestReloadBeforeExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var accepted atomic.Value
		accepted.Store("old")
		endpoint := newPipeEndpoint(t, grantTo(&accepted))
		source := endpoint.reloading(t, auth.NewClientSecret(clientID, "old"), func() (auth.Credential, error) {
			return auth.NewClientSecret(clientID, "new"), nil
		})
		take(t, source)
		accepted.Store("new")
		time.Sleep(56 * time.Minute) // within the last five minutes of the hour
		take(t, source)
		synctest.Wait()
		if got := endpoint.requests.Load(); got != 3 || source.Secret() != "new" {
			t.Errorf("%d requests and another secret in use, want 3 (granted, refused, granted) and the new one", got)
		}
	})
}
