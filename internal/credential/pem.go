package credential

import (
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

var (
	// marker is a BEGIN or END with its label and one hyphen on each side: where files were joined
	// without a line end, the hyphens of two of them meet.
	marker = regexp.MustCompile(`(?i)-[ \t]*(BEGIN|END)[ \t]+([A-Z0-9][A-Z0-9 .#/_]*?)[ \t]*-`)
	// beginning is what a BEGIN line still has if its hyphens are damaged.
	beginning = regexp.MustCompile(`(?i)BEGIN[ \t]+[A-Z0-9 .]*(CERTIFICATE|KEY)`)
	header    = regexp.MustCompile(`(?m)^[ \t]*[A-Za-z][A-Za-z0-9-]*:.*$`)
	lineEnds  = strings.NewReplacer("\r\n", "\n", "\r", "\n")
	// escapes are line ends as JSON and variables of the environment spell them; blanks keep the offsets.
	escapes = strings.NewReplacer(`\r`, "  ", `\n`, "  ")
)

// block is a part of a PEM file.
type block struct {
	label string
	line  int // of its BEGIN
	// isLegacy says that its headers encrypt it, in a way that PKCS #8 replaced.
	isLegacy bool
	der      []byte
}

// isPEM reports whether text is meant to be PEM.
func isPEM(text []byte) bool { return marker.Match(text) || beginning.Match(text) }

// readPEM returns the private key and the certificates of PEM (RFC 7468). There may be text around its blocks,
// and none of their lines needs to be one: they may be indented, on a single line, or joined without line
// ends.
func readPEM(data []byte, password string) (found contents, err error) {
	text := lineEnds.Replace(string(data))
	blocks, err := splitPEM(text)
	if len(blocks) == 1 {
		// certutil -encode writes any file as a CERTIFICATE
		if pfx, err := readPFX(blocks[0].der, password); !errors.Is(err, errUnknownFormat) && !errors.Is(err, errNoKey) {
			return pfx, err
		}
	}
	if err == nil {
		found, err = unpackPEM(blocks, newOpener(password))
	}
	_, isSplitError := errors.AsType[splitError](err)
	if isSplitError || errors.Is(err, errNoKey) || errors.Is(err, errNoCertificate) {
		if line := damagedBegin(text); line > 0 {
			err = fmt.Errorf("line %d: BEGIN and its label need five hyphens on each side", line)
		}
	}
	return found, err
}

func unpackPEM(blocks []block, o *opener) (found contents, err error) {
	var others []string
	for _, b := range blocks {
		switch {
		case strings.HasSuffix(b.label, "PRIVATE KEY"):
			key, err := b.key(o)
			if err == nil {
				err = found.addKey(key)
			}
			if err != nil {
				return found, err
			}
		case slices.Contains([]string{"CERTIFICATE", "X509 CERTIFICATE", "X.509 CERTIFICATE", "TRUSTED CERTIFICATE"}, b.label):
			found.add(b.der, b.line)
		case b.label != "EC PARAMETERS":
			others = append(others, fmt.Sprintf("line %d begins with %q", b.line, b.label))
		}
	}
	switch {
	case found.key == nil:
		err = errNoKey
	case len(found.certificates) == 0:
		err = errNoCertificate
	}
	if err != nil && len(others) > 0 {
		const most = 3
		err = fmt.Errorf("%w (%s)", err, strings.Join(others[:min(len(others), most)], ", "))
	}
	return found, err
}

// splitError says where text is not PEM.
type splitError struct {
	line    int
	message string
}

func (e splitError) Error() string { return fmt.Sprintf("line %d: %s", e.line, e.message) }

// splitPEM returns the blocks of a text. Its errors are splitErrors.
func splitPEM(text string) (blocks []block, err error) {
	marks := marker.FindAllStringSubmatchIndex(text, -1)
	part := func(mark []int, group int) string { return strings.ToUpper(text[mark[2*group]:mark[2*group+1]]) }
	line, counted := 1, 0
	for ; len(marks) > 0; marks = marks[2:] {
		begin, label := marks[0], part(marks[0], 2)
		line += strings.Count(text[counted:begin[0]], "\n")
		counted = begin[0]
		if part(begin, 1) != "BEGIN" {
			return nil, splitError{line, "END " + label + " has no BEGIN before it: is the file complete?"}
		}
		if len(marks) < 2 || part(marks[1], 1) != "END" || part(marks[1], 2) != label {
			return nil, splitError{line, "BEGIN " + label + " has no END after it: is the file complete?"}
		}
		start := begin[1]
		for text[start] == '-' {
			start++ // the hyphens of END stop it
		}
		body := strings.TrimRight(text[start:max(start, marks[1][0])], "-")
		b := block{label: label, line: line}
		b.isLegacy = strings.Contains(body, "DEK-Info:") || strings.Contains(body, "Proc-Type:")
		var wrong int
		if b.der, wrong = decodeBase64(header.ReplaceAllStringFunc(body, blank)); wrong >= 0 && !b.isLegacy {
			return nil, splitError{line + strings.Count(text[counted:start+wrong], "\n"),
				"this is not base64, of which " + label + " consists: save the file again as plain text"}
		}
		blocks = append(blocks, b)
	}
	return blocks, nil
}

// blank returns as many blanks.
func blank(text string) string { return strings.Repeat(" ", len(text)) }

// damagedBegin returns the first line that has a BEGIN without its hyphens; 0 if there is none.
func damagedBegin(text string) int {
	whole := make(map[int]bool)
	for _, mark := range marker.FindAllStringSubmatchIndex(text, -1) {
		whole[mark[2]] = true
	}
	for _, match := range beginning.FindAllStringIndex(text, -1) {
		if !whole[match[0]] {
			return 1 + strings.Count(text[:match[0]], "\n")
		}
	}
	return 0
}

// decodeBase64 decodes base64 with any line ends, and with or without padding. It returns the offset of the first
// character that does not belong there; -1 if there is none.
func decodeBase64(text string) (data []byte, wrong int) {
	text = escapes.Replace(text)
	digits := make([]byte, 0, len(text))
	padded := false
	for i, r := range text {
		switch {
		case unicode.IsSpace(r):
		case r == '=':
			padded = true
		case padded, r >= 0x80, !isBase64Digit(byte(r)):
			return nil, i
		default:
			digits = append(digits, byte(r))
		}
	}
	data, err := base64.RawStdEncoding.DecodeString(string(digits))
	if err != nil {
		return nil, len(text)
	}
	return data, -1
}

func isBase64Digit(b byte) bool {
	return b >= 'A' && b <= 'Z' || b >= 'a' && b <= 'z' || b >= '0' && b <= '9' || b == '+' || b == '/'
}
