package sandbox_test

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/d365backup/d365backup/sandbox"
)

// with returns a copy of a form with some fields set, or removed if the value is "-".
func with(form url.Values, fields ...string) url.Values {
	form = maps.Clone(form)
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
		if fields[i+1] == "-" {
			form.Del(fields[i])
		}
	}
	return form
}

func TestToken(t *testing.T) {
	for name, opts := range map[string][]sandbox.Option{
		"defaults": nil,
		"options":  {sandbox.WithClient("some client", "some secret & more"), sandbox.WithTokenLifetime(20 * time.Second)},
	} {
		t.Run(name, func(t *testing.T) {
			srv := start(t, opts...)
			want := tokenResponse{ExpiresIn: 3600, TokenType: "Bearer", Scope: scope}
			if opts != nil {
				want.ExpiresIn = 20
			}
			a := postToken(t, srv, secretForm(srv))
			got := decode[tokenResponse](t, a)
			if want.AccessToken = got.AccessToken; got.AccessToken == "" || got != want {
				t.Errorf("%s", a.body)
			}
			if a.StatusCode != 200 || a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%s: %v", a.Status, a.Header)
			}
			if other := token(t, srv); other == got.AccessToken {
				t.Error("two requests got the same token")
			}
		})
	}
}

func TestTokenRefusals(t *testing.T) {
	srv := start(t)
	good := secretForm(srv)
	for name, test := range map[string]struct {
		form   url.Values
		status int
		code   string
	}{
		"no grant type":        {with(good, "grant_type", "-"), 400, "invalid_request"},
		"repeated parameter":   {url.Values{"grant_type": {"client_credentials", "client_credentials"}}, 400, "invalid_request"},
		"unknown client":       {with(good, "client_id", "another"), 401, "invalid_client"},
		"no client":            {with(good, "client_id", "-"), 401, "invalid_client"},
		"wrong secret":         {with(good, "client_secret", "another"), 401, "invalid_client"},
		"empty secret":         {with(good, "client_secret", ""), 401, "invalid_client"},
		"no credentials":       {with(good, "client_secret", "-"), 401, "invalid_client"},
		"two credentials":      {with(good, "client_assertion", "x", "client_assertion_type", assertionType), 400, "invalid_request"},
		"unknown grant type":   {with(good, "grant_type", "implicit"), 400, "unsupported_grant_type"},
		"forbidden grant type": {with(good, "grant_type", "refresh_token"), 400, "unauthorized_client"},
		"no scope":             {with(good, "scope", "-"), 400, "invalid_scope"},
		"lower-case scope":     {with(good, "scope", "dynamics.readwrite.all"), 400, "invalid_scope"},
		"two scopes":           {with(good, "scope", scope+" openid"), 400, "invalid_scope"},
		// An unknown client must not learn what else is wrong.
		"all wrong": {with(good, "client_secret", "x", "scope", "x", "grant_type", "x"), 401, "invalid_client"},
	} {
		t.Run(name, func(t *testing.T) {
			checkDenied(t, postToken(t, srv, test.form), test.status, test.code)
		})
	}
}

func checkDenied(t *testing.T, a response, status int, code string) tokenResponse {
	t.Helper()
	got := decode[tokenResponse](t, a)
	if a.StatusCode != status || got.Error != code || got.ErrorDescription == "" || got.AccessToken != "" {
		t.Errorf("%s: %s, want %d %s", a.Status, a.body, status, code)
	}
	if a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%v", a.Header)
	}
	return got
}

func TestTokenForm(t *testing.T) {
	srv := start(t)
	form := secretForm(srv).Encode()
	const formType = "application/x-www-form-urlencoded"
	for name, test := range map[string]struct {
		target, body, contentType string
		status                    int
	}{
		"form":              {"", form, formType, 200},
		"form with charset": {"", form, formType + "; charset=utf-8", 200},
		"JSON":              {"", `{"grant_type":"client_credentials"}`, "application/json", 400},
		"no media type":     {"", form, "", 400},
		"in the query":      {"?" + form, "", formType, 400},
		"invalid":           {"", form + "&x=%zz", formType, 400},
		"too long":          {"", form + "&x=" + strings.Repeat("x", 1<<20), formType, 400},
	} {
		t.Run(name, func(t *testing.T) {
			a := do(t, request(t, "POST", srv.TokenURL()+test.target, test.body, "Content-Type", test.contentType))
			if a.StatusCode != test.status {
				t.Fatalf("%s: %s", a.Status, a.body)
			}
			if a.StatusCode != 200 {
				checkDenied(t, a, 400, "invalid_request")
			}
		})
	}
}

func TestBasicAuthIsRefused(t *testing.T) {
	srv := start(t)
	form := with(secretForm(srv), "client_id", "-", "client_secret", "-")
	req := request(t, "POST", srv.TokenURL(), form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(srv.ClientID(), srv.ClientSecret())
	a := do(t, req)
	checkDenied(t, a, http.StatusUnauthorized, "invalid_client")
	if got := a.Header.Get("WWW-Authenticate"); got != `Basic realm="sandbox"` {
		t.Errorf("WWW-Authenticate %q", got)
	}
}

func TestLowerCaseScope(t *testing.T) {
	const lower = "dynamics.readwrite.all"
	srv := start(t, sandbox.WithScope(lower))
	checkDenied(t, postToken(t, srv, secretForm(srv)), 400, "invalid_scope")
	if got := decode[tokenResponse](t, postToken(t, srv, with(secretForm(srv), "scope", lower))); got.Scope != lower {
		t.Errorf("%+v", got)
	}
}
