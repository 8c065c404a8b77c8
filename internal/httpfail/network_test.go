package httpfail_test

import (
	"testing"

	"github.com/d365backup/d365backup/internal/httpfail"
)

// TestBadProxy: only the variable that net/http uses counts.
func TestBadProxy(t *testing.T) {
	const good, bad = "http://proxy.example", "http://user:p%zz@proxy.example"
	for _, tt := range []struct {
		environment map[string]string
		want        string
	}{
		{map[string]string{"HTTPS_PROXY": bad, "https_proxy": good}, "HTTPS_PROXY"},
		{map[string]string{"HTTPS_PROXY": good, "https_proxy": bad}, ""},
		{map[string]string{"HTTP_PROXY": bad, "http_proxy": bad, "ALL_PROXY": bad}, ""},
	} {
		if got := httpfail.BadProxy(func(name string) string { return tt.environment[name] }); got != tt.want {
			t.Errorf("%v: got %q, want %q", tt.environment, got, tt.want)
		}
	}
}
