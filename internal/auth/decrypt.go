package auth

import (
	"bytes"
	"cmp"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des" //nolint:gosec // only to read files that older programs have encrypted
	"crypto/md5" //nolint:gosec // likewise
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

	"golang.org/x/crypto/scrypt"
)

const (
	// maxWork bounds what a file may demand for deriving keys from its password, all keys together: iterations
	// of PBKDF2 or of PKCS #12's own function, or scrypt's N·r·p. It corresponds to some ten seconds or 1 GiB;
	// programs that write such files demand at most a tenth of it.
	maxWork = 1 << 23
	// maxKeySize bounds the length of keys that parameters state, in bytes: no hash here is longer.
	maxKeySize = 64
)

// scheme is an encryption in CBC mode.
type scheme struct {
	keySize   int
	newCipher func(key []byte) (cipher.Block, error)
	derive    keyFunc // nil if PBES2 states the function
}

// keyFunc derives a key and an initialization vector from the password.
type keyFunc func(d *decrypter, salt []byte, iterations, keySize int) (key, iv []byte)

// schemes by object identifier (RFC 8018, appendices A.3 and B.2; RFC 7292, appendix C).
var schemes = map[string]scheme{
	"1.2.840.113549.1.5.3":    {8, des.NewCipher, pbkdf1(md5.New)},
	"1.2.840.113549.1.5.10":   {8, des.NewCipher, pbkdf1(sha1.New)},
	"1.2.840.113549.1.12.1.3": {24, des.NewTripleDESCipher, pkcs12},
	"1.2.840.113549.1.12.1.4": {16, newTwoKeyDES, pkcs12},
	"1.2.840.113549.1.12.1.5": {16, newRC2, pkcs12},
	"1.2.840.113549.1.12.1.6": {5, newRC2, pkcs12},
	"2.16.840.1.101.3.4.1.2":  {16, aes.NewCipher, nil},
	"2.16.840.1.101.3.4.1.22": {24, aes.NewCipher, nil},
	"2.16.840.1.101.3.4.1.42": {32, aes.NewCipher, nil},
	"1.2.840.113549.3.7":      {24, des.NewTripleDESCipher, nil},
}

// hashes have the object identifiers of the hash and of its HMAC.
var hashes = []struct {
	newHash  func() hash.Hash
	id, hmac string
}{
	{sha1.New, "1.3.14.3.2.26", "1.2.840.113549.2.7"},
	{sha256.New, "2.16.840.1.101.3.4.2.1", "1.2.840.113549.2.9"},
	{sha512.New384, "2.16.840.1.101.3.4.2.2", "1.2.840.113549.2.10"},
	{sha512.New, "2.16.840.1.101.3.4.2.3", "1.2.840.113549.2.11"},
	{sha256.New224, "2.16.840.1.101.3.4.2.4", "1.2.840.113549.2.8"},
	{sha512.New512_224, "2.16.840.1.101.3.4.2.5", "1.2.840.113549.2.12"},
	{sha512.New512_256, "2.16.840.1.101.3.4.2.6", "1.2.840.113549.2.13"},
}

func hashOf(id asn1.ObjectIdentifier) (func() hash.Hash, error) {
	for _, h := range hashes {
		if id.String() == h.id || id.String() == h.hmac {
			return h.newHash, nil
		}
	}
	return nil, unsupportedError{id}
}

// newTwoKeyDES makes a Triple DES whose third key is the first.
func newTwoKeyDES(key []byte) (cipher.Block, error) {
	return des.NewTripleDESCipher(slices.Concat(key, key[:8])) //nolint:gosec // see the import
}

// unsupportedError is the object identifier of an algorithm that is not supported.
type unsupportedError struct{ id asn1.ObjectIdentifier }

func (e unsupportedError) Error() string { return "unsupported algorithm " + e.id.String() }

// decrypter holds a password and how much work may still be spent on it.
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

// spend subtracts the product of factors from the work that is left.
func (d *decrypter) spend(factors ...int) error {
	product := 1
	for _, factor := range factors {
		switch {
		case factor < 1:
			return errDamaged
		case factor > d.work/product:
			return fmt.Errorf("it demands more than %d iterations for its password: export it again with fewer", maxWork)
		}
		product *= factor
	}
	d.work -= product
	return nil
}

