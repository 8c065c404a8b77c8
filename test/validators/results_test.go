package validators

import (
	"strings"
	"testing"
)

// differences are the payloads, by the end of their name, that only one of the two accepts, and why package api
// is right.
var differences = []struct {
	end   string
	valid bool // by package api
	why   string
}{
	{": empty", false, "the contract describes a body, so there must be a JSON value; the peer accepts an empty body"},
	{": blank", false, "like an empty body"},
	{": null", false, "null is a value and not an object; the peer treats it as no body"},
	{" is null", false, "as above, if null replaces the whole payload"},
	{": repeated key", false, "the peer's decoder uses the last of equal keys; another one may use the first"},
	{": repeated key, once escaped", false, "as above"},
	{": invalid UTF-8 in a string", false, "JSON is UTF-8 (RFC 8259, section 8.1); the peer's decoder replaces invalid bytes"},
	{" is 9223372036854775807", true, "the largest int64; the peer compares in float64, where it is one too large"},
	{" is -9223372036854775809", false, "not an int64; the peer compares in float64, where it is the smallest int64"},
	{" is 1e400", true, "neither JSON nor the contract limits the number; the peer reads it into a float64"},
}

// TestSameResults validates the corpus with package api and with libopenapi-validator. The results must be the same,
// except for the differences above, and each of those must occur.
func TestSameResults(t *testing.T) {
	peer := newLibopenapi(t)
	seen := make([]int, len(differences))
	valid, all := 0, corpus(t)
	for _, p := range all {
		ours, theirs := p.validate(apiValidator{}), p.validate(peer)
		if ours == nil {
			valid++
		}
		if (ours == nil) == (theirs == nil) {
			continue
		}
		i := difference(p, ours == nil)
		if i < 0 {
			t.Errorf("%s: %s\n  api: %v\n  libopenapi-validator: %v", p.name, p.text, ours, theirs)
			continue
		}
		seen[i]++
	}
	for i, n := range seen {
		if n == 0 {
			t.Errorf("the difference %q no longer occurs: remove it", differences[i].end)
		}
	}
	if valid < len(all)/10 || valid > len(all)/2 {
		t.Errorf("%d of %d payloads are valid, want more variety", valid, len(all))
	}
}

func difference(p payload, valid bool) int {
	for i, d := range differences {
		if d.valid == valid && strings.HasSuffix(p.name, d.end) {
			return i
		}
	}
	return -1
}

func (p payload) validate(v validator) error {
	if p.status == 0 {
		return v.request(p.text)
	}
	return v.response(p.status, p.text)
}
