package auth_test

import (
	"context"
	"crypto/rsa"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"golang.org/x/oauth2"

	"github.com/d365backup/d365backup/internal/auth"
	"github.com/d365backup/d365backup/internal/auth/authtest"
	"github.com/d365backup/d365backup/internal/httpfail"
)

func TestSecretGoesInTheBody(t *testing.T) {
	var got *http.Request
	endpoint := newEndpoint(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		grant(time.Hour)(w, r)
	})
	take(t, endpoint.source(t))
	want := url.Values{
		"grant_type":    {"client_credentials"},
		"client_id":     {clientID},
		"client_secret": {secret},
		"scope":         {scope},
	}
	if diff := cmp.Diff(want, got.PostForm); diff != "" {
		t.Errorf("form (-want +got):\n%s", diff)
	}
	if got.Method != http.MethodPost || got.URL.String() != "/connect/token" {
		t.Errorf("request %s %s", got.Method, got.URL)
	}
	if header := got.Header.Get("Authorization"); header != "" {
		t.Errorf("Authorization header %q", header)
	}
	if media := got.Header.Get("Content-Type"); media != "application/x-www-form-urlencoded" {
		t.Errorf("media type %q", media)
	}
}

func TestAssertionFollowsTheDocuments(t *testing.T) {
	var forms []url.Values
	endpoint := newEndpoint(t, func(w http.ResponseWriter, r *http.Request) {
		forms = append(forms, r.PostForm)
		grant(time.Hour)(w, r)
	})
	key := authtest.Key()
	leaf := authtest.Issue(t, key)
	certificate, err := auth.ParseCertificate(authtest.PEM(t, key, leaf), "", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	source := endpoint.source(t, func(c *config) {
		c.Credential = auth.ClientCertificate{ClientID: clientID, Certificate: certificate}
	})
	for range 2 {
		granted, err := source.Token(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		source.Invalidate(granted)
	}

	var ids []string
	for _, form := range forms {
		assertion := form.Get("client_assertion")
		form.Del("client_assertion")
		want := url.Values{
			"grant_type":            {"client_credentials"},
			"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
			"scope":                 {scope},
		}
		if diff := cmp.Diff(want, form); diff != "" {
			t.Errorf("form (-want +got):\n%s", diff)
		}
		ids = append(ids, checkAssertion(t, assertion, &key.PublicKey, sha1.Sum(leaf.Raw), endpoint.URL))
	}
	if len(ids) != 2 || ids[0] == ids[1] {
		t.Errorf("jti of two requests: %q", ids)
	}
}

// checkAssertion compares the assertion with the documents and returns its jti.
func checkAssertion(t *testing.T, assertion string, key *rsa.PublicKey, thumbprint [sha1.Size]byte, audience string) string {
	t.Helper()
	if _, err := jwt.Parse(assertion, func(*jwt.Token) (any, error) { return key, nil },
		jwt.WithValidMethods([]string{"RS256"})); err != nil {
		t.Fatalf("assertion: %v", err)
	}
	parts := strings.Split(assertion, ".")
	var header, claims map[string]any
	for i, part := range []*map[string]any{&header, &claims} {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, part); err != nil {
			t.Fatal(err)
		}
	}
	wantHeader := map[string]any{
		"alg": "RS256",
		"typ": "JWT",
		"kid": strings.ToUpper(hex.EncodeToString(thumbprint[:])),
		"x5t": base64.RawURLEncoding.EncodeToString(thumbprint[:]),
	}
	if diff := cmp.Diff(wantHeader, header); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
	id, _ := claims["jti"].(string)
	if parsed, err := uuid.Parse(id); err != nil || parsed.Version() != 4 {
		t.Errorf("jti = %q, want a random UUID", id)
	}
	notBefore, _ := claims["nbf"].(float64)
	const skew = time.Minute // by which the clock of an endpoint may be slow
	if age := time.Since(time.Unix(int64(notBefore), 0)) - skew; age < 0 || age > time.Minute {
		t.Errorf("nbf is %v ago, want %v", age+skew, skew)
	}
	wantClaims := map[string]any{
		"iss": clientID, "sub": clientID, "aud": audience, "jti": id,
		"nbf": notBefore, "exp": notBefore + (skew + 10*time.Minute).Seconds(),
	}
	if diff := cmp.Diff(wantClaims, claims); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
	return id
}

func TestExpiredCertificateSendsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		endpoint := newPipeEndpoint(t, grant(time.Minute))
		source := endpoint.source(t, withCertificate(t))
		take(t, source)
		time.Sleep(2 * time.Hour) // the certificate is valid for one more
		failure := refused(t, source)
		if failure.Reason != httpfail.CertificateExpired || !strings.Contains(failure.Text, "expired on") {
			t.Errorf("error %v of reason %s", failure, failure.Reason)
		}
		if got := endpoint.requests.Load(); got != 1 {
			t.Errorf("%d requests, want 1", got)
		}
	})
}

