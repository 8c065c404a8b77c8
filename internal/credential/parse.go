package credential

import (
	"bytes"
	"cmp"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// minKeyBits is the least size of an RSA key that RS256 allows (RFC 7518, section 3.3).
const minKeyBits = 2048

var (
	errPassword      = errors.New("the password is wrong")
	errNoKey         = errors.New("there is no private key in it: export the certificate with its key")
	errNoCertificate = errors.New("there is a key but no certificate in it: put both into the file")
	errSeveralKeys   = errors.New("there are several private keys in it: leave the one of the app")
)

// Parse reads a certificate and its key from a PFX or PEM file's content, told apart by the content; base64
// around it and UTF-16 are undone. Password opens a PFX or an encrypted PEM key; a key that is not encrypted
// needs none. The file may hold the rest of the chain and earlier certificates of the key, in any order. The
// certificate must be one that can sign an assertion at the time now; each error names what forbids it, and
// repeats neither password nor key.
func Parse(data []byte, password string, now time.Time) (*Certificate, error) {
	found, err := read(data, password)
	if err != nil {
		return nil, err
	}
	key, ok := found.key.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("the key is not an RSA key: RS256, the only algorithm of the service, needs one")
	}
	if bits := key.N.BitLen(); bits < minKeyBits {
		return nil, fmt.Errorf("the RSA key has %d bits: at least %d are needed", bits, minKeyBits)
	}
	leaf, err := found.leaf(key, now)
	if err != nil {
		return nil, err
	}
	if err := checkUse(leaf, now); err != nil {
		return nil, err
	}
	return newCertificate(leaf, key), nil
}

// read finds out the format of a file.
func read(data []byte, password string) (contents, error) {
	const mostLayers = 2 // of base64: a PFX of Azure Key Vault, in a secret of Kubernetes
	for layer := 0; ; layer++ {
		text := toASCII(data)
		if isPEM(text) {
			return readPEM(text, password)
		}
		decoded, wrong := decodeBase64(strings.Trim(string(text), "\"' \t\r\n"))
		if layer == mostLayers || wrong >= 0 || len(decoded) == 0 {
			return readPFX(data, password)
		}
		data = decoded
	}
}

// toASCII leaves the zeros and byte order marks of UTF-16 out, also if only a part of a file is in UTF-16, as Windows
// PowerShell appends to files. All that counts in PEM and base64 is ASCII.
func toASCII(data []byte) []byte {
	for _, mark := range []string{"\x00", "\xff\xfe", "\xfe\xff", "\ufeff"} {
		data = bytes.ReplaceAll(data, []byte(mark), nil)
	}
	return data
}

// contents are what was found in a file.
type contents struct {
	key          any // nil for none
	certificates []rawCertificate
}

type rawCertificate struct {
	der  []byte
	line int // 0 in a PFX
}

// addKey adds a private key. Files that were joined may have the same key twice.
func (c *contents) addKey(key any) error {
	known, ok := c.key.(interface {
		Equal(x crypto.PrivateKey) bool
	})
	if ok && !known.Equal(key) {
		return errSeveralKeys
	}
	c.key = key
	return nil
}

func (c *contents) add(der []byte, line int) {
	c.certificates = append(c.certificates, rawCertificate{der, line})
}

// parse also reads a TRUSTED CERTIFICATE, after which openssl writes what it is trusted for.
func (c rawCertificate) parse() (*x509.Certificate, error) {
	var first asn1.RawValue
	if _, err := asn1.Unmarshal(c.der, &first); err != nil {
		return nil, errors.New("it is damaged")
	}
	return x509.ParseCertificate(first.FullBytes)
}

// leaf returns the certificate of the key. Of several it is the one that can be used now, rather not that of a
// CA, and the newest. Issuers are not needed, and so may be ones that crypto/x509 cannot read.
func (c *contents) leaf(key *rsa.PrivateKey, now time.Time) (*x509.Certificate, error) {
	if len(c.certificates) == 0 {
		return nil, errNoCertificate
	}
	var ofKey []*x509.Certificate
	var unreadable error
	for _, raw := range c.certificates {
		certificate, err := raw.parse()
		switch {
		case err != nil && unreadable == nil:
			unreadable = raw.errorf(err)
		case err == nil && key.PublicKey.Equal(certificate.PublicKey):
			ofKey = append(ofKey, certificate)
		}
	}
	if len(ofKey) == 0 {
		return nil, cmp.Or(unreadable, errors.New("the key does not match the certificate: take both from one export"))
	}
	rank := func(c *x509.Certificate) int {
		switch {
		case checkUse(c, now) == nil && !c.IsCA:
			return 0
		case checkUse(c, now) == nil:
			return 1
		case !c.IsCA:
			return 2
		}
		return 3
	}
	return slices.MinFunc(ofKey, func(a, b *x509.Certificate) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), b.NotBefore.Compare(a.NotBefore), b.NotAfter.Compare(a.NotAfter),
			bytes.Compare(a.Raw, b.Raw))
	}), nil
}

// errorf says that the certificate cannot be read.
func (c rawCertificate) errorf(err error) error {
	reason := strings.TrimPrefix(err.Error(), "x509: ")
	if strings.Contains(reason, "asn1:") { // errors of that package dump structures
		reason = errDamaged.Error()
	}
	if c.line > 0 {
		return fmt.Errorf("the certificate in line %d cannot be read (%s): export it again", c.line, reason)
	}
	return fmt.Errorf("a certificate in it cannot be read (%s): export it again", reason)
}

func checkUse(leaf *x509.Certificate, now time.Time) error {
	switch {
	case now.After(leaf.NotAfter):
		return fmt.Errorf("the certificate expired on %s: use its successor", leaf.NotAfter.UTC().Format(time.RFC3339))
	case now.Before(leaf.NotBefore):
		return fmt.Errorf("the certificate is not valid before %s: wait, or check this machine's clock",
			leaf.NotBefore.UTC().Format(time.RFC3339))
	case leaf.KeyUsage != 0 && leaf.KeyUsage&x509.KeyUsageDigitalSignature == 0:
		return errors.New("the certificate's key usage does not include digital signature: issue one that does")
	}
	return nil
}
