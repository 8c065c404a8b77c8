package d365backup

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

// mutationPages returns pages that have between them every construct that the decoder reads.
func mutationPages(t testing.TB) []string {
	var pages []string
	for _, name := range []string{"testdata/page.json", "testdata/drift.json"} {
		body, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, string(body))
	}
	return pages
}

// checkStrict fails if a body is taken for jobs that is no valid JSON, or decodes differently when
// it is read again.
func checkStrict(t *testing.T, body []byte) {
	t.Helper()
	page, err := decodePage(body, 10)
	if err != nil {
		failure, ok := errors.AsType[*Error](err)
		if !ok || failure.Kind == nil || failure.Message == "" {
			t.Fatalf("%q: no *Error with kind and message: %#v", body, err)
		}
		if text := err.Error(); len(failure.Excerpt) > 2<<10 || strings.ContainsFunc(text+failure.Excerpt, unicode.IsControl) {
			t.Fatalf("%q: not one clean, short line: %q", body, text)
		}
		return
	}
	text := bytes.TrimPrefix(body, []byte("\xEF\xBB\xBF"))
	if !json.Valid(text) || !utf8.Valid(text) {
		t.Fatalf("invalid JSON taken: %q", body)
	}
	if _, err := json.Marshal(page.jobs); err != nil {
		t.Fatalf("%q: jobs cannot be marshalled: %v", body, err)
	}
	if len(page.drift) > maxDrifts {
		t.Fatalf("%q: %d kinds of drift", body, len(page.drift))
	}
}

// TestDecodePageMutations changes each byte of the pages to each byte that means something in JSON, and
// to some that mean nothing.
func TestDecodePageMutations(t *testing.T) {
	const values = "{}[]:,\"\\ \t\r\n+-.0159aeEflnrstux/'*\x00\x01\x1f\x7f\x80\xa9\xbf\xc3\xed\xef\xf0\xff"
	for _, page := range mutationPages(t) {
		body := []byte(page)
		for i, original := range body {
			for _, value := range []byte(values) {
				body[i] = value
				checkStrict(t, body)
			}
			body[i] = original
		}
	}
}

func FuzzDecodePage(f *testing.F) {
	for _, page := range mutationPages(f) {
		f.Add([]byte(page))
	}
	f.Fuzz(checkStrict)
}

// FuzzMutation changes one byte of a page.
func FuzzMutation(f *testing.F) {
	pages := mutationPages(f)
	f.Add(uint16(0), byte('['))
	f.Fuzz(func(t *testing.T, place uint16, value byte) {
		for _, page := range pages {
			body := []byte(page)
			body[int(place)%len(body)] = value
			checkStrict(t, body)
		}
	})
}

// FuzzScanner holds the scanner against encoding/json: they agree on what is valid, but for the two
// differences that scanner documents.
func FuzzScanner(f *testing.F) {
	for _, page := range mutationPages(f) {
		f.Add([]byte(page))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		s := scanner{body: body}
		err := s.skip()
		if s.peek(); err == nil && s.pos < len(body) {
			err = errors.New("trailing garbage")
		}
		want := json.Valid(body) && utf8.Valid(body)
		if got := err == nil; got != want && bytes.Count(body, []byte("["))+bytes.Count(body, []byte("{")) <= maxDepth {
			t.Errorf("%q: %v, but valid is %v", body, err, want)
		}
	})
}

// FuzzParseUTC holds the parser of times against package time: what it takes, time takes alike.
func FuzzParseUTC(f *testing.F) {
	f.Add("2026-11-01T03:00:00.1234567Z")
	f.Add("2028-02-29T23:59:59Z")
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := parseUTC([]byte(text))
		if !ok {
			return
		}
		var want time.Time
		if err := want.UnmarshalText([]byte(text)); err != nil || got != want.UTC() {
			t.Errorf("%q: %v, want %v, %v", text, got, want, err)
		}
	})
}
