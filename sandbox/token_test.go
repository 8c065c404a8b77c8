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
			resp := postToken(t, srv, secretForm(srv))
			got := decode[tokenResponse](t, resp)
			if want.AccessToken = got.AccessToken; got.AccessToken == "" || got != want {
				t.Errorf("%s", resp.body)
			}
			if resp.StatusCode != 200 || resp.Header.Get("Cache-Control") != "no-store" || resp.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%s: %v", resp.Status, resp.Header)
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

func checkDenied(t *testing.T, resp response, status int, code string) tokenResponse {
	t.Helper()
	got := decode[tokenResponse](t, resp)
	if resp.StatusCode != status || got.Error != code || got.ErrorDescription == "" || got.AccessToken != "" {
		t.Errorf("%s: %s, want %d %s", resp.Status, resp.body, status, code)
	}
	if resp.Header.Get("Cache-Control") != "no-store" || resp.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%v", resp.Header)
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
			resp := do(t, request(t, "POST", srv.TokenURL()+test.target, test.body, "Content-Type", test.contentType))
			if resp.StatusCode != test.status {
				t.Fatalf("%s: %s", resp.Status, resp.body)
			}
			if resp.StatusCode != 200 {
				checkDenied(t, resp, 400, "invalid_request")
			}
		})
	}
}

func TestBasicAuthIsRefused(t *testing.T) {
	srv := start(t)
	form := with(secretForm(srv), "client_id", "-", "client_secret", "-")
	req := request(t, "POST", srv.TokenURL(), form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(srv.ClientID(), srv.ClientSecret())
	resp := do(t, req)
	checkDenied(t, resp, http.StatusUnauthorized, "invalid_client")
	if got := resp.Header.Get("WWW-Authenticate"); got != `Basic realm="sandbox"` {
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
