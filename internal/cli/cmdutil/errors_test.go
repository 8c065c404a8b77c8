package cmdutil

import (
	"context"
	"errors"
	"fmt"
	"testing"

	d365backup "github.com/d365backup/d365backup/wrapper"
)

func TestExitCode(t *testing.T) {
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tt := range []struct {
		ctx  context.Context
		err  error
		code int
		text string
	}{
		{t.Context(), nil, 0, ""},
		{t.Context(), errors.New("x"), 1, "x"},
		{t.Context(), &ExitError{Code: 3}, 3, ""},
		{t.Context(), fmt.Errorf("y: %w", &ExitError{Code: 3, Err: errors.New("x")}), 3, "y: x"},
		{t.Context(), Usagef("x %d", 1), 2, "x 1"},
		{t.Context(), &d365backup.Error{Kind: d365backup.ErrConfig, Setting: "Query.Start", Message: "wrong"}, 2, "--start: wrong"},
		{t.Context(), &d365backup.Error{Kind: d365backup.ErrServer, Host: "h"}, 1, "server error (host h); try again later"},
		{t.Context(), fmt.Errorf("x: %w", errReaderGone), 0, ""},
		{t.Context(), &ExitError{Code: 3, Err: fmt.Errorf("x: %w", errReaderGone)}, 3, ""},
		{t.Context(), context.Canceled, 1, "context canceled"},
		{canceled, fmt.Errorf("x: %w", context.Canceled), 130, "interrupted"},
	} {
		if code, text := NewApp(nil, nil, nil, nil).ExitCode(tt.ctx, tt.err); code != tt.code || text != tt.text {
			t.Errorf("%v: got %d, %q, want %d, %q", tt.err, code, text, tt.code, tt.text)
		}
	}
}
