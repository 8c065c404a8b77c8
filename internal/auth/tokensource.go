package auth

import (
	"context"
	"errors"

	"golang.org/x/oauth2"
)

// TokenSource is a credential that consists of the caller's own tokens.
type TokenSource struct{ oauth2.TokenSource }

// TokenSourceError is why the caller's source gave no usable token. It repeats nothing of the source's own
// error, which may contain a secret.
type TokenSourceError string

// Error returns the reason.
func (e TokenSourceError) Error() string { return string(e) }

// Tokens returns the tokens of the source. Endpoint is not used.
func (s TokenSource) Tokens(e Endpoint) (Tokens, error) {
	switch {
	case s.TokenSource == nil:
		return nil, errors.New("the source is nil")
	case e.Reload != nil:
		return nil, errors.New("a source replaces its own credentials")
	}
	return tokenSourceAdapter{s.TokenSource}, nil
}

// tokenSourceAdapter lets callers stop waiting for a source, which knows no context.
type tokenSourceAdapter struct{ source oauth2.TokenSource }

// Token waits for the source until ctx ends.
func (a tokenSourceAdapter) Token(ctx context.Context) (*oauth2.Token, error) {
	type result struct {
		token *oauth2.Token
		err   error
	}
	done := make(chan result, 1)
	go func() {
		token, err := a.source.Token()
		done <- result{token, err}
	}()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case r := <-done:
		switch {
		case r.err != nil:
			return nil, TokenSourceError("gave no token: query it directly for the reason")
		case !r.token.Valid():
			return nil, TokenSourceError("gave an empty or expired token")
		case len(r.token.AccessToken) > maxToken:
			return nil, TokenSourceError("gave a token of more than 16 KiB")
		}
		return r.token, nil
	}
}

// Invalidate does nothing: the source decides what it caches.
func (tokenSourceAdapter) Invalidate(*oauth2.Token) {}

// Secret returns nothing: what the source sends is not known here.
func (tokenSourceAdapter) Secret() string { return "" }
