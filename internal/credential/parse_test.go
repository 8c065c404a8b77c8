package credential_test

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
	"strings"
	"testing"
	"time"

	"github.com/youmark/pkcs8"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/d365backup/d365backup/internal/credential"
	"github.com/d365backup/d365backup/internal/credential/credentialtest"
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

func encryptedKey(t testing.TB, key any, options *pkcs8.Opts) []byte {
	t.Helper()
	der, err := pkcs8.MarshalPrivateKey(key, []byte(password), options)
	if err != nil {
		t.Fatal(err)
	}
	return block("ENCRYPTED PRIVATE KEY", der)
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
	key := credentialtest.Key()
	leaf := credentialtest.Issue(t, key)
	issuer := credentialtest.Issue(t, newEC(t), func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCertSign })
	leafPEM, issuerPEM := block("CERTIFICATE", leaf.Raw), block("CERTIFICATE", issuer.Raw)
	pkcs1 := block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))
	scrypt := &pkcs8.Opts{Cipher: pkcs8.AES256CBC, KDFOpts: pkcs8.ScryptOpts{
		SaltSize: 8, CostParameter: 1 << 4, BlockSize: 8, ParallelizationParameter: 1}}
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
		{"PKCS #8", credentialtest.PEM(t, key, leaf), ""},
		{"PKCS #8 with a password it does not need", credentialtest.PEM(t, key, leaf), password},
		{"encrypted PKCS #8", join(encryptedKey(t, key, nil), leafPEM), password},
		{"encrypted PKCS #8 with scrypt", join(encryptedKey(t, key, scrypt), leafPEM), password},
		{"PEM with a chain", credentialtest.PEM(t, key, leaf, issuer), ""},
		{"PEM with the chain first", join(issuerPEM, leafPEM, pkcs1), ""},
		{"PEM with text around", join([]byte("Bag Attributes\n"), leafPEM, []byte("subject=test\n"), pkcs1), ""},
		{"PEM with line ends of Windows", bytes.ReplaceAll(join(leafPEM, pkcs1), []byte("\n"), []byte("\r\n")), ""},
		{"PEM with a byte order mark", append([]byte("\ufeff"), join(leafPEM, pkcs1)...), ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := credential.Parse(test.data, test.password, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			if want := fmt.Sprintf("%X", sha1.Sum(leaf.Raw)); got.Thumbprint() != want {
				t.Errorf("thumbprint %s, want %s", got.Thumbprint(), want)
			}
			if !got.NotAfter().Equal(leaf.NotAfter) {
				t.Errorf("expires %v, want %v", got.NotAfter(), leaf.NotAfter)
			}
			if _, err := got.Assertion("client", "https://identity.example/token", time.Now()); err != nil {
				t.Errorf("Assertion: %v", err)
			}
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
	key := credentialtest.Key()
	leaf := credentialtest.Issue(t, key)
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
	trust, err := pkcs12.Modern2023.EncodeTrustStore([]*x509.Certificate{leaf}, password)
	if err != nil {
		t.Fatal(err)
	}
	issue := func(key crypto.Signer, change func(*x509.Certificate)) []byte {
		return credentialtest.PEM(t, key, credentialtest.Issue(t, key, change))
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
		{"no password for a PFX", pfx(t, pkcs12.Modern2023, "right", key, leaf), "", "the password is wrong"},
		{"a password for a PFX with an empty one", pfx(t, pkcs12.Modern2023, "", key, leaf), password, "the password is wrong"},
		{"wrong password of a PEM key", join(encryptedKey(t, key, nil), leafPEM), "wrong", "the password is wrong"},
		{"no password for a PEM key", join(encryptedKey(t, key, nil), leafPEM), "", "a password is needed"},
		{"legacy PEM encryption", join(legacy, leafPEM), password, "(openssl pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA256 -in OLD.pem; openssl x509 -in OLD.pem) > NEW.pem"},
		{"PEM encryption of PKCS #5 v1", join(block("ENCRYPTED PRIVATE KEY", leaf.Raw), leafPEM), password, "openssl pkcs8 -topk8 -v2"},
		{"another key", credentialtest.PEM(t, newRSA(t, 2048), leaf), "", "does not match"},
		{"another key in a PFX", pfx(t, pkcs12.Modern2023, password, newRSA(t, 2048), leaf), password, "does not match"},
		{"EC", credentialtest.PEM(t, ec, credentialtest.Issue(t, ec)), "", "not an RSA key"},
		{"EC in SEC 1", join(block("EC PRIVATE KEY", ecDER), leafPEM), "", "not an RSA key"},
		{"EC in a PFX", pfx(t, pkcs12.Modern2023, password, ec, credentialtest.Issue(t, ec)), password, "not an RSA key"},
		{"Ed25519", credentialtest.PEM(t, ed, credentialtest.Issue(t, ed)), "", "not an RSA key"},
		{"1024 bits", credentialtest.PEM(t, small, credentialtest.Issue(t, small)), "", "has 1024 bits: at least 2048"},
		{"1024 bits in a PFX", pfx(t, pkcs12.Modern2023, password, small, credentialtest.Issue(t, small)), password, "has 1024 bits"},
		{"expired", issue(key, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }), "", "expired on"},
		{"not yet valid", issue(key, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Minute) }), "", "not valid before"},
		{"key usage", issue(key, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyEncipherment }), "", "does not include digital signature"},
		{"no key", leafPEM, "", "no private key"},
		{"a certificate in DER", leaf.Raw, "", "no private key"},
		{"a PFX with no key", trust, password, "no private key"},
		{"no certificate", credentialtest.PEM(t, key), "", "no certificate"},
		{"a PFX with no certificate", withBag(t, certBag, func(bag asn1.RawValue) []byte {
			return bytes.Replace(bag.FullBytes, certBag, secretBag, 1)
		}), "", "no certificate"},
		{"several keys in a PFX", withBag(t, keyBag, func(bag asn1.RawValue) []byte {
			return append(bag.FullBytes, bag.FullBytes...)
		}), "", "several private keys"},
		{"several keys", join(credentialtest.PEM(t, key, leaf), credentialtest.PEM(t, small)), "", "several private keys"},
		{"a key of OpenSSH", join(block("OPENSSH PRIVATE KEY", []byte("x")), leafPEM), "", "OPENSSH PRIVATE KEY"},
		{"a damaged key", join(block("PRIVATE KEY", []byte("x")), leafPEM), "", "cannot be read"},
		{"a damaged certificate", join(block("CERTIFICATE", leaf.Raw[:100])), "", "a certificate in it cannot be read"},
		{"a PEM cut short", leafPEM[:len(leafPEM)-20], "", "no private key"},
		{"a PFX cut short", pfx(t, pkcs12.Modern2023, password, key, leaf)[:500], password, "neither PEM nor a PFX"},
		{"something else", []byte("PK\x03\x04"), "", "neither PEM nor a PFX"},
		{"nothing", nil, "", "neither PEM nor a PFX"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := credential.Parse(test.data, test.password, time.Now())
			if err == nil {
				t.Fatalf("Parse = %v; want an error with %q", got, test.want)
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %q lacks %q", err, test.want)
			}
			if strings.Contains(err.Error(), password) {
				t.Errorf("the error repeats the password: %v", err)
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
	key := credentialtest.Key()
	return rewrite(t, pfx(t, pkcs12.Passwordless, "", key, credentialtest.Issue(t, key)), func(element asn1.RawValue) (any, bool) {
		if element.Tag != asn1.TagSequence || !bytes.HasPrefix(element.Bytes, kind) {
			return nil, false
		}
		return asn1.RawValue{FullBytes: change(element)}, true
	})
}

func TestKeyUsageMayBeAbsent(t *testing.T) {
	key := credentialtest.Key()
	leaf := credentialtest.Issue(t, key, func(c *x509.Certificate) { c.KeyUsage = 0 })
	if _, err := credential.Parse(credentialtest.PEM(t, key, leaf), "", time.Now()); err != nil {
		t.Error(err)
	}
}

// A file that demands hours of work for its password is refused at once. Were it not, these tests
// would not end.
func TestParseRefusesEndlessWork(t *testing.T) {
	const endless = 1<<31 - 1
	key := credentialtest.Key()
	leaf := credentialtest.Issue(t, key)
	// The encoders below encode their 8 iterations as INTEGER 02 01 08, right behind the salt.
	inflate := func(encoder *pkcs12.Encoder) [][]byte {
		return inflated(t, pfx(t, encoder, password, key, leaf), endless)
	}
	for name, encoder := range map[string]*pkcs12.Encoder{
		"2023": pkcs12.Modern2023, "2026": pkcs12.Modern2026, "3DES": pkcs12.LegacyDES, "RC2": pkcs12.LegacyRC2,
	} {
		for i, data := range inflate(encoder) {
			t.Run(fmt.Sprintf("PFX %s %d", name, i), func(t *testing.T) { expectEndless(t, data) })
		}
	}
	for name, kdf := range map[string]pkcs8.KDFOpts{
		"PBKDF2": pkcs8.PBKDF2Opts{SaltSize: 8, IterationCount: 8, HMACHash: crypto.SHA256},
		"scrypt": pkcs8.ScryptOpts{SaltSize: 8, CostParameter: 8, BlockSize: 8, ParallelizationParameter: 8},
	} {
		der, _ := pem.Decode(encryptedKey(t, key, &pkcs8.Opts{Cipher: pkcs8.AES256CBC, KDFOpts: kdf}))
		for i, data := range inflated(t, der.Bytes, endless) {
			t.Run(fmt.Sprintf("PEM %s %d", name, i), func(t *testing.T) {
				expectEndless(t, block("ENCRYPTED PRIVATE KEY", data))
			})
		}
	}
}

// The limit holds for parameters that only a lenient library takes.
func TestParseRefusesDisguisedWork(t *testing.T) {
	const endless = 1<<31 - 1
	key := credentialtest.Key()
	t.Run("zeros behind", func(t *testing.T) { // PBKDF2 that looks like scrypt with a product of 0
		der, _ := pem.Decode(encryptedKey(t, key, &pkcs8.Opts{Cipher: pkcs8.AES256CBC,
			KDFOpts: pkcs8.PBKDF2Opts{SaltSize: 8, IterationCount: 8, HMACHash: crypto.SHA1}}))
		expectEndless(t, block("ENCRYPTED PRIVATE KEY", rewrite(t, der.Bytes, func(element asn1.RawValue) (any, bool) {
			var old struct {
				Salt       []byte
				Iterations int
			}
			_, err := asn1.Unmarshal(element.FullBytes, &old)
			return struct {
				Salt                []byte
				Iterations, A, B, C int
			}{old.Salt, endless, 0, 0, 0}, err == nil
		})))
	})
	t.Run("salt of another class", func(t *testing.T) {
		data := pfx(t, pkcs12.Modern2026, password, key, credentialtest.Issue(t, key))
		expectEndless(t, rewrite(t, data, func(element asn1.RawValue) (any, bool) {
			var p struct {
				Salt                  asn1.RawValue
				Iterations, KeyLength int
				PRF                   asn1.RawValue
			}
			_, err := asn1.Unmarshal(element.FullBytes, &p)
			p.Salt.FullBytes, p.Salt.Class = nil, asn1.ClassContextSpecific
			p.Iterations = endless
			return p, err == nil && p.Salt.Tag == asn1.TagOctetString
		}))
	})
}

// A key of an absurd size, whose check alone takes seconds, is refused unread.
func TestParseRefusesHugeKey(t *testing.T) {
	leaf := block("CERTIFICATE", credentialtest.Issue(t, credentialtest.Key()).Raw)
	for _, kind := range []string{"PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY"} {
		_, err := credential.Parse(join(block(kind, make([]byte, 1<<14+1)), leaf), password, time.Now())
		if err == nil || !strings.Contains(err.Error(), "16384 bytes") {
			t.Errorf("%s: error %v, want one about the size", kind, err)
		}
	}
}

func expectEndless(t *testing.T, data []byte) {
	t.Helper()
	_, err := credential.Parse(data, password, time.Now())
	if err == nil || !strings.Contains(err.Error(), "iterations") {
		t.Errorf("error %v, want one about iterations", err)
	}
}

// inflated returns a copy of der for each INTEGER 8 in it, with that one replaced by number.
func inflated(t *testing.T, der []byte, number int) [][]byte {
	t.Helper()
	var copies [][]byte
	for i := 0; ; i++ {
		seen := 0
		changed := rewrite(t, der, func(element asn1.RawValue) (any, bool) {
			if element.Tag != asn1.TagInteger || !bytes.Equal(element.Bytes, []byte{8}) {
				return nil, false
			}
			seen++
			return number, seen == i+1
		})
		if seen <= i {
			break
		}
		copies = append(copies, changed)
	}
	if len(copies) == 0 {
		t.Fatal("there is no number to inflate")
	}
	return copies
}

// rewrite returns der with the elements replaced for which replace says so, at every depth.
func rewrite(t *testing.T, der []byte, replace func(asn1.RawValue) (any, bool)) []byte {
	t.Helper()
	var out []byte
	for len(der) > 0 {
		var element asn1.RawValue
		rest, err := asn1.Unmarshal(der, &element)
		if err != nil {
			return nil
		}
		der = rest
		var value any = asn1.RawValue{FullBytes: element.FullBytes}
		if replacement, ok := replace(element); ok {
			value = replacement
		} else if element.IsCompound || element.Tag == asn1.TagOctetString {
			if inner := rewrite(t, element.Bytes, replace); inner != nil {
				value = asn1.RawValue{Class: element.Class, Tag: element.Tag, IsCompound: element.IsCompound, Bytes: inner}
			}
		}
		encoded, err := asn1.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, encoded...)
	}
	return out
}

