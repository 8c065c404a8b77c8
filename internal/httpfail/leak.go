package httpfail

import (
	"encoding/json"
	"html"
	"iter"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// pieceSize is the number of consecutive bytes of a secret that must not be shown. A shorter secret is one piece.
const pieceSize = 8

// Leaks reports whether text contains a piece of a secret: as it is, or escaped as in JSON, in a URL or in HTML, or with
// characters in between that are not displayed.
func Leaks(text []byte, secrets ...string) bool {
	pieces := make(map[string]bool)
	sizes := make(map[int]bool)
	for _, secret := range secrets {
		for _, form := range formsOf(secret) {
			size := min(len(form), pieceSize)
			sizes[size] = true
			for piece := range windows(form, size) {
				pieces[piece] = true
			}
		}
	}
	for _, form := range formsOf(string(text)) {
		for size := range sizes {
			for piece := range windows(form, size) {
				if pieces[piece] {
					return true
				}
			}
		}
	}
	return false
}

// windows returns all parts of this size, which may be 0 for none.
func windows(text string, size int) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := 0; size > 0 && i+size <= len(text) && yield(text[i:i+size]); i++ {
		}
	}
}

var (
	percentEscape = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)
	jsonEscape    = regexp.MustCompile(`(?:\\u[0-9A-Fa-f]{4})+|\\.`)
)

// unescapers resolve one kind of escape each.
var unescapers = []func(string) string{
	func(text string) string { return jsonEscape.ReplaceAllStringFunc(text, unquote) },
	html.UnescapeString,
	func(text string) string {
		return percentEscape.ReplaceAllStringFunc(text, func(escape string) string {
			character, _ := url.PathUnescape(escape)
			return character
		})
	},
}

// formsOf returns a text as it is and after each step of at most three rounds of unescaping, without characters that are
// not displayed. A secret may look escaped, too: the same steps then apply to it.
func formsOf(text string) []string {
	forms := []string{text}
	if shown := displayed(text); shown != text {
		forms = append(forms, shown)
	}
	if !strings.ContainsAny(text, `\&%`) {
		return forms
	}
	for range 3 {
		for _, unescape := range unescapers {
			if unescaped := unescape(text); unescaped != text {
				text = unescaped
				forms = append(forms, displayed(text))
			}
		}
	}
	return forms
}

func displayed(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case isHidden(r):
			return -1
		case r == '+': // in a form
			return ' '
		}
		return r
	}, text)
}

// unquote returns the characters that JSON escapes stand for.
func unquote(escape string) string {
	var text string
	if json.Unmarshal([]byte(`"`+escape+`"`), &text) == nil {
		return text
	}
	return escape[1:]
}

// isHidden reports whether a character is left out of what is displayed.
func isHidden(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) || r == utf8.RuneError
}

// Clean returns at most limit bytes of text on one line, without characters that control a terminal.
func Clean(text string, limit int) string {
	text = text[:min(len(text), 4*limit)] // enough to fill limit after removal
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			r = ' '
		case isHidden(r):
			continue
		}
		if b.Len()+utf8.RuneLen(r) > limit {
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}

// Excerpt returns the beginning of a body; nothing if the body repeats a piece of a secret.
func Excerpt(body []byte, secrets ...string) string {
	if Leaks(body, secrets...) {
		return ""
	}
	return Clean(string(body), MaxExcerpt)
}