func TestRedirectIsNotFollowed(t *testing.T) {
	for _, status := range []int{300, 301, 302, 303, 304, 305, 307, 308} {
		for name, change := range map[string]func(*config){
			"secret": func(*config) {}, "certificate": withCertificate(t),
		} {
			t.Run(name+" "+http.StatusText(status), func(t *testing.T) {
				other := newEndpoint(t, grant(time.Hour))
				endpoint := newEndpoint(t, func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Location", other.URL)
					respond(status, `{"error": "invalid_client"}`)(w, r)
				})
				failure := refused(t, endpoint.source(t, change))
				if failure.Reason != httpfail.Redirect || failure.Status != status || failure.Retry {
					t.Errorf("error %#v", *failure)
				}
				if strings.Contains(failure.Error(), other.URL) {
					t.Errorf("the error repeats the location: %v", failure)
				}
				if got := other.requests.Load(); got != 0 {
					t.Errorf("the other host received %d requests", got)
				}
				if got := endpoint.requests.Load(); got != 1 {
					t.Errorf("%d requests, want 1", got)
				}
			})
		}
	}
}

func TestUntrustedCertificate(t *testing.T) {
	server := httptest.NewTLSServer(grant(time.Hour))
	defer server.Close()
	server.Config.ErrorLog = discardLog
	endpoint := &endpoint{URL: server.URL, Transport: &http.Transport{}}
	failure := refused(t, endpoint.source(t))
	if failure.Reason != httpfail.Untrusted || failure.Retry || !strings.Contains(failure.Text, "unknown authority") {
		t.Errorf("error %#v", *failure)
	}
}

func TestIncompleteCredentials(t *testing.T) {
	reload := func() (auth.Credential, error) { return nil, nil }
	tokens := auth.TokenSource{Source: oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "token"})}
	for name, test := range map[string]struct {
		credential auth.Credential
		endpoint   auth.Endpoint
		want       string
	}{
		"no client id of a secret":      {auth.NewClientSecret("", secret), auth.Endpoint{}, "the client ID is empty"},
		"no secret":                     {auth.NewClientSecret(clientID, ""), auth.Endpoint{}, "the client secret is empty"},
		"no client id of a certificate": {auth.ClientCertificate{Certificate: auth.Certificate{}}, auth.Endpoint{}, "the client ID is empty"},
		"no certificate":                {auth.ClientCertificate{ClientID: clientID}, auth.Endpoint{}, "no certificate"},
		"no source":                     {auth.TokenSource{}, auth.Endpoint{}, "the source is nil"},
		"a source that is reloaded":     {tokens, auth.Endpoint{Reload: reload}, "replaces its own credentials"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := test.credential.Tokens(test.endpoint)
			if err == nil || got != nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Tokens = %v, %v; want an error with %q", got, err, test.want)
			}
		})
	}
}

func TestContextOfOneCallerAffectsNoOther(t *testing.T) {
	endpoint := newEndpoint(t, grant(time.Hour))
	source := endpoint.source(t)
	first, cancel := context.WithCancel(t.Context())
	granted, err := source.Token(first)
	if err != nil {
		t.Fatal(err)
	}
	cancel() // as in a program that creates its client under a short context
	source.Invalidate(granted)
	if got := take(t, source); got != "token-2" {
		t.Errorf("got %q, want token-2", got)
	}
}
