package d365backup

import (
	"errors"
	"net/http"

	"github.com/d365backup/d365backup/internal/auth"
)

// setCredential sets the credential of an option. If options of one kind are repeated, the last one counts.
func (c *config) setCredential(option string, credential auth.Credential) {
	if c.credential != nil && c.credentialOption != option {
		c.otherCredentialOption = c.credentialOption
	}
	c.credentialOption, c.credential = option, credential
}

// tokens returns the tokens of the credential that the options set, or an error that matches ErrConfig.
func (c *config) tokens(e endpoints, transport http.RoundTripper) (auth.Tokens, error) {
	if c.hasReload && c.reload == nil {
		return nil, badSetting("WithCredentialReload", "no function")
	}
	endpoint := auth.Endpoint{URL: e.token, Scope: c.scope, UserAgent: c.userAgent(), Transport: transport}
	if c.hasReload {
		endpoint.Reload = c.reloadCredential
	}
	tokens, err := c.credential.Tokens(endpoint)
	if err != nil {
		return nil, badSetting(c.credentialOption, "%v", err)
	}
	return tokens, nil
}

// reloadCredential returns the credential that the function of WithCredentialReload returns now.
func (c *config) reloadCredential() (auth.Credential, error) {
	option, err := c.reload()
	if err != nil {
		return nil, err
	}
	if option == nil {
		return nil, errors.New("there is no other credential")
	}
	var found config
	option(&found)
	return found.credential, nil
}
