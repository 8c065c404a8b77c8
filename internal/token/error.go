package token

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/d365backup/d365backup/internal/httpfail"
)

// Error is why there is no token. It wraps nothing, and of the response it repeats only an error code of RFC 6749 and
// the request id.
type Error struct {
	httpfail.Failure
	// Code is the error code of RFC 6749; empty if the response had none of them.
	Code string
}

// Error says that the token endpoint failed, and why.
func (e *Error) Error() string { return "token endpoint: " + e.Failure.Error() }

// codes are the error codes of RFC 6749, sections 5.2 and 4.1.2.1, with what each means here. Only these are repeated:
// anything else in their place may be an echo of the request.
var codes = map[string]struct {
	reason httpfail.Reason
	text   string
}{
	"access_denied":           {httpfail.AppNotAllowed, "the app lacks the consent to its permission"},
	"invalid_client":          {"", ""}, // the source says which credential it was
	"invalid_grant":           {"", ""},
	"invalid_request":         {httpfail.TokenURL, "the endpoint does not understand the request"},
	"invalid_scope":           {httpfail.Scope, "the scope is refused"},
	"server_error":            {httpfail.Server, "the server failed"},
	"temporarily_unavailable": {httpfail.Server, "the server is busy"},
	"unauthorized_client":     {httpfail.AppNotAllowed, "the app is not registered for application access"},
	"unsupported_grant_type":  {httpfail.TokenURL, "the endpoint does not know client credentials"},
}

// failed returns the error for a response that is no token.
func (s *Source) failed(response *http.Response, code string, f *httpfail.Failure) *Error {
	e := &Error{Failure: *f, Code: code}
	e.Host, e.Status = s.tokenURL.Host, response.StatusCode
	e.Message, e.Excerpt, e.Body, e.Err = "", "", nil, nil // a token endpoint's words are not repeated
	if !e.Retry {
		e.RetryAfter = 0
	}
	return e
}

// refusal explains a response without a token by its error code, if it has one, and by its status otherwise.
func (s *Source) refusal(response *http.Response, sent []string) *Error {
	f := httpfail.FromResponse(response, sent...)
	code := errorCode(f.Body)
	if f.Reason == httpfail.Redirect {
		code = "" // whoever redirects is not the endpoint
	}
	s.explain(f, code)
	return s.failed(response, code, f)
}

func (s *Source) explain(f *httpfail.Failure, code string) {
	meaning, known := codes[code]
	switch {
	case f.Reason == httpfail.Redirect:
		f.Text = "the endpoint redirects, which is not followed"
	case meaning.reason != "" && (!s.certified || code != "invalid_request"):
		f.Reason, f.Text, f.Retry = meaning.reason, meaning.text, meaning.reason == httpfail.Server
	case known:
		f.Reason, f.Text, f.Retry = s.refused, s.refusedText, false
	case f.Status < 300:
		f.Reason, f.Text = httpfail.TokenURL, fmt.Sprintf("status %d and no token", f.Status)
	case f.Reason == httpfail.TokenRefused, f.Reason == httpfail.MissingPermission, f.Status == http.StatusBadRequest:
		f.Reason, f.Text = s.refused, "the request is refused without a reason: the client id or the credential may be wrong"
	case f.Reason == httpfail.NotFound, f.Reason == httpfail.RequestRefused:
		f.Reason, f.Text = httpfail.TokenURL, "there is no token endpoint at this URL"
	}
	if f.Reason == httpfail.Scope {
		f.Text += ": " + scopeText(s.scope)
	}
	if code != "" {
		f.Text += " (" + code + ")"
	}
}

// seedScope is the spelling of the vendor's page of the API; its table of permissions has the same
// in lower case.
const seedScope = "Dynamics.ReadWrite.All"

func scopeText(scope string) string {
	if !strings.EqualFold(scope, seedScope) {
		return fmt.Sprintf("%q may be wrong, or the app may lack that permission", scope)
	}
	other := strings.ToLower(seedScope)
	if scope != seedScope {
		other = seedScope
	}
	return fmt.Sprintf("instead of %q try the other spelling, %q", scope, other)
}
