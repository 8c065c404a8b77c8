package auth

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/d365backup/d365backup/internal/httpfail"
)

// codes are the error codes of RFC 6749, sections 5.2 and 4.1.2.1, and what each means here. Only these are
// repeated: anything else may be an echo of the request. A code without a reason means that the credential is refused.
var codes = map[string]struct {
	reason httpfail.Reason
	text   string
}{
	"access_denied":           {httpfail.AppNotAllowed, "no administrator has consented to the app's permission"},
	"invalid_client":          {},
	"invalid_grant":           {},
	"invalid_request":         {httpfail.TokenURL, "the endpoint does not understand the request"},
	"invalid_scope":           {httpfail.Scope, "the scope is refused"},
	"server_error":            {httpfail.Server, "the server failed"},
	"temporarily_unavailable": {httpfail.Server, "the server is busy"},
	"unauthorized_client":     {httpfail.AppNotAllowed, "the app is not registered for application access"},
	"unsupported_grant_type":  {httpfail.TokenURL, "the endpoint does not know client credentials"},
}

// explainRefusal explains a response without a token: with its error code if that is known, and otherwise with its status.
func (e Endpoint) explainRefusal(f *httpfail.Failure, credential appCredential, code string) {
	meaning, known := codes[code]
	refused, refusedText := credential.refused()
	if refused == httpfail.CertificateRefused && code == "invalid_request" {
		meaning.reason = "" // some endpoints use it for a refused assertion
	}
	switch {
	case f.Reason == httpfail.Redirect:
		f.Text = "the endpoint redirects, which is not followed"
		return // its error code is not the endpoint's
	case meaning.reason != "":
		f.Reason, f.Text, f.Retry = meaning.reason, meaning.text, meaning.reason == httpfail.Server
	case known:
		f.Reason, f.Text, f.Retry = refused, refusedText, false
	case f.Status < 300:
		f.Reason, f.Text = httpfail.TokenURL, fmt.Sprintf("status %d and no token", f.Status)
	case f.Reason == httpfail.TokenRefused, f.Reason == httpfail.MissingPermission, f.Status == http.StatusBadRequest:
		f.Reason, f.Text = refused, "the request is refused without a reason: the client id or the credential may be wrong"
	case f.Reason == httpfail.NotFound, f.Reason == httpfail.RequestRefused:
		f.Reason, f.Text = httpfail.TokenURL, "there is no token endpoint at this URL"
	}
	if f.Reason == httpfail.Scope {
		f.Text += ": " + scopeText(e.Scope)
	}
	if known {
		f.Text += " (" + code + ")"
	}
}

// DefaultScope is spelled as on the vendor's page of the API; its table of permissions has it in lower case.
const DefaultScope = "Dynamics.ReadWrite.All"

func scopeText(scope string) string {
	if !strings.EqualFold(scope, DefaultScope) {
		return fmt.Sprintf("%q may be wrong, or the app may lack that permission", scope)
	}
	other := DefaultScope
	if scope == DefaultScope {
		other = strings.ToLower(DefaultScope)
	}
	return fmt.Sprintf("instead of %q try the other spelling, %q", scope, other)
}
