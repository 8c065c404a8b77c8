package auth

import "encoding/asn1"

// maxDepth bounds how deeply elements may be nested. Certificate files nest less.
const maxDepth = 24

// unmarshalBER decodes the first element of BER data, without what follows it, such as a line end. BouncyCastle,
// EJBCA and NSS write BER, with indefinite lengths and strings in pieces; encoding/asn1 reads only DER.
func unmarshalBER(ber []byte, value any) bool {
	element, _, ok := readBER(ber, maxDepth)
	return ok && unmarshal(encode(element), value)
}

// unmarshal decodes DER. Data after it is an error.
func unmarshal(der []byte, value any) bool {
	rest, err := asn1.Unmarshal(der, value)
	return err == nil && len(rest) == 0
}

func encode(element asn1.RawValue) []byte {
	der, _ := asn1.Marshal(element) // tag and content of any value can be encoded
	return der
}

// readBER splits off the first element, and returns it with its content in DER. What an OCTET STRING contains stays
// as it is.
func readBER(ber []byte, depth int) (element asn1.RawValue, rest []byte, ok bool) {
	const constructed, tagNumber, indefinite = 0x20, 0x1f, 0x80
	if depth == 0 || len(ber) < 2 || ber[0]&tagNumber == tagNumber { // a tag of several bytes, which nothing here has
		return element, nil, false
	}
	element = asn1.RawValue{Class: int(ber[0] >> 6), Tag: int(ber[0] & tagNumber), IsCompound: ber[0]&constructed != 0}
	length, content := int(ber[1]), ber[2:]
	isIndefinite := length == indefinite
	switch {
	case isIndefinite:
		length = len(content)
	case length > indefinite:
		n := length &^ indefinite
		if n > 4 || n > len(content) {
			return element, nil, false
		}
		length = 0
		for _, b := range content[:n] {
			length = length<<8 | int(b)
		}
		content = content[n:]
	}
	if length < 0 || length > len(content) {
		return element, nil, false
	}
	content, rest = content[:length], content[length:]
	if !element.IsCompound {
		element.Bytes = content
		return element, rest, !isIndefinite
	}
	isString := element.Class == asn1.ClassUniversal && element.Tag == asn1.TagOctetString
	element.IsCompound = !isString
	for isIndefinite || len(content) > 0 {
		if isIndefinite && len(content) >= 2 && content[0] == 0 && content[1] == 0 {
			return element, content[2:], true
		}
		var part asn1.RawValue
		if part, content, ok = readBER(content, depth-1); !ok {
			return element, nil, false
		}
		if isString {
			element.Bytes = append(element.Bytes, part.Bytes...)
		} else {
			element.Bytes = append(element.Bytes, encode(part)...)
		}
	}
	return element, rest, true
}