// decrypt returns what was encrypted with the password. Most wrong passwords show in the padding.
func (d *decrypter) decrypt(algorithm pkix.AlgorithmIdentifier, data []byte) ([]byte, error) {
	block, iv, err := d.cipher(algorithm)
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

// cipher derives the key and the initialization vector that an algorithm needs.
func (d *decrypter) cipher(algorithm pkix.AlgorithmIdentifier) (cipher.Block, []byte, error) {
	if algorithm.Algorithm.String() == "1.2.840.113549.1.5.13" {
		return d.pbes2Cipher(algorithm.Parameters.FullBytes)
	}
	s := schemes[algorithm.Algorithm.String()]
	if s.derive == nil {
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
	key, iv := s.derive(d, p.Salt, p.Iterations, s.keySize)
	block, err := s.newCipher(key)
	return block, iv, err
}

// pbes2Cipher does the same for PBES2 (RFC 8018, section 6.2), whose parameters state key derivation and cipher.
func (d *decrypter) pbes2Cipher(parameters []byte) (cipher.Block, []byte, error) {
	var p struct{ KDF, Encryption pkix.AlgorithmIdentifier }
	var iv []byte
	if !unmarshal(parameters, &p) {
		return nil, nil, errDamaged
	}
	s, ok := schemes[p.Encryption.Algorithm.String()]
	if !ok || s.derive != nil {
		return nil, nil, unsupportedError{p.Encryption.Algorithm}
	}
	if !unmarshal(p.Encryption.Parameters.FullBytes, &iv) {
		return nil, nil, errDamaged
	}
	key, err := d.derive(p.KDF, s.keySize)
	if err != nil {
		return nil, nil, err
	}
	block, err := s.newCipher(key)
	return block, iv, err
}

// derive makes a key by the function that PBES2 or PBMAC1 states. If size is 0, the parameters state it.
func (d *decrypter) derive(kdf pkix.AlgorithmIdentifier, size int) ([]byte, error) {
	switch kdf.Algorithm.String() {
	case "1.2.840.113549.1.5.12":
		return d.pbkdf2(kdf.Parameters.FullBytes, size)
	case "1.3.6.1.4.1.11591.4.11":
		return d.scrypt(kdf.Parameters.FullBytes, size)
	}
	return nil, unsupportedError{kdf.Algorithm}
}

// pbkdf2 follows RFC 8018, section 5.2.
func (d *decrypter) pbkdf2(parameters []byte, size int) ([]byte, error) {
	p := struct {
		Salt       []byte
		Iterations int
		KeySize    int                      `asn1:"optional"`
		PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
	}{PRF: pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 7}}}
	if !unmarshal(parameters, &p) {
		return nil, errDamaged
	}
	newHash, err := hashOf(p.PRF.Algorithm)
	if err != nil {
		return nil, err
	}
	size = cmp.Or(size, p.KeySize)
	if size < 1 || size > maxKeySize {
		return nil, errDamaged
	}
	if err := d.spend(p.Iterations); err != nil {
		return nil, err
	}
	return pbkdf2.Key(newHash, d.password, p.Salt, p.Iterations, size)
}

// scrypt follows RFC 7914, section 7.
func (d *decrypter) scrypt(parameters []byte, size int) ([]byte, error) {
	var p struct {
		Salt    []byte
		N, R, P int
		KeySize int `asn1:"optional"`
	}
	if !unmarshal(parameters, &p) {
		return nil, errDamaged
	}
	if err := d.spend(p.N, p.R, p.P); err != nil {
		return nil, err
	}
	key, err := scrypt.Key([]byte(d.password), p.Salt, p.N, p.R, p.P, size)
	if err != nil {
		return nil, errDamaged
	}
	return key, nil
}

const desBlockSize = des.BlockSize // the same as RC2's

// pbkdf1 derives key and initialization vector with one hash (RFC 8018, section 5.1).
func pbkdf1(newHash func() hash.Hash) keyFunc {
	return func(d *decrypter, salt []byte, iterations, keySize int) (key, iv []byte) {
		h := newHash()
		h.Write([]byte(d.password))
		h.Write(salt)
		key = rehash(h, iterations)
		return key[:keySize], key[keySize : keySize+desBlockSize]
	}
}

// pkcs12 derives both as PKCS #12 does.
func pkcs12(d *decrypter, salt []byte, iterations, keySize int) (key, iv []byte) {
	const forKey, forIV = 1, 2
	return pkcs12Key(sha1.New, d.bmp, salt, iterations, forKey, keySize),
		pkcs12Key(sha1.New, d.bmp, salt, iterations, forIV, desBlockSize)
}

// pkcs12Key derives size bytes for a purpose as PKCS #12 does (RFC 7292, appendix B.2).
func pkcs12Key(newHash func() hash.Hash, password, salt []byte, iterations int, purpose byte, size int) (key []byte) {
	h := newHash()
	blockSize := h.BlockSize()
	input := append(fill(salt, blockSize), fill(password, blockSize)...)
	for {
		h.Reset()
		h.Write(bytes.Repeat([]byte{purpose}, blockSize))
		h.Write(input)
		sum := rehash(h, iterations)
		if key = append(key, sum...); len(key) >= size {
			return key[:size]
		}
		// Each block of the input, a big-endian number, grows by sum and 1.
		sum = fill(sum, blockSize)
		for block := range slices.Chunk(input, blockSize) {
			carry := 1
			for i := blockSize - 1; i >= 0; i-- {
				carry += int(block[i]) + int(sum[i])
				block[i] = byte(carry)
				carry >>= 8
			}
		}
	}
}

// rehash returns the sum of h, hashed repeatedly.
func rehash(h hash.Hash, iterations int) []byte {
	sum := h.Sum(nil)
	for range iterations - 1 {
		h.Reset()
		h.Write(sum)
		sum = h.Sum(sum[:0])
	}
	return sum
}

// fill repeats data up to a multiple of the block size; empty data stays empty.
func fill(data []byte, blockSize int) []byte {
	if len(data) == 0 {
		return nil
	}
	length := (len(data) + blockSize - 1) / blockSize * blockSize
	return bytes.Repeat(data, length/len(data)+1)[:length]
}
