package auth

import (
	"bytes"
	"cmp"
	"io"
	"net/http"
	"net/url"

	"github.com/d365backup/d365backup/internal/httpfail"
)

// Transport adds a token to requests, to one origin only.
type Transport struct {
	Next      func(*http.Request) (*http.Response, error)
	Origin    *url.URL
	Tokens    Tokens
	UserAgent string // of requests without one
	// OtherOrigin is the error for requests to another origin. They are not sent.
	OtherOrigin error
}

// RoundTrip sends the request like Send. The request of the response does not show the token.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	response, _, err := t.Send(req)
	if response != nil {
		response.Request = req
	}
	return response, err
}

// Send sends a request with a token and, if the service rejects the token with status 401, again with a new one. If the
// body cannot be sent again, the rejection is the response. Send also returns the tokens and client secrets used, which
// must not be quoted in an error.
func (t *Transport) Send(req *http.Request) (response *http.Response, secrets []string, err error) {
	unsent := req.Body
	defer func() {
		if unsent != nil {
			_ = unsent.Close()
		}
	}()
	if req.URL.Scheme != t.Origin.Scheme || req.URL.Host != t.Origin.Host || req.Host != "" && req.Host != t.Origin.Host {
		return nil, nil, t.OtherOrigin
	}
	secrets = append(secrets, t.Tokens.Secret())
	token, err := t.Tokens.Token(req.Context())
	if err != nil {
		return nil, secrets, err
	}
	secrets = append(secrets, token.AccessToken, t.Tokens.Secret())
	unsent = nil
	response, err = t.Next(t.withToken(req, token.AccessToken))
	if err != nil || response.StatusCode != http.StatusUnauthorized {
		return response, secrets, err
	}
	buffer(response)
	t.Tokens.Invalidate(token)
	again := *req
	if req.Body != nil && req.Body != http.NoBody {
		if req.GetBody == nil {
			return response, secrets, nil
		}
		if again.Body, err = req.GetBody(); err != nil {
			return response, secrets, nil // the rejection is the response
		}
		unsent = again.Body
	}
	fresh, err := t.Tokens.Token(req.Context())
	switch {
	case err != nil && req.Context().Err() != nil:
		return response, secrets, nil // the rejection explains more than a timeout
	case err != nil:
		return nil, secrets, err // this is the current problem, and it may be temporary
	case fresh.AccessToken == token.AccessToken:
		return response, secrets, nil
	}
	secrets = append(secrets, fresh.AccessToken, t.Tokens.Secret())
	unsent = nil
	response, err = t.Next(t.withToken(&again, fresh.AccessToken))
	return response, secrets, err
}

// withToken returns a copy of the request with a token.
func (t *Transport) withToken(req *http.Request, token string) *http.Request {
	clone := req.Clone(req.Context())
	clone.Header.Set("Authorization", "Bearer "+token)
	clone.Header.Set("User-Agent", cmp.Or(clone.Header.Get("User-Agent"), t.UserAgent))
	return clone
}

// buffer reads the body of a rejection into memory to free its connection: if their number is limited, the request for a new
// token may have to wait for it.
func buffer(response *http.Response) {
	body := httpfail.ReadBody(response.Body)
	_ = response.Body.Close()
	response.Body = io.NopCloser(bytes.NewReader(body))
}
