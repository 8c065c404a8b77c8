package auth

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
)

var errUnknownFormat = errors.New("the file is not PEM or a readable PFX; it may be damaged: export it again as PFX or PEM")

// Content types of PKCS #7 and types of bags (RFC 7292, section 4).
const (
	dataType          = "1.2.840.113549.1.7.1"
	signedDataType    = "1.2.840.113549.1.7.2"
	encryptedDataType = "1.2.840.113549.1.7.6"
	keyBag            = "1.2.840.113549.1.12.10.1.1"
	encryptedKeyBag   = "1.2.840.113549.1.12.10.1.2"
	certificateBag    = "1.2.840.113549.1.12.10.1.3"
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

// readPFX returns the private key and the certificates of a PFX (PKCS #12, RFC 7292).
func readPFX(data []byte, password string) (found contents, err error) {
	var pfx struct {
		Version int
		Safe    contentInfo
		MAC     asn1.RawValue `asn1:"optional"` // not checked: a wrong password shows in what is decrypted
	}
	if !unmarshalBER(data, &pfx) {
		return found, formatError(data)
	}
	var safe []byte
	if pfx.Safe.Type.String() != dataType || !unmarshal(pfx.Safe.Content.Bytes, &safe) {
		return found, errUnknownFormat
	}
	d := newDecrypter(password)
	err = d.readSafe(safe, &found)
	if errors.Is(err, errPassword) && password == "" {
		d.bmp, found = nil, contents{} // some programs leave out the zero at the end of an empty password
		err = d.readSafe(safe, &found)
	}
	if err == nil {
		err = found.check()
	}
	_, isUnsupported := errors.AsType[unsupportedError](err)
	switch {
	case password == "" && errors.Is(err, errPassword):
		err = errors.New("the PFX is encrypted: a password is needed")
	case isUnsupported:
		err = fmt.Errorf("the PFX cannot be decrypted (%w); convert it: openssl pkcs12 -legacy -in OLD.pfx -out NEW.pem", err)
	case errors.Is(err, errDamaged):
		err = errors.New("the PFX is damaged: export it again")
	}
	return found, err
}

// formatError describes a file that is not a PFX.
func formatError(data []byte) error {
	var first asn1.RawValue
	var info contentInfo
	if unmarshalBER(data, &first) {
		if _, err := x509.ParseCertificate(first.FullBytes); err == nil {
			return errNoKey
		}
		if unmarshal(first.FullBytes, &info) && info.Type.String() == signedDataType {
			return errors.New("the file is PKCS #7 (.p7b), which holds no private key: export the certificate with its key as PFX or PEM")
		}
	}
	return errUnknownFormat
}

// readSafe adds what a safe contains. It decrypts bags that were encrypted together.
func (d *decrypter) readSafe(safe []byte, found *contents) error {
	var infos []contentInfo
	if !unmarshalBER(safe, &infos) {
		return errDamaged
	}
	for _, info := range infos {
		var plain []byte
		switch info.Type.String() {
		case dataType:
			if !unmarshal(info.Content.Bytes, &plain) {
				return errDamaged
			}
		case encryptedDataType:
			var err error
			if plain, err = d.decryptContent(info.Content.Bytes); err != nil {
				return err
			}
		default:
			return unsupportedError{info.Type}
		}
		var bags []safeBag
		if !unmarshalBER(plain, &bags) {
			return errPassword // a wrong password may produce valid padding by chance
		}
		for _, bag := range bags {
			if err := d.readBag(bag, found); err != nil {
				return err
			}
		}
	}
	return nil
}

// decryptContent decrypts EncryptedData of PKCS #7.
func (d *decrypter) decryptContent(der []byte) ([]byte, error) {
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
	content := data.Info.Content // an OCTET STRING with another tag, in pieces if it is BER
	var encrypted []byte
	if !unmarshalBER(encode(asn1.RawValue{Tag: asn1.TagOctetString, IsCompound: content.IsCompound, Bytes: content.Bytes}), &encrypted) {
		return nil, errDamaged
	}
	return d.decrypt(data.Info.Algorithm, encrypted)
}

// readBag adds the key or the certificate in a bag.
func (d *decrypter) readBag(bag safeBag, found *contents) error {
	switch bag.Type.String() {
	case keyBag:
		return found.addKey(parseKey(bag.Value.Bytes))
	case encryptedKeyBag:
		return found.addKey(d.decryptKey(bag.Value.Bytes))
	case certificateBag:
		var certificate struct {
			Type asn1.ObjectIdentifier
			DER  []byte `asn1:"tag:0,explicit"`
		}
		if unmarshal(bag.Value.Bytes, &certificate) && certificate.Type.String() == x509Certificate {
			found.addCertificate(certificate.DER, "a certificate in it")
		}
	}
	return nil
}
