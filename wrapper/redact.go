package d365backup

import (
	"fmt"
	"regexp"
	"strings"
)

// echoOf matches the token in an answer that repeats it, also as servers write it in JSON, in a URL and
// in HTML: they escape +, / and = there, each in its own way. It does not find what a server hides
// on purpose, which could tell the token to whom it likes.
func echoOf(token string) *regexp.Regexp {
	var pattern strings.Builder
	for _, c := range []byte(token) {
		literal := regexp.QuoteMeta(string(rune(c)))
		if isUnreserved(c) {
			pattern.WriteString(literal)
			continue
		}
		fmt.Fprintf(&pattern, `(?:%[1]s|\\%[1]s|(?i:\\u00%02[2]x|%%%02[2]x|&#x%[2]x;|&#%[2]d;))`, literal, c)
	}
	return regexp.MustCompile(pattern.String())
}

// isUnreserved tells whether c stands for itself in every syntax (RFC 3986, section 2.3).
func isUnreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0
}

const (
	redacted = "[token]"
	// maxEscape is the most bytes that echoOf takes for one of the token.
	maxEscape = len(`\u002B`)
)
