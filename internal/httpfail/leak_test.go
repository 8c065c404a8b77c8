package httpfail_test

import (
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strings"
	"testing"

	"github.com/d365backup/d365backup/internal/httpfail"
)

const secret = "ab+cd/ef=gh%41\\ij\"é~Ω😀&<"

func TestLeaks(t *testing.T) {
	escaped := func(format string) string {
		var b strings.Builder
		for _, c := range []byte("abcdefgh-secret") {
			fmt.Fprintf(&b, format, c)
		}
		return b.String()
	}
	quoted, _ := json.Marshal(secret)
	for name, tt := range map[string]struct {
		text, secret string
		want         bool
	}{
		"nothing":               {"", secret, false},
		"no secret":             {"text", "", false},
		"other text":            {"the request is refused", secret, false},
		"plain":                 {"x" + secret + "y", secret, true},
		"eight characters":      {"x cdefghij y", "abcdefghijkl", true},
		"seven characters":      {"x cdefghi y", "abcdefghijkl", false},
		"a short secret":        {"x abc y", "abc", true},
		"a part of a short one": {"x ab y", "abc", false},
		"JSON":                  {string(quoted), secret, true},
		"JSON, all escaped":     {escaped(`\u%04x`), "abcdefgh-secret", true},
		"percent":               {url.QueryEscape(secret), secret, true},
		"percent, path":         {url.PathEscape(secret), secret, true},
		"percent, all escaped":  {escaped(`%%%02x`), "abcdefgh-secret", true},
		"percent, twice":        {url.QueryEscape(url.QueryEscape(secret)), secret, true},
		"form within JSON":      {`{"body":"client_secret=` + url.QueryEscape("a/b c+d\\e&f") + `"}`, "a/b c+d\\e&f", true},
		"HTML":                  {html.EscapeString(secret), secret, true},
		"HTML, all escaped":     {escaped("&#x%x;"), "abcdefgh-secret", true},
		"zero width":            {"abcd\u200befgh-secret", "abcdefgh-secret", true},
		"control characters":    {strings.Join(strings.Split("abcdefgh-secret", ""), "\x01"), "abcdefgh-secret", true},
		"invalid escapes":       {`%zz \u00 \ % abcdefgh-secret`, "abcdefgh-secret", true},
		"300 KB":                {strings.Repeat("0123456789", 30_000), "x" + strings.Repeat("+/=a1", 60_000), false},
	} {
		if got := httpfail.Leaks([]byte(tt.text), "", tt.secret); got != tt.want {
			t.Errorf("%s: got %t", name, got)
		}
	}
}

// FuzzLeaks hides a piece of a secret in any text, with any kind of escaping.
func FuzzLeaks(f *testing.F) {
	f.Add("canary+token/of==", "before ", " after", 0, uint8(0))
	f.Add("sécret-\u00e9\u200b-of-it", `{"message":"`, `"}`, 3, uint8(1))
	f.Add(`a\b%41"c&d+e/f`, "%", "\\", 2, uint8(2))
	f.Fuzz(func(t *testing.T, secret, before, after string, from int, form uint8) {
		if len(secret) < 8 || strings.ToValidUTF8(secret, "") != secret {
			return
		}
		if httpfail.Clean(secret, len(secret)) != secret {
			return // no secret has characters that are not displayed
		}
		piece := secret
		switch quoted, _ := json.Marshal(secret); form % 4 {
		case 1:
			piece = string(quoted[1 : len(quoted)-1])
		case 2:
			piece = url.QueryEscape(secret)
		case 3:
			at := int(uint(from) % uint(len(secret)-7))
			piece = secret[at : at+8]
		}
		if form%4 == 3 {
			before, after = before+" ", " "+after // the surrounding text must not form an escape with the piece
		}
		if !httpfail.Leaks([]byte(before+piece+after), secret) && form%4 == 3 {
			t.Errorf("%q in %q", piece, before+piece+after)
		}
		if form%4 < 3 && !httpfail.Leaks([]byte(piece), secret) {
			t.Errorf("%q of %q", piece, secret)
		}
	})
}
