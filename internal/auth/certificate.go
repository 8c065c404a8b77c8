package auth

import (
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/d365backup/d365backup/internal/httpfail"
)

const (
	// assertionLifetime is how long an assertion is valid. The documents allow an hour; ten minutes leave
	// room for a clock that is slightly wrong.
	assertionLifetime = 10 * time.Minute
	// clockSkew is how far back an assertion begins, so that an endpoint with a slow clock accepts it.
	clockSkew = time.Minute
)

// Certificate is a certificate with its RSA key. It shows its thumbprint and expiry, never the key. It is safe
// for concurrent use.
type Certificate struct {
	thumbprint [sha1.Size]byte
	notAfter   time.Time
	// A function holds the key, since printing or encoding a structure does not show what a function captures.
	sign func(*jwt.Token) (string, error)
}

func newCertificate(leaf *x509.Certificate, key *rsa.PrivateKey) *Certificate {
	return &Certificate{
		// SHA-1 only identifies the certificate here.
		thumbprint: sha1.Sum(leaf.Raw),
		notAfter:   leaf.NotAfter,
		sign:       func(token *jwt.Token) (string, error) { return token.SignedString(key) },
	}
}

// Thumbprint returns the SHA-1 thumbprint in upper-case hexadecimal digits, as the vendor shows it.
func (c *Certificate) Thumbprint() string {
	if c == nil {
		return ""
	}
	return strings.ToUpper(hex.EncodeToString(c.thumbprint[:]))
}

// NotAfter returns when the certificate expires.
func (c *Certificate) NotAfter() time.Time {
	if c == nil {
		return time.Time{}
	}
	return c.notAfter
}

// String returns the thumbprint and the expiry.
func (c *Certificate) String() string {
	if c == nil {
		return "no certificate"
	}
	return fmt.Sprintf("certificate %s, expires %s", c.Thumbprint(), c.notAfter.UTC().Format(time.RFC3339))
}

// Format writes String, whatever the verb.
func (c *Certificate) Format(f fmt.State, _ rune) { io.WriteString(f, c.String()) }

// ClientCertificate is the client id of an app and its certificate, which signs an assertion for each request.
type ClientCertificate struct {
	ClientID    string
	Certificate *Certificate
}

// Tokens returns the tokens granted for the certificate.
func (c ClientCertificate) Tokens(e Endpoint) (Tokens, error) { return newSource(e, c) }

func (c ClientCertificate) check() error {
	switch {
	case c.ClientID == "":
		return errNoClientID
	case c.Certificate == nil:
		return errors.New("no certificate: load it with LoadCertificate")
	}
	return nil
}

// form returns a new assertion, valid from a minute before now. It fails if the certificate has expired.
func (c ClientCertificate) form(tokenURL string, now time.Time) (url.Values, error) {
	if now.After(c.Certificate.notAfter) {
		return nil, fmt.Errorf("certificate %s expired on %s: load its successor",
			c.Certificate.Thumbprint(), c.Certificate.notAfter.UTC().Format(time.RFC3339))
	}
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{
		"iss": c.ClientID,
		"sub": c.ClientID,
		"aud": tokenURL, // one string: the service does not accept a list
		"jti": uuid.NewString(),
		"nbf": now.Add(-clockSkew).Unix(),
		"exp": now.Add(assertionLifetime).Unix(),
	})
	token.Header["kid"] = c.Certificate.Thumbprint()
	token.Header["x5t"] = base64.RawURLEncoding.EncodeToString(c.Certificate.thumbprint[:])
	assertion, err := c.Certificate.sign(token)
	return url.Values{
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		"client_assertion":      {assertion},
	}, err
}

func (c ClientCertificate) refused() (httpfail.Reason, string) {
	return httpfail.CertificateRefused, fmt.Sprintf("the assertion signed by certificate %s is refused: "+
		"the certificate may not be registered for this client id", c.Certificate.Thumbprint())
}

func (c ClientCertificate) id() string { return c.ClientID + "\x00" + c.Certificate.Thumbprint() }
