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
` + "`make test-faults`" + `, which fails where one differs; ` + "`cd test/faults && go test . -args -update`" + ` writes this
document anew.

The client had its defaults (four attempts, four pages ahead) but for short waits, pages of %d jobs, and at most
1 MiB an answer; where a fault takes time, an attempt ended after half a second, or after two if it passes. A *page* is one call of
` + "`Page`" + ` whose requests for it meet the fault. A *sweep* is a loop over ` + "`Jobs`" + ` through %d pages, in which the requests
for the third one do. A *token* is a call of ` + "`Page`" + ` whose token requests do.

A fault *stays* if every such request meets it: so in the last three columns, where "the same" is what a page
has. It *passes* if only the first one does; "no difference" says that it matters not. *Complete* says that all jobs came that the service has, once each and in its
order.

After every fault, the test also found that

- no goroutine was left, of the client or of the transport,
- at most %d KiB more memory were held than before, and the six calls (three that pass, three that stay) had
  allocated less than %d MiB in all, although some answers have 64 MiB,
- neither client secret nor token is in the error, however it is printed, nor in the log at level debug, not even in
  part.
`
)

// checkDocument compares what was measured with the document, if all was.
func checkDocument(t *testing.T, measured []fault) {
	var text strings.Builder
	fmt.Fprintf(&text, preface, pageSize, pages, maxHeld>>10, maxAllocated>>20)
	for _, section := range table {
		if len(measured) < len(section.faults) {
			t.Log("not all faults were measured, so that the document was not checked")
			return
		}
		fmt.Fprintf(&text, "\n## %s\n\n", section.title)
		if section.text != "" {
			fmt.Fprintf(&text, "%s\n\n", section.text)
		}
		text.WriteString("| fault | if it passes | page | sweep | token |\n|---|---|---|---|---|\n")
		for _, f := range measured[:len(section.faults)] {
			fmt.Fprintf(&text, "| %s | %s | %s | %s | %s |\n", f.name, f.ifItPasses(), f.stays.page, f.thenSame(f.stays.sweep), f.thenSame(f.stays.token))
		}
		measured = measured[len(section.faults):]
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
