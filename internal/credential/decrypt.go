package credential

import (
	"cmp"
	"crypto/aes"
	"crypto/des" //nolint:gosec // only to read files that older programs have encrypted
	"crypto/md5" //nolint:gosec // likewise
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"hash"
	"slices"
	"unicode/utf16"

	"golang.org/x/crypto/scrypt"
)

// maxWork bounds what a file may demand for deriving keys from its password, all keys together: iterations
// of PBKDF2 or of PKCS #12's own function, or scrypt's N·r·p. It stands for some ten seconds or 1 GiB;
// programs that write such files demand a tenth of it at most.
const maxWork = 1 << 23

var errDamaged = errors.New("it is damaged")

// unsupportedError names the object identifier of an algorithm that is not implemented here.
type unsupportedError struct{ id asn1.ObjectIdentifier }

func (e unsupportedError) Error() string { return "unsupported algorithm " + e.id.String() }

// opener holds a password and how much work may still be spent on it.
type opener struct {
	password string
	// bmp is the password as PKCS #12 wants it: in UTF-16, with a zero at the end.
	bmp  []byte
	work int
}

func newOpener(password string) *opener {
	o := &opener{password: password, work: maxWork}
	for _, unit := range append(utf16.Encode([]rune(password)), 0) {
		o.bmp = append(o.bmp, byte(unit>>8), byte(unit))
	}
	return o
}

// spend takes the product of factors from the work that is left.
func (o *opener) spend(factors ...int) error {
	product := 1
	for _, factor := range factors {
		switch {
		case factor < 1:
			return errDamaged
		case factor > o.work/product:
			return fmt.Errorf("it demands more than %d iterations for its password: export it again with fewer", maxWork)
		}
		product *= factor
	}
	o.work -= product
	return nil
}

// decrypter is the half of cipher.Block that decrypts.
type decrypter interface {
	BlockSize() int
	Decrypt(dst, src []byte)
}

// decrypt returns what was encrypted with the password, in cipher block chaining as everything here. Most
// wrong passwords show in the padding.
func (o *opener) decrypt(algorithm pkix.AlgorithmIdentifier, data []byte) ([]byte, error) {
	block, iv, err := o.cipher(algorithm)
	if err != nil {
		return nil, err
	}
	size := block.BlockSize()
	if len(iv) != size || len(data) == 0 || len(data)%size != 0 {
		return nil, errDamaged
	}
	plain := make([]byte, len(data))
	for i := 0; i < len(data); i += size {
		block.Decrypt(plain[i:], data[i:i+size])
		for j := range size {
			plain[i+j] ^= iv[j]
		}
		iv = data[i : i+size]
	}
	padding := plain[len(plain)-1]
	length := len(plain) - int(padding)
	isOther := func(b byte) bool { return b != padding }
	if padding == 0 || int(padding) > size || slices.ContainsFunc(plain[length:], isOther) {
		return nil, errPassword
	}
	return plain[:length], nil
}

// A scheme makes a cipher from a key of its size.
type scheme struct {
	keySize   int
	newCipher func(key []byte) (decrypter, error)
	// hash is that of PBKDF1; nil for PKCS #12's own key derivation. PBES2 does not use it.
	hash func() hash.Hash
}

func newAES(key []byte) (decrypter, error)  { return aes.NewCipher(key) }
func newDES(key []byte) (decrypter, error)  { return des.NewCipher(key) }          //nolint:gosec // see the import
func newDES3(key []byte) (decrypter, error) { return des.NewTripleDESCipher(key) } //nolint:gosec // see the import
func newRC2(key []byte) (decrypter, error)  { return expandRC2(key), nil }

// newDES3TwoKeys makes a Triple DES whose third key is the first.
func newDES3TwoKeys(key []byte) (decrypter, error) { return newDES3(slices.Concat(key, key[:8])) }

// The schemes by object identifier: those that derive the key themselves (RFC 8018, section 6.1; RFC 7292,
// appendix C), and those of PBES2.
var (
	schemes = map[string]scheme{
		"1.2.840.113549.1.5.3":    {8, newDES, md5.New},
		"1.2.840.113549.1.5.10":   {8, newDES, sha1.New},
		"1.2.840.113549.1.12.1.3": {24, newDES3, nil},
		"1.2.840.113549.1.12.1.4": {16, newDES3TwoKeys, nil},
		"1.2.840.113549.1.12.1.5": {16, newRC2, nil},
		"1.2.840.113549.1.12.1.6": {5, newRC2, nil},
	}
	schemesOfPBES2 = map[string]scheme{
		"2.16.840.1.101.3.4.1.2":  {keySize: 16, newCipher: newAES},
		"2.16.840.1.101.3.4.1.22": {keySize: 24, newCipher: newAES},
		"2.16.840.1.101.3.4.1.42": {keySize: 32, newCipher: newAES},
		"1.2.840.113549.3.7":      {keySize: 24, newCipher: newDES3},
	}
)

