package d365backup

import (
	"errors"
	"net/http"

	"github.com/d365backup/d365backup/internal/credential"
	"github.com/d365backup/d365backup/internal/token"
)

// tokens returns the source that the options ask for, or an error that matches ErrConfig.
func (c *config) tokens(e endpoints, transport http.RoundTripper) (tokens, error) {
	switch c.credentials[0] {
	case "WithTokenSource":
		return external{c.tokenSource}, nil
	case "WithCertificate":
		if c.certificate == nil || c.certificate.inner == nil {
			return nil, configError("WithCertificate got no certificate: load it with LoadCertificate")
		}
	default:
		if !c.hasSecret {
			return nil, configError("WithClientSecret got an empty client secret")
		}
	}
	source, err := token.New(token.Config{
		TokenURL:     e.token.String(),
		ClientID:     c.clientID,
		ClientSecret: c.clientSecret,
		Certificate:  c.credential(),
		Scope:        c.scope,
		Transport:    transport,
	})
	if err != nil {
		return nil, configError("%s: %v", c.credentials[0], err)
	}
	return source, nil
}

func (c *config) credential() *credential.Certificate {
	if c.certificate == nil {
		return nil
	}
	return c.certificate.inner
}

// kindsOfToken tells what a failure of the token endpoint is to the caller.
var kindsOfToken = map[token.Kind]error{
	token.Refused:   ErrAuth,
	token.Expired:   ErrAuth,
	token.Network:   ErrNetwork,
	token.Throttled: ErrThrottled,
	token.Server:    ErrServer,
	token.Redirect:  ErrRedirect,
	token.TooLarge:  ErrTooLarge,
	token.Truncated: ErrTruncated,
}

// tokenFailure makes a failure of one of the token endpoint; nil where err is none.
func tokenFailure(err error) *attemptFailure {
	e, ok := errors.AsType[*token.Error](err)
	if !ok {
		return nil
	}
	return &attemptFailure{
		err: &Error{
			Kind:       kindsOfToken[e.Kind],
			Message:    "token endpoint: " + e.Message,
			StatusCode: e.StatusCode,
			RequestID:  e.RequestID,
			RetryAfter: e.RetryAfter,
			Host:       e.Host,
		},
		retry: e.Retryable,
	}
}
