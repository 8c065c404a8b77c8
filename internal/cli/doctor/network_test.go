package doctor

import (
	"net/http"
	"testing"
)

type otherTransport struct{ http.RoundTripper }

// TestOwnTransport: the doctor does not depend on a replaced http.DefaultTransport.
func TestOwnTransport(t *testing.T) {
	before := http.DefaultTransport
	defer func() { http.DefaultTransport = before }()
	http.DefaultTransport = otherTransport{before}
	if transport := newTransport(); transport.Proxy == nil || transport.DialContext == nil {
		t.Error("the transport has no proxy or no way to connect")
	}
}
