package auth_test

import (
	"bytes"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"github.com/d365backup/d365backup/internal/auth"
	"github.com/d365backup/d365backup/internal/auth/authtest"
)

// A file that demands hours of work for its password is refused immediately. Otherwise these tests would
// not end.
func TestParseRefusesEndlessWork(t *testing.T) {
	const endless = 1<<31 - 1
	key := authtest.Key()
	leaf := authtest.Issue(t, key)
	// The encoders below encode their 8 iterations as INTEGER 02 01 08, right after the salt.
	for name, encoder := range map[string]*pkcs12.Encoder{
		"2023": pkcs12.Modern2023, "2026": pkcs12.Modern2026, "3DES": pkcs12.LegacyDES, "RC2": pkcs12.LegacyRC2,
	} {
		for i, data := range inflated(t, withoutMAC(t, pfx(t, encoder, password, key, leaf)), endless) {
			t.Run(fmt.Sprintf("PFX %s %d", name, i), func(t *testing.T) { expectEndless(t, data) })
		}
	}
	der, _ := pem.Decode(sealedPEM(t, key, hmacSHA256))
	for i, data := range inflated(t, der.Bytes, endless) {
		t.Run(fmt.Sprintf("PEM %d", i), func(t *testing.T) { expectEndless(t, block("ENCRYPTED PRIVATE KEY", data)) })
	}
	// Nothing is computed for the MAC, which is not checked.
	for i, data := range inflated(t, pfx(t, pkcs12.Modern2026, password, key, leaf), endless)[2:] {
		t.Run(fmt.Sprintf("MAC %d", i), func(t *testing.T) { expectCertificate(t, data, password, leaf) })
	}
}

// The limit applies to parameters that only a lenient library accepts.
func TestParseRefusesHiddenWork(t *testing.T) {
	const endless = 1<<31 - 1
	key := authtest.Key()
	t.Run("zeros after it", func(t *testing.T) {
		der, _ := pem.Decode(sealedPEM(t, key, hmacDefault))
		expectEndless(t, block("ENCRYPTED PRIVATE KEY", rewrite(t, der.Bytes, func(element asn1.RawValue) (any, bool) {
			var old struct {
				Salt       []byte
				Iterations int
			}
			_, err := asn1.Unmarshal(element.FullBytes, &old)
			return struct {
				Salt                []byte
				Iterations, A, B, C int
			}{old.Salt, endless, 0, 0, 0}, err == nil
		})))
	})
	t.Run("salt of another class", func(t *testing.T) {
		data := pfx(t, pkcs12.Modern2023, password, key, authtest.Issue(t, key))
		_, err := auth.ParseCertificate(rewrite(t, data, func(element asn1.RawValue) (any, bool) {
			var p struct {
				Salt       asn1.RawValue
				Iterations int
				PRF        asn1.RawValue
			}
			_, err := asn1.Unmarshal(element.FullBytes, &p)
			p.Salt.FullBytes, p.Salt.Class = nil, asn1.ClassContextSpecific
			p.Iterations = endless
			return p, err == nil && p.Salt.Tag == asn1.TagOctetString
		}), password, time.Now())
		if err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("error %v, want that of a damaged file", err)
		}
	})
}

func expectEndless(t *testing.T, data []byte) {
	t.Helper()
	_, err := auth.ParseCertificate(data, password, time.Now())
	if err == nil || !strings.Contains(err.Error(), "iterations") {
		t.Errorf("error %v, want one about iterations", err)
	}
}

// inflated returns a copy of der for each INTEGER 8 in it, with that one replaced by number.
func inflated(t *testing.T, der []byte, number int) [][]byte {
	t.Helper()
	var copies [][]byte
	for i := 0; ; i++ {
		seen := 0
		changed := rewrite(t, der, func(element asn1.RawValue) (any, bool) {
			if element.Tag != asn1.TagInteger || !bytes.Equal(element.Bytes, []byte{8}) {
				return nil, false
			}
			seen++
			return number, seen == i+1
		})
		if seen <= i {
			break
		}
		copies = append(copies, changed)
	}
	if len(copies) == 0 {
		t.Fatal("no number to inflate")
	}
	return copies
}

// A key so large that validating it takes seconds is refused before it is parsed.
func TestParseRefusesHugeKey(t *testing.T) {
	leaf := block("CERTIFICATE", authtest.Issue(t, authtest.Key()).Raw)
	for _, kind := range []string{"PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY"} {
		_, err := auth.ParseCertificate(join(block(kind, make([]byte, 1<<14+1)), leaf), password, time.Now())
		if err == nil || !strings.Contains(err.Error(), "16384 bytes") {
			t.Errorf("%s: error %v, want one about the size", kind, err)
		}
	}
}

// rewrite returns der with the elements, at every depth, that replace replaces.
func rewrite(t testing.TB, der []byte, replace func(asn1.RawValue) (any, bool)) []byte {
	t.Helper()
	var out []byte
	for len(der) > 0 {
		var element asn1.RawValue
		rest, err := asn1.Unmarshal(der, &element)
		if err != nil {
			return nil
		}
		der = rest
		var value any = asn1.RawValue{FullBytes: element.FullBytes}
		if replacement, ok := replace(element); ok {
			value = replacement
		} else if element.IsCompound || element.Tag == asn1.TagOctetString {
			if inner := rewrite(t, element.Bytes, replace); inner != nil {
				value = asn1.RawValue{Class: element.Class, Tag: element.Tag, IsCompound: element.IsCompound, Bytes: inner}
			}
		}
		encoded, err := asn1.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, encoded...)
	}
	return out
}

func TestDamagedEncryptionDoesNotPanic(t *testing.T) {
	good, _ := pem.Decode(sealedPEM(t, authtest.Key(), hmacSHA256))
	const vector = 16 // bytes of an initialization vector of AES
	for name, isDamaged := range map[string]func(length int) bool{
		"initialization vector": func(length int) bool { return length == vector },
		"content":               func(length int) bool { return length > 1000 },
	} {
		t.Run(name, func(t *testing.T) {
			damaged := 0
			data := rewrite(t, good.Bytes, func(element asn1.RawValue) (any, bool) {
				if element.Tag != asn1.TagOctetString || !isDamaged(len(element.Bytes)) {
					return nil, false
				}
				damaged++
				return element.Bytes[1:], true
			})
			_, err := auth.ParseCertificate(block("ENCRYPTED PRIVATE KEY", data), password, time.Now())
			if damaged != 1 || err == nil || !strings.Contains(err.Error(), "damaged") {
				t.Errorf("error %v after damaging %d elements, want that of a damaged key", err, damaged)
			}
		})
	}
}
