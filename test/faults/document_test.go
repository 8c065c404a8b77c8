package faults_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the document anew")

const (
	document = "../../docs/reliability.md"
	preface  = `# Reliability

Networks fail, and so do servers. This says what the client does then: which faults it gets over by itself,
which error a program sees of the others, and after how many attempts. Every outcome was measured by
` + "`cd test/faults && go test .`" + `, which fails where one differs; ` + "`-args -update`" + ` rewrites this
document.

The client had its defaults (four attempts, four pages ahead) but for short waits, pages of %d jobs, and at most
1 MiB an answer; where a fault takes time, an attempt ended after half a second, or after two if it passes. A *page* is one call of
` + "`Page`" + ` whose requests for it meet the fault. A *sweep* is a loop over ` + "`Jobs`" + ` through %d pages, in which the requests
for the third one do. A *token* is a call of ` + "`Page`" + ` whose token requests do.

A fault *stays* if every such request meets it: see the columns page, sweep and token, where "the same" is what a page
has. It *passes* if only the first one does; "no difference" says that it makes no difference. *Complete* says that all
jobs came that the service has, once each and in its order.

The columns up to token are HTTP/1.1. Everything was measured over TLS and HTTP/2 too: the last column says
"the same", what differs, or "cannot occur".

After every fault, the test also found that

- no goroutine was left, of the client or of the transport,
- at most %d KiB more memory were held than before, and the six calls (three that pass, three that stay) had
  allocated less than %d MiB in all, although some answers have 64 MiB (over HTTP/2, with the
  test's own servers, %d MiB held and %d MiB allocated),
- neither client secret nor token is in the error, however it is printed, nor in the log at level debug, not even in
  part.
`
)

// checkDocument compares what was measured with the document, if all was.
func checkDocument(t *testing.T, measured, measured2 []fault) {
	var text strings.Builder
	fmt.Fprintf(&text, preface, pageSize, pages, maxHeld>>10, maxAllocated>>20, maxHeld2>>20, maxAllocated2>>20)
	for _, section := range table {
		if len(measured) < len(section.faults) || len(measured2) < len(section.faults) {
			t.Log("not all faults were measured, so that the document was not checked")
			return
		}
		fmt.Fprintf(&text, "\n## %s\n\n", section.title)
		if section.text != "" {
			fmt.Fprintf(&text, "%s\n\n", section.text)
		}
		text.WriteString("| fault | if it passes | page | sweep | token | HTTP/2 |\n|---|---|---|---|---|---|\n")
		for i, f := range measured[:len(section.faults)] {
			fmt.Fprintf(&text, "| %s | %s | %s | %s | %s | %s |\n", f.name, f.ifItPasses(), f.stays.page, f.thenSame(f.stays.sweep),
				f.thenSame(f.stays.token), f.comparedWith(measured2[i]))
		}
		measured, measured2 = measured[len(section.faults):], measured2[len(section.faults):]
	}
	if *update {
		if err := os.WriteFile(document, []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(text.String(), "\n")); diff != "" {
		t.Errorf("%s (-written +measured):\n%s", document, diff)
	}
}

// comparedWith says how the fault over HTTP/2 differs from this one.
func (f fault) comparedWith(over2 fault) string {
	switch {
	case f.only1:
		return "cannot occur"
	case f.passes == over2.passes && f.stays == over2.stays:
		return "the same"
	}
	return fmt.Sprintf("if it passes: %s; page: %s; sweep: %s; token: %s", over2.ifItPasses(), over2.stays.page,
		over2.thenSame(over2.stays.sweep), over2.thenSame(over2.stays.token))
}

// thenSame shortens an outcome that ends as that of a page does.
func (f fault) thenSame(outcome string) string {
	if start, found := strings.CutSuffix(outcome, f.stays.page); found && f.stays.page != "" {
		return start + "the same"
	}
	return outcome
}

func (f fault) ifItPasses() string {
	c := f.passes
	switch {
	case c == f.stays:
		return "no difference"
	case c.page == "":
		return c.token
	case (c.page == c.token || c.token == "") && c.sweep == "complete":
		return c.page
	}
	return fmt.Sprintf("page: %s; sweep: %s; token: %s", c.page, c.sweep, c.token)
}
