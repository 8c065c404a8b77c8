package auth_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
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
		{"encrypted PKCS #8 with scrypt", join(sealedPEM(t, key, scryptKDF), leafPEM), password},
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
			if want := fmt.Sprintf("%X", sha1.Sum(leaf.Raw)); got.Thumbprint() != want {
				t.Errorf("thumbprint %s, want %s", got.Thumbprint(), want)
			}
			if !got.NotAfter().Equal(leaf.NotAfter) {
				t.Errorf("expires %v, want %v", got.NotAfter(), leaf.NotAfter)
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

func TestParseRefuses(t *testing.T) {
	key := authtest.Key()
	leaf := authtest.Issue(t, key)
	leafPEM := block("CERTIFICATE", leaf.Raw)
	keyPEM := block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))
	ec := newEC(t)
	ecDER, err := x509.MarshalECPrivateKey(ec)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	small := newRSA(t, 1024)
	trust, err := pkcs12.Modern2023.EncodeTrustStore([]*x509.Certificate{leaf}, password)
	if err != nil {
		t.Fatal(err)
	}
	issue := func(key crypto.Signer, change func(*x509.Certificate)) []byte {
		return authtest.PEM(t, key, authtest.Issue(t, key, change))
	}
	pkcs7, err := asn1.Marshal(struct {
		Type    asn1.ObjectIdentifier
		Content []byte `asn1:"explicit,tag:0"`
	}{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}, []byte("signed")})
	if err != nil {
		t.Fatal(err)
	}
	legacy := pem.EncodeToMemory(&pem.Block{
		Type:    "RSA PRIVATE KEY",
		Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-128-CBC,00112233445566778899AABBCCDDEEFF"},
		Bytes:   []byte("nothing that could be decrypted."),
	})
	tests := []struct {
		name     string
		data     []byte
		password string
		want     string
	}{
		{"wrong password of a PFX", pfx(t, pkcs12.Modern2023, "right", key, leaf), password, "the password is wrong"},
		{"wrong password of a PFX with PBMAC1", pfx(t, pkcs12.Modern2026, "right", key, leaf), password, "the password is wrong"},
		{"wrong password of a legacy PFX", pfx(t, pkcs12.LegacyDES, "right", key, leaf), password, "the password is wrong"},
		{"no password for a PFX", pfx(t, pkcs12.Modern2023, "right", key, leaf), "", "the PFX is encrypted: a password is needed"},
		{"a password for a PFX with an empty one", pfx(t, pkcs12.Modern2023, "", key, leaf), password, "the password is wrong"},
		{"wrong password of a PEM key", join(sealedPEM(t, key, hmacSHA256), leafPEM), "wrong", "the password is wrong"},
		{"no password for a PEM key", join(sealedPEM(t, key, hmacSHA256), leafPEM), "", "a password is needed"},
		{"legacy PEM encryption", join(legacy, leafPEM), password, "(openssl pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA256 -in OLD.pem; openssl x509 -in OLD.pem) > NEW.pem"},
		{"PEM encryption of PKCS #5 v1", join(block("ENCRYPTED PRIVATE KEY", leaf.Raw), leafPEM), password, "openssl pkcs8 -topk8 -v2"},
		{"another key", authtest.PEM(t, newRSA(t, 2048), leaf), "", "does not match"},
		{"another key in a PFX", pfx(t, pkcs12.Modern2023, password, newRSA(t, 2048), leaf), password, "does not match"},
		{"EC", authtest.PEM(t, ec, authtest.Issue(t, ec)), "", "not an RSA key"},
		{"EC in SEC 1", join(block("EC PRIVATE KEY", ecDER), leafPEM), "", "not an RSA key"},
		{"EC in a PFX", pfx(t, pkcs12.Modern2023, password, ec, authtest.Issue(t, ec)), password, "not an RSA key"},
		{"Ed25519", authtest.PEM(t, ed, authtest.Issue(t, ed)), "", "not an RSA key"},
		{"1024 bits", authtest.PEM(t, small, authtest.Issue(t, small)), "", "has 1024 bits: at least 2048"},
		{"1024 bits in a PFX", pfx(t, pkcs12.Modern2023, password, small, authtest.Issue(t, small)), password, "has 1024 bits"},
		{"expired", issue(key, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }), "", "expired on"},
		{"not yet valid", issue(key, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) }), "", "not valid before"},
		{"key usage", issue(key, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyEncipherment }), "", "does not include digital signature"},
		{"no key", leafPEM, "", "no private key"},
		{"a certificate in DER", leaf.Raw, "", "no private key"},
		{"a PFX with no key", trust, password, "no private key"},
		{"no certificate", authtest.PEM(t, key), "", "no certificate"},
		{"a PFX with no certificate", withBag(t, certBag, func(bag asn1.RawValue) []byte {
			return bytes.Replace(bag.FullBytes, certBag, secretBag, 1)
		}), "", "no certificate"},
		{"several keys in a PFX", withBag(t, keyBag, func(bag asn1.RawValue) []byte {
			return append(bag.FullBytes, bagOfKey(t, small)...)
		}), "", "several private keys"},
		{"PKCS #7", pkcs7, "", "PKCS #7"},
		{"PKCS #7 in PEM", join(block("PKCS7", pkcs7), keyPEM), "", "line 1 begins with \"PKCS7\""},
		{"a PFX with a cipher nobody knows", withUnknownCipher(t, key, leaf), password, "openssl pkcs12 -legacy -in OLD.pfx -out NEW.pem"},
		{"a key with a hash nobody knows", join(sealedPEM(t, key, unknownPRF), leafPEM), password, "unsupported algorithm 1.2.840.113549.2.99); convert it: (openssl pkcs8"},
		{"only a certificate that Go cannot read", join(block("CERTIFICATE", negativeSerial(t, leaf)), keyPEM), "", "line 1 cannot be read (negative serial number)"},
		{"the same in a PFX", pfx(t, pkcs12.Modern2023, password, key, &x509.Certificate{Raw: negativeSerial(t, leaf)}), password, "cannot be read (negative serial number)"},
		{"several keys", join(authtest.PEM(t, key, leaf), authtest.PEM(t, small)), "", "several private keys"},
		{"a key of OpenSSH", join(block("OPENSSH PRIVATE KEY", []byte("x")), leafPEM), "", "OPENSSH PRIVATE KEY"},
		{"a damaged key", join(block("PRIVATE KEY", []byte("x")), leafPEM), "", "cannot be read"},
		{"a damaged certificate", join(block("CERTIFICATE", leaf.Raw[:100]), keyPEM), "", "line 1 cannot be read"},
		{"a PEM cut short", leafPEM[:len(leafPEM)-20], "", "line 1: BEGIN CERTIFICATE has no END"},
		{"a PFX cut short", pfx(t, pkcs12.Modern2023, password, key, leaf)[:500], password, "neither PEM nor a PFX"},
		{"something else", []byte("PK\x03\x04"), "", "neither PEM nor a PFX"},
		{"nothing", nil, "", "neither PEM nor a PFX"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := auth.ParseCertificate(test.data, test.password, time.Now())
			if err == nil {
				t.Fatalf("Parse = %v; want an error with %q", got, test.want)
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %q lacks %q", err, test.want)
			}
			if strings.Contains(err.Error(), password) {
				t.Errorf("the error repeats the password: %v", err)
			}
			if strings.ContainsAny(err.Error(), "{}") || strings.Contains(err.Error(), "asn1") {
				t.Errorf("the error dumps structures of Go: %v", err)
			}
		})
	}
}

