package sandbox

import (
	"crypto/rand"
	"encoding/json"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	tokenPath     = "/connect/token"
	maxTokenBytes = 64 << 10
	clientGrant   = "client_credentials"
)

// otherGrants are grants of OAuth 2.0 that an identity service knows and this client may not use.
var otherGrants = []string{"authorization_code", "password", "refresh_token"}

// grant is the answer of RFC 6749, section 5.1.
type grant struct {
	AccessToken string `json:"access_token"`
	ExpiresIn   int    `json:"expires_in"`
	TokenType   string `json:"token_type"`
	Scope       string `json:"scope"`
}

// denial is the answer of RFC 6749, section 5.2.
type denial struct {
	Code        string `json:"error"`
	Description string `json:"error_description"`
}

// The codes of RFC 6749, section 5.2, that apply to client credentials.
const (
	invalidRequest       = "invalid_request"
	invalidClient        = "invalid_client"
	invalidScope         = "invalid_scope"
	unauthorizedClient   = "unauthorized_client"
	unsupportedGrantType = "unsupported_grant_type"
)

// token is the token endpoint.
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	form, denied := readForm(w, r)
	if denied == nil {
		denied = s.check(form)
	}
	if denied != nil {
		if _, _, basic := r.BasicAuth(); basic && denied.Code == invalidClient {
			w.Header().Set("WWW-Authenticate", `Basic realm="sandbox"`) // RFC 6749, section 5.2
		}
		deny(w, *denied)
		return
	}
	writeToken(w, http.StatusOK, grant{
		AccessToken: s.tokens.issue(s.config.lifetime),
		ExpiresIn:   int(s.config.lifetime / time.Second),
		TokenType:   "Bearer",
		Scope:       s.config.scope,
	})
}

// readForm reads the parameters from the body. Each may come once: RFC 6749, section 3.2.
func readForm(w http.ResponseWriter, r *http.Request) (url.Values, *denial) {
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if mediaType != "application/x-www-form-urlencoded" {
		return nil, &denial{invalidRequest, "The body must be application/x-www-form-urlencoded."}
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxTokenBytes)
	if err := r.ParseForm(); err != nil {
		return nil, &denial{invalidRequest, "The form cannot be read, or is too long."}
	}
	for name, values := range r.PostForm {
		if len(values) > 1 {
			return nil, &denial{invalidRequest, "The parameter " + name + " is there more than once."}
		}
	}
	return r.PostForm, nil
}

// check looks at who asks first, and only then at what for.
func (s *Server) check(form url.Values) *denial {
	grantType := form.Get("grant_type")
	if grantType == "" {
		return &denial{invalidRequest, "The parameter grant_type is missing."}
	}
	if denied := s.authenticate(form); denied != nil {
		return denied
	}
	switch {
	case slices.Contains(otherGrants, grantType):
		return &denial{unauthorizedClient, "This client may use client_credentials only."}
	case grantType != clientGrant:
		return &denial{unsupportedGrantType, "The grant type must be client_credentials."}
	case form.Get("scope") != s.config.scope:
		return &denial{invalidScope, "The scope must be " + s.config.scope + ", spelled so and alone."}
	}
	return nil
}

// authenticate checks the client by its secret or by its assertion, whichever is in the form.
func (s *Server) authenticate(form url.Values) *denial {
	switch bySecret, byAssertion := form.Has("client_secret"), form.Has("client_assertion"); {
	case bySecret && byAssertion:
		return &denial{invalidRequest, "There are two credentials: send a secret or an assertion."}
	case byAssertion:
		return s.authenticateAssertion(form)
	case !bySecret:
		return &denial{invalidClient, "There are no credentials in the body. HTTP Basic is not accepted."}
	}
	id := sameSecret(form.Get("client_id"), s.config.clientID)
	secret := sameSecret(form.Get("client_secret"), s.config.clientSecret)
	if !id || !secret {
		return &denial{invalidClient, "The client is unknown, or its secret is wrong or has expired."}
	}
	return nil
}

// deny answers as RFC 6749, section 5.2, has it.
func deny(w http.ResponseWriter, d denial) {
	status := http.StatusBadRequest
	if d.Code == invalidClient {
		status = http.StatusUnauthorized
	}
	writeToken(w, status, d)
}

// writeToken answers a token request; no cache may keep it.
func writeToken(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // The client has gone, or it has the answer.
}

// bearer takes the token from the Authorization header, as RFC 6750, section 2.1, has it.
func bearer(r *http.Request) (token string, given bool) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return token, strings.EqualFold(scheme, "Bearer") && token != ""
}

// tokens holds the tokens that were issued and have not expired. The zero value is ready.
type tokens struct {
	mu   sync.Mutex
	kept expiring
}

func (t *tokens) issue(lifetime time.Duration) string {
	token, now := rand.Text(), time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept.add(token, now.Add(lifetime), now)
	return token
}

func (t *tokens) valid(token string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.kept.has(token, time.Now())
}

func (t *tokens) revoke() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.kept.until)
}

// expiring is a set of names, each with an end. The zero value is ready.
type expiring struct {
	until map[string]time.Time
	// full is the size at which those that have expired are dropped: twice what was left the last time, so that
	// adding costs the same however many there are.
	full int
}

func (e *expiring) add(name string, until, now time.Time) {
	if len(e.until) >= e.full {
		maps.DeleteFunc(e.until, func(_ string, end time.Time) bool { return !now.Before(end) })
		e.full = 2 * len(e.until)
	}
	if e.until == nil {
		e.until = make(map[string]time.Time)
	}
	e.until[name] = until
}

func (e *expiring) has(name string, now time.Time) bool {
	until, ok := e.until[name]
	return ok && now.Before(until)
}
