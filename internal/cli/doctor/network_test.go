package doctor

import (
	"net/http"
	"testing"
)

type otherTransport struct{ http.RoundTripper }

// TestProbeOfItsOwn: the probe does not depend on what else the program has made of net/http.
func TestProbeOfItsOwn(t *testing.T) {
	before := http.DefaultTransport
	defer func() { http.DefaultTransport = before }()
	http.DefaultTransport = otherTransport{before}
	p := newProbe(func(string) string { return "" })
	if p.transport.Proxy == nil || p.transport.DialContext == nil {
		t.Error("the probe has no proxy or no way to connect")
	}
}
