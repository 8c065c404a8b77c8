package d365backup_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	d365backup "github.com/d365backup/d365backup/wrapper"
)

// grantTo grants tokens for the secret that accepted points to.
func grantTo(accepted *string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.PostFormValue("client_secret") != *accepted {
			respond(http.StatusUnauthorized, "application/json", `{"error":"invalid_client"}`)(w, r)
			return
		}
		respond(http.StatusOK, "application/json", `{"access_token":"canary-token","expires_in":3600}`)(w, r)
	}
}

func TestCredentialReload(t *testing.T) {
	const rotated = "rotated-secret"
	for name, test := range map[string]struct {
		load    func() (d365backup.Option, error)
		granted bool
	}{
		"rotated":  {func() (d365backup.Option, error) { return d365backup.WithClientSecret("app", rotated), nil }, true},
		"the same": {func() (d365backup.Option, error) { return d365backup.WithClientSecret("app", canarySecret), nil }, false},
		"an error": {func() (d365backup.Option, error) {
			return d365backup.WithClientSecret("app", rotated), errors.New(rotated)
		}, false},
		"nothing":          {func() (d365backup.Option, error) { return nil, nil }, false},
		"an empty secret":  {func() (d365backup.Option, error) { return d365backup.WithClientSecret("app", ""), nil }, false},
		"another option":   {func() (d365backup.Option, error) { return d365backup.WithPageSize(7), nil }, false},
		"no certificate":   {func() (d365backup.Option, error) { return d365backup.WithCertificate("app", nil), nil }, false},
		"no token source":  {func() (d365backup.Option, error) { return d365backup.WithTokenSource(nil), nil }, false},
		"no reload at all": {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			accepted := rotated
			s := &service{tokens: grantTo(&accepted)}
			var options []d365backup.Option
			if test.load != nil {
				options = append(options, d365backup.WithCredentialReload(test.load))
			}
			client := s.start(t, options...)
			_, err := client.Page(t.Context(), d365backup.Query{Start: time.Now().Add(-time.Hour)}, 1)
			if test.granted != (err == nil) || !test.granted && !errors.Is(err, d365backup.ErrAuth) {
				t.Errorf("error %v", err)
			}
			if strings.Contains(fmt.Sprintf("%+v", err), rotated) {
				t.Errorf("the secret is in %+v", err)
			}
			if requests := s.granted.Load(); (requests == 2) != test.granted {
				t.Errorf("%d requests for a token", requests)
			}
		})
	}
}

func TestCredentialReloadRefused(t *testing.T) {
	for name, options := range map[string][]d365backup.Option{
		"no function":    {d365backup.WithClientSecret("app", "secret"), d365backup.WithCredentialReload(nil)},
		"a token source": {d365backup.WithTokenSource(canaryToken{}), d365backup.WithCredentialReload(func() (d365backup.Option, error) { return nil, nil })},
	} {
		_, err := d365backup.New(append(options, d365backup.WithDataCenter("us"))...)
		if !errors.Is(err, d365backup.ErrConfig) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// A rotated secret is not quoted, like the first one.
func TestReloadedSecretIsNotQuoted(t *testing.T) {
	accepted := "rotated-secret"
	s := &service{tokens: grantTo(&accepted), jobs: respond(http.StatusBadRequest, "text/plain", "you sent "+accepted)}
	client := s.start(t, d365backup.WithCredentialReload(func() (d365backup.Option, error) {
		return d365backup.WithClientSecret("app", accepted), nil
	}))
	for range 2 {
		_, err := client.Page(t.Context(), d365backup.Query{Start: time.Now().Add(-time.Hour)}, 1)
		if !errors.Is(err, d365backup.ErrBadRequest) || strings.Contains(fmt.Sprintf("%+v", err), accepted) {
			t.Errorf("error %v", err)
		}
	}
}
