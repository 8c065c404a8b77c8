package auth

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des" //nolint:gosec // only to read files that older programs have encrypted
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"hash"
	"slices"
	"unicode/utf16"
)

// maxWork bounds the iterations that a file may require for its password, all keys together. They take some ten seconds;
// programs that write such files require at most a tenth of them.
const maxWork = 1 << 23

// scheme is an encryption in CBC mode.
type scheme struct {
	keySize   int
	newCipher func(key []byte) (cipher.Block, error)
}

// Object identifiers of RFC 7292, appendix C, and RFC 8018, appendices A and B.
var (
	// pkcs12Schemes derive their keys as PKCS #12 does.
	pkcs12Schemes = map[string]scheme{
		"1.2.840.113549.1.12.1.3": {24, des.NewTripleDESCipher},
		"1.2.840.113549.1.12.1.5": {16, newRC2},
		"1.2.840.113549.1.12.1.6": {5, newRC2},
	}
	// pbes2Schemes get their keys from PBKDF2.
	pbes2Schemes = map[string]scheme{
		"2.16.840.1.101.3.4.1.2":  {16, aes.NewCipher},
		"2.16.840.1.101.3.4.1.22": {24, aes.NewCipher},
		"2.16.840.1.101.3.4.1.42": {32, aes.NewCipher},
		"1.2.840.113549.3.7":      {24, des.NewTripleDESCipher},
	}
	// hashes are those of PBKDF2. The empty identifier is its default.
	hashes = map[string]func() hash.Hash{
		"":                    sha1.New,
		"1.2.840.113549.2.7":  sha1.New,
		"1.2.840.113549.2.8":  sha256.New224,
		"1.2.840.113549.2.9":  sha256.New,
		"1.2.840.113549.2.10": sha512.New384,
		"1.2.840.113549.2.11": sha512.New,
	}
)

const (
	pbes2ID  = "1.2.840.113549.1.5.13"
	pbkdf2ID = "1.2.840.113549.1.5.12"
)

// unsupportedError is the object identifier of an algorithm that is not supported.
type unsupportedError struct{ id asn1.ObjectIdentifier }

func (e unsupportedError) Error() string { return "unsupported algorithm " + e.id.String() }

// decrypter holds a password and how many iterations may still be spent on it.
type decrypter struct {
	password string
	// bmp is the password as PKCS #12 uses it: in UTF-16, with a zero at the end.
	bmp  []byte
	work int
}

func newDecrypter(password string) *decrypter {
	d := &decrypter{password: password, work: maxWork}
	for _, unit := range append(utf16.Encode([]rune(password)), 0) {
		d.bmp = append(d.bmp, byte(unit>>8), byte(unit))
	}
	return d
}

func (d *decrypter) spend(iterations int) error {
	switch {
	case iterations < 1:
		return errDamaged
	case iterations > d.work:
		return fmt.Errorf("the file requires more than %d password iterations: export it again with fewer", maxWork)
	}
	d.work -= iterations
	return nil
}

