package auth_test

import (
	"bytes"
	"crypto/sha1"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"software.sslmate.com/src/go-pkcs12"

	"github.com/d365backup/d365backup/internal/auth"
	"github.com/d365backup/d365backup/internal/auth/authtest"
)

// expectCertificate fails the test unless data contains the certificate and its key.
func expectCertificate(t *testing.T, data []byte, password string, want *x509.Certificate) {
	t.Helper()
	got, err := auth.ParseCertificate(data, password, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("%X", sha1.Sum(want.Raw)); got.Thumbprint != want {
		t.Errorf("thumbprint %s, want %s", got.Thumbprint, want)
	}
}

func utf16Text(text []byte, order binary.AppendByteOrder, mark bool) (data []byte) {
	if mark {
		data = order.AppendUint16(data, 0xfeff)
	}
	for _, unit := range utf16.Encode([]rune(string(text))) {
		data = order.AppendUint16(data, unit)
	}
	return data
}

// PEM is read as editors, terminals, variables and joined files write it.
func TestParsePEMVariants(t *testing.T) {
	key := authtest.Key()
	leaf := authtest.Issue(t, key)
	plain := string(authtest.PEM(t, key, leaf))
	replace := func(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(plain) }
	body := base64.StdEncoding.EncodeToString(leaf.Raw)
	keyPEM := string(authtest.PEM(t, key))
	trusted := string(block("TRUSTED CERTIFICATE", append(bytes.Clone(leaf.Raw), "\x30\x02\x0c\x00"...)))
	for name, text := range map[string]string{
		"joined without a line end":  replace("-----\n-----", "----------"),
		"joined, sharing hyphens":    replace("-----\n-----", "-----"),
		"carriage returns":           replace("\n", "\r"),
		"Windows":                    replace("\n", "\r\n"),
		"indented":                   "  " + replace("\n", "\n\t  "),
		"blank lines":                replace("\n", "\n\n"),
		"one line":                   replace("\n", " "),
		"no line ends":               replace("\n", ""),
		"literal \\n":                replace("\n", `\n`),
		"literal \\r\\n":             replace("\n", `\r\n`),
		"JSON":                       `{"pem": "` + replace("\n", `\n`) + `"}`,
		"X509 label":                 replace("CERTIFICATE", "X509 CERTIFICATE"),
		"X.509 label":                replace("CERTIFICATE", "X.509 CERTIFICATE"),
		"lower case":                 replace("BEGIN CERTIFICATE", "begin certificate", "END CERTIFICATE", "end certificate"),
		"trusted":                    keyPEM + trusted,
		"blanks at hyphens":          replace("-----BEGIN", "----- BEGIN", "CERTIFICATE-----", "CERTIFICATE -----"),
		"attributes":                 "Bag Attributes\n    localKeyID: 01 02\nKey Attributes: <No Attributes>\n" + keyPEM + "subject=CN = a - b\nissuer=x\n\n" + trusted,
		"Latin-1 in attributes":      "friendlyName: gr\xfc\xdfe\n" + plain,
		"header in the block":        replace("-----BEGIN CERTIFICATE-----\n", "-----BEGIN CERTIFICATE-----\nComment: of the app\n\n"),
		"no padding":                 keyPEM + "-----BEGIN CERTIFICATE-----\n" + strings.TrimRight(body, "=") + "\n-----END CERTIFICATE-----\n",
		"PKCS #8 with another label": replace("PRIVATE KEY", "RSA PRIVATE KEY"),
		"a mark in the middle":       replace("-----\n-----BEGIN", "-----\n\ufeff-----BEGIN"),
		"UTF-16 LE":                  string(utf16Text([]byte(plain), binary.LittleEndian, true)),
		"UTF-16 BE":                  string(utf16Text([]byte(plain), binary.BigEndian, true)),
		"UTF-16 LE, no mark":         string(utf16Text([]byte(plain), binary.LittleEndian, false)),
		"UTF-16 BE, no mark":         string(utf16Text([]byte(plain), binary.BigEndian, false)),
		"UTF-16 after UTF-8":         keyPEM + string(utf16Text(block("CERTIFICATE", leaf.Raw), binary.LittleEndian, true)),
		"UTF-8 after UTF-16":         string(utf16Text([]byte(keyPEM), binary.LittleEndian, true)) + string(block("CERTIFICATE", leaf.Raw)),
		"the same key twice":         keyPEM + plain,
		"base64":                     base64.StdEncoding.EncodeToString([]byte(plain)),
	} {
		t.Run(name, func(t *testing.T) { expectCertificate(t, []byte(text), "", leaf) })
	}
}

// An error states the line that is not PEM.
func TestParseReportsTheLine(t *testing.T) {
	key := authtest.Key()
	leaf := authtest.Issue(t, key)
	certificate, keyPEM := string(block("CERTIFICATE", leaf.Raw)), string(authtest.PEM(t, key))
	lines := strings.Count(certificate, "\n")
	for name, test := range map[string]struct{ text, want string }{
		"an unknown label":    {keyPEM + strings.ReplaceAll(certificate, "CERTIFICATE", "CERTIFICATE REQUEST"), `no certificate in it: put both into the file (line 29 begins with "CERTIFICATE REQUEST")`},
		"no END":              {strings.TrimSuffix(certificate, "-----END CERTIFICATE-----\n") + keyPEM, "line 1: BEGIN CERTIFICATE has no END"},
		"no BEGIN":            {strings.TrimPrefix(certificate, "-----BEGIN CERTIFICATE-----\n") + keyPEM, fmt.Sprintf("line %d: END CERTIFICATE has no BEGIN", lines-1)},
		"another END":         {strings.Replace(certificate, "END CERTIFICATE", "END KEY", 1) + keyPEM, "line 1: BEGIN CERTIFICATE has no END"},
		"dashes of an editor": {certificate + strings.ReplaceAll(keyPEM, "-----", "–––––"), fmt.Sprintf("line %d: BEGIN and its label need five hyphens", lines+1)},
		"no dashes":           {certificate + strings.ReplaceAll(keyPEM, "-----", ""), fmt.Sprintf("line %d: BEGIN and its label need five hyphens", lines+1)},
		"quoted in a mail":    {"> " + strings.ReplaceAll(strings.TrimSpace(certificate), "\n", "\n> "), "line 2: invalid base64 in CERTIFICATE"},
		"not base64":          {"#\r\n" + strings.Replace(certificate, "\n", "\r\n%41", 1), "line 3: invalid base64 in CERTIFICATE"},
		"carriage returns":    {"#\r" + strings.ReplaceAll(strings.Replace(certificate, "\n", "\n%41", 1), "\n", "\r"), "line 3: invalid base64 in CERTIFICATE"},
		"a kind of key":       {certificate + string(block("OPENSSH PRIVATE KEY", []byte("x"))), fmt.Sprintf("line %d, OPENSSH PRIVATE KEY", lines+1)},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := auth.ParseCertificate([]byte(test.text), "", time.Now())
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Parse = %v, %v; want an error with %q", got, err, test.want)
			}
		})
	}
}

