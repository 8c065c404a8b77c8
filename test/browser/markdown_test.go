package browser

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"

	"github.com/d365backup/d365backup/health"
	"github.com/d365backup/d365backup/internal/report"
)

// TestMarkdownIsInert renders reports with hostile names as the most generous renderer would: with links for whatever looks
// like one, and with the HTML in the text. No name may become a link, an element, or a reference that GitHub makes out of the
// text that was rendered.
func TestMarkdownIsInert(t *testing.T) {
	renderer := goldmark.New(
		goldmark.WithExtensions(extension.GFM, extension.Footnote, extension.DefinitionList, extension.NewLinkify(
			extension.WithLinkifyURLRegexp(regexp.MustCompile(`^[a-z]+://\S+|^www\.\S+|^\w+\.(com|example)`)))),
		goldmark.WithRendererOptions(html.WithUnsafe()),
	)
	for _, name := range []string{
		"a@evil.example", "www.evil.example", "http://evil.example", "evil.com", "@user", "#12", "GH-12", "user/repo#1", "[x](http://evil.example)",
		"![x](http://evil.example)", "<a href=//evil.example>x</a>", "<script>alert(1)</script>", "</code><img src=x>", "`c` <b>", "``", "a|b|c", `a\`, `\|b`, "**b**", "_i_",
		"~~s~~", "# h", "1. l", "- l", "> q", "---", "```", "[^1]", "[^1]: x", "x\n\n# h", "&lt;b&gt;", "a\n: definition", "deadbeefdeadbeef",
		"Fabrikam http://evil.example, www.evil.example and a@evil.example",
	} {
		var markdown, page, plain strings.Builder
		for _, one := range []struct {
			name string
			to   *strings.Builder
		}{{name, &page}, {"harmless", &plain}} {
			r := report.Report{Now: anchor, Version: one.name, Tenants: []report.Tenant{
				{Profile: one.name, Address: one.name, Operation: one.name, Err: errors.New(one.name)},
				{Profile: one.name, Summary: hostileSummary(one.name)},
			}}
			markdown.Reset()
			if err := errors.Join(r.Write(&markdown, report.Markdown), renderer.Convert([]byte(markdown.String()), one.to)); err != nil {
				t.Fatal(err)
			}
		}
		if got, want := elements(page.String()), elements(plain.String()); got != want {
			t.Errorf("%q: the elements are\n%s\nwant\n%s", name, got, want)
		}
		text := regexp.MustCompile(`(?s)<(code|pre)[^>]*>.*?</(code|pre)>`).ReplaceAllString(page.String(), "")
		if found := regexp.MustCompile(`<a\b|@\w|#\d|GH-\d|\b[0-9a-f]{7,}\b`).FindString(text); found != "" {
			t.Errorf("%q: %q is not in code", name, found)
		}
	}
}

// elements returns the tags of a page, without code and its text.
func elements(page string) string {
	page = regexp.MustCompile(` id="[^"]*"`).ReplaceAllString(page, "")
	var all []string
	for _, tag := range regexp.MustCompile(`<[^>]*>`).FindAllString(page, -1) {
		if tag != "<code>" && tag != "</code>" {
			all = append(all, tag)
		}
	}
	return strings.Join(all, "\n")
}

// hostileSummary has a name in every place for text of the service.
func hostileSummary(name string) health.Summary {
	m := health.Module{
		Name: name, State: health.Warning, Reason: name, FirstSeen: anchor.AddDate(0, 0, -1), Age: -1,
		Problems: []health.Backup{{JobID: name, Start: anchor, Status: name}}, Gaps: []health.Gap{{Start: anchor.AddDate(0, 0, -1), End: anchor}},
	}
	return health.Summary{
		State: health.Warning, Reason: name, Incomplete: name, Start: anchor.AddDate(0, 0, -2), WindowStart: anchor.AddDate(0, 0, -2), At: anchor,
		Organizations: []health.Organization{{ID: name, Name: name, FormerNames: []string{name}, Modules: []health.Module{m, m}}, {Name: name}},
	}
}
