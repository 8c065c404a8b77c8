package auth

import (
	"context"
	"errors"

	"golang.org/x/oauth2"
)

// TokenSource is a credential that consists of the caller's own tokens.
type TokenSource struct{ Source oauth2.TokenSource }

// TokenSourceError is why the caller's source returned no usable token. It does not quote the source's own error,
// which may contain a secret.
type TokenSourceError string

// Error returns the reason.
func (e TokenSourceError) Error() string { return string(e) }

// Tokens returns the tokens of the source. The endpoint is not used.
func (s TokenSource) Tokens(e Endpoint) (Tokens, error) {
	switch {
	case s.Source == nil:
		return nil, errors.New("the source is nil")
	case e.Reload != nil:
		return nil, errors.New("it replaces its own credentials: leave out WithCredentialReload")
	}
	return s, nil
}

// Token waits for the source, which takes no context, until ctx ends.
func (s TokenSource) Token(ctx context.Context) (*oauth2.Token, error) {
	var token *oauth2.Token
	done := make(chan error, 1)
	go func() {
		var err error
		token, err = s.Source.Token()
		done <- err
	}()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case err := <-done:
		switch {
		case err != nil:
			return nil, TokenSourceError("gave no token: query it directly for the reason")
		case !token.Valid():
			return nil, TokenSourceError("gave an empty or expired token")
		case len(token.AccessToken) > maxToken:
			return nil, TokenSourceError("gave a token of more than 16 KiB")
		}
		return token, nil
	}
}

// Invalidate does nothing: the source decides what it caches.
func (TokenSource) Invalidate(*oauth2.Token) {}

// Secret returns an empty string: what the source sends is unknown.
func (TokenSource) Secret() string { return "" }