// Issuers are not needed: those that crypto/x509 cannot read are skipped.
func TestParseSkipsUnreadableIssuers(t *testing.T) {
	key := authtest.Key()
	leaf := authtest.Issue(t, key)
	for name, der := range map[string][]byte{
		"negative serial": negativeSerial(t, authtest.Issue(t, newEC(t))),
		"unknown curve":   unknownCurve(t, authtest.Issue(t, newEC(t))),
		"garbage":         []byte("garbage"),
	} {
		issuer := &x509.Certificate{Raw: der}
		issuerPEM := block("CERTIFICATE", der)
		for format, data := range map[string][]byte{
			"PEM":                 append(authtest.PEM(t, key, leaf), issuerPEM...),
			"PEM, issuer first":   append(issuerPEM, authtest.PEM(t, key, leaf)...),
			"PFX":                 pfx(t, pkcs12.Modern2023, password, key, leaf, issuer),
			"PFX, issuer first":   pfx(t, pkcs12.Modern2023, password, key, issuer, leaf),
			"PFX with RC2":        pfx(t, pkcs12.LegacyRC2, password, key, issuer, leaf),
			"PFX, not encrypted":  withoutMAC(t, pfx(t, pkcs12.Passwordless, "", key, issuer, leaf)),
			"PFX, several issuer": pfx(t, pkcs12.Modern2023, password, key, issuer, leaf, issuer),
		} {
			t.Run(name+" "+format, func(t *testing.T) { expectCertificate(t, data, password, leaf) })
		}
	}
}

