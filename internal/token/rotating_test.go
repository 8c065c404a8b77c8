package token_test

import (
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/d365backup/d365backup/internal/credential"
	"github.com/d365backup/d365backup/internal/credential/credentialtest"
	"github.com/d365backup/d365backup/internal/token"
)

// grantTo grants tokens for one secret, and refuses all others.
func grantTo(accepted *atomic.Value) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.PostFormValue("client_secret") != accepted.Load() {
			answer(http.StatusUnauthorized, `{"error": "invalid_client"}`)(w, r)
			return
		}
		grant(time.Hour)(w, r)
	}
}

func (e *endpoint) rotating(t *testing.T, config token.Config, reread func(token.Config) (token.Config, error)) *token.Rotating {
	t.Helper()
	config.TokenURL, config.ClientID, config.Scope, config.Transport = e.URL, clientID, scope, e.Transport
	source, err := token.NewRotating(config, reread)
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// A secret that was replaced is read when the old one is refused, once for all who wait, and the old one is not sent again.
func TestRotatedSecretIsReread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var accepted atomic.Value
		accepted.Store("old")
		endpoint := newPipeEndpoint(t, grantTo(&accepted))
		rereads := 0
		source := endpoint.rotating(t, token.Config{ClientSecret: token.NewSecret("old")}, func(config token.Config) (token.Config, error) {
			rereads++
			config.ClientSecret = token.NewSecret(accepted.Load().(string))
			return config, nil
		})
		first, err := source.Token(t.Context())
		if err != nil || rereads != 0 {
			t.Fatalf("error %v after %d rereads", err, rereads)
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
		if got := endpoint.requests.Load(); got != 3 || rereads != 1 {
			t.Errorf("%d requests and %d rereads, want 3 (granted, refused, granted) and 1", got, rereads)
		}
	})
}

// What is not another credential is not tried, and the refusal stands.
func TestRefusalStands(t *testing.T) {
	var accepted atomic.Value
	accepted.Store("another")
	for name, reread := range map[string]func(token.Config) (token.Config, error){
		"the same": func(config token.Config) (token.Config, error) { return config, nil },
		"unreadable": func(config token.Config) (token.Config, error) {
			config.ClientSecret = token.NewSecret("another")
			return config, errors.New("no such file")
		},
		"none": func(config token.Config) (token.Config, error) {
			config.ClientSecret = token.Secret{}
			return config, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			endpoint := newEndpoint(t, grantTo(&accepted))
			source := endpoint.rotating(t, token.Config{ClientSecret: token.NewSecret("old")}, reread)
			_, err := source.Token(t.Context())
			if failure, ok := errors.AsType[*token.Error](err); !ok || failure.Code != "invalid_client" {
				t.Errorf("error %v, want the refusal", err)
			}
			if got := endpoint.requests.Load(); got != 1 {
				t.Errorf("%d requests, want 1", got)
			}
		})
	}
}

// Nothing is reread for an outage, which no other credential ends.
func TestOutageRereadsNothing(t *testing.T) {
	endpoint := newEndpoint(t, answer(http.StatusServiceUnavailable, ``))
	source := endpoint.rotating(t, token.Config{ClientSecret: token.NewSecret("old")}, func(config token.Config) (token.Config, error) {
		t.Error("reread")
		return config, nil
	})
	if _, err := source.Token(t.Context()); err == nil {
		t.Error("no error")
	}
}

// A certificate that expires while it is in use gives way to its successor, and nothing is signed by it.
func TestExpiredCertificateIsReread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		endpoint := newPipeEndpoint(t, grant(time.Hour))
		key := credentialtest.Key()
		load := func() *credential.Certificate {
			certificate, err := credential.Parse(credentialtest.PEM(t, key, credentialtest.Issue(t, key)), "", time.Now())
			if err != nil {
				t.Fatal(err)
			}
			return certificate
		}
		source := endpoint.rotating(t, token.Config{Certificate: load()}, func(config token.Config) (token.Config, error) {
			config.Certificate = load()
			return config, nil
		})
		time.Sleep(2 * time.Hour) // the certificate has one
		if _, err := source.Token(t.Context()); err != nil {
			t.Error(err)
		}
		if got := endpoint.requests.Load(); got != 1 {
			t.Errorf("%d requests, want 1", got)
		}
	})
}
