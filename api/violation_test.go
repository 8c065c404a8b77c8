package api

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"
)

// TestHints violates the contract wherever its sources contradict each other, and expects each hint once.
func TestHints(t *testing.T) {
	want := make(map[string]int)
	doc, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	err = doc.WalkSchemas(func(_ string, ref *openapi3.SchemaRef) error {
		hints, _ := ref.Value.Extensions["x-hints"].(map[string]any)
		for _, hint := range hints {
			want[hint.(string)] = 1
		}
		return nil
	})
	if err != nil || len(want) == 0 {
		t.Fatal(want, err)
	}
	got := make(map[string]int)
	for body, place := range map[string]string{
		`{}`: "/pageInfo",
		`{"pageInfo":{},"finishTime":"2026-11-02T00:00:00Z"}`: "/finishTime",
		`{"pageInfo":{},"startTime":1793491200}`:              "/startTime",
		`{"pageInfo":{},"status":1073741824}`:                 "/status",
		`{"pageInfo":{},"type":1073741824}`:                   "/type",
	} {
		found, _ := errors.AsType[Violations](ValidateRequest(operationID, []byte(body)))
		if len(found) != 1 || found[0].Pointer != place || !strings.HasSuffix(found[0].String(), "): "+found[0].Hint) {
			t.Errorf("%s: got %q", body, found)
			continue
		}
		got[found[0].Hint]++
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("hints (-contract +seen):\n%s", diff)
	}
	for body, hint := range map[string]string{
		`{"pageInfo":{},"endTime":1793491200}`:  "types times as long",
		`{"pageInfo":{},"endTime":"yesterday"}`: "", // no document describes it so
		`{"pageInfo":{},"FinishTime":1}`:        "",
	} {
		found, _ := errors.AsType[Violations](ValidateRequest(operationID, []byte(body)))
		if len(found) != 1 || !strings.Contains(found[0].Hint, hint) || hint == "" && found[0].Hint != "" {
			t.Errorf("%s: got %q", body, found)
		}
	}
}

func TestViolationsAreSorted(t *testing.T) {
	want := []string{"", "/0", "/2", "/10", "/a", "/a/1", "/a/b", "/a~1", "/b"}
	for range 20 {
		vs := Violations{}
		for _, p := range slices.Concat(want[4:], want[:4], want[2:3]) {
			vs = append(vs, Violation{Pointer: p})
		}
		var got []string
		for _, v := range vs.sorted() {
			got = append(got, v.Pointer)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	}
}
