package auth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/d365backup/d365backup/internal/httpfail"
)

const (
	// fetchTimeout bounds one token request, whichever callers wait for it.
	fetchTimeout = 30 * time.Second
	// maxBody bounds a response of the endpoint, in bytes.
	maxBody = 1 << 20
	// maxToken bounds an access token, in bytes: common servers accept less in a header.
	maxToken = 16 << 10
	// assumedLifetime is that of a token if the response does not state it. The documents state an hour, but an
	// endpoint that omits it does not follow them. If the real lifetime is shorter, one request is refused.
	assumedLifetime = 5 * time.Minute
	// maxLifetime is the longest that a token is kept, whatever the response states.
	maxLifetime = 24 * time.Hour
)

// fetch requests a token. It returns the token with its lifetime, which starts when the request is sent. A
// failure repeats nothing from the response but an error code of RFC 6749 and the request id.
func (e Endpoint) fetch(ctx context.Context, credential appCredential) (*oauth2.Token, time.Duration, *httpfail.Failure) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	sent := time.Now()
	token, lifetime, f := e.send(ctx, credential, sent)
	if f != nil {
		f.Token, f.Host = true, e.URL.Host
		f.Message, f.Excerpt, f.Code, f.Err = "", "", "", nil // the endpoint's text may repeat the request
		if !f.Retry {
			f.RetryAfter = 0
		}
		return nil, 0, f
	}
	return &oauth2.Token{AccessToken: token, TokenType: "Bearer", Expiry: sent.Add(lifetime)}, lifetime, nil
}

// send sends one token request and returns a usable token with its lifetime, or why there is none.
func (e Endpoint) send(ctx context.Context, credential appCredential, now time.Time) (token string, lifetime time.Duration, f *httpfail.Failure) {
	form, err := credential.form(e.URL.String(), now)
	if err != nil {
		return "", 0, httpfail.New(httpfail.CertificateExpired, err.Error())
	}
	secrets := []string{form.Get("client_secret"), form.Get("client_assertion")}
	form.Set("grant_type", "client_credentials")
	form.Set("scope", e.Scope)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return "", 0, httpfail.New(httpfail.TokenURL, "the token URL is invalid")
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", e.UserAgent)
	response, err := e.Transport.RoundTrip(request)
	if err != nil {
		return "", 0, httpfail.FromError(err, secrets...)
	}
	defer response.Body.Close()
	if response.StatusCode < 200 || response.StatusCode > 299 {
		f = httpfail.FromResponse(response, secrets...)
		e.explainRefusal(f, credential, f.Code)
		return "", 0, f
	}
	if token, lifetime, f = e.read(response, secrets); f != nil {
		f.Status, f.RequestID = response.StatusCode, httpfail.RequestID(response.Header, secrets...)
		if f.Code != "" {
			e.explainRefusal(f, credential, f.Code)
		}
	}
	return token, lifetime, f
}

// read reads a response of a 2xx status.
func (e Endpoint) read(response *http.Response, secrets []string) (token string, lifetime time.Duration, f *httpfail.Failure) {
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	switch {
	case len(body) > maxBody, response.ContentLength > maxBody:
		return "", 0, httpfail.New(httpfail.TooLarge, "the response exceeds 1 MiB")
	case err != nil:
		return "", 0, httpfail.FromBodyError(err, secrets...)
	}
	var r tokenResponse
	decoder := json.NewDecoder(bytes.NewReader(httpfail.TrimByteOrderMark(body)))
	err = decoder.Decode(&r)
	_, end := decoder.Token()
	mediaType, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	_, isRefusal := codes[r.Error]
	switch {
	case isRefusal:
		return "", 0, &httpfail.Failure{Code: r.Error}
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "", 0, httpfail.New(httpfail.Truncated, "the response was truncated")
	case err != nil && httpfail.IsHTML(mediaType):
		return "", 0, httpfail.New(httpfail.LoginPage, "the response is a web page, not a token response")
	case err != nil, !errors.Is(end, io.EOF):
		return "", 0, unusable("it is not a token response")
	}
	lifetime, f = r.check(e.Scope)
	return r.AccessToken, lifetime, f
}

// tokenResponse is the body of a response (RFC 6749, sections 5.1 and 5.2).
type tokenResponse struct {
	AccessToken string          `json:"access_token"`
	TokenType   string          `json:"token_type"`
	ExpiresIn   json.RawMessage `json:"expires_in"`
	Scope       string          `json:"scope"`
	Error       string          `json:"error"`
}

// check returns the lifetime of the token, or why it cannot be used.
func (r tokenResponse) check(scope string) (time.Duration, *httpfail.Failure) {
	lifetime, ok := r.lifetime()
	switch {
	case r.AccessToken == "":
		return 0, unusable("it has no access token")
	case len(r.AccessToken) > maxToken:
		return 0, unusable("its access token exceeds 16 KiB")
	case strings.ContainsFunc(r.AccessToken, func(c rune) bool { return c <= ' ' || c > '~' }):
		return 0, unusable("its access token has characters that a header cannot hold")
	case r.TokenType != "" && !strings.EqualFold(r.TokenType, "Bearer"):
		return 0, unusable("its token has another type than Bearer")
	case !ok:
		return 0, unusable("its lifetime is not a number of seconds from now")
	case !r.grants(scope):
		return 0, httpfail.New(httpfail.Scope, "the token lacks the requested scope: "+scopeText(scope))
	}
	return lifetime, nil
}

func unusable(why string) *httpfail.Failure {
	return httpfail.New(httpfail.TokenURL, "the response cannot be used: "+why)
}

// lifetime reads expires_in, a number or a string with one. Absent, null, empty or 0 means that the lifetime is
// not stated. It reports false for anything else.
func (r tokenResponse) lifetime() (time.Duration, bool) {
	text := strings.TrimSpace(strings.Trim(string(r.ExpiresIn), `"`))
	if text == "" || text == "null" {
		text = "0"
	}
	seconds, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil, math.IsNaN(seconds), seconds < 0:
		return 0, false
	case seconds == 0:
		return assumedLifetime, true
	}
	return time.Duration(min(seconds, maxLifetime.Seconds()) * float64(time.Second)), true
}

// grants reports whether the granted scopes include the requested ones. No scope at all means the same as
// requested (RFC 6749, section 5.1). Case does not matter: the vendor spells its scope in two ways.
func (r tokenResponse) grants(requested string) bool {
	granted := strings.Fields(strings.ToLower(r.Scope))
	isMissing := func(scope string) bool { return !slices.Contains(granted, scope) }
	return len(granted) == 0 || !slices.ContainsFunc(strings.Fields(strings.ToLower(requested)), isMissing)
}
