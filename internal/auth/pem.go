package auth

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var (
	// marker is a BEGIN or END with its label and one hyphen on each side: if files were joined without a line
	// end, the hyphens of two of them meet.
	marker = regexp.MustCompile(`(?i)-[ \t]*(BEGIN|END)[ \t]+([A-Z0-9][A-Z0-9 .#/_]*?)[ \t]*-`)
	// beginning matches a BEGIN line even if its hyphens are damaged.
	beginning = regexp.MustCompile(`(?i)BEGIN[ \t]+[A-Z0-9 .]*(CERTIFICATE|KEY)`)
	header    = regexp.MustCompile(`(?m)^[ \t]*[A-Za-z][A-Za-z0-9-]*:.*$`)
	// spaces include line ends as JSON and environment variables spell them.
	spaces   = regexp.MustCompile(`[\s\v\x{85}\pZ]+|\\[rn]`)
	lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")
)

// isPEM reports whether text is meant to be PEM.
func isPEM(text []byte) bool { return marker.Match(text) || beginning.Match(text) }

// readPEM returns the private key and the certificates of PEM (RFC 7468). Other text may surround its blocks, and
// they may be indented, on a single line, or joined without line ends.
func readPEM(data []byte, password string) (found contents, err error) {
	text := lineEnds.Replace(string(data))
	blocks, err := splitPEM(text)
	if err != nil {
		return found, cmp.Or(damagedBegin(text), err)
	}
	if len(blocks) == 1 {
		// certutil -encode writes any file as a CERTIFICATE
		if pfx, err := readPFX(blocks[0].der, password); !errors.Is(err, errUnknownFormat) && !errors.Is(err, errNoKey) {
			return pfx, err
		}
	}
	var others []string
	d := newDecrypter(password)
	for _, b := range blocks {
		switch {
		case strings.HasSuffix(b.label, "PRIVATE KEY"):
			if err := found.addKey(b.key(d)); err != nil {
				return found, err
			}
		case slices.Contains([]string{"CERTIFICATE", "X509 CERTIFICATE", "X.509 CERTIFICATE", "TRUSTED CERTIFICATE"}, b.label):
			found.addCertificate(b.der, fmt.Sprintf("the certificate in line %d", b.line))
		case b.label != "EC PARAMETERS":
			others = append(others, fmt.Sprintf("line %d begins with %q", b.line, b.label))
		}
	}
	if err = found.check(); err == nil {
		return found, nil
	}
	if len(others) > 0 {
		const most = 3
		err = fmt.Errorf("%w (%s)", err, strings.Join(others[:min(len(others), most)], ", "))
	}
	return found, cmp.Or(damagedBegin(text), err)
}

// block is a part of a PEM file.
type block struct {
	label string
	line  int // of its BEGIN
	der   []byte
	// isLegacy is true if its headers encrypt it, in a way that PKCS #8 replaced.
	isLegacy bool
}

// splitPEM returns the blocks of a text.
func splitPEM(text string) (blocks []block, err error) {
	marks := marker.FindAllStringSubmatchIndex(text, -1)
	part := func(mark []int, group int) string { return strings.ToUpper(text[mark[2*group]:mark[2*group+1]]) }
	line, counted := 1, 0
	for ; len(marks) > 0; marks = marks[2:] {
		begin, label := marks[0], part(marks[0], 2)
		line += strings.Count(text[counted:begin[0]], "\n")
		counted = begin[0]
		if part(begin, 1) != "BEGIN" {
			return nil, fmt.Errorf("line %d: END %s has no BEGIN before it: is the file complete?", line, label)
		}
		if len(marks) < 2 || part(marks[1], 1) != "END" || part(marks[1], 2) != label {
			return nil, fmt.Errorf("line %d: BEGIN %s has no END after it: is the file complete?", line, label)
		}
		start := begin[1]
		for text[start] == '-' {
			start++ // the hyphens of END stop it
		}
		body := strings.TrimRight(text[start:max(start, marks[1][0])], "-")
		b := block{label: label, line: line}
		b.isLegacy = strings.Contains(body, "DEK-Info:") || strings.Contains(body, "Proc-Type:")
		b.der, err = decodeBase64(header.ReplaceAllStringFunc(body, blank))
		if invalid, ok := errors.AsType[base64.CorruptInputError](err); ok && !b.isLegacy {
			return nil, fmt.Errorf("line %d: invalid base64 in %s: save the file again as plain text",
				line+strings.Count(text[counted:start+int(invalid)], "\n"), label)
		}
		blocks = append(blocks, b)
	}
	return blocks, nil
}

// damagedBegin reports the first line that has a BEGIN without its hyphens; nil if there is none.
func damagedBegin(text string) error {
	intact := make(map[int]bool)
	for _, mark := range marker.FindAllStringSubmatchIndex(text, -1) {
		intact[mark[2]] = true
	}
	for _, match := range beginning.FindAllStringIndex(text, -1) {
		if !intact[match[0]] {
			return fmt.Errorf("line %d: BEGIN and its label need five hyphens on each side", 1+strings.Count(text[:match[0]], "\n"))
		}
	}
	return nil
}

// decodeBase64 decodes base64 with any white space, and with or without padding. Its error is a
// base64.CorruptInputError, the offset of the first invalid character.
func decodeBase64(text string) ([]byte, error) {
	text = spaces.ReplaceAllStringFunc(text, blank) // encoding/base64 skips only line ends
	return base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "=\n"))
}

// blank returns as many line ends, so that offsets stay the same.
func blank(text string) string { return strings.Repeat("\n", len(text)) }
