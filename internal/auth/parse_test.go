package auth_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"github.com/d365backup/d365backup/internal/auth"
	"github.com/d365backup/d365backup/internal/auth/authtest"
)

const password = "canary-password"

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// pfx encodes with few iterations: the tests read many files.
func pfx(t testing.TB, encoder *pkcs12.Encoder, password string, key any, leaf *x509.Certificate, chain ...*x509.Certificate) []byte {
	t.Helper()
	data, err := encoder.WithIterations(8).Encode(key, leaf, chain, password)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func newRSA(t testing.TB, bits int) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, []byte("\n")) }

func TestParse(t *testing.T) {
	key := authtest.Key()
	leaf := authtest.Issue(t, key)
	issuer := authtest.Issue(t, newEC(t), func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCertSign })
	leafPEM, issuerPEM := block("CERTIFICATE", leaf.Raw), block("CERTIFICATE", issuer.Raw)
	pkcs1 := block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))
	tests := []struct {
		name     string
		data     []byte
		password string
	}{
		{"PFX of 2023", pfx(t, pkcs12.Modern2023, password, key, leaf), password},
		{"PFX of 2026", pfx(t, pkcs12.Modern2026, password, key, leaf), password},
		{"PFX with RC2", pfx(t, pkcs12.LegacyRC2, password, key, leaf), password},
		{"PFX with 3DES", pfx(t, pkcs12.LegacyDES, password, key, leaf), password},
		{"PFX with an empty password", pfx(t, pkcs12.Modern2023, "", key, leaf), ""},
		{"legacy PFX with an empty password", pfx(t, pkcs12.LegacyDES, "", key, leaf), ""},
		{"PFX without encryption", pfx(t, pkcs12.Passwordless, "", key, leaf), ""},
		{"PFX with a password beyond ASCII", pfx(t, pkcs12.Modern2023, "pässwörd", key, leaf), "pässwörd"},
		{"PFX with a chain", pfx(t, pkcs12.Modern2023, password, key, leaf, issuer), password},
		{"PFX with the chain first", pfx(t, pkcs12.Modern2023, password, key, issuer, leaf), password},
		{"PKCS #1", join(leafPEM, pkcs1), ""},
		{"PKCS #1 first", join(pkcs1, leafPEM), ""},
		{"PKCS #8", authtest.PEM(t, key, leaf), ""},
		{"PKCS #8 with a password it does not need", authtest.PEM(t, key, leaf), password},
		{"encrypted PKCS #8", join(sealedPEM(t, key, hmacSHA256), leafPEM), password},
		{"PEM with a chain", authtest.PEM(t, key, leaf, issuer), ""},
		{"PEM with the chain first", join(issuerPEM, leafPEM, pkcs1), ""},
		{"PEM with text around", join([]byte("Bag Attributes\n"), leafPEM, []byte("subject=test\n"), pkcs1), ""},
		{"PEM with line ends of Windows", bytes.ReplaceAll(join(leafPEM, pkcs1), []byte("\n"), []byte("\r\n")), ""},
		{"PEM with a byte order mark", append([]byte("\ufeff"), join(leafPEM, pkcs1)...), ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := auth.ParseCertificate(test.data, test.password, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			if want := fmt.Sprintf("%X", sha1.Sum(leaf.Raw)); got.Thumbprint != want {
				t.Errorf("thumbprint %s, want %s", got.Thumbprint, want)
			}
			if !got.NotAfter.Equal(leaf.NotAfter) {
				t.Errorf("expires %v, want %v", got.NotAfter, leaf.NotAfter)
			}
			expectSigns(t, got)
		})
	}
}

func newEC(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestKeyUsageMayBeAbsent(t *testing.T) {
	key := authtest.Key()
	leaf := authtest.Issue(t, key, func(c *x509.Certificate) { c.KeyUsage = 0 })
	if _, err := auth.ParseCertificate(authtest.PEM(t, key, leaf), "", time.Now()); err != nil {
		t.Error(err)
	}
}

// expectSigns fails the test unless the certificate signs a token request.
func expectSigns(t *testing.T, certificate auth.Certificate) {
	t.Helper()
	take(t, (&endpoint{URL: "https://identity.example/token"}).source(t, func(c *config) {
		c.Credential = auth.ClientCertificate{ClientID: clientID, Certificate: certificate}
		c.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
			granted := httptest.NewRecorder()
			grant(time.Hour)(granted, r)
			return granted.Result(), nil
		})
	}))
}

func FuzzParseCertificate(f *testing.F) {
	key := authtest.Key()
	leaf := authtest.Issue(f, key)
	f.Add(authtest.PEM(f, key, leaf), "")
	f.Add(pfx(f, pkcs12.Modern2023, password, key, leaf), password)
	f.Add(pfx(f, pkcs12.LegacyDES, "", key, leaf), "")
	f.Add(pfx(f, pkcs12.Passwordless, "", key, leaf), "")
	f.Add(join(sealedPEM(f, key, hmacSHA256), block("CERTIFICATE", leaf.Raw)), password)
	f.Add(toBER(f, pfx(f, pkcs12.Modern2023, password, key, leaf)), password)
	now := time.Now()
	f.Fuzz(func(t *testing.T, data []byte, password string) {
		got, err := auth.ParseCertificate(data, password, now)
		if (got.Thumbprint == "") == (err == nil) {
			t.Fatalf("Parse = %v, %v", got, err)
		}
		if err != nil {
			return
		}
		expectSigns(t, got)
	})
}
