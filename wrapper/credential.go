package d365backup

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/d365backup/d365backup/internal/auth"
)

// Certificate is an app's certificate with its private key, for WithCertificate. Get one from LoadCertificate or
// ParseCertificate. Printed, logged or encoded, it shows its thumbprint and expiry, never the key. It is safe for concurrent use.
// The zero value holds no certificate, and WithCertificate refuses it.
type Certificate struct {
	inner auth.Certificate
}

// LoadCertificate reads a certificate and its private key from a file of at most 1 MiB: PFX (PKCS #12, with modern or legacy
// encryption, in DER or BER) or PEM with a PKCS #1, PKCS #8 or encrypted PKCS #8 key. It detects the format, base64 around it,
// and UTF-16. The file may hold issuers, which are not used, and several certificates of the key, of which the newest valid one
// is used. Password is that of the PFX or of the encrypted key; empty if there is none.
//
// The error matches ErrConfig and states what is wrong with the file: a wrong password; a key of another certificate, other than
// RSA or shorter than 2048 bits; a certificate that is not valid now or lacks the key usage digital signature; PEM's legacy
// encryption. No request is made.
func LoadCertificate(path, password string) (*Certificate, error) {
	inner, err := auth.LoadCertificate(path, password)
	if err != nil {
		return nil, configError("certificate: %v", err)
	}
	return &Certificate{inner}, nil
}

// ParseCertificate does the same with the content of a file. If certificate and key are in two PEM files, join their contents.
func ParseCertificate(data []byte, password string) (*Certificate, error) {
	inner, err := auth.ParseCertificate(data, password, time.Now())
	if err != nil {
		return nil, configError("certificate: %v", err)
	}
	return &Certificate{inner}, nil
}

// Thumbprint returns the SHA-1 thumbprint in upper-case hexadecimal digits; empty for the zero value.
func (c Certificate) Thumbprint() string { return c.inner.Thumbprint }

// NotAfter returns when the certificate expires; the zero time for the zero value.
func (c Certificate) NotAfter() time.Time { return c.inner.NotAfter }

// String returns the thumbprint and the expiry.
func (c Certificate) String() string {
	if c.Thumbprint() == "" {
		return "no certificate"
	}
	return fmt.Sprintf("certificate %s, expires %s", c.Thumbprint(), c.NotAfter().UTC().Format(time.RFC3339))
}

// Format writes String, whatever the verb.
func (c Certificate) Format(f fmt.State, _ rune) { io.WriteString(f, c.String()) }

// LogValue returns String for slog.
func (c Certificate) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalText returns String, for JSON and other encodings.
func (c Certificate) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// setCredential sets the credential of an option. If options of one kind are repeated, the last one takes precedence.
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
	if err != nil || option == nil {
		return nil, err
	}
	var found config
	option(&found)
	return found.credential, nil
}
