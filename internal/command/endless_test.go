package command_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/d365backup/d365backup/api"
	"github.com/d365backup/d365backup/internal/command"
)

// A payload without an end is read no further than the validator's bound.
func TestValidateEndlessPayload(t *testing.T) {
	endless := filepath.Join(t.TempDir(), "payload.json")
	if err := os.WriteFile(endless, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(endless, api.DefaultMaxBytes+1); err != nil {
		t.Fatal(err)
	}
	blanks := &blanks{}
	var stdout, stderr bytes.Buffer
	fromInput := command.Run(t.Context(), []string{"validate", "request", "-"}, nil, blanks, &stdout, &stderr)
	fromFile := run(t, nil, "validate", "request", endless)
	for name, got := range map[string]result{
		"the standard input": {fromInput, stdout.String(), stderr.String()},
		"a file":             fromFile,
	} {
		if got.code != 2 || got.stdout != "" || !strings.Contains(got.stderr, "longer than 16 MiB") {
			t.Errorf("%s: exit code %d, %s%s", name, got.code, got.stdout, got.stderr)
		}
	}
	if blanks.read > api.DefaultMaxBytes+1 {
		t.Errorf("%d bytes were read", blanks.read)
	}
}

// blanks is an input that fails where it should have been left alone long since.
type blanks struct{ read int }

func (b *blanks) Read(p []byte) (int, error) {
	if b.read > 2*api.DefaultMaxBytes {
		return 0, errors.New("read on and on")
	}
	for i := range p {
		p[i] = ' '
	}
	b.read += len(p)
	return len(p), nil
}
