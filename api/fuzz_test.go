package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func FuzzValidateRequest(f *testing.F) {
	for _, seed := range []string{goodFilter, `{"pageInfo":{"pageSize":1e400,"pageSize":-0}}`, "{}x", `"\ud800"`, "[[1.5e-3,null,true]]", "\xff", "01", "-", `{"a/b~":"\n"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		before := bytes.Clone(body)
		err := ValidateRequest(operationID, body)
		checkVerdict(t, before, body, err)
		if err == nil && !json.Valid(body) {
			t.Errorf("%q is no JSON, but was let through", body)
		}
	})
}

func FuzzValidateResponse(f *testing.F) {
	f.Add(200, "application/json", []byte(goodPage))
	f.Add(200, "application/json;", []byte(`{"jobs":[{"status":0}],"jobs":null}`))
	f.Add(400, "application/json", []byte(`{"errors":[{"errors":{}}]}`))
	f.Add(-1, "a/b", []byte{})
	f.Add(503, "", []byte("<html>"))
	f.Fuzz(func(t *testing.T, status int, mediaType string, body []byte) {
		before := bytes.Clone(body)
		err := ValidateResponse(operationID, status, mediaType, body)
		if errors.Is(err, ErrUnknownStatus) {
			return
		}
		checkVerdict(t, before, body, err)
		if err == nil && (status == 200 || status == 400) && !json.Valid(body) {
			t.Errorf("%q is no JSON, but was let through", body)
		}
	})
}

// checkVerdict proves what holds for any payload: it is left alone, what is no JSON is told as that
// and only that, and violations are sorted, without repetitions, one line each.
func checkVerdict(t *testing.T, before, body []byte, err error) {
	t.Helper()
	if !bytes.Equal(before, body) {
		t.Errorf("%q was rewritten to %q", before, body)
	}
	if err == nil {
		return
	}
	vs, ok := errors.AsType[Violations](err)
	if !ok || len(vs) == 0 {
		t.Fatalf("%v is no list of violations", err)
	}
	for i, v := range vs {
		if line := v.String(); strings.ContainsAny(line, "\n\r") || !utf8.ValidString(line) || len(v.Found) > 6*maxFound {
			t.Errorf("not one short line: %q", line)
		}
		if v.Keyword == KeywordJSON && json.Valid(body) && utf8.Valid(body) {
			t.Errorf("%q is JSON, but: %v", body, v)
		}
		if slices.Contains(vs[:i], v) {
			t.Errorf("twice: %v", v)
		}
	}
}
