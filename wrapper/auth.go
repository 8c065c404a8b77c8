package d365backup

import (
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
			return nil, badSetting("WithCertificate", "no certificate: load it with LoadCertificate")
		}
	default:
		if !c.hasSecret {
			return nil, badSetting("WithClientSecret", "the client secret is empty")
		}
	}
	source, err := token.New(token.Config{
		TokenURL:     e.token.String(),
		ClientID:     c.clientID,
		ClientSecret: c.clientSecret,
		Certificate:  c.credential(),
		Scope:        c.scope,
		UserAgent:    c.userAgent(),
		Transport:    transport,
	})
	if err != nil {
		return nil, badSetting(c.credentials[0], "%v", err)
	}
	return source, nil
}

func (c *config) credential() *credential.Certificate {
	if c.certificate == nil {
		return nil
	}
	return c.certificate.inner
}
