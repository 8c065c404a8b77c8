package d365backup

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"slices"
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

// lossy are the kinds of drift that change or lose a value.
var lossy = []DriftKind{DriftUnreadable, DriftInexact, DriftTextNumber, DriftNumberText, DriftNoZone}

// checkStored fails unless the jobs of a page survive being stored, and the body itself can be unmarshalled
// if every value of it fits its field.
func checkStored(t *testing.T, body []byte) {
	t.Helper()
	page, err := decodePage(body, 10)
	if err != nil {
		return
	}
	stored, err := json.Marshal(page.jobs)
	if err != nil {
		t.Fatalf("%q: jobs cannot be marshalled: %v", body, err)
	}
	var jobs []Job
	if err := json.Unmarshal(stored, &jobs); err != nil || !slices.Equal(jobs, page.jobs) {
		t.Fatalf("%q: stored as %s, got %+v, %v", body, stored, jobs, err)
	}
	if bytes.HasPrefix(body, []byte("\xEF")) {
		return // which package json does not take
	}
	var whole Page
	err = json.Unmarshal(body, &whole)
	lost := slices.ContainsFunc(page.drift, func(d Drift) bool { return slices.Contains(lossy, d.Kind) })
	if err == nil && (lost || !slices.Equal(whole.Jobs, page.jobs) || whole.TotalCount != page.total) {
		t.Fatalf("%q: got %+v, want %+v", body, whole, page)
	}
	if err != nil && !errors.Is(err, ErrNotJobs) {
		t.Fatalf("%q: %v", body, err)
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

// FuzzParseTime compares the parser of times with package time, which takes neither small letters nor leap
// seconds.
func FuzzParseTime(f *testing.F) {
	for _, text := range []string{
		"2026-11-01T03:00:00.1234567Z", "2028-02-29T23:59:59Z", "2026-11-01T03:00:00+01:30", "2026-11-01t03:00:00z",
		"2016-12-31T23:59:60Z", "2016-12-31T20:29:60.5-03:30", "2026-11-01T03:00:00",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, zoned, ok := parseTime([]byte(text))
		plain, leap := strings.ToUpper(text), len(text) >= 19 && text[17:19] == "60"
		if leap {
			plain = plain[:17] + "59" + plain[19:]
		}
		if ok && !zoned {
			plain += "Z"
		}
		var want time.Time
		err := want.UnmarshalText([]byte(plain))
		want = want.UTC()
		if leap {
			err = errors.Join(err, notAt(want, 23, 59))
			want = want.Add(time.Second)
		}
		if year := want.Year(); year < 0 || year > 9999 {
			err = errors.New("cannot be marshalled")
		}
		if ok != (err == nil) || ok && got != want {
			t.Errorf("%q: %v, %v, want %v, %v", text, got, ok, want, err)
		}
	})
}

func notAt(t time.Time, hour, minute int) error {
	if t.Hour() == hour && t.Minute() == minute {
		return nil
	}
	return errors.New("no place for a leap second")
}
