package auth_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"github.com/d365backup/d365backup/internal/auth"
	"github.com/d365backup/d365backup/internal/auth/authtest"
)

// refusal is a file that is refused, with a part of the error.
type refusal struct {
	name     string
	data     []byte
	password string
	want     string
}

func expectRefusals(t *testing.T, tests []refusal) {
	t.Helper()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := auth.ParseCertificate(test.data, test.password, time.Now())
			if err == nil {
				t.Fatalf("ParseCertificate = %v; want an error with %q", got, test.want)
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %q lacks %q", err, test.want)
			}
			if strings.Contains(err.Error(), password) {
				t.Errorf("the error repeats the password: %v", err)
			}
			if strings.ContainsAny(err.Error(), "{}") || strings.Contains(err.Error(), "asn1") {
				t.Errorf("the error dumps Go structures: %v", err)
			}
		})
	}
}

func TestParseRefusesPasswords(t *testing.T) {
	key := authtest.Key()
	leaf := authtest.Issue(t, key)
	leafPEM := block("CERTIFICATE", leaf.Raw)
	legacy := pem.EncodeToMemory(&pem.Block{
		Type:    "RSA PRIVATE KEY",
		Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-128-CBC,00112233445566778899AABBCCDDEEFF"},
		Bytes:   []byte("nothing that could be decrypted."),
	})
	expectRefusals(t, []refusal{
		{"wrong password of a PFX", pfx(t, pkcs12.Modern2023, "right", key, leaf), password, "the password is wrong"},
		{"wrong password of a PFX with PBMAC1", pfx(t, pkcs12.Modern2026, "right", key, leaf), password, "the password is wrong"},
		{"wrong password of a legacy PFX", pfx(t, pkcs12.LegacyDES, "right", key, leaf), password, "the password is wrong"},
		{"no password for a PFX", pfx(t, pkcs12.Modern2023, "right", key, leaf), "", "the PFX is encrypted: a password is needed"},
		{"a password for a PFX with an empty one", pfx(t, pkcs12.Modern2023, "", key, leaf), password, "the password is wrong"},
		{"wrong password of a PEM key", join(sealedPEM(t, key, hmacSHA256), leafPEM), "wrong", "the password is wrong"},
		{"no password for a PEM key", join(sealedPEM(t, key, hmacSHA256), leafPEM), "", "a password is needed"},
		{"legacy PEM encryption", join(legacy, leafPEM), password, "(openssl pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA256 -in OLD.pem; openssl x509 -in OLD.pem) > NEW.pem"},
		{"PEM encryption of PKCS #5 v1", join(block("ENCRYPTED PRIVATE KEY", leaf.Raw), leafPEM), password, "openssl pkcs8 -topk8 -v2"},
	})
}

func TestParseRefusesKeys(t *testing.T) {
	key := authtest.Key()
	leaf := authtest.Issue(t, key)
	leafPEM := block("CERTIFICATE", leaf.Raw)
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
	expectRefusals(t, []refusal{
		{"another key", authtest.PEM(t, newRSA(t, 2048), leaf), "", "does not match"},
		{"another key in a PFX", pfx(t, pkcs12.Modern2023, password, newRSA(t, 2048), leaf), password, "does not match"},
		{"EC", authtest.PEM(t, ec, authtest.Issue(t, ec)), "", "not an RSA key"},
		{"EC in SEC 1", join(block("EC PRIVATE KEY", ecDER), leafPEM), "", "not an RSA key"},
		{"EC in a PFX", pfx(t, pkcs12.Modern2023, password, ec, authtest.Issue(t, ec)), password, "not an RSA key"},
		{"Ed25519", authtest.PEM(t, ed, authtest.Issue(t, ed)), "", "not an RSA key"},
		{"1024 bits", authtest.PEM(t, small, authtest.Issue(t, small)), "", "has 1024 bits: at least 2048"},
		{"1024 bits in a PFX", pfx(t, pkcs12.Modern2023, password, small, authtest.Issue(t, small)), password, "has 1024 bits"},
		{"several keys in a PFX", withBag(t, keyBag, func(bag asn1.RawValue) []byte {
			return append(bag.FullBytes, bagOfKey(t, small)...)
		}), "", "several private keys"},
		{"several keys", join(authtest.PEM(t, key, leaf), authtest.PEM(t, small)), "", "several private keys"},
		{"a key of OpenSSH", join(block("OPENSSH PRIVATE KEY", []byte("x")), leafPEM), "", "OPENSSH PRIVATE KEY"},
		{"a damaged key", join(block("PRIVATE KEY", []byte("x")), leafPEM), "", "cannot be read"},
	})
}

