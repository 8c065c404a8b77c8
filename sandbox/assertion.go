package sandbox

import (
	"crypto/sha1" //nolint:gosec // A thumbprint names a certificate; it protects nothing.
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	assertionType     = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	assertionLifetime = time.Hour
)

// assertionClaims are the claims of a client assertion. Its aud is one string: the documents show no
// list, which a JWT may have elsewhere.
type assertionClaims struct {
	jwt.RegisteredClaims
	Audience string `json:"aud"`
}

// GetAudience takes the place of the method of the registered claims.
func (c assertionClaims) GetAudience() (jwt.ClaimStrings, error) {
	return jwt.ClaimStrings{c.Audience}, nil
}

// authenticateAssertion checks a client assertion (RFC 7523) as the vendor's documents describe it.
// A refusal says why: whoever tests against the sandbox needs to know.
func (s *Server) authenticateAssertion(form url.Values) *denial {
	if form.Get("client_assertion_type") != assertionType {
		return &denial{invalidRequest, "The parameter client_assertion_type must be " + assertionType + "."}
	}
	if form.Has("client_id") && form.Get("client_id") != s.config.clientID {
		return &denial{invalidClient, "The client is unknown."}
	}
	var claims assertionClaims
	_, err := jwt.ParseWithClaims(form.Get("client_assertion"), &claims, s.assertionKey,
		jwt.WithValidMethods([]string{jwt.SigningMethodRS256.Alg()}),
		jwt.WithIssuer(s.config.clientID),
		jwt.WithSubject(s.config.clientID),
		jwt.WithAudience(s.TokenURL()),
		jwt.WithExpirationRequired(),
		jwt.WithNotBeforeRequired(),
	)
	if err == nil {
		err = s.checkUse(claims)
	}
	if err != nil {
		return &denial{invalidClient, "The client assertion is refused: " + err.Error() + "."}
	}
	return nil
}

// assertionKey finds the key of the certificate that the header names, by kid and by x5t.
func (s *Server) assertionKey(token *jwt.Token) (any, error) {
	if token.Header["typ"] != "JWT" {
		return nil, errors.New("typ must be JWT")
	}
	for _, cert := range s.config.certificates {
		kid, x5t := thumbprints(cert)
		if token.Header["kid"] != kid {
			continue
		}
		if token.Header["x5t"] != x5t {
			return nil, errors.New("x5t must be the certificate's SHA-1 thumbprint in base64url")
		}
		return cert.PublicKey, nil
	}
	return nil, errors.New("kid must be the SHA-1 thumbprint of a registered certificate in upper-case hex")
}

// thumbprints returns the two spellings of a certificate's SHA-1 thumbprint.
func thumbprints(cert *x509.Certificate) (kid, x5t string) {
	sum := sha1.Sum(cert.Raw) //nolint:gosec // See the import.
	return fmt.Sprintf("%X", sum), base64.RawURLEncoding.EncodeToString(sum[:])
}

// checkUse checks what makes an assertion fit for one use: a short life and an id never seen.
func (s *Server) checkUse(claims assertionClaims) error {
	switch {
	case claims.ExpiresAt.Sub(claims.NotBefore.Time) > assertionLifetime:
		return errors.New("exp must be at most one hour after nbf")
	case strings.TrimSpace(claims.ID) == "":
		return errors.New("jti is missing")
	case !s.replays.first(claims.ID, claims.ExpiresAt.Time):
		return errors.New("jti was used before")
	}
	return nil
}

// replays remembers the ids of assertions until they expire. The zero value is ready.
type replays struct {
	mu   sync.Mutex
	kept expiring
}

// first reports whether the id has not been seen, and remembers it.
func (r *replays) first(id string, expiry time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if r.kept.has(id, now) {
		return false
	}
	r.kept.add(id, expiry, now)
	return true
}
