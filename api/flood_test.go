package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
)

// unknown returns n members of an object that the contract does not have.
func unknown(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"u%d":1`, i)
	}
	return b.String()
}

// repeated returns n nested objects, each with a repeated key.
func repeated(n int) string {
	return strings.Repeat(`{"a":1,"a":`, n) + "1" + strings.Repeat("}", n)
}

// floods returns payloads of some ten thousand bytes that are made to cost much time or memory, or to get a
// long response.
func floods() map[string]string {
	long := "9" + strings.Repeat("k", 10_000)
	return map[string]string{
		"unknown properties":              `{"pageInfo":{}` + unknown(300) + `}`,
		"unknown properties behind allOf": `{"pageInfo":{"pageSize":1` + unknown(300) + `}}`,
		"repeated keys below a long one":  `{"` + long + `":{"a":1` + strings.Repeat(`,"a":1`, 1000) + `}}`,
		"repeated keys, deep":             `{"pageInfo":` + repeated(300) + `}`,
		"long unknown properties":         `{"pageInfo":{},"` + long + `a":1,"` + long + `b":1}`,
	}
}

// TestFloodCostsLittle checks that the memory grows with the payload, not with its square. The limit is far
// above the first and far below the second.
func TestFloodCostsLittle(t *testing.T) {
	const perByte = 300
	if _, err := Load(); err != nil {
		t.Fatal(err)
	}
	for name, body := range floods() {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := ValidateRequest(operationID, []byte(body))
			runtime.ReadMemStats(&after)
			if err == nil {
				t.Fatal("no violation")
			}
			allocated := after.TotalAlloc - before.TotalAlloc
			t.Logf("%d bytes: %d allocated, %d violations", len(body), allocated, len(err.(Violations)))
			if allocated > uint64(perByte*len(body)) {
				t.Errorf("validating %d bytes allocated %d", len(body), allocated)
			}
		})
	}
}

// TestFloodIsCutOff checks that violations are limited, that this is reported, and that responses are short.
func TestFloodIsCutOff(t *testing.T) {
	var query strings.Builder
	const more = maxViolations + 5
	for i := range more {
		fmt.Fprintf(&query, "u%d=1&", i)
	}
	many := unknown(more)
	for name, err := range map[string]error{
		"values":        ValidateRequest(operationID, []byte(`{"pageInfo":{}`+many+`}`)),
		"repeated keys": ValidateResponse(operationID, 200, "application/json", []byte(`{"totalCount":0,"jobs":[],"x":{`+many[1:]+many+`}}`)),
		"a query":       ValidateQuery(operationID, query.String()),
	} {
		found, _ := errors.AsType[Violations](err)
		if len(found) != maxViolations+1 || found[0].Keyword != KeywordMore || found[1].Keyword == KeywordMore {
			t.Errorf("%s: %d violations: %.200v", name, len(found), err)
		}
	}
	if found, _ := errors.AsType[Violations](ValidateRequest(operationID, []byte(floods()["unknown properties"]))); len(found) != 300 {
		t.Errorf("%d violations, want one for each of 300 unknown properties", len(found))
	}
	for name, body := range floods() {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodPost, jobsPath, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		Handler(goodResponder(), nil).ServeHTTP(w, r)
		var refusal struct{ Errors Violations }
		if err := json.Unmarshal(w.Body.Bytes(), &refusal); err != nil || len(refusal.Errors) > maxRefused {
			t.Errorf("%s: %d violations in a response of %d bytes, %v", name, len(refusal.Errors), w.Body.Len(), err)
		}
		for _, v := range refusal.Errors {
			if len(v.Pointer) > maxPointer+len("…") {
				t.Errorf("%s: a pointer of %d bytes", name, len(v.Pointer))
			}
		}
	}
}
