package auth

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/d365backup/d365backup/internal/httpfail"
)

// ErrNoReplay is the error of a request that cannot be sent twice.
var ErrNoReplay = errors.New("the request cannot be sent again")

// Send calls send with a token and, if the service rejects the token with status 401, again with a new one. If send then
// returns ErrNoReplay, the rejection is the response. Send also returns the tokens and client secrets used, which must not
// be quoted in an error.
func Send(ctx context.Context, tokens Tokens, send func(token string) (*http.Response, error)) (response *http.Response, secrets []string, err error) {
	secrets = append(secrets, tokens.Secret())
	token, err := tokens.Token(ctx)
	if err != nil {
		return nil, secrets, err
	}
	secrets = append(secrets, token.AccessToken, tokens.Secret())
	response, err = send(token.AccessToken)
	if err != nil || response.StatusCode != http.StatusUnauthorized {
		return response, secrets, err
	}
	buffer(response)
	tokens.Invalidate(token)
	fresh, err := tokens.Token(ctx)
	switch {
	case err != nil && ctx.Err() != nil:
		return response, secrets, nil //nolint:nilerr // the rejection explains more than a timeout
	case err != nil:
		return nil, secrets, err // this is the current problem, and it may be temporary
	case fresh.AccessToken == token.AccessToken:
		return response, secrets, nil
	}
	secrets = append(secrets, fresh.AccessToken, tokens.Secret())
	again, err := send(fresh.AccessToken)
	if errors.Is(err, ErrNoReplay) {
		return response, secrets, nil
	}
	return again, secrets, err
}

// buffer reads the body of a rejection into memory to free its connection: if their number is limited, the request for a new
// token may have to wait for it.
func buffer(response *http.Response) {
	body := httpfail.ReadBody(response.Body)
	_ = response.Body.Close()
	response.Body = io.NopCloser(bytes.NewReader(body))
}
