package report

import (
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/d365backup/d365backup/health"
	"github.com/d365backup/d365backup/internal/human"
)

// hostileNames are taken by some renderer for something else than a name.
var hostileNames = []string{
	hostile, "a@evil.example", "www.evil.example", "http://evil.example", "evil.com", "ftp://x", "@user", "@org/team", "#12", "GH-12", "user/repo#1",
	"deadbeefdeadbeef", "d34db33f", "1234567", "[x](y)", "![x](y)", "<a href=x>", "</code>", "&lt;b&gt;", "&amp;", "**b**", "__b__", "_i_", "~~s~~", "`c`", "``",
	"a|b", `a\`, `\|`, "$x$", ":smile:", "=1+1", "# h", "- l", "1. l", "+ l", "> q", "---", "***", "```", "~~~", "| a | b |", "[^1]", "[[wiki]]", "==h==",
	"x^2^", "{{.}}", "{% x %}", "<!-- c -->", "%3Cscript%3E", "javascript:alert(1)", "' onclick=x ", `" onclick="x`, "{color:red}", "\u202eevil", "\x00", "\x1b]8;;x\a",
}

// attack returns a report in which everything that comes from outside is a text.
func attack(s string) *Report {
	m := module(s, health.Warning, "says "+s, "x#.")
	m.Problems[0].JobID, m.Problems[0].Status = s, s
	sum := summary(2, organization(s, s, m, module(s, health.OK, s, "#")), organization(s, s))
	sum.Reason, sum.Incomplete, sum.TimeZone = s, s, s
	sum.Organizations[0].FormerNames = []string{s, s}
	return &Report{
		Tenants: []Tenant{{Profile: s, Address: s, Operation: s, Summary: sum}, {Profile: s, Err: errText(s)}}, Version: s, Now: now,
	}
}

type errText string

func (e errText) Error() string { return string(e) }

var tag = regexp.MustCompile(`<[^\s>]*`)

// htmlShape returns the tags of a page.
func htmlShape(page string) []string { return tag.FindAllString(page, -1) }

var code = regexp.MustCompile("`[^`]*`")

// markdownShape returns what Markdown gets its structure from: of each line the beginning, and the bars between cells.
func markdownShape(page string) (shape []string) {
	for line := range strings.Lines(page) {
		line = code.ReplaceAllString(line, "c")
		shape = append(shape, regexp.MustCompile(`^(#+ |\|[ :-]*|\*\*|([#>*+\s-]|\d+[.)])*)`).FindString(line)+strings.Repeat("|", strings.Count(line, "|")))
	}
	return shape
}

// risky matches what must not be outside of code: characters of Markdown, HTML, links, mentions and emoji within a word, and
// what may be the hash of a commit.
var risky = regexp.MustCompile("[`\\\\<>\\[\\]{}@#_*~|&$^=+!/\"]|\\pL[.:][^\\s),;:.]|\\S:\\pL|[0-9a-fA-F]{7,}")

func checkMarkdown(t *testing.T, s string) {
	t.Helper()
	escaped := escapeMarkdown(s)
	if found := risky.FindString(code.ReplaceAllString(escaped, "c")); found != "" {
		t.Errorf("%q becomes %q, which has %q outside of code", s, escaped, found)
	}
	if strings.Contains(escaped, "|") || strings.Count(escaped, "`")%2 != 0 {
		t.Errorf("%q becomes %q", s, escaped)
	}
}

func checkShape(t *testing.T, s string) {
	t.Helper()
	if human.Clip(s, maxName) == "" {
		return // an empty name has no facts
	}
	page, markdown := written(t, attack(s), HTML), written(t, attack(s), Markdown)
	if diff := cmp.Diff(harmlessHTML(), htmlShape(page)); diff != "" {
		t.Errorf("%q changes the structure of the page:\n%s", s, diff)
	}
	if diff := cmp.Diff(harmlessMarkdown(), markdownShape(markdown)); diff != "" {
		t.Errorf("%q changes the structure of the Markdown:\n%s", s, diff)
	}
	for _, text := range []string{page, markdown, written(t, attack(s), Table), written(t, attack(s), JSON)} {
		if strings.ContainsAny(text, "\u202e\x1b\x00\u200b\u2028") {
			t.Errorf("%q leaves control characters in %.200s", s, text)
		}
	}
}

var (
	harmlessHTML     = sync.OnceValue(func() []string { return htmlShape(harmless(HTML)) })
	harmlessMarkdown = sync.OnceValue(func() []string { return markdownShape(harmless(Markdown)) })
)

func harmless(format Format) string {
	var b strings.Builder
	_ = attack("harmless").Write(&b, format)
	return b.String()
}

func TestHostileNames(t *testing.T) {
	for _, name := range hostileNames {
		checkMarkdown(t, name)
		checkShape(t, name)
	}
}

func FuzzMarkdown(f *testing.F) {
	for _, name := range hostileNames {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, s string) { checkMarkdown(t, human.Clip(s, maxReason)) })
}

func FuzzReport(f *testing.F) {
	for _, name := range hostileNames {
		f.Add(name)
	}
	f.Fuzz(checkShape)
}

// TestMarkdownKeepsProse: ordinary names and sentences stay as they are.
func TestMarkdownKeepsProse(t *testing.T) {
	for _, s := range []string{
		"Contoso, Ltd.", "Müller-Lüdenscheidt", "O'Brien", "営業部", "Finance has had no successful backup for 31 days; Sales failed (3 of 1,000).",
		"2026-11-20 03:00", "1d 12h", "99.9%", "Fabrikam · Unified Operations", "–",
	} {
		if got := escapeMarkdown(s); got != s {
			t.Errorf("%q becomes %q", s, got)
		}
	}
	if got, want := escapeMarkdown("Mail a@evil.example | `x`"), "Mail `a@evil.example` `¦` `'x'`"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestHTMLIsInert looks for whatever could run or load something.
func TestHTMLIsInert(t *testing.T) {
	for _, r := range []*Report{contoso(sample()), several(), year(0), attack(hostile)} {
		page := written(t, r, HTML)
		for _, pattern := range []string{
			`(?i)<script`, `(?i)<(img|link|iframe|object|embed|form|base|audio|video|image|foreignObject)\b`, `(?i)<[^>]*\son\w+=`, `(?i)<[^>]*\bsrc=`,
			`(?i)href="[^#]`, `(?i)url\(`, `@import`, `(?i)javascript:`, "\x1b", "\u202e", `ZgotmplZ`,
		} {
			if found := regexp.MustCompile(pattern).FindString(page); found != "" {
				t.Errorf("the page has %q", found)
			}
		}
		if !strings.Contains(page, `content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"`) {
			t.Error("the page has no policy")
		}
	}
	if !strings.Contains(written(t, contoso(sample()), HTML), "&lt;script&gt;alert(1)") {
		t.Error("the hostile name is not shown as it is")
	}
}
