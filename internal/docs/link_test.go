package docs

import (
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var link = regexp.MustCompile(`\[[^\]]*\]\(([^)\s]+)\)`)

// TestLinks: what a relative link leads to is there, its heading included.
func TestLinks(t *testing.T) {
	all := documents(t)
	followed := 0
	for _, d := range all {
		for i, line := range d.prose {
			for _, match := range link.FindAllStringSubmatch(span.ReplaceAllString(line, ""), -1) {
				followed++
				if err := follow(all, d, match[1]); err != nil {
					t.Errorf("%s:%d: %v", d.name, i+1, err)
				}
			}
		}
	}
	if followed == 0 {
		t.Error("the documents have no links")
	}
}

func follow(all []document, from document, target string) error {
	u, err := url.Parse(target)
	if err != nil || u.IsAbs() { // the network is not asked
		return err
	}
	to := from.name
	if u.Path != "" {
		to = path.Join(path.Dir(from.name), u.Path)
		if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(to))); err != nil {
			return fmt.Errorf("the link to %s leads nowhere", target)
		}
	}
	i := slices.IndexFunc(all, func(d document) bool { return d.name == to })
	if u.Fragment != "" && (i < 0 || !slices.Contains(all[i].anchors(), u.Fragment)) {
		return fmt.Errorf("%s has no heading #%s", to, u.Fragment)
	}
	return nil
}

var heading = regexp.MustCompile(`^#{1,6} (.*)$`)

// anchors returns what a link can name of the headings, as GitHub makes it.
func (d document) anchors() (anchors []string) {
	seen := make(map[string]int)
	for _, line := range d.prose {
		match := heading.FindStringSubmatch(line)
		if match == nil {
			continue
		}
		text := regexp.MustCompile(`[^\p{L}\p{N}_\- ]`).ReplaceAllString(strings.ToLower(match[1]), "")
		anchor := strings.ReplaceAll(text, " ", "-")
		if n := seen[anchor]; n > 0 {
			anchors = append(anchors, fmt.Sprintf("%s-%d", anchor, n))
		} else {
			anchors = append(anchors, anchor)
		}
		seen[anchor]++
	}
	return anchors
}
