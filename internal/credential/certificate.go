// Package credential reads the certificate of an app with its key, from PFX or PEM, and signs the
// assertions by which the app authenticates. It sends nothing and caches nothing.
package credential

import (
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

// assertionLifetime is how long an assertion is good for. The documents allow an hour; ten minutes
// leave room for a clock that is wrong by some.
const assertionLifetime = 10 * time.Minute

// clockSkew is how far back an assertion begins, so that an endpoint whose clock is behind this one accepts it.
const clockSkew = time.Minute

// Certificate is a certificate with its RSA key. It shows its thumbprint and expiry, never the key.
// It is safe for concurrent use.
type Certificate struct {
	thumbprint [sha1.Size]byte
	notAfter   time.Time
	// The key is held by a function, which no printer of structures can look into.
	sign func(*jwt.Token) (string, error)
}

func newCertificate(leaf *x509.Certificate, key *rsa.PrivateKey) *Certificate {
	return &Certificate{
		// SHA-1 names the certificate here; it protects nothing.
		thumbprint: sha1.Sum(leaf.Raw),
		notAfter:   leaf.NotAfter,
		sign:       func(token *jwt.Token) (string, error) { return token.SignedString(key) },
	}
}

// Thumbprint returns the SHA-1 thumbprint in upper-case hexadecimal digits, as the vendor shows it.
func (c *Certificate) Thumbprint() string {
	return strings.ToUpper(hex.EncodeToString(c.thumbprint[:]))
}

// NotAfter returns when the certificate expires.
func (c *Certificate) NotAfter() time.Time { return c.notAfter }

// Assertion returns a new signed assertion by clientID for the token URL audience, valid from a minute before now.
// It fails if the certificate has expired.
func (c *Certificate) Assertion(clientID, audience string, now time.Time) (string, error) {
	if now.After(c.notAfter) {
		return "", fmt.Errorf("certificate %s expired on %s: load its successor",
			c.Thumbprint(), c.notAfter.UTC().Format(time.RFC3339))
	}
	id, err := uuid.NewRandom()
	if err != nil {
		return "", err
	}
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{
		"iss": clientID,
		"sub": clientID,
		"aud": audience, // one string: the service knows no list
		"jti": id.String(),
		"nbf": now.Add(-clockSkew).Unix(),
		"exp": now.Add(assertionLifetime).Unix(),
	})
	token.Header["kid"] = c.Thumbprint()
	token.Header["x5t"] = base64.RawURLEncoding.EncodeToString(c.thumbprint[:])
	return c.sign(token)
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
