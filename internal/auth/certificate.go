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
	"os"
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

// maxCertificateFile bounds the size of a certificate file, in bytes.
const maxCertificateFile = 1 << 20

// Certificate is a certificate with its RSA key. The zero value has neither. It is safe for concurrent use.
type Certificate struct {
	// Thumbprint is the SHA-1 thumbprint in upper-case hexadecimal digits, as the vendor shows it.
	Thumbprint string
	NotAfter   time.Time
	// A function holds the key, since printing or encoding a structure does not show what a function captures.
	sign func(*jwt.Token) (string, error)
}

func newCertificate(leaf *x509.Certificate, key *rsa.PrivateKey) Certificate {
	return Certificate{
		Thumbprint: fmt.Sprintf("%X", sha1.Sum(leaf.Raw)), // identifies the certificate; no security depends on it
		NotAfter:   leaf.NotAfter,
		sign:       func(token *jwt.Token) (string, error) { return token.SignedString(key) },
	}
}

// LoadCertificate reads a file for ParseCertificate.
func LoadCertificate(path, password string) (Certificate, error) {
	file, err := os.Open(path) //nolint:gosec // the caller chooses the file
	if err != nil {
		return Certificate{}, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxCertificateFile+1))
	if err != nil {
		return Certificate{}, err
	}
	c, err := ParseCertificate(data, password, time.Now())
	if err != nil {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return c, err
}

// ClientCertificate is the client id of an app and its certificate, which signs an assertion for each request.
type ClientCertificate struct {
	ClientID    string
	Certificate Certificate
}

// Tokens returns the tokens granted for the certificate.
func (c ClientCertificate) Tokens(e Endpoint) (Tokens, error) { return newSource(e, c) }

func (c ClientCertificate) check() error {
	switch {
	case c.ClientID == "":
		return errNoClientID
	case c.Certificate.sign == nil:
		return errors.New("no certificate: load it with LoadCertificate")
	}
	return nil
}

// form returns a new assertion, valid from a minute before now. It fails if the certificate has expired.
func (c ClientCertificate) form(tokenURL string, now time.Time) (url.Values, error) {
	if now.After(c.Certificate.NotAfter) {
		return nil, fmt.Errorf("certificate %s expired on %s: load its successor",
			c.Certificate.Thumbprint, c.Certificate.NotAfter.UTC().Format(time.RFC3339))
	}
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{
		"iss": c.ClientID,
		"sub": c.ClientID,
		"aud": tokenURL, // a string, since the service does not accept a list
		"jti": uuid.NewString(),
		"nbf": now.Add(-clockSkew).Unix(),
		"exp": now.Add(assertionLifetime).Unix(),
	})
	token.Header["kid"] = c.Certificate.Thumbprint
	thumbprint, _ := hex.DecodeString(c.Certificate.Thumbprint) // cannot fail: newCertificate wrote the digits
	token.Header["x5t"] = base64.RawURLEncoding.EncodeToString(thumbprint)
	assertion, err := c.Certificate.sign(token)
	return url.Values{
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		"client_assertion":      {assertion},
	}, err
}

func (c ClientCertificate) refused() (httpfail.Reason, string) {
	return httpfail.CertificateRefused, fmt.Sprintf("the assertion signed with certificate %s is refused: "+
		"the certificate may not be registered for this client id", c.Certificate.Thumbprint)
}

func (c ClientCertificate) id() string { return c.ClientID + "\x00" + c.Certificate.Thumbprint }
