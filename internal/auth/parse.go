package auth

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
	errDamaged       = errors.New("it is damaged")
	errNoKey         = errors.New("there is no private key in it: export the certificate with its key")
	errNoCertificate = errors.New("there is a key but no certificate in it: put both into the file")
	errSeveralKeys   = errors.New("there are several private keys in it: leave only the key of the app")
)

// ParseCertificate reads a certificate and its key from the content of a PFX or PEM file. Base64 around it and
// UTF-16 are decoded. The password opens a PFX or an encrypted PEM key; it is ignored if neither is there. The file
// may contain the rest of the chain and earlier certificates of the key, in any order. The certificate must be able
// to sign an assertion now; an error states what prevents that, and repeats neither password nor key.
func ParseCertificate(data []byte, password string, now time.Time) (c Certificate, err error) {
	if len(data) > maxCertificateFile {
		return c, errors.New("more than 1 MiB: is it a PFX or PEM file?")
	}
	found, err := readFile(data, password)
	if err != nil {
		return c, err
	}
	key, ok := found.key.(*rsa.PrivateKey)
	if !ok {
		return c, errors.New("the key is not an RSA key: RS256, the only algorithm of the service, needs one")
	}
	if bits := key.N.BitLen(); bits < minKeyBits {
		return c, fmt.Errorf("the RSA key has %d bits: at least %d are needed", bits, minKeyBits)
	}
	leaf, err := found.leaf(key, now)
	if err == nil {
		err = checkUse(leaf, now)
	}
	if err != nil {
		return c, err
	}
	return newCertificate(leaf, key), nil
}

// readFile detects the format of a file and reads it.
func readFile(data []byte, password string) (contents, error) {
	const maxLayers = 2 // of base64: a PFX of Azure Key Vault, in a secret of Kubernetes
	for layer := 0; ; layer++ {
		text := toASCII(data)
		if isPEM(text) {
			return readPEM(text, password)
		}
		decoded, err := decodeBase64(strings.Trim(string(text), "\"' \t\r\n"))
		if layer == maxLayers || err != nil || len(decoded) == 0 {
			return readPFX(data, password)
		}
		data = decoded
	}
}

// toASCII removes the zeros and byte order marks of UTF-16, even if only a part of a file is in UTF-16, as Windows
// PowerShell appends to files. Everything that matters in PEM and base64 is ASCII.
func toASCII(data []byte) []byte {
	for _, mark := range []string{"\x00", "\xff\xfe", "\xfe\xff", "\ufeff"} {
		data = bytes.ReplaceAll(data, []byte(mark), nil)
	}
	return data
}

// contents is what a file contains.
type contents struct {
	key          crypto.PrivateKey // nil if there is none
	certificates []*x509.Certificate
	unreadable   error // of the first certificate that cannot be read
}

// addKey adds a private key, or returns the error of reading it. Joined files may have the same key twice.
func (c *contents) addKey(key crypto.PrivateKey, err error) error {
	known, ok := c.key.(interface {
		Equal(x crypto.PrivateKey) bool
	})
	switch {
	case err != nil:
		return err
	case ok && !known.Equal(key):
		return errSeveralKeys
	}
	c.key = key
	return nil
}

// addCertificate adds a certificate. One that cannot be read may be an issuer, which is not needed. After a TRUSTED
// CERTIFICATE, openssl writes what it is trusted for.
func (c *contents) addCertificate(der []byte, name string) {
	var first asn1.RawValue
	certificate, err := (*x509.Certificate)(nil), errDamaged
	if _, asn1Err := asn1.Unmarshal(der, &first); asn1Err == nil {
		certificate, err = x509.ParseCertificate(first.FullBytes)
	}
	if err == nil {
		c.certificates = append(c.certificates, certificate)
	} else if c.unreadable == nil {
		reason := strings.TrimPrefix(err.Error(), "x509: ")
		if strings.Contains(reason, "asn1:") { // errors of that package print whole structures
			reason = errDamaged.Error()
		}
		c.unreadable = fmt.Errorf("%s cannot be read (%s): export it again", name, reason)
	}
}

// check reports what is missing.
func (c *contents) check() error {
	switch {
	case c.key == nil:
		return errNoKey
	case len(c.certificates) == 0 && c.unreadable == nil:
		return errNoCertificate
	}
	return nil
}

// leaf returns the certificate of the key. If there are several, it prefers one that can be used now, then one that
// is not of a CA, then the newest.
func (c *contents) leaf(key *rsa.PrivateKey, now time.Time) (*x509.Certificate, error) {
	ofKey := slices.DeleteFunc(c.certificates, func(other *x509.Certificate) bool { return !key.PublicKey.Equal(other.PublicKey) })
	if len(ofKey) == 0 {
		return nil, cmp.Or(c.unreadable, errors.New("the key does not match the certificate: take both from one export"))
	}
	rank := func(candidate *x509.Certificate) (rank int) {
		if checkUse(candidate, now) != nil {
			rank = 2
		}
		if candidate.IsCA {
			rank++
		}
		return rank
	}
	return slices.MinFunc(ofKey, func(a, b *x509.Certificate) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), b.NotBefore.Compare(a.NotBefore), b.NotAfter.Compare(a.NotAfter),
			bytes.Compare(a.Raw, b.Raw))
	}), nil
}

// checkUse reports why a certificate cannot sign an assertion now.
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
