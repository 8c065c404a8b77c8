package credential

import (
	"crypto/hmac"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
)

var (
	errUnknownFormat = errors.New("it is neither PEM nor a PFX that can be read, or it is damaged: export it again as PFX or PEM")
	errPKCS7         = errors.New("it is PKCS #7 (.p7b), which holds no private key: export the certificate with its key as PFX or PEM")
)

// pfxConversion makes PEM, which can be read, of a PFX that cannot.
const pfxConversion = "convert it: openssl pkcs12 -legacy -in OLD.pfx -out NEW.pem"

// Content types of PKCS #7 and types of bags (RFC 7292, section 4).
const (
	dataType          = "1.2.840.113549.1.7.1"
	signedDataType    = "1.2.840.113549.1.7.2"
	encryptedDataType = "1.2.840.113549.1.7.6"
	keyBag            = "1.2.840.113549.1.12.10.1.1"
	shroudedKeyBag    = "1.2.840.113549.1.12.10.1.2"
	certBag           = "1.2.840.113549.1.12.10.1.3"
	pbmac1            = "1.2.840.113549.1.5.14"
	x509Certificate   = "1.2.840.113549.1.9.22.1"
)

type contentInfo struct {
	Type    asn1.ObjectIdentifier
	Content asn1.RawValue `asn1:"tag:0,explicit,optional"`
}

type safeBag struct {
	Type       asn1.ObjectIdentifier
	Value      asn1.RawValue `asn1:"tag:0,explicit"`
	Attributes asn1.RawValue `asn1:"set,optional"`
}

// encryptedKey is a key as PKCS #8 (RFC 5208, section 6) encrypts it.
type encryptedKey struct {
	Algorithm pkix.AlgorithmIdentifier
	Data      []byte
}

type mac struct {
	Digest struct {
		Algorithm pkix.AlgorithmIdentifier
		Digest    []byte
	}
	Salt       []byte
	Iterations int `asn1:"optional,default:1"`
}

// readPFX returns the private key of a PFX (PKCS #12, RFC 7292) in PKCS #8, and its certificates.
func readPFX(data []byte, password string) (found contents, err error) {
	der, ok := toDER(data)
	var pfx struct {
		Version int
		Safe    contentInfo
		MAC     mac `asn1:"optional"`
	}
	if !ok || !unmarshal(der, &pfx) {
		return found, formatError(der)
	}
	var safe []byte // as it was written, since the MAC is that of these bytes
	if pfx.Safe.Type.String() != dataType || !unmarshal(pfx.Safe.Content.Bytes, &safe) {
		return found, errUnknownFormat
	}
	o := newOpener(password)
	if len(pfx.MAC.Digest.Algorithm.Algorithm) > 0 {
		if err := o.verify(pfx.MAC, safe); err != nil {
			return found, o.pfxError(err)
		}
	}
	bags, err := o.open(safe)
	if err != nil {
		return found, o.pfxError(err)
	}
	found, err = o.unpack(bags)
	return found, o.pfxError(err)
}

// formatError says what a file is that is not a PFX.
func formatError(der []byte) error {
	if _, err := x509.ParseCertificate(der); err == nil {
		return errNoKey
	}
	var info contentInfo
	if unmarshal(der, &info) && info.Type.String() == signedDataType {
		return errPKCS7
	}
	return errUnknownFormat
}

// pfxError adds what to do about an error.
func (o *opener) pfxError(err error) error {
	if o.password == "" && errors.Is(err, errPassword) {
		return errors.New("the PFX is encrypted: a password is needed")
	}
	if _, ok := errors.AsType[unsupportedError](err); ok {
		return fmt.Errorf("the PFX cannot be decrypted (%w); %s", err, pfxConversion)
	}
	if errors.Is(err, errDamaged) {
		return errors.New("the PFX is damaged: export it again")
	}
	return err
}

// verify reports a wrong password. Of an empty password some programs leave out the zero at its end.
func (o *opener) verify(m mac, message []byte) error {
	for {
		sum, err := o.sum(m, message)
		switch {
		case err != nil:
			return err
		case hmac.Equal(sum, m.Digest.Digest):
			return nil
		case o.password != "" || o.bmp == nil:
			return errPassword
		}
		o.bmp = nil
	}
}

