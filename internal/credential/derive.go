package credential

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/asn1"
	"hash"
	"slices"
)

// maxKeySize bounds the length of keys that parameters name, in bytes: no hash here is longer.
const maxKeySize = 64

// hashes are the hash functions by the object identifier of the hash and that of its HMAC.
var hashes = map[string]func() hash.Hash{
	"1.3.14.3.2.26":          sha1.New,
	"2.16.840.1.101.3.4.2.1": sha256.New,
	"2.16.840.1.101.3.4.2.2": sha512.New384,
	"2.16.840.1.101.3.4.2.3": sha512.New,
	"2.16.840.1.101.3.4.2.4": sha256.New224,
	"2.16.840.1.101.3.4.2.5": sha512.New512_224,
	"2.16.840.1.101.3.4.2.6": sha512.New512_256,
	"1.2.840.113549.2.7":     sha1.New,
	"1.2.840.113549.2.8":     sha256.New224,
	"1.2.840.113549.2.9":     sha256.New,
	"1.2.840.113549.2.10":    sha512.New384,
	"1.2.840.113549.2.11":    sha512.New,
	"1.2.840.113549.2.12":    sha512.New512_224,
	"1.2.840.113549.2.13":    sha512.New512_256,
}

// hashByID returns a hash function by its object identifier or that of its HMAC.
func hashByID(id asn1.ObjectIdentifier) (func() hash.Hash, error) {
	if newHash, ok := hashes[id.String()]; ok {
		return newHash, nil
	}
	return nil, unsupportedError{id}
}

// pbkdf1Key derives as many bytes as the hash has (RFC 8018, section 5.1).
func pbkdf1Key(newHash func() hash.Hash, password string, salt []byte, iterations int) []byte {
	h := newHash()
	h.Write([]byte(password))
	h.Write(salt)
	return rehash(h, iterations-1)
}

// pkcs12Key derives size bytes for a purpose as PKCS #12 does (RFC 7292, appendix B.2).
func pkcs12Key(newHash func() hash.Hash, password, salt []byte, iterations int, purpose byte, size int) (key []byte) {
	h := newHash()
	blockSize := h.BlockSize()
	diversifier := bytes.Repeat([]byte{purpose}, blockSize)
	input := append(fill(salt, blockSize), fill(password, blockSize)...)
	for {
		h.Reset()
		h.Write(diversifier)
		h.Write(input)
		sum := rehash(h, iterations-1)
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

// rehash returns the sum of h, hashed again and again.
func rehash(h hash.Hash, times int) []byte {
	sum := h.Sum(nil)
	for range times {
		h.Reset()
		h.Write(sum)
		sum = h.Sum(sum[:0])
	}
	return sum
}

// fill repeats data up to a multiple of the block size; nothing stays nothing.
func fill(data []byte, blockSize int) []byte {
	if len(data) == 0 {
		return nil
	}
	length := (len(data) + blockSize - 1) / blockSize * blockSize
	return bytes.Repeat(data, length/len(data)+1)[:length]
}
