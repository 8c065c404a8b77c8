package sandbox_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"math/big"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/d365backup/d365backup/sandbox"
)

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// credential is a certificate and its key.
type credential struct {
	cert *x509.Certificate
	key  *rsa.PrivateKey
}

func newCredential(t *testing.T) credential {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return credential{certify(t, key, key.Public()), key}
}

func certify(t *testing.T, key crypto.Signer, public crypto.PublicKey) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "app"}, KeyUsage: x509.KeyUsageDigitalSignature,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// assertion returns an assertion as the documents describe it.
func (c credential) assertion(srv *sandbox.Server) *jwt.Token {
	now := time.Now()
	sum := sha1.Sum(c.cert.Raw)
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{
		"iss": srv.ClientID(), "sub": srv.ClientID(), "aud": srv.TokenURL(), "jti": uuid.NewString(),
		"nbf": now.Unix(), "exp": now.Add(10 * time.Minute).Unix(),
	})
	token.Header["kid"] = strings.ToUpper(hex.EncodeToString(sum[:]))
	token.Header["x5t"] = base64.RawURLEncoding.EncodeToString(sum[:])
	return token
}

func assertionForm(t *testing.T, token *jwt.Token, key any) url.Values {
	t.Helper()
	signed, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return url.Values{
		"grant_type":            {"client_credentials"},
		"scope":                 {scope},
		"client_assertion_type": {assertionType},
		"client_assertion":      {signed},
	}
}

func TestCertificates(t *testing.T) {
	first, second, other := newCredential(t), newCredential(t), newCredential(t)
	srv := start(t, sandbox.WithCertificate(first.cert), sandbox.WithCertificate(second.cert))
	for _, c := range []credential{first, second} {
		form := assertionForm(t, c.assertion(srv), c.key)
		got := decode[tokenResponse](t, postToken(t, srv, form))
		if resp := post(t, srv, got.AccessToken, `{"pageInfo":{}}`); resp.StatusCode != 200 {
			t.Errorf("%+v; with its token: %s", got, resp.Status)
		}
		denied := checkDenied(t, postToken(t, srv, form), 401, "invalid_client")
		if !strings.Contains(denied.ErrorDescription, "jti was used before") {
			t.Errorf("the second use is refused with %q", denied.ErrorDescription)
		}
		form = with(assertionForm(t, c.assertion(srv), c.key), "client_id", srv.ClientID())
		if resp := postToken(t, srv, form); resp.StatusCode != 200 {
			t.Errorf("with client_id: %s", resp.body)
		}
	}
	checkDenied(t, postToken(t, srv, assertionForm(t, other.assertion(srv), other.key)), 401, "invalid_client")
	token(t, srv) // the secret remains valid
}

func TestAssertionRefusals(t *testing.T) {
	c, other := newCredential(t), newCredential(t)
	srv := start(t, sandbox.WithCertificate(c.cert))
	now := time.Now().Unix()
	for name, test := range map[string]struct {
		claims, header map[string]any // a nil value removes the key
		want           string
	}{
		"another issuer":    {map[string]any{"iss": "x"}, nil, "issuer"},
		"no issuer":         {map[string]any{"iss": nil}, nil, "iss"},
		"another subject":   {map[string]any{"sub": "x"}, nil, "subject"},
		"another audience":  {map[string]any{"aud": srv.URL()}, nil, "audience"},
		"no audience":       {map[string]any{"aud": nil}, nil, "aud"},
		"list of audiences": {map[string]any{"aud": []string{srv.TokenURL()}}, nil, "aud"},
		"no expiry":         {map[string]any{"exp": nil}, nil, "exp"},
		"expired":           {map[string]any{"nbf": now - 100, "exp": now - 50}, nil, "expired"},
		"long lifetime":     {map[string]any{"exp": now + 3660}, nil, "one hour"},
		"no nbf":            {map[string]any{"nbf": nil}, nil, "nbf"},
		"not yet valid":     {map[string]any{"nbf": now + 100}, nil, "not valid yet"},
		"no id":             {map[string]any{"jti": nil}, nil, "jti"},
		"no kid":            {nil, map[string]any{"kid": nil}, "kid"},
		"kid in lower case": {nil, map[string]any{"kid": strings.ToLower(c.assertion(srv).Header["kid"].(string))}, "kid"},
		"kid of another":    {nil, map[string]any{"kid": other.assertion(srv).Header["kid"]}, "kid"},
		"no x5t":            {nil, map[string]any{"x5t": nil}, "x5t"},
		"x5t of another":    {nil, map[string]any{"x5t": other.assertion(srv).Header["x5t"]}, "x5t"},
		"wrong typ":         {nil, map[string]any{"typ": "at+jwt"}, "typ"},
	} {
		t.Run(name, func(t *testing.T) {
			token := c.assertion(srv)
			change(token.Claims.(jwt.MapClaims), test.claims)
			change(token.Header, test.header)
			denied := checkDenied(t, postToken(t, srv, assertionForm(t, token, c.key)), 401, "invalid_client")
			if !strings.Contains(denied.ErrorDescription, test.want) {
				t.Errorf("got %q, want it to contain %q", denied.ErrorDescription, test.want)
			}
		})
	}
}

func change(values, changes map[string]any) {
	for key, value := range changes {
		if values[key] = value; value == nil {
			delete(values, key)
		}
	}
}

func TestAssertionSignatures(t *testing.T) {
	c, other := newCredential(t), newCredential(t)
	srv := start(t, sandbox.WithCertificate(c.cert))
	method := func(m jwt.SigningMethod) *jwt.Token {
		token := c.assertion(srv)
		token.Method, token.Header["alg"] = m, m.Alg()
		return token
	}
	for name, form := range map[string]url.Values{
		"another key":          assertionForm(t, c.assertion(srv), other.key),
		"another hash":         assertionForm(t, method(jwt.SigningMethodRS512), c.key),
		"another padding":      assertionForm(t, method(jwt.SigningMethodPS256), c.key),
		"none":                 assertionForm(t, method(jwt.SigningMethodNone), jwt.UnsafeAllowNoneSignatureType),
		"public key as secret": assertionForm(t, method(jwt.SigningMethodHS256), c.cert.RawSubjectPublicKeyInfo),
		"invalid JWT":          with(assertionForm(t, c.assertion(srv), c.key), "client_assertion", "x.y.z"),
		"empty JWT":            with(assertionForm(t, c.assertion(srv), c.key), "client_assertion", ""),
		"another client":       with(assertionForm(t, c.assertion(srv), c.key), "client_id", "x"),
	} {
		t.Run(name, func(t *testing.T) {
			checkDenied(t, postToken(t, srv, form), 401, "invalid_client")
		})
	}
	wrongType := with(assertionForm(t, c.assertion(srv), c.key), "client_assertion_type", "jwt")
	checkDenied(t, postToken(t, srv, wrongType), 400, "invalid_request")
}

func TestAssertionIsAcceptedOnce(t *testing.T) {
	c := newCredential(t)
	srv := start(t, sandbox.WithCertificate(c.cert))
	form := assertionForm(t, c.assertion(srv), c.key)
	var all sync.WaitGroup
	statuses := make(chan int, 10)
	for range cap(statuses) {
		all.Go(func() { statuses <- postToken(t, srv, form).StatusCode })
	}
	all.Wait()
	close(statuses)
	granted := 0
	for status := range statuses {
		if status == 200 {
			granted++
		}
	}
	if granted != 1 {
		t.Errorf("one assertion got %d tokens", granted)
	}
}
