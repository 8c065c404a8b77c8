package credential

import "encoding/asn1"

// maxDepth bounds how deeply elements may be nested. Certificate files nest less.
const maxDepth = 24

// toDER returns the first element of BER data in DER, without what follows it, such as a line end. BouncyCastle,
// EJBCA and NSS write BER, with indefinite lengths and strings in pieces, and encoding/asn1 reads DER alone. Data
// in DER stays as it is, as does what an OCTET STRING holds. It reports false for data that is neither.
func toDER(ber []byte) (der []byte, ok bool) {
	element, _, ok := readBER(ber, maxDepth)
	return element.encode(), ok
}

// element is a part of BER data: its tag as encoded, and its contents in DER.
type element struct{ tag, contents []byte }

const (
	constructed = 0x20                // the bit of a tag that marks elements made of elements
	octetString = asn1.TagOctetString // as the only byte of a tag
)

func readBER(ber []byte, depth int) (e element, rest []byte, ok bool) {
	tag, ber, ok := cutTag(ber)
	if !ok || depth == 0 {
		return e, nil, false
	}
	contents, rest, indefinite, ok := cutContents(ber)
	if !ok {
		return e, nil, false
	}
	if tag[0]&constructed == 0 {
		return element{tag, contents}, rest, !indefinite
	}
	inPieces := tag[0] == octetString|constructed
	e.tag = tag
	if inPieces {
		e.tag = []byte{octetString}
	}
	for indefinite || len(contents) > 0 {
		if indefinite && len(contents) >= 2 && contents[0] == 0 && contents[1] == 0 {
			return e, contents[2:], true
		}
		var part element
		if part, contents, ok = readBER(contents, depth-1); !ok {
			return e, nil, false
		}
		if inPieces {
			e.contents = append(e.contents, part.contents...)
		} else {
			e.contents = append(e.contents, part.encode()...)
		}
	}
	return e, rest, true
}

// cutTag splits off the bytes of a tag.
func cutTag(ber []byte) (tag, rest []byte, ok bool) {
	const highNumber = 0x1f // the number follows in further bytes, all but the last with the top bit set
	n := 1
	if len(ber) > 0 && ber[0]&highNumber == highNumber {
		for n < len(ber) && ber[n]&0x80 != 0 {
			n++
		}
		n++
	}
	if len(ber) < n {
		return nil, nil, false
	}
	return ber[:n], ber[n:], true
}

// cutContents splits off a length and the contents that it spans. The contents of an element of indefinite
// length are the first part of what it returns; they end where the caller finds their end.
func cutContents(ber []byte) (contents, rest []byte, indefinite, ok bool) {
	if len(ber) == 0 {
		return nil, nil, false, false
	}
	first, ber := ber[0], ber[1:]
	length := int(first)
	if first == 0x80 {
		return ber, nil, true, true
	}
	if first > 0x80 {
		n := int(first & 0x7f)
		if n > 4 || n > len(ber) {
			return nil, nil, false, false
		}
		length = 0
		for _, b := range ber[:n] {
			length = length<<8 | int(b)
		}
		ber = ber[n:]
	}
	if length < 0 || length > len(ber) {
		return nil, nil, false, false
	}
	return ber[:length], ber[length:], false, true
}

// encode returns the element in DER.
func (e element) encode() []byte {
	out := append([]byte(nil), e.tag...)
	n := len(e.contents)
	switch {
	case n < 0x80:
		out = append(out, byte(n))
	case n < 1<<8:
		out = append(out, 0x81, byte(n))
	case n < 1<<16:
		out = append(out, 0x82, byte(n>>8), byte(n))
	default:
		out = append(out, 0x84, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
		if n < 1<<24 {
			out = append(out[:len(e.tag)], 0x83, byte(n>>16), byte(n>>8), byte(n))
		}
	}
	return append(out, e.contents...)
}
