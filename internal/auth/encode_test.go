package auth_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"hash"
	"testing"

	"software.sslmate.com/src/go-pkcs12"
)

var salt = []byte("salt of ")

// kdf is a function that derives a key from password and salt, with 8 iterations.
type kdf struct {
	id         asn1.ObjectIdentifier
	parameters any
	key        func(size int) ([]byte, error)
}

// hmacKDF is PBKDF2 over the HMAC with this last number in its object identifier; the default one for 0.
func hmacKDF(number int, newHash func() hash.Hash) kdf {
	var prf pkix.AlgorithmIdentifier
	if number != 0 {
		prf = pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 2, number}, Parameters: asn1.NullRawValue}
	}
	return kdf{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}, struct {
		Salt       []byte
		Iterations int
		PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
	}{salt, 8, prf}, func(size int) ([]byte, error) {
		return pbkdf2.Key(newHash, password, salt, 8, size)
	}}
}

var (
	hmacDefault = hmacKDF(0, sha1.New)
	hmacSHA1    = hmacKDF(7, sha1.New)
	hmacSHA224  = hmacKDF(8, sha256.New224)
	hmacSHA256  = hmacKDF(9, sha256.New)
	hmacSHA384  = hmacKDF(10, sha512.New384)
	hmacSHA512  = hmacKDF(11, sha512.New)
	unknownPRF  = hmacKDF(99, sha256.New)
	scryptKDF   = kdf{asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11591, 4, 11}, "not supported", func(size int) ([]byte, error) {
		return make([]byte, size), nil
	}}
)

func mustMarshal(t testing.TB, value any) []byte {
	t.Helper()
	der, err := asn1.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// sealedPEM encrypts a key by PKCS #8 with AES-256.
func sealedPEM(t testing.TB, key any, f kdf) []byte {
	t.Helper()
	plain, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := f.key(32)
	if err != nil {
		t.Fatal(err)
	}
	aes256, err := aes.NewCipher(secret)
	if err != nil {
		t.Fatal(err)
	}
	padding := aes.BlockSize - len(plain)%aes.BlockSize
	plain = append(plain, bytes.Repeat([]byte{byte(padding)}, padding)...)
	iv := []byte("16 bytes, no more")[:aes.BlockSize]
	cipher.NewCBCEncrypter(aes256, iv).CryptBlocks(plain, plain)
	algorithm := func(id asn1.ObjectIdentifier, parameters any) pkix.AlgorithmIdentifier {
		return pkix.AlgorithmIdentifier{Algorithm: id, Parameters: asn1.RawValue{FullBytes: mustMarshal(t, parameters)}}
	}
	return block("ENCRYPTED PRIVATE KEY", mustMarshal(t, struct {
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte
	}{algorithm(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}, struct{ KDF, Cipher pkix.AlgorithmIdentifier }{
		algorithm(f.id, f.parameters), algorithm(asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}, iv)}), plain}))
}

// withoutMAC returns a PFX without its MAC.
func withoutMAC(t testing.TB, data []byte) []byte {
	t.Helper()
	var file struct {
		Version int
		Safe    asn1.RawValue
		MAC     asn1.RawValue `asn1:"optional"`
	}
	if _, err := asn1.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	return mustMarshal(t, struct {
		Version int
		Safe    asn1.RawValue
	}{file.Version, file.Safe})
}

// toBER returns DER as other languages encode it: with indefinite lengths, and strings in pieces.
func toBER(t testing.TB, der []byte) (ber []byte) {
	t.Helper()
	const longest = 100
	for len(der) > 0 {
		var element asn1.RawValue
		rest, err := asn1.Unmarshal(der, &element)
		if err != nil {
			t.Fatal(err)
		}
		der = rest
		isString := element.Class == asn1.ClassUniversal && element.Tag == asn1.TagOctetString ||
			element.Class == asn1.ClassContextSpecific && !element.IsCompound // the encrypted content
		var contents []byte
		switch {
		case element.IsCompound:
			contents = toBER(t, element.Bytes)
		case isString && len(element.Bytes) > longest:
			for piece := element.Bytes; len(piece) > 0; piece = piece[min(longest, len(piece)):] {
				contents = append(contents, mustMarshal(t, piece[:min(longest, len(piece))])...)
			}
		default:
			ber = append(ber, element.FullBytes...)
			continue
		}
		ber = append(ber, element.FullBytes[0]|0x20, 0x80)
		ber = append(append(ber, contents...), 0, 0)
	}
	return ber
}

// negativeSerial returns a certificate that crypto/x509 refuses to read.
func negativeSerial(t testing.TB, certificate *x509.Certificate) []byte {
	return patched(t, certificate.Raw, "\x02\x01\x02\x02\x01\x01", "\x02\x01\x02\x02\x01\xff")
}

// unknownCurve returns a certificate of P-256 with another curve in place of that.
func unknownCurve(t testing.TB, certificate *x509.Certificate) []byte {
	return patched(t, certificate.Raw, "\x2a\x86\x48\xce\x3d\x03\x01\x07", "\x2a\x86\x48\xce\x3d\x03\x01\x7f")
}

func patched(t testing.TB, der []byte, from, to string) []byte {
	t.Helper()
	if !bytes.Contains(der, []byte(from)) {
		t.Fatalf("%x is missing from the certificate", from)
	}
	der = bytes.Replace(der, []byte(from), []byte(to), 1)
	if _, err := x509.ParseCertificate(der); err == nil {
		t.Fatal("crypto/x509 reads the certificate")
	}
	return der
}

// withUnknownCipher returns a PFX with unknown object identifiers instead of those of 3DES.
func withUnknownCipher(t testing.TB, key *rsa.PrivateKey, leaf *x509.Certificate) []byte {
	data := pfx(t, pkcs12.LegacyDES, password, key, leaf)
	return withoutMAC(t, bytes.ReplaceAll(data, []byte("\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01\x03"),
		[]byte("\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01\x63")))
}

// innerBER returns a PFX in BER whose safe is also BER. It has no MAC, which would be a different one.
func innerBER(t testing.TB, data []byte) []byte {
	isSafe := true
	return toBER(t, rewrite(t, withoutMAC(t, data), func(element asn1.RawValue) (any, bool) {
		if element.Tag != asn1.TagOctetString || !isSafe {
			return nil, false
		}
		isSafe = false
		return toBER(t, element.Bytes), true
	}))
}
