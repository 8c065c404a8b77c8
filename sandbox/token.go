package sandbox

import (
	"crypto/rand"
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"time"
)

const (
	tokenPath = "/connect/token"

	// Error codes of RFC 6749, section 5.2.
	invalidRequest = "invalid_request"
	invalidClient  = "invalid_client"
)

// denial is the error response of RFC 6749, section 5.2.
type denial struct {
	Code        string `json:"error"`
	Description string `json:"error_description"`
}

// token is the handler of the token endpoint.
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	form, denied := readForm(w, r)
	if denied == nil {
		denied = s.checkForm(form)
	}
	if denied != nil {
		if _, _, basic := r.BasicAuth(); basic && denied.Code == invalidClient {
			w.Header().Set("WWW-Authenticate", `Basic realm="sandbox"`) // RFC 6749, section 5.2
		}
		deny(w, *denied)
		return
	}
	token := rand.Text()
	s.tokens.add(token, time.Now().Add(s.config.lifetime))
	sendToken(w, http.StatusOK, map[string]any{ // RFC 6749, section 5.1
		"access_token": token,
		"expires_in":   s.config.lifetime / time.Second,
		"token_type":   "Bearer",
		"scope":        s.config.scope,
	})
}

// readForm reads the parameters from the body. None may be repeated (RFC 6749, section 3.2).
func readForm(w http.ResponseWriter, r *http.Request) (url.Values, *denial) {
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if mediaType != "application/x-www-form-urlencoded" {
		return nil, &denial{invalidRequest, "The body must be application/x-www-form-urlencoded."}
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBodyBytes)
	if err := r.ParseForm(); err != nil {
		return nil, &denial{invalidRequest, "The form is invalid or too long."}
	}
	for name, values := range r.PostForm {
		if len(values) > 1 {
			return nil, &denial{invalidRequest, "The parameter " + name + " is repeated."}
		}
	}
	return r.PostForm, nil
}

// checkForm checks the client first, so that only the client learns what else is wrong.
func (s *Server) checkForm(form url.Values) *denial {
	grantType := form.Get("grant_type")
	if grantType == "" {
		return &denial{invalidRequest, "The parameter grant_type is missing."}
	}
	if denied := s.authenticate(form); denied != nil {
		return denied
	}
	switch grantType {
	case "client_credentials":
	case "authorization_code", "password", "refresh_token":
		return &denial{"unauthorized_client", "This client may use client_credentials only."}
	default:
		return &denial{"unsupported_grant_type", "The grant type must be client_credentials."}
	}
	if form.Get("scope") != s.config.scope {
		return &denial{"invalid_scope", "The scope must be " + s.config.scope + ", in this spelling and without others."}
	}
	return nil
}

// authenticate checks the client's secret or assertion.
func (s *Server) authenticate(form url.Values) *denial {
	hasSecret, hasAssertion := form.Has("client_secret"), form.Has("client_assertion")
	switch {
	case hasSecret && hasAssertion:
		return &denial{invalidRequest, "There are two credentials: send either a secret or an assertion."}
	case hasAssertion:
		return s.authenticateAssertion(form)
	case !hasSecret:
		return &denial{invalidClient, "There are no credentials in the body. HTTP Basic is not accepted."}
	}
	if form.Get("client_id") != s.config.clientID || form.Get("client_secret") != s.config.clientSecret {
		return &denial{invalidClient, "The client is unknown, or its secret is wrong or has expired."}
	}
	return nil
}

// deny sends the error response of RFC 6749, section 5.2.
func deny(w http.ResponseWriter, d denial) {
	status := http.StatusBadRequest
	if d.Code == invalidClient {
		status = http.StatusUnauthorized
	}
	sendToken(w, status, d)
}

// sendToken sends a response of the token endpoint, which no cache may store.
func sendToken(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
	body, _ := json.Marshal(v) // strings and integers always marshal
	send(w, status, body)
}