// Of several certificates of a key, the one valid now is used, wherever it is.
func TestParseChoosesAmongCertificates(t *testing.T) {
	key := authtest.Key()
	now := time.Now()
	issue := func(from, until time.Duration, changes ...func(*x509.Certificate)) *x509.Certificate {
		return authtest.Issue(t, key, append(changes, func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = now.Add(from), now.Add(until)
		})...)
	}
	isCA := func(c *x509.Certificate) { c.IsCA, c.BasicConstraintsValid = true, true }
	signsCertificates := func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCertSign }
	good := issue(-time.Hour, time.Hour)
	others := map[string]*x509.Certificate{
		"expired":       issue(-3*time.Hour, -time.Hour),
		"not yet valid": issue(time.Hour, 3*time.Hour),
		"of a CA":       issue(-time.Minute, 9*time.Hour, isCA),
		"no signatures": issue(-time.Minute, time.Hour, signsCertificates),
		"older":         issue(-9*time.Hour, 9*time.Hour),
		"of another":    authtest.Issue(t, newEC(t)),
	}
	for name, other := range others {
		for order, certificates := range map[string][]*x509.Certificate{"first": {good, other}, "last": {other, good}} {
			t.Run(name+", good one "+order, func(t *testing.T) {
				expectCertificate(t, authtest.PEM(t, key, certificates...), "", good)
				expectCertificate(t, pfx(t, pkcs12.Modern2023, password, key, certificates[0], certificates[1]), password, good)
			})
		}
	}
	t.Run("only that of a CA", func(t *testing.T) { // as openssl req -x509 writes it
		expectCertificate(t, authtest.PEM(t, key, others["expired"], others["of a CA"]), "", others["of a CA"])
	})
	t.Run("none is good", func(t *testing.T) {
		_, err := auth.ParseCertificate(authtest.PEM(t, key, others["no signatures"], others["expired"]), "", now)
		if err == nil {
			t.Error("accepted")
		}
	})
}

func TestParseEncryptedKeys(t *testing.T) {
	key := authtest.Key()
	leaf := authtest.Issue(t, key)
	for name, function := range map[string]kdf{
		"default": hmacDefault, "SHA-1": hmacSHA1, "SHA-224": hmacSHA224, "SHA-256": hmacSHA256,
		"SHA-384": hmacSHA384, "SHA-512": hmacSHA512,
	} {
		t.Run(name, func(t *testing.T) {
			sealed := sealedPEM(t, key, function)
			expectCertificate(t, join(sealed, block("CERTIFICATE", leaf.Raw)), password, leaf)
			der, _ := pem.Decode(sealed)
			ber := block("ENCRYPTED PRIVATE KEY", toBER(t, der.Bytes))
			expectCertificate(t, join(ber, block("CERTIFICATE", leaf.Raw)), password, leaf)
		})
	}
}

