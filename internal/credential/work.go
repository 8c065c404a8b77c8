package credential

import (
	"encoding/asn1"
	"fmt"
	"math/big"
)

// maxWork bounds what a file may demand for deriving keys from its password: iterations of PBKDF2 or
// of PKCS #12's own function, or scrypt's N·r·p. It stands for some ten seconds or 1 GiB;
// programs that write such files ask for a tenth of it at most.
const maxWork = 1 << 23

// checkWork refuses DER that demands more than maxWork, for the libraries do not. What hides inside
// encrypted content is not seen, but that takes the password to write.
func checkWork(der []byte) error {
	const deepest = 24 // PFX nests less
	return checkWorkWithin(der, deepest)
}

// checkWorkWithin knows the parameters of every such function by what they share: a sequence holds
// the salt, an OCTET STRING, and right behind it the numbers.
func checkWorkWithin(der []byte, depth int) error {
	if depth == 0 {
		return nil
	}
	elements := parseAll(der)
	for i, element := range elements {
		isOctets := element.Tag == asn1.TagOctetString // of whatever class: go-pkcs12 takes a salt of any
		if isOctets && demandedWork(elements[i+1:]).Cmp(big.NewInt(maxWork)) > 0 {
			return fmt.Errorf("it demands more than %d iterations for its password: export it anew with fewer", maxWork)
		}
		if isOctets || element.IsCompound {
			if err := checkWorkWithin(element.Bytes, depth-1); err != nil {
				return err
			}
		}
	}
	return nil
}

// parseAll returns the elements in a row that der consists of; as many as there are before something
// that is not DER.
func parseAll(der []byte) (elements []asn1.RawValue) {
	for len(der) > 0 {
		var element asn1.RawValue
		rest, err := asn1.Unmarshal(der, &element)
		if err != nil {
			break
		}
		elements, der = append(elements, element), rest
	}
	return elements
}

// demandedWork reads the numbers behind a salt: one for the iterations, which the length of the key
// may follow, or scrypt's three. It is never less than the first: libraries skip what follows there.
func demandedWork(elements []asn1.RawValue) *big.Int {
	var numbers []*big.Int
	for _, element := range elements {
		if element.Class != asn1.ClassUniversal || element.Tag != asn1.TagInteger {
			break
		}
		numbers = append(numbers, new(big.Int).SetBytes(element.Bytes))
	}
	switch len(numbers) {
	case 0:
		return new(big.Int)
	case 1, 2:
		return numbers[0]
	}
	work := new(big.Int).Mul(numbers[0], numbers[1])
	if work.Mul(work, numbers[2]).Cmp(numbers[0]) < 0 {
		return numbers[0]
	}
	return work
}
