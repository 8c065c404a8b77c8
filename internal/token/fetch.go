package token

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/d365backup/d365backup/internal/httpfail"
)

const (
	// maxBody bounds a response of the endpoint, in bytes.
	maxBody = 1 << 20
	// MaxToken bounds an access token, in bytes: what common servers accept in a header is less.
	MaxToken = 16 << 10
	// assumedLifetime is that of a token whose answer does not tell. The documents say an hour, but
	// not to an endpoint that leaves out what they show; being wrong by this costs one refused request.
	assumedLifetime = 5 * time.Minute
	// maxLifetime is the longest that a token is kept, whatever the answer says.
	maxLifetime = 24 * time.Hour
)

func bySecret(config Config) func(time.Time) (url.Values, *Error) {
	return func(time.Time) (url.Values, *Error) {
		return url.Values{"client_id": {config.ClientID}, "client_secret": {config.ClientSecret.Reveal()}}, nil
	}
}

func byCertificate(config Config) func(time.Time) (url.Values, *Error) {
	return func(now time.Time) (url.Values, *Error) {
		assertion, err := config.Certificate.Assertion(config.ClientID, config.TokenURL, now)
		if err != nil {
			return nil, &Error{Failure: httpfail.Failure{Reason: httpfail.CertificateExpired, Text: err.Error()}}
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
	exchange := &exchange{source: s, sent: append(credentials["client_secret"], credentials["client_assertion"]...)}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: exchange})
	granted, err := config.Token(ctx)
	if err != nil {
		// Nothing of err itself goes further: oauth2's errors hold the request.
		if failure, ok := errors.AsType[*Error](err); ok {
			return nil, 0, failure
		}
		return nil, 0, &Error{Failure: httpfail.Failure{
			Reason: httpfail.TokenURL, Text: "the request failed", Host: s.tokenURL.Host,
		}}
	}
	return &oauth2.Token{
		AccessToken: granted.AccessToken,
		TokenType:   "Bearer",
		Expiry:      sent.Add(exchange.lifetime),
	}, exchange.lifetime, nil
}

// exchange is the transport below oauth2, for one request. It alone reads the response, because oauth2 keeps a token
// without lifetime forever, does not take "expires_in": 3600.0, asks for no scope, and puts what the endpoint echoes
// into its errors. It gives oauth2 a response with nothing but the access token.
type exchange struct {
	source   *Source
	sent     []string // the secret or the assertion
	lifetime time.Duration
}

// RoundTrip sends the request. Its error is always an *Error.
func (x *exchange) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", x.source.userAgent)
	response, err := x.source.transport.RoundTrip(request)
	if err != nil {
		failure := &Error{Failure: *httpfail.FromError(err, x.sent...)}
		failure.Host, failure.Err = x.source.tokenURL.Host, nil
		return nil, failure
	}
	defer response.Body.Close()
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return nil, x.source.refusal(response, x.sent)
	}
	token, failure := x.read(response)
	if failure != nil {
		failure.RequestID = httpfail.RequestID(response.Header, x.sent...)
		return nil, x.source.failed(response, "", failure)
	}
	clean, _ := json.Marshal(map[string]string{"access_token": token}) // a string can always be written
	return &http.Response{
		StatusCode: http.StatusOK,
		Header:     http.Header{"Content-Type": {"application/json"}},
		Body:       io.NopCloser(bytes.NewReader(clean)),
		Request:    request,
	}, nil
}

// read returns the access token of a response and notes its lifetime.
func (x *exchange) read(response *http.Response) (string, *httpfail.Failure) {
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	switch {
	case len(body) > maxBody, response.ContentLength > maxBody:
		return "", &httpfail.Failure{Reason: httpfail.TooLarge, Text: "the response exceeds 1 MiB"}
	case err != nil:
		return "", httpfail.FromBodyError(err, x.sent...)
	}
	body = httpfail.TrimByteOrderMark(body)
	if code := errorCode(body); code != "" {
		f := &httpfail.Failure{}
		x.source.explain(f, code)
		return "", f
	}
	var granted struct {
		AccessToken string          `json:"access_token"`
		TokenType   string          `json:"token_type"`
		ExpiresIn   json.RawMessage `json:"expires_in"`
		Scope       string          `json:"scope"`
	}
	if json.Unmarshal(body, &granted) != nil {
		switch mediaType, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type")); {
		case isCut(body):
			return "", &httpfail.Failure{Reason: httpfail.Truncated, Text: "the response was truncated", Retry: true}
		case httpfail.IsHTML(mediaType):
			return "", &httpfail.Failure{Reason: httpfail.LoginPage, Text: "the response is a web page, not a token response"}
		}
		return "", unusable("it is not a token response")
	}
	lifetime, ok := lifetimeOf(granted.ExpiresIn)
	switch {
	case granted.AccessToken == "":
		return "", unusable("it has no access token")
	case len(granted.AccessToken) > MaxToken:
		return "", unusable("its access token exceeds 16 KiB")
	case strings.ContainsFunc(granted.AccessToken, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "", unusable("its access token has characters that a header cannot hold")
	case granted.TokenType != "" && !strings.EqualFold(granted.TokenType, "Bearer"):
		return "", unusable("its token has another type than Bearer")
	case !ok:
		return "", unusable("its lifetime is not a number of seconds from now")
	case !grants(granted.Scope, x.source.scope):
		return "", &httpfail.Failure{
			Reason: httpfail.Scope, Text: "the token lacks the requested scope: " + scopeText(x.source.scope),
		}
	}
	x.lifetime = lifetime
	return granted.AccessToken, nil
}

func unusable(why string) *httpfail.Failure {
	return &httpfail.Failure{Reason: httpfail.TokenURL, Text: "the response cannot be used: " + why}
}

// isCut reports whether a body is the beginning of a JSON text, as it comes where the end of the
// connection is the end of the answer.
func isCut(body []byte) bool {
	var text json.RawMessage
	return errors.Is(json.NewDecoder(bytes.NewReader(body)).Decode(&text), io.ErrUnexpectedEOF)
}

// errorCode returns the error code of a response if it is one of RFC 6749.
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