// sum computes a MAC (RFC 7292, appendix A), that of PBMAC1 (RFC 9579) included.
func (o *opener) sum(m mac, message []byte) (sum []byte, err error) {
	algorithm := m.Digest.Algorithm
	var key []byte
	if algorithm.Algorithm.String() == pbmac1 {
		var p struct{ KDF, MAC pkix.AlgorithmIdentifier }
		if !unmarshal(algorithm.Parameters.FullBytes, &p) {
			return nil, errDamaged
		}
		if key, err = o.derive(p.KDF, 0); err != nil {
			return nil, err
		}
		algorithm = p.MAC
	}
	newHash, err := hashByID(algorithm.Algorithm)
	if err != nil {
		return nil, err
	}
	if key == nil {
		if err := o.spend(m.Iterations); err != nil {
			return nil, err
		}
		const forMAC = 3
		key = pkcs12Key(newHash, o.bmp, m.Salt, m.Iterations, forMAC, newHash().Size())
	}
	h := hmac.New(newHash, key)
	h.Write(message)
	return h.Sum(nil), nil
}

// open returns the bags of a safe. It decrypts those that were encrypted together.
func (o *opener) open(safe []byte) (bags []safeBag, err error) {
	der, ok := toDER(safe)
	var infos []contentInfo
	if !ok || !unmarshal(der, &infos) {
		return nil, errDamaged
	}
	for _, info := range infos {
		var plain []byte
		switch info.Type.String() {
		case dataType:
			if !unmarshal(info.Content.Bytes, &plain) {
				return nil, errDamaged
			}
		case encryptedDataType:
			if plain, err = o.decryptContent(info.Content.Bytes); err != nil {
				return nil, err
			}
		default:
			return nil, unsupportedError{info.Type}
		}
		der, ok := toDER(plain)
		var more []safeBag
		if !ok || !unmarshal(der, &more) {
			return nil, errPassword // a wrong one whose padding was right by chance, if there is no MAC
		}
		bags = append(bags, more...)
	}
	return bags, nil
}

// decryptContent opens EncryptedData of PKCS #7.
func (o *opener) decryptContent(der []byte) ([]byte, error) {
	var data struct {
		Version int
		Info    struct {
			Type      asn1.ObjectIdentifier
			Algorithm pkix.AlgorithmIdentifier
			Content   asn1.RawValue `asn1:"tag:0,optional"`
		}
	}
	if !unmarshal(der, &data) {
		return nil, errDamaged
	}
	encrypted := data.Info.Content.Bytes
	if data.Info.Content.IsCompound { // in pieces, as BER allows
		var pieces [][]byte
		for rest := encrypted; len(rest) > 0; {
			var piece []byte
			var err error
			if rest, err = asn1.Unmarshal(rest, &piece); err != nil {
				return nil, errDamaged
			}
			pieces = append(pieces, piece)
		}
		encrypted = slices.Concat(pieces...)
	}
	return o.decrypt(data.Info.Algorithm, encrypted)
}

// unpack returns the key and the certificates in bags.
func (o *opener) unpack(bags []safeBag) (found contents, err error) {
	for _, bag := range bags {
		switch bag.Type.String() {
		case keyBag, shroudedKeyBag:
			open := parseKey
			if bag.Type.String() == shroudedKeyBag {
				open = o.decryptKey
			}
			key, err := open(bag.Value.Bytes)
			if err == nil {
				err = found.addKey(key)
			}
			if err != nil {
				return found, err
			}
		case certBag:
			var certificate struct {
				Type asn1.ObjectIdentifier
				DER  []byte `asn1:"tag:0,explicit"`
			}
			if unmarshal(bag.Value.Bytes, &certificate) && certificate.Type.String() == x509Certificate {
				found.add(certificate.DER, 0)
			}
		}
	}
	if found.key == nil {
		return found, errNoKey
	}
	return found, nil
}
