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
		if c.hasReload {
			return nil, badSetting("WithCredentialReload", "given with WithTokenSource: a source replaces its own credentials")
		}
		return external{c.tokenSource}, nil
	case "WithCertificate":
		if c.certificate == nil || c.certificate.inner == nil {
			return nil, badSetting("WithCertificate", "no certificate: load it with LoadCertificate")
		}
	default:
		if !c.hasSecret {
			return nil, badSetting("WithClientSecret", "the client secret is empty")
		}
	}
	if c.hasReload && c.reload == nil {
		return nil, badSetting("WithCredentialReload", "no function")
	}
	source, err := token.NewRotating(token.Config{
		TokenURL:     e.token.String(),
		ClientID:     c.clientID,
		ClientSecret: c.clientSecret,
		Certificate:  c.credential(),
		Scope:        c.scope,
		UserAgent:    c.userAgent(),
		Transport:    transport,
	}, c.reread)
	if err != nil {
		return nil, badSetting(c.credentials[0], "%v", err)
	}
	return source, nil
}

var errNoReload = errors.New("there is no other credential")

// reread returns a configuration with the credential that WithCredentialReload finds now.
func (c *config) reread(current token.Config) (token.Config, error) {
	if c.reload == nil {
		return current, errNoReload
	}
	option, err := c.reload()
	if err != nil {
		return current, err
	}
	var found config
	if option != nil {
		option(&found)
	}
	// An option of another kind leaves no credential, which is refused like an error.
	current.ClientID, current.ClientSecret, current.Certificate = found.clientID, found.clientSecret, found.credential()
	return current, nil
}

func (c *config) credential() *credential.Certificate {
	if c.certificate == nil {
		return nil
	}
	return c.certificate.inner
}
