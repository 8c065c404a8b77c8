package sandbox

import (
	"crypto/sha1" //nolint:gosec // A thumbprint identifies a certificate and protects nothing.
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// authenticateAssertion checks a client assertion (RFC 7523) as the vendor's documents describe it. Its errors
// are more detailed than those of a real service.
func (s *Server) authenticateAssertion(form url.Values) *denial {
	if form.Get("client_assertion_type") != assertionType {
		return &denial{invalidRequest, "The parameter client_assertion_type must be " + assertionType + "."}
	}
	if form.Has("client_id") && form.Get("client_id") != s.config.clientID {
		return &denial{invalidClient, "The client is unknown."}
	}
	claims := make(jwt.MapClaims)
	_, err := jwt.ParseWithClaims(form.Get("client_assertion"), claims, s.assertionKey,
		jwt.WithValidMethods([]string{jwt.SigningMethodRS256.Alg()}),
		jwt.WithIssuer(s.config.clientID),
		jwt.WithSubject(s.config.clientID),
		jwt.WithAudience(s.TokenURL()),
		jwt.WithExpirationRequired(),
		jwt.WithNotBeforeRequired(),
	)
	if err == nil {
		err = s.useOnce(claims)
	}
	if err != nil {
		return &denial{invalidClient, "The client assertion is invalid: " + err.Error() + "."}
	}
	return nil
}

// assertionKey returns the public key of the certificate that the header names.
func (s *Server) assertionKey(token *jwt.Token) (any, error) {
	if token.Header["typ"] != "JWT" {
		return nil, errors.New("typ must be JWT")
	}
	for _, cert := range s.config.certificates {
		sum := sha1.Sum(cert.Raw) //nolint:gosec // See the import.
		kid, x5t := fmt.Sprintf("%X", sum), base64.RawURLEncoding.EncodeToString(sum[:])
		if token.Header["kid"] == kid && token.Header["x5t"] == x5t {
			return cert.PublicKey, nil
		}
	}
	return nil, errors.New("kid and x5t must be the SHA-1 thumbprint of a registered certificate, in upper-case hex and in base64url")
}

// useOnce checks what the jwt package does not, and refuses the assertion from then on.
func (s *Server) useOnce(claims jwt.MapClaims) error {
	expiry, _ := claims.GetExpirationTime()
	notBefore, _ := claims.GetNotBefore()
	id, _ := claims["jti"].(string)
	_, oneAudience := claims["aud"].(string)
	switch {
	case !oneAudience:
		return errors.New("aud must be a string") // as the documents show it; JWT also allows a list
	case expiry.Sub(notBefore.Time) > time.Hour:
		return errors.New("exp must be at most one hour after nbf")
	case strings.TrimSpace(id) == "":
		return errors.New("jti is missing")
	case !s.assertions.add(id, expiry.Time):
		return errors.New("jti was used before")
	}
	return nil
}