// The object identifiers of bags in a PFX, as encoded there.
var (
	keyBag    = []byte("\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x01")
	certBag   = []byte("\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x03")
	secretBag = []byte("\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x05")
)

// withBag returns a PFX without encryption in which change replaced the bags of a kind.
func withBag(t *testing.T, kind []byte, change func(asn1.RawValue) []byte) []byte {
	t.Helper()
	key := authtest.Key()
	return rewrite(t, pfx(t, pkcs12.Passwordless, "", key, authtest.Issue(t, key)), func(element asn1.RawValue) (any, bool) {
		if element.Tag != asn1.TagSequence || !bytes.HasPrefix(element.Bytes, kind) {
			return nil, false
		}
		return asn1.RawValue{FullBytes: change(element)}, true
	})
}

func TestKeyUsageMayBeAbsent(t *testing.T) {
	key := authtest.Key()
	leaf := authtest.Issue(t, key, func(c *x509.Certificate) { c.KeyUsage = 0 })
	if _, err := auth.ParseCertificate(authtest.PEM(t, key, leaf), "", time.Now()); err != nil {
		t.Error(err)
	}
}

// expectSigns fails the test unless the certificate signs a token request.
func expectSigns(t *testing.T, certificate *auth.Certificate) {
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
		if (got == nil) == (err == nil) {
			t.Fatalf("Parse = %v, %v", got, err)
		}
		if err != nil {
			return
		}
		expectSigns(t, got)
	})
}

func bagOfKey(t *testing.T, key *rsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	bag, err := asn1.Marshal(struct {
		Type  asn1.ObjectIdentifier
		Value asn1.RawValue
	}{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 10, 1, 1}, asn1.RawValue{Class: asn1.ClassContextSpecific, IsCompound: true, Bytes: der}})
	if err != nil {
		t.Fatal(err)
	}
	return bag
}
