package d365backup

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/d365backup/d365backup/internal/lenient"
)

// mutationPages returns pages that together have every construct that the decoder reads.
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

// checkStrict fails if an accepted body is invalid JSON, or decodes differently the second time.
func checkStrict(t *testing.T, body []byte) {
	t.Helper()
	page, err := decoded(body, 10)
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
	if _, err := json.Marshal(page.Jobs); err != nil {
		t.Fatalf("%q: jobs cannot be marshaled: %v", body, err)
	}
	if len(page.drift) > lenient.MaxDifferences {
		t.Fatalf("%q: %d kinds of drift", body, len(page.drift))
	}
}

// lossy are the kinds of drift that change or lose a value.
var lossy = []DriftKind{DriftUnreadable, DriftInexact, DriftTextNumber, DriftNumberText, DriftNoZone}

// checkStored fails unless the jobs of a page survive being stored, and the body itself can be unmarshaled
// if every value of it fits its field.
func checkStored(t *testing.T, body []byte) {
	t.Helper()
	page, err := decoded(body, 10)
	if err != nil {
		return
	}
	stored, err := json.Marshal(page.Jobs)
	if err != nil {
		t.Fatalf("%q: jobs cannot be marshaled: %v", body, err)
	}
	var jobs []Job
	if err := json.Unmarshal(stored, &jobs); err != nil || !slices.Equal(jobs, page.Jobs) {
		t.Fatalf("%q: stored as %s, got %+v, %v", body, stored, jobs, err)
	}
	if bytes.HasPrefix(body, []byte("\xEF")) {
		return // which encoding/json refuses
	}
	var whole Page
	err = json.Unmarshal(body, &whole)
	lost := slices.ContainsFunc(page.drift, func(d Drift) bool {
		if d.Kind == DriftTextNumber && (d.Field == "jobs.type" || d.Field == "jobs.status") {
			return false // a stored unknown number is a string
		}
		return slices.Contains(lossy, d.Kind)
	})
	if err == nil && (lost || !slices.Equal(whole.Jobs, page.Jobs) || whole.TotalCount != page.TotalCount) {
		t.Fatalf("%q: got %+v, want %+v", body, whole, page)
	}
	if err != nil && !errors.Is(err, ErrNotJobs) {
		t.Fatalf("%q: %v", body, err)
	}
}

// TestDecodePageMutations replaces each byte of the pages by each byte with a meaning in JSON, and by some others.
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
	f.Fuzz(func(t *testing.T, body []byte) {
		checkStrict(t, body)
		checkStored(t, body)
	})
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
			checkStored(t, body)
		}
	})
}