func TestDamagedEncryptionIsNoPanic(t *testing.T) {
	good, _ := pem.Decode(encryptedKey(t, credentialtest.Key(), nil))
	const vector = 16 // bytes of an initialization vector of AES
	for name, isDamaged := range map[string]func(length int) bool{
		"initialization vector": func(length int) bool { return length == vector },
		"content":               func(length int) bool { return length > 1000 },
	} {
		t.Run(name, func(t *testing.T) {
			damages := 0
			data := rewrite(t, good.Bytes, func(element asn1.RawValue) (any, bool) {
				if element.Tag != asn1.TagOctetString || !isDamaged(len(element.Bytes)) {
					return nil, false
				}
				damages++
				return element.Bytes[1:], true
			})
			_, err := credential.Parse(block("ENCRYPTED PRIVATE KEY", data), password, time.Now())
			if damages != 1 || err == nil || !strings.Contains(err.Error(), "damaged") {
				t.Errorf("error %v after %d damages, want that of a damaged key", err, damages)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	key := credentialtest.Key()
	leaf := credentialtest.Issue(f, key)
	f.Add(credentialtest.PEM(f, key, leaf), "")
	f.Add(pfx(f, pkcs12.Modern2023, password, key, leaf), password)
	f.Add(pfx(f, pkcs12.LegacyDES, "", key, leaf), "")
	f.Add(pfx(f, pkcs12.Passwordless, "", key, leaf), "")
	few := &pkcs8.Opts{Cipher: pkcs8.AES256CBC, KDFOpts: pkcs8.PBKDF2Opts{SaltSize: 8, IterationCount: 8, HMACHash: crypto.SHA256}}
	f.Add(join(encryptedKey(f, key, few), block("CERTIFICATE", leaf.Raw)), password)
	now := time.Now()
	f.Fuzz(func(t *testing.T, data []byte, password string) {
		got, err := credential.Parse(data, password, now)
		if (got == nil) == (err == nil) {
			t.Fatalf("Parse = %v, %v", got, err)
		}
		if err != nil {
			return
		}
		if _, err := got.Assertion("client", "https://identity.example/token", now); err != nil {
			t.Errorf("a certificate that was accepted does not sign: %v", err)
		}
	})
}