// A PFX is read as vaults, terminals and encoders of other languages write it.
func TestParsePFXVariants(t *testing.T) {
	key := authtest.Key()
	leaf := authtest.Issue(t, key)
	vault := pfx(t, pkcs12.Passwordless, "", key, leaf)
	modern := pfx(t, pkcs12.Modern2023, password, key, leaf)
	legacy := pfx(t, pkcs12.LegacyRC2, password, key, leaf)
	text := base64.StdEncoding.EncodeToString(vault)
	for name, test := range map[string]struct {
		data     []byte
		password string
	}{
		"base64":                        {[]byte(text), ""},
		"base64 with a password":        {[]byte(text), password},
		"base64 in quotes":              {[]byte(`"` + text + "\"\n"), ""},
		"base64 in lines":               {[]byte(text[:64] + "\r\n" + text[64:] + "\r\n"), ""},
		"base64 twice":                  {[]byte(base64.StdEncoding.EncodeToString([]byte(text))), ""},
		"base64 in UTF-16":              {utf16Text([]byte(text), binary.LittleEndian, true), ""},
		"a line end after it":           {append(bytes.Clone(modern), '\n'), password},
		"two line ends after it":        {append(bytes.Clone(modern), "\r\n\r\n"...), password},
		"no MAC":                        {withoutMAC(t, vault), ""},
		"no MAC, a password not needed": {withoutMAC(t, vault), password},
		"no MAC, encrypted":             {withoutMAC(t, modern), password},
		"no MAC, encrypted with RC2":    {withoutMAC(t, legacy), password},
		"no MAC, an empty password":     {withoutMAC(t, pfx(t, pkcs12.LegacyDES, "", key, leaf)), ""},
		"certutil -encode":              {block("CERTIFICATE", modern), password},
		"BER":                           {toBER(t, modern), password},
		"BER with RC2":                  {toBER(t, legacy), password},
		"BER with PBMAC1":               {toBER(t, pfx(t, pkcs12.Modern2026, password, key, leaf)), password},
		"BER with BER in it":            {innerBER(t, modern), password},
		"BER in base64 with a line end": {[]byte(base64.StdEncoding.EncodeToString(toBER(t, modern)) + "\n"), password},
	} {
		t.Run(name, func(t *testing.T) { expectCertificate(t, test.data, test.password, leaf) })
	}
	t.Run("no MAC, a wrong password", func(t *testing.T) {
		for _, data := range [][]byte{modern, legacy} {
			for _, wrong := range []string{"", "wrong", "\U0001F600"} {
				_, err := auth.ParseCertificate(withoutMAC(t, data), wrong, time.Now())
				want := "the password is wrong"
				if wrong == "" {
					want = "a password is needed"
				}
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%q: error %v, want that of a wrong password", wrong, err)
				}
			}
		}
	})
}

// TestParseOpenSSLOutput reads files written by openssl. Only this test covers passwords with characters beyond the first 65,536.
func TestParseOpenSSLOutput(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed")
	}
	key := authtest.Key()
	leaf := authtest.Issue(t, key)
	dir := t.TempDir()
	both := filepath.Join(dir, "both.pem")
	if err := os.WriteFile(both, authtest.PEM(t, key, leaf), 0o600); err != nil {
		t.Fatal(err)
	}
	leafPEM := block("CERTIFICATE", leaf.Raw)
	const emoji = "grüße\U0001F600"
	for _, arguments := range []string{
		"pkcs8 -topk8 -v2 aes-128-cbc", "pkcs8 -topk8 -v2 aes-192-cbc -v2prf hmacWithSHA512", "pkcs8 -topk8 -v2 des3",
		"pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA224", "pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA384",
		"pkcs8 -topk8 -v1 PBE-SHA1-3DES", "pkcs8 -topk8 -provider default -provider legacy -v1 PBE-SHA1-RC2-40",
		"pkcs8 -topk8 -provider default -provider legacy -v1 PBE-SHA1-RC2-128",
		"pkcs12 -export", "pkcs12 -export -legacy", "pkcs12 -export -nomac", "pkcs12 -export -macalg sha384",
		"pkcs12 -export -macalg sha224", "pkcs12 -export -keypbe NONE -certpbe NONE", "pkcs12 -export -nomac -keypbe NONE -certpbe NONE",
		"pkcs12 -export -keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES", "pkcs12 -export -keypbe des-ede3-cbc -certpbe aes-128-cbc",
		"pkcs12 -export -name friendly -CSP provider",
	} {
		for _, password := range []string{password, emoji} {
			t.Run(arguments+" "+password, func(t *testing.T) {
				command := exec.Command(openssl, append(strings.Fields(arguments), "-in", both, "-passout", "pass:"+password)...)
				command.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
				var stderr bytes.Buffer
				command.Stderr = &stderr
				data, err := command.Output()
				if err != nil {
					t.Skipf("this openssl does not write it: %v\n%s", err, &stderr)
				}
				if strings.HasPrefix(arguments, "pkcs8") {
					data = append(data, leafPEM...)
				}
				expectCertificate(t, data, password, leaf)
			})
		}
	}
}