// decrypt returns what was encrypted with the password. Most wrong passwords show in the padding.
func (d *decrypter) decrypt(algorithm pkix.AlgorithmIdentifier, data []byte) ([]byte, error) {
	derive := d.pkcs12Cipher
	if algorithm.Algorithm.String() == pbes2ID {
		derive = d.pbes2Cipher
	}
	block, iv, err := derive(algorithm)
	if err != nil {
		return nil, err
	}
	size := block.BlockSize()
	if len(iv) != size || len(data) == 0 || len(data)%size != 0 {
		return nil, errDamaged
	}
	plain := make([]byte, len(data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, data)
	padding := int(plain[len(plain)-1])
	if padding == 0 || padding > size || !bytes.HasSuffix(plain, bytes.Repeat([]byte{byte(padding)}, padding)) {
		return nil, errPassword
	}
	return plain[:len(plain)-padding], nil
}

// pkcs12Cipher derives key and initialization vector as PKCS #12 does (RFC 7292, appendix C).
func (d *decrypter) pkcs12Cipher(algorithm pkix.AlgorithmIdentifier) (block cipher.Block, iv []byte, err error) {
	s, ok := pkcs12Schemes[algorithm.Algorithm.String()]
	if !ok {
		return nil, nil, unsupportedError{algorithm.Algorithm}
	}
	var p struct {
		Salt       []byte
		Iterations int
	}
	if !unmarshal(algorithm.Parameters.FullBytes, &p) {
		return nil, nil, errDamaged
	}
	if err := d.spend(p.Iterations); err != nil {
		return nil, nil, err
	}
	const forKey, forIV = 1, 2
	block, err = s.newCipher(pkcs12Key(d.bmp, p.Salt, p.Iterations, forKey, s.keySize))
	return block, pkcs12Key(d.bmp, p.Salt, p.Iterations, forIV, des.BlockSize), err // RC2 has the same block size
}

// pbes2Cipher does the same for PBES2 (RFC 8018, section 6.2) with PBKDF2.
func (d *decrypter) pbes2Cipher(algorithm pkix.AlgorithmIdentifier) (block cipher.Block, iv []byte, err error) {
	var p struct{ KDF, Encryption pkix.AlgorithmIdentifier }
	if !unmarshal(algorithm.Parameters.FullBytes, &p) {
		return nil, nil, errDamaged
	}
	s, ok := pbes2Schemes[p.Encryption.Algorithm.String()]
	if !ok {
		return nil, nil, unsupportedError{p.Encryption.Algorithm}
	}
	if p.KDF.Algorithm.String() != pbkdf2ID {
		return nil, nil, unsupportedError{p.KDF.Algorithm}
	}
	var kdf struct {
		Salt       []byte
		Iterations int
		KeySize    int                      `asn1:"optional"`
		PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
	}
	if !unmarshal(p.Encryption.Parameters.FullBytes, &iv) || !unmarshal(p.KDF.Parameters.FullBytes, &kdf) {
		return nil, nil, errDamaged
	}
	newHash, ok := hashes[kdf.PRF.Algorithm.String()]
	if !ok {
		return nil, nil, unsupportedError{kdf.PRF.Algorithm}
	}
	if err := d.spend(kdf.Iterations); err != nil {
		return nil, nil, err
	}
	key, err := pbkdf2.Key(newHash, d.password, kdf.Salt, kdf.Iterations, s.keySize)
	if err != nil {
		return nil, nil, err
	}
	block, err = s.newCipher(key)
	return block, iv, err
}

// pkcs12Key derives size bytes for a purpose as PKCS #12 does (RFC 7292, appendix B.2), with SHA-1.
func pkcs12Key(password, salt []byte, iterations int, purpose byte, size int) (key []byte) {
	const blockSize = sha1.BlockSize
	input := append(fill(salt, blockSize), fill(password, blockSize)...)
	for {
		sum := sha1.Sum(append(bytes.Repeat([]byte{purpose}, blockSize), input...))
		for range iterations - 1 {
			sum = sha1.Sum(sum[:])
		}
		if key = append(key, sum[:]...); len(key) >= size {
			return key[:size]
		}
		// Each block of the input, a big-endian number, grows by sum and 1.
		repeated := fill(sum[:], blockSize)
		for block := range slices.Chunk(input, blockSize) {
			carry := 1
			for i := blockSize - 1; i >= 0; i-- {
				carry += int(block[i]) + int(repeated[i])
				block[i] = byte(carry)
				carry >>= 8
			}
		}
	}
}

// fill repeats data up to a multiple of the block size; empty data stays empty.
func fill(data []byte, blockSize int) []byte {
	if len(data) == 0 {
		return nil
	}
	length := (len(data) + blockSize - 1) / blockSize * blockSize
	return bytes.Repeat(data, length/len(data)+1)[:length]
}