// cipher derives the key and the initialization vector that an algorithm needs.
func (o *opener) cipher(algorithm pkix.AlgorithmIdentifier) (decrypter, []byte, error) {
	id := algorithm.Algorithm.String()
	if id == "1.2.840.113549.1.5.13" {
		return o.cipherOfPBES2(algorithm.Parameters.FullBytes)
	}
	s, ok := schemes[id]
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
	if err := o.spend(p.Iterations); err != nil {
		return nil, nil, err
	}
	const ivSize, forKey, forIV = 8, 1, 2
	var key, iv []byte
	if s.hash != nil {
		key = pbkdf1Key(s.hash, o.password, p.Salt, p.Iterations)[:s.keySize+ivSize]
		key, iv = key[:s.keySize], key[s.keySize:]
	} else {
		key = pkcs12Key(sha1.New, o.bmp, p.Salt, p.Iterations, forKey, s.keySize)
		iv = pkcs12Key(sha1.New, o.bmp, p.Salt, p.Iterations, forIV, ivSize)
	}
	block, err := s.newCipher(key)
	return block, iv, err
}

// cipherOfPBES2 does it for PBES2 (RFC 8018, section 6.2), which names key derivation and cipher.
func (o *opener) cipherOfPBES2(parameters []byte) (decrypter, []byte, error) {
	var p struct{ KDF, Encryption pkix.AlgorithmIdentifier }
	if !unmarshal(parameters, &p) {
		return nil, nil, errDamaged
	}
	s, ok := schemesOfPBES2[p.Encryption.Algorithm.String()]
	if !ok {
		return nil, nil, unsupportedError{p.Encryption.Algorithm}
	}
	var iv []byte
	if !unmarshal(p.Encryption.Parameters.FullBytes, &iv) {
		return nil, nil, errDamaged
	}
	key, err := o.derive(p.KDF, s.keySize)
	if err != nil {
		return nil, nil, err
	}
	block, err := s.newCipher(key)
	return block, iv, err
}

// derive makes a key by the function that PBES2 or PBMAC1 names. The size is that of the parameters if it is 0.
func (o *opener) derive(kdf pkix.AlgorithmIdentifier, size int) ([]byte, error) {
	switch kdf.Algorithm.String() {
	case "1.2.840.113549.1.5.12":
		return o.derivePBKDF2(kdf.Parameters.FullBytes, size)
	case "1.3.6.1.4.1.11591.4.11":
		return o.deriveScrypt(kdf.Parameters.FullBytes, size)
	}
	return nil, unsupportedError{kdf.Algorithm}
}

// derivePBKDF2 follows RFC 8018, section 5.2.
func (o *opener) derivePBKDF2(parameters []byte, size int) ([]byte, error) {
	var p struct {
		Salt       []byte
		Iterations int
		KeySize    int                      `asn1:"optional"`
		PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
	}
	if !unmarshal(parameters, &p) {
		return nil, errDamaged
	}
	newHash := sha1.New
	if len(p.PRF.Algorithm) > 0 {
		var err error
		if newHash, err = hashByID(p.PRF.Algorithm); err != nil {
			return nil, err
		}
	}
	size = cmp.Or(size, p.KeySize)
	if size < 1 || size > maxKeySize {
		return nil, errDamaged
	}
	if err := o.spend(p.Iterations); err != nil {
		return nil, err
	}
	return pbkdf2.Key(newHash, o.password, p.Salt, p.Iterations, size)
}

// deriveScrypt follows RFC 7914, section 7.
func (o *opener) deriveScrypt(parameters []byte, size int) ([]byte, error) {
	var p struct {
		Salt    []byte
		N, R, P int
		KeySize int `asn1:"optional"`
	}
	if !unmarshal(parameters, &p) {
		return nil, errDamaged
	}
	if err := o.spend(p.N, p.R, p.P); err != nil {
		return nil, err
	}
	key, err := scrypt.Key([]byte(o.password), p.Salt, p.N, p.R, p.P, size)
	if err != nil {
		return nil, errDamaged
	}
	return key, nil
}

// unmarshal decodes DER and nothing after it.
func unmarshal(der []byte, into any) bool {
	rest, err := asn1.Unmarshal(der, into)
	return err == nil && len(rest) == 0
}
