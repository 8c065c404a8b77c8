package faults_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/d365backup/d365backup/internal/golden"
)

const (
	document = "../../docs/reliability.md"
	ending   = "\n## The soak\n" // begins what is written by hand
	preface  = `# Reliability

Networks fail, and so do servers. This page shows what the client does then: which faults it recovers from,
which error a program gets for the others, and after how many attempts. Every outcome was measured by
` + "`cd test/faults && go test .`" + `, which fails if one differs; ` + "`make golden`" + ` rewrites the
tables. [The soak](#the-soak) combines faults at random.

The client had its defaults (four attempts, four pages requested ahead) except for short waits, other timeouts, pages of %d jobs,
and at most 1 MiB per response. It requested version v1 only, so a 404 is final. For slow faults, the attempt timeout was half a second, or two seconds if the fault passes. A *page* is
one call of ` + "`Page`" + ` whose page requests are affected. A *sweep* is a loop over ` + "`Jobs`" + ` with %d pages, in which the
requests for the third page are affected. A *token* is a call of ` + "`Page`" + ` whose token requests are affected.

A fault either *stays* (it affects every such request) or *passes* (it affects only the first). The columns page, sweep and token
show faults that stay; there, "the same" means as for a page. The column "if it passes" shows the others; there, "no difference"
means the outcome of a fault that stays.
*Complete* means that all jobs of the service were returned, once each and in order.

The columns up to token are for HTTP/1.1. Everything was also measured over TLS and HTTP/2: the last column has
"the same", what differs, or "cannot occur".

After every fault, the test also checked that

- no goroutine of the client or of the transport was left,
- at most %d KiB more memory was held than before, and the six calls (three that pass, three that stay) had
  allocated less than %d MiB in all, although some responses have 64 MiB (over HTTP/2, with the
  test's own servers, %d MiB held and %d MiB allocated),
- no part of the client secret or of a token was in the error, however it is printed, or in the log at level debug.
`
)

// checkDocument compares the document with what was measured, if every fault was.
func checkDocument(t *testing.T, measured, measured2 []fault) {
	if t.Failed() {
		t.Log("the document was not checked, since outcomes differ")
		return
	}
	var text strings.Builder
	fmt.Fprintf(&text, preface, pageSize, pages, maxHeld>>10, maxAllocated>>20, maxHeld2>>20, maxAllocated2>>20)
	for _, section := range table {
		if len(measured) < len(section.faults) || len(measured2) < len(section.faults) {
			t.Log("the document was not checked, since not all faults were measured")
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
	written, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	_, soak, found := strings.Cut(string(written), ending)
	if !found {
		t.Fatalf("%s has no section %q", document, ending)
	}
	golden.Equal(t, document, text.String()+ending+soak)
}

// comparedWith describes how the fault differs over HTTP/2.
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

// thenSame shortens an outcome that ends like that of a page.
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
