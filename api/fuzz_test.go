package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

// addSamples adds the valid and invalid payloads in a folder of api/samples.
func addSamples(f *testing.F, folder string, add func(body []byte)) {
	f.Helper()
	files, err := filepath.Glob(filepath.Join("samples", folder, "*valid", "*"))
	if err != nil || len(files) == 0 {
		f.Fatalf("no samples in %s: %v", folder, err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		add(body)
	}
}

func FuzzValidateRequest(f *testing.F) {
	addSamples(f, "getJobs/request", func(body []byte) { f.Add(body) })
	f.Add([]byte(`{"pageInfo":"` + strings.Repeat("long ", 1000) + `"}`))
	c, err := load()
	if err != nil {
		f.Fatal(err)
	}
	o := c.operations[operationID]
	f.Fuzz(func(t *testing.T, body []byte) {
		before := bytes.Clone(body)
		err := ValidateRequest(operationID, body)
		checkResult(t, before, body, err)
		if err == nil && !json.Valid(body) {
			t.Errorf("%q is not JSON, but valid", body)
		}
		for _, mediaType := range []string{"text/json; charset=utf-8", "application/vnd.example+json"} {
			if other := o.checkBody(mediaType, body).err(); fmt.Sprint(other) != fmt.Sprint(err) {
				t.Errorf("%q as %s: %v, but as application/json: %v", body, mediaType, other, err)
			}
		}
	})
}

func FuzzValidateResponse(f *testing.F) {
	addSamples(f, "getJobs/200", func(body []byte) { f.Add(200, "application/json", body) })
	addSamples(f, "getJobs/400", func(body []byte) { f.Add(400, "Application/JSON; charset=utf-8", body) })
	f.Add(-1, "a/b", []byte{})
	f.Add(503, "", []byte("<html>"))
	f.Fuzz(func(t *testing.T, status int, mediaType string, body []byte) {
		before := bytes.Clone(body)
		err := ValidateResponse(operationID, status, mediaType, body)
		if errors.Is(err, ErrUnknownStatus) {
			if status >= 100 && status <= 599 {
				t.Errorf("status %d: %v", status, err)
			}
			return
		}
		checkResult(t, before, body, err)
		if err == nil && (status == 200 || status == 400) && !json.Valid(body) {
			t.Errorf("%q is not JSON, but valid", body)
		}
	})
}

// FuzzValidateQuery validates any query, and one by net/url with valid numbers and times.
func FuzzValidateQuery(f *testing.F) {
	const times = "&startTime=2026-11-01T00:00:00Z&finishTime=2026-11-02T00:00:00%2B02:00"
	f.Add("type=1"+times, int32(1), int64(0))
	f.Add("type=32&status=7&pageIndex=1e0&pageSize=10.0&organizationId=69cb1ecc-f8e8-439b-8077-a4b7fd45e87f"+times, int32(-1), int64(-1))
	f.Add("type=1&type=1&pageIndex=0x1&pageIndex=%zz;"+times, int32(1<<31-1), int64(1<<33))
	numeric := map[string]bool{"pageIndex": true, "pageSize": true, "type": true, "status": true, "startTime": false, "finishTime": false, "organizationId": false}
	f.Fuzz(func(t *testing.T, query string, page int32, seconds int64) {
		err := ValidateQuery("listJobs", query)
		checkLines(t, err)
		if values, malformed := url.ParseQuery(query); err == nil {
			for name, texts := range values {
				number, isNumber := new(big.Rat).SetString(texts[0])
				isNumber = isNumber && number.IsInt() && number.Num().IsInt64() && int64(int32(number.Num().Int64())) == number.Num().Int64()
				if isNumeric, known := numeric[name]; !known || len(texts) != 1 || isNumeric && !isNumber {
					t.Errorf("%q: %s = %q is valid", query, name, texts)
				}
			}
			if malformed != nil || !values.Has("type") || !values.Has("startTime") || !values.Has("finishTime") {
				t.Errorf("%q is valid, but: %v", query, malformed)
			}
		}
		at := time.Unix(seconds%(1<<37), 0).UTC().Format(time.RFC3339) // to the year 6325
		valid := url.Values{"type": {"0"}, "startTime": {at}, "finishTime": {at}, "pageIndex": {strconv.Itoa(int(page))}}.Encode()
		if err := ValidateQuery("listJobs", valid); (err == nil) != (page >= 1) {
			t.Errorf("%s: %v", valid, err)
		}
	})
}

// checkResult checks what applies to any payload: it does not change, only invalid JSON is reported as such,
// and violations have one line each without duplicates.
func checkResult(t *testing.T, before, body []byte, err error) {
	t.Helper()
	if !bytes.Equal(before, body) {
		t.Errorf("%q was changed to %q", before, body)
	}
	if err == nil {
		return
	}
	for _, v := range checkLines(t, err) {
		if v.Keyword == KeywordJSON && json.Valid(body) && utf8.Valid(body) {
			t.Errorf("%q is JSON, but: %v", body, v)
		}
	}
}

// checkLines checks what applies to any violations: each is one line without control characters, and there
// are no duplicates.
func checkLines(t *testing.T, err error) Violations {
	t.Helper()
	if err == nil {
		return nil
	}
	vs, ok := errors.AsType[Violations](err)
	if !ok || len(vs) == 0 {
		t.Fatalf("%v has no violations", err)
	}
	for i, v := range vs {
		if line := v.String(); strings.ContainsFunc(line, unicode.IsControl) || !utf8.ValidString(line) || len(v.Found) > 512 {
			t.Errorf("not a short line: %q", line)
		}
		if slices.Contains(vs[:i], v) {
			t.Errorf("duplicate: %v", v)
		}
	}
	return vs
}