func TestParseRefusesFiles(t *testing.T) {
	key := authtest.Key()
	leaf := authtest.Issue(t, key)
	leafPEM := block("CERTIFICATE", leaf.Raw)
	keyPEM := block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))
	trust, err := pkcs12.Modern2023.EncodeTrustStore([]*x509.Certificate{leaf}, password)
	if err != nil {
		t.Fatal(err)
	}
	issue := func(change func(*x509.Certificate)) []byte {
		return authtest.PEM(t, key, authtest.Issue(t, key, change))
	}
	pkcs7, err := asn1.Marshal(struct {
		Type    asn1.ObjectIdentifier
		Content []byte `asn1:"explicit,tag:0"`
	}{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}, []byte("signed")})
	if err != nil {
		t.Fatal(err)
	}
	expectRefusals(t, []refusal{
		{"expired", issue(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }), "", "expired on"},
		{"not yet valid", issue(func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) }), "", "not valid before"},
		{"key usage", issue(func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyEncipherment }), "", "does not include digital signature"},
		{"no key", leafPEM, "", "no private key"},
		{"a certificate in DER", leaf.Raw, "", "no private key"},
		{"a PFX without a key", trust, password, "no private key"},
		{"no certificate", authtest.PEM(t, key), "", "no certificate"},
		{"a PFX without a certificate", withBag(t, certBag, func(bag asn1.RawValue) []byte {
			return bytes.Replace(bag.FullBytes, certBag, secretBag, 1)
		}), "", "no certificate"},
		{"PKCS #7", pkcs7, "", "PKCS #7"},
		{"PKCS #7 in PEM", join(block("PKCS7", pkcs7), keyPEM), "", "line 1 begins with \"PKCS7\""},
		{"a PFX with an unknown cipher", withUnknownCipher(t, key, leaf), password, "openssl pkcs12 -legacy -in OLD.pfx -out NEW.pem"},
		{"a key with an unknown hash", join(sealedPEM(t, key, unknownPRF), leafPEM), password, "unsupported algorithm 1.2.840.113549.2.99); convert it: (openssl pkcs8"},
		{"a key with scrypt", join(sealedPEM(t, key, scryptKDF), leafPEM), password, "unsupported algorithm 1.3.6.1.4.1.11591.4.11); convert it: (openssl pkcs8"},
		{"only a certificate that Go cannot read", join(block("CERTIFICATE", negativeSerial(t, leaf)), keyPEM), "", "line 1 cannot be read (negative serial number)"},
		{"the same in a PFX", pfx(t, pkcs12.Modern2023, password, key, &x509.Certificate{Raw: negativeSerial(t, leaf)}), password, "cannot be read (negative serial number)"},
		{"a damaged certificate", join(block("CERTIFICATE", leaf.Raw[:100]), keyPEM), "", "line 1 cannot be read"},
		{"a PEM cut short", leafPEM[:len(leafPEM)-20], "", "line 1: BEGIN CERTIFICATE has no END"},
		{"a PFX cut short", pfx(t, pkcs12.Modern2023, password, key, leaf)[:500], password, "not PEM or a readable PFX"},
		{"another format", []byte("PK\x03\x04"), "", "not PEM or a readable PFX"},
		{"an empty file", nil, "", "not PEM or a readable PFX"},
	})
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
