package token

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/d365backup/d365backup/internal/retryafter"
)

const (
	// maxAnswer bounds the answer of the endpoint, in bytes.
	maxAnswer = 1 << 20
	// assumedLifetime is that of a token whose answer does not tell. The documents say an hour, but
	// not to an endpoint that leaves out what they show; being wrong by this costs one refused request.
	assumedLifetime = 5 * time.Minute
	// maxLifetime is the longest that a token is kept, whatever the answer says.
	maxLifetime = 24 * time.Hour
)

func bySecret(config Config) func(time.Time) (url.Values, *Error) {
	return func(time.Time) (url.Values, *Error) {
		return url.Values{"client_id": {config.ClientID}, "client_secret": {config.ClientSecret.reveal()}}, nil
	}
}

func byCertificate(config Config) func(time.Time) (url.Values, *Error) {
	return func(now time.Time) (url.Values, *Error) {
		assertion, err := config.Certificate.Assertion(config.ClientID, config.TokenURL, now)
		if err != nil {
			return nil, &Error{Kind: Expired, Message: err.Error()}
		}
		return url.Values{
			"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
			"client_assertion":      {assertion},
		}, nil
	}
}

// fetch sends one request for a token. It returns the token with its lifetime, counted from when the
// request was sent.
func (s *Source) fetch(ctx context.Context) (*oauth2.Token, time.Duration, *Error) {
	sent := time.Now()
	credentials, failure := s.credentials(sent)
	if failure != nil {
		failure.Host = s.tokenURL.Host
		return nil, 0, failure
	}
	config := clientcredentials.Config{
		TokenURL:       s.tokenURL.String(),
		Scopes:         []string{s.scope},
		EndpointParams: credentials,
		// The style of client secrets in the body, fixed: to find it out takes a second request for
		// each that fails.
		AuthStyle: oauth2.AuthStyleInParams,
	}
	judge := &judge{source: s, credentials: credentials}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: judge})
	granted, err := config.Token(ctx)
	if err != nil {
		// Nothing of err itself goes further: oauth2's errors hold the request.
		if failure, ok := errors.AsType[*Error](err); ok {
			return nil, 0, failure
		}
		return nil, 0, &Error{Kind: Refused, Host: s.tokenURL.Host, Message: "the request failed: check the token URL"}
	}
	return &oauth2.Token{
		AccessToken: granted.AccessToken,
		TokenType:   "Bearer",
		Expiry:      sent.Add(judge.lifetime),
	}, judge.lifetime, nil
}

// judge is the transport below oauth2. It alone reads the answer, because oauth2 keeps a token
// without lifetime for ever, does not take "expires_in": 3600.0, asks for no scope, and puts what the
// endpoint echoes into its errors. To oauth2 it hands an answer with nothing but the access token.
type judge struct {
	source      *Source
	credentials url.Values
	lifetime    time.Duration
}

// RoundTrip sends the request. Its error is always an *Error.
func (j *judge) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.Header.Set("Accept", "application/json")
	response, err := j.source.transport.RoundTrip(request)
	if err != nil {
		return nil, j.networkError(err)
	}
	defer response.Body.Close()
	if status := response.StatusCode; status < 200 || status >= 300 && status < 400 {
		// Of status 101 the body is the connection, and no context ends it.
		return nil, j.complete(j.source.refusal("", status), response)
	}
	if response.ContentLength > maxAnswer {
		return nil, j.complete(tooLarge(), response)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		failure := j.networkError(err)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			failure.Kind = Truncated
		}
		return nil, j.complete(failure, response)
	}
	token, failure := j.read(response.StatusCode, body)
	if failure != nil {
		return nil, j.complete(failure, response)
	}
	clean, err := json.Marshal(map[string]string{"access_token": token})
	if err != nil {
		return nil, j.complete(invalid("an access token that cannot be written"), response)
	}
	return &http.Response{
		StatusCode: http.StatusOK,
		Header:     http.Header{"Content-Type": {"application/json"}},
		Body:       io.NopCloser(strings.NewReader(string(clean))),
		Request:    request,
	}, nil
}

