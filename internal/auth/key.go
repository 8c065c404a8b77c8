package auth

import (
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
)

// maxKeyBytes bounds a key before it is parsed, which also validates it: the time for that grows with the cube of its size.
// A key of 16,384 bits fits.
const maxKeyBytes = 1 << 14

// keyConversion has the commands that encrypt the key of a PEM file in a supported way, and keep the certificate.
const keyConversion = "convert it: (openssl pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA256 -in OLD.pem; " +
	"openssl x509 -in OLD.pem) > NEW.pem"

var (
	errHugeKey = fmt.Errorf("the private key has more than %d bytes: use one of 2048 to 4096 bits", maxKeyBytes)
	errKey     = errors.New("the private key cannot be read: it is damaged or not an RSA key")
)

// key returns the private key in a PEM block.
func (b block) key(d *decrypter) (crypto.PrivateKey, error) {
	if b.isLegacy {
		return nil, errors.New("the key has the legacy PEM encryption (DEK-Info), which is not safe; " + keyConversion)
	}
	if b.label != "ENCRYPTED PRIVATE KEY" {
		key, err := parseKey(b.der)
		if errors.Is(err, errKey) {
			err = fmt.Errorf("line %d, %s: %w", b.line, b.label, err)
		}
		return key, err
	}
	if d.password == "" {
		return nil, errors.New("the private key is encrypted: a password is needed")
	}
	key, err := d.decryptKey(b.der)
	if _, ok := errors.AsType[unsupportedError](err); ok || errors.Is(err, errDamaged) {
		err = fmt.Errorf("the private key cannot be decrypted (%w); %s", err, keyConversion)
	}
	return key, err
}

// parseKey reads a key in PKCS #8, PKCS #1 or SEC 1, whatever its label: labels are sometimes wrong.
func parseKey(der []byte) (crypto.PrivateKey, error) {
	if len(der) > maxKeyBytes {
		return nil, errHugeKey
	}
	if key, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		return key, nil
	}
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key, nil
	}
	if key, err := x509.ParseECPrivateKey(der); err == nil {
		return key, nil
	}
	return nil, errKey
}

// decryptKey reads a key that PKCS #8 encrypts (RFC 5208, section 6).
func (d *decrypter) decryptKey(ber []byte) (crypto.PrivateKey, error) {
	if len(ber) > maxKeyBytes {
		return nil, errHugeKey
	}
	var encrypted struct {
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte
	}
	if !unmarshalBER(ber, &encrypted) {
		return nil, errDamaged
	}
	plain, err := d.decrypt(encrypted.Algorithm, encrypted.Data)
	if err != nil {
		return nil, err
	}
	var key asn1.RawValue
	if !unmarshalBER(plain, &key) {
		return nil, errPassword // a wrong password may produce valid padding by chance
	}
	return parseKey(key.FullBytes)
}
