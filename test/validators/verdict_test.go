package validators

import (
	"strings"
	"testing"
)

// differences are the payloads of the corpus that the two judge differently, by the end of their
// names, and why package api is right to.
var differences = []struct {
	end   string
	valid bool // by package api
	why   string
}{
	{": empty", false, "the contract has content for the answer, so there must be a JSON value; the peer takes nothing for it"},
	{": blank", false, "as with the empty answer"},
	{": null", false, "null is a value, and no object; the peer takes it for no body"},
	{" is null", false, "as above, where null replaces the whole payload"},
	{": key twice", false, "the peer's decoder takes the last of equal keys; another reader may take the first"},
	{": key twice, once escaped", false, "as above"},
	{": no UTF-8 in a string", false, "JSON is UTF-8 (RFC 8259, section 8.1); the peer's decoder replaces what is none"},
	{" is 9223372036854775807", true, "the last int64; the peer compares in float64, where it is one too many"},
	{" is -9223372036854775809", false, "no int64; the peer compares in float64, where it is the first int64"},
	{" is 1e400", true, "JSON bounds no number, and the contract neither; the peer reads into a float64"},
}

// TestVerdicts judges the corpus by package api and by libopenapi-validator. They agree but for the
// differences listed, and each of those is seen.
func TestVerdicts(t *testing.T) {
	peer := newLibopenapi(t)
	seen := make([]int, len(differences))
	valid, all := 0, corpus(t)
	for _, p := range all {
		ours, theirs := p.judge(own{}), p.judge(peer)
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
			t.Errorf("the difference %q is not there any more: take it off the list", differences[i].end)
		}
	}
	if valid < len(all)/10 || valid > len(all)/2 {
		t.Errorf("%d of %d payloads are valid: the corpus is one-sided", valid, len(all))
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

// judge gives j's verdict on p.
func (p payload) judge(j judge) error {
	if p.status == 0 {
		return j.request(p.text)
	}
	return j.response(p.status, p.text)
}
