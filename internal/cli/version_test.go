package cli

import (
	"bytes"
	"strings"
	"testing"
)

func TestVersion(t *testing.T) {
	version, commit = "v1.2.3", "0123456789ab"
	t.Cleanup(func() { version, commit = "", "" })
	var stdout bytes.Buffer
	if code := Run(t.Context(), []string{"--version"}, nil, nil, &stdout, nil); code != 0 ||
		!strings.HasPrefix(stdout.String(), "d365backup v1.2.3 (commit 0123456789ab, go1.") || strings.Count(stdout.String(), "\n") != 1 {
		t.Errorf("code %d, %q", code, stdout.String())
	}
}
