package auth

import (
	"net/http"
	"net/url"
)

// Transport adds a token to requests, to one origin only.
type Transport struct {
	Next      http.RoundTripper
	Origin    *url.URL
	Tokens    Tokens
	UserAgent string // of requests without one
	// OtherOrigin is the error for requests to another origin. They are not sent.
	OtherOrigin error
}

// RoundTrip sends the request like Send. The request of the response does not show the token.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	body := req.Body
	defer func() {
		if body != nil { // not sent
			_ = body.Close()
		}
	}()
	if req.URL.Scheme != t.Origin.Scheme || req.URL.Host != t.Origin.Host || req.Host != "" && req.Host != t.Origin.Host {
		return nil, t.OtherOrigin
	}
	sent := false
	response, _, err := Send(req.Context(), t.Tokens, func(token string) (*http.Response, error) {
		clone := req.Clone(req.Context())
		if sent && req.Body != nil && req.Body != http.NoBody {
			if req.GetBody == nil {
				return nil, ErrNoReplay
			}
			var err error
			if clone.Body, err = req.GetBody(); err != nil {
				return nil, ErrNoReplay
			}
		}
		sent, body = true, nil
		clone.Header.Set("Authorization", "Bearer "+token)
		if clone.Header.Get("User-Agent") == "" {
			clone.Header.Set("User-Agent", t.UserAgent)
		}
		return t.Next.RoundTrip(clone)
	})
	if response != nil {
		response.Request = req
	}
	return response, err
}
