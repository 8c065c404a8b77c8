package credential

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/youmark/pkcs8"
	"software.sslmate.com/src/go-pkcs12"
)

const (
	// minKeyBits is the least size of an RSA key that RS256 allows (RFC 7518, section 3.3).
	minKeyBits = 2048
	// maxKeyBytes bounds a key in PEM before it is read, which checks it: that takes the cube of its size.
	// A key of 16,384 bits has room.
	maxKeyBytes = 1 << 14
)

var (
	errPassword      = errors.New("the password is wrong")
	errNoKey         = errors.New("there is no private key in it: export the certificate with its key")
	errNoCertificate = errors.New("there is a key but no certificate in it: put both into the file")
	errSeveralKeys   = errors.New("there are several private keys in it: leave the one of the app")
	errLegacyPEM     = errors.New("the key has the legacy PEM encryption (DEK-Info), which is not safe; " + conversion)
)

// conversion encrypts a PEM file's key in the way that is understood here, and keeps the certificate.
const conversion = "convert it: (openssl pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA256 -in OLD.pem; " +
	"openssl x509 -in OLD.pem) > NEW.pem"

// Parse reads a certificate and its key from a PFX or PEM file's content, told apart by the content.
// Password opens a PFX or an encrypted PEM key; a key that is not encrypted needs none. The file may
// hold the rest of the chain, in any order. The certificate must be one that can sign an assertion
// at the time now; each error names what forbids it, and repeats neither password nor key.
func Parse(data []byte, password string, now time.Time) (*Certificate, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // Windows programs begin text files so
	read := readPFX
	if bytes.Contains(data, []byte("-----BEGIN ")) {
		read = readPEM
	}
	key, certificates, err := read(data, password)
	if err != nil {
		return nil, err
	}
	rsaKey, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("the key is not an RSA key: RS256, the only algorithm of the service, needs one")
	}
	if bits := rsaKey.N.BitLen(); bits < minKeyBits {
		return nil, fmt.Errorf("the RSA key has %d bits: at least %d are needed", bits, minKeyBits)
	}
	leaf, err := leafOf(certificates, rsaKey)
	if err != nil {
		return nil, err
	}
	if err := checkUse(leaf, now); err != nil {
		return nil, err
	}
	return newCertificate(leaf, rsaKey), nil
}

// leafOf finds the certificate of the key: some programs write it behind its issuers.
func leafOf(certificates []*x509.Certificate, key *rsa.PrivateKey) (*x509.Certificate, error) {
	if len(certificates) == 0 {
		return nil, errNoCertificate
	}
	i := slices.IndexFunc(certificates, func(c *x509.Certificate) bool { return key.PublicKey.Equal(c.PublicKey) })
	if i < 0 {
		return nil, errors.New("the key does not match the certificate: take both from one export")
	}
	return certificates[i], nil
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

func readPFX(data []byte, password string) (any, []*x509.Certificate, error) {
	if _, err := x509.ParseCertificate(data); err == nil {
		return nil, nil, errNoKey
	}
	if err := checkWork(data); err != nil {
		return nil, nil, err
	}
	key, leaf, chain, err := pkcs12.DecodeChain(data, password)
	switch {
	case err == nil:
		return key, append([]*x509.Certificate{leaf}, chain...), nil
	case errors.Is(err, pkcs12.ErrIncorrectPassword), errors.Is(err, pkcs12.ErrDecryption):
		return nil, nil, errPassword
	// The library has no variables for these.
	case strings.HasSuffix(err.Error(), "private key missing"):
		return nil, nil, errNoKey
	case strings.HasSuffix(err.Error(), "certificate missing"):
		return nil, nil, errNoCertificate
	case strings.HasSuffix(err.Error(), "exactly one key bag"):
		return nil, nil, errSeveralKeys
	}
	return nil, nil, fmt.Errorf("it is neither PEM nor a PFX that can be read (%w): export it anew as PFX or PEM", err)
}

func readPEM(data []byte, password string) (key any, certificates []*x509.Certificate, err error) {
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		switch {
		case block.Type == "CERTIFICATE":
			certificate, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, nil, fmt.Errorf("a certificate in it cannot be read: %w", err)
			}
			certificates = append(certificates, certificate)
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			if key != nil {
				return nil, nil, errSeveralKeys
			}
			if key, err = readKey(block, password); err != nil {
				return nil, nil, err
			}
		}
	}
	if key == nil {
		return nil, nil, errNoKey
	}
	return key, certificates, nil
}

func readKey(block *pem.Block, password string) (key any, err error) {
	if block.Headers["DEK-Info"] != "" || strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED") {
		return nil, errLegacyPEM
	}
	if len(block.Bytes) > maxKeyBytes {
		return nil, fmt.Errorf("the private key has more than %d bytes: use one of 2048 to 4096 bits", maxKeyBytes)
	}
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case "ENCRYPTED PRIVATE KEY":
		return readEncryptedKey(block.Bytes, password)
	default:
		err = fmt.Errorf("%q is no kind of key that is known here", block.Type)
	}
	if err != nil {
		return nil, fmt.Errorf("the private key cannot be read: %w", err)
	}
	return key, nil
}

func readEncryptedKey(der []byte, password string) (any, error) {
	if password == "" {
		return nil, errors.New("the private key is encrypted: a password is needed")
	}
	if err := checkWork(der); err != nil {
		return nil, err
	}
	key, err := decryptKey(der, password)
	switch {
	case err == nil:
		return key, nil
	case strings.HasSuffix(err.Error(), "incorrect password"):
		return nil, errPassword
	}
	return nil, fmt.Errorf("the private key cannot be decrypted (%w); %s", err, conversion)
}

// decryptKey makes an error of the panic with which the library meets a damaged block length.
func decryptKey(der []byte, password string) (key any, err error) {
	defer func() {
		if recover() != nil {
			key, err = nil, errors.New("damaged")
		}
	}()
	return pkcs8.ParsePKCS8PrivateKey(der, []byte(password))
}