// complete adds what is known of the answer to an error.
func (j *judge) complete(e *Error, response *http.Response) *Error {
	e.Host = j.source.tokenURL.Host
	e.StatusCode = response.StatusCode
	e.RequestID = requestID(response.Header.Get("X-Request-Id"),
		append(j.credentials["client_secret"], j.credentials["client_assertion"]...))
	if e.Retryable {
		e.RetryAfter, _ = retryafter.Parse(response.Header.Get("Retry-After"), time.Now())
	}
	return e
}

// read returns the access token of an answer and notes its lifetime.
func (j *judge) read(status int, body []byte) (string, *Error) {
	if len(body) > maxAnswer {
		return "", tooLarge()
	}
	if code := errorCode(body); code != "" || status < 200 || status > 299 {
		return "", j.source.refusal(code, status)
	}
	var answer struct {
		AccessToken string          `json:"access_token"`
		TokenType   string          `json:"token_type"`
		ExpiresIn   json.RawMessage `json:"expires_in"`
		Scope       string          `json:"scope"`
	}
	if json.Unmarshal(body, &answer) != nil {
		if isCut(body) {
			return "", &Error{Kind: Truncated, Message: "the answer ends before its JSON does: try again", Retryable: true}
		}
		return "", invalid("something that is no token answer")
	}
	lifetime, ok := lifetimeOf(answer.ExpiresIn)
	switch {
	case answer.AccessToken == "":
		return "", invalid("no access token")
	case strings.ContainsFunc(answer.AccessToken, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "", invalid("an access token with characters that no header may hold")
	case answer.TokenType != "" && !strings.EqualFold(answer.TokenType, "Bearer"):
		return "", invalid("a token of another type than Bearer")
	case !ok:
		return "", invalid("a lifetime that is no number of seconds to come")
	case !grants(answer.Scope, j.source.scope):
		failure := invalid("a token without the scope asked for")
		failure.Message += "; " + scopeAdvice(j.source.scope)
		return "", failure
	}
	j.lifetime = lifetime
	return answer.AccessToken, nil
}

func invalid(what string) *Error {
	return &Error{Kind: Refused, Message: "it answers with " + what + ": check the token URL"}
}

func tooLarge() *Error {
	return &Error{Kind: TooLarge, Message: "the answer exceeds 1 MiB: check the token URL"}
}

// isCut reports whether a body is the beginning of a JSON text, as it comes where the end of the
// connection is the end of the answer.
func isCut(body []byte) bool {
	var text json.RawMessage
	return errors.Is(json.NewDecoder(bytes.NewReader(body)).Decode(&text), io.ErrUnexpectedEOF)
}

// errorCode returns the error code of an answer if it is one of RFC 6749.
func errorCode(body []byte) string {
	var answer struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return ""
	}
	if _, known := codes[answer.Error]; !known {
		return ""
	}
	return answer.Error
}

// lifetimeOf reads expires_in, a number or a string with one. Absent, null, empty or 0 means that
// the answer does not tell. It is false for anything else.
func lifetimeOf(raw json.RawMessage) (time.Duration, bool) {
	text := strings.TrimSpace(strings.Trim(string(raw), `"`))
	if text == "" || text == "null" {
		return assumedLifetime, true
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

// grants reports whether the scopes granted include those asked for; none at all means the same as
// asked for (RFC 6749, section 5.1). Case does not count: the vendor spells its scope in two ways.
func grants(granted, asked string) bool {
	if strings.TrimSpace(granted) == "" {
		return true
	}
	has := make(map[string]bool)
	for scope := range strings.FieldsSeq(strings.ToLower(granted)) {
		has[scope] = true
	}
	for scope := range strings.FieldsSeq(strings.ToLower(asked)) {
		if !has[scope] {
			return false
		}
	}
	return true
}
