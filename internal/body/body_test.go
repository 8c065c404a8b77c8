package body_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"github.com/d365backup/d365backup/internal/body"
)

func TestRead(t *testing.T) {
	const limit, unknown = 3 << 20, -1
	broken := errors.New("broken")
	for name, tt := range map[string]struct {
		size, announced int64
		failure         error // of reading, after size bytes
		want            error
		read            int64 // Body.Size
	}{
		"empty":                   {0, 0, nil, nil, 0},
		"empty, unknown":          {0, unknown, nil, nil, 0},
		"small":                   {1000, 1000, nil, nil, 1000},
		"small, unknown":          {1000, unknown, nil, nil, 1000},
		"longer than announced":   {1000, 10, nil, nil, 1000},
		"the share":               {640 << 10, unknown, nil, nil, 640 << 10},
		"more than the share":     {1 << 20, 1 << 20, nil, nil, 1 << 20},
		"the limit":               {limit, unknown, nil, nil, limit},
		"more than the limit":     {limit + 1, unknown, nil, body.ErrTooLarge, limit + 1},
		"announced as too large":  {0, limit + 1, nil, body.ErrTooLarge, 0},
		"breaks":                  {1000, unknown, broken, broken, 1000},
		"breaks after the share":  {1 << 20, unknown, broken, broken, 1 << 20},
		"breaks before it begins": {0, unknown, broken, broken, 0},
	} {
		t.Run(name, func(t *testing.T) {
			content := strings.Repeat("0123456789abcdef", int(tt.size/16)+1)[:tt.size]
			from := io.Reader(strings.NewReader(content))
			if tt.failure != nil {
				from = io.MultiReader(from, iotest.ErrReader(tt.failure))
			}
			got, err := body.NewReader(limit, 16).Read(t.Context(), from, tt.announced)
			if !errors.Is(err, tt.want) || got.Size != tt.read {
				t.Errorf("%d bytes, error %v; want %d, %v", got.Size, err, tt.read, tt.want)
			}
			if err == nil && !bytes.Equal(got.Bytes, []byte(content)) {
				t.Error("other bytes than sent")
			}
			got.Release()
		})
	}
}

// A limit below the share needs no second buffer.
func TestSmallLimit(t *testing.T) {
	for size, want := range map[int]error{1000: nil, 1001: body.ErrTooLarge, 5000: body.ErrTooLarge} {
		got, err := body.NewReader(1000, 16).Read(t.Context(), strings.NewReader(strings.Repeat("x", size)), -1)
		if !errors.Is(err, want) || err == nil && len(got.Bytes) != size {
			t.Errorf("%d bytes: read %d, %v; want %v", size, len(got.Bytes), err, want)
		}
		got.Release()
	}
}

// One body at a time exceeds its share. The next one waits until it is released, or until its context ends.
func TestOneLargeBodyAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const share = 5 << 20
		reader := body.NewReader(3*share, 2)
		large := func(ctx context.Context) (*body.Body, error) {
			return reader.Read(ctx, bytes.NewReader(make([]byte, 2*share)), -1)
		}
		first, err := large(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		canceled, cancel := context.WithCancel(t.Context())
		cancel()
		if waiting, err := large(canceled); !errors.Is(err, context.Canceled) {
			t.Errorf("second body: error %v, want that of the context", err)
		} else {
			waiting.Release()
		}
		done := make(chan error)
		go func() {
			third, err := large(t.Context())
			third.Release()
			done <- err
		}()
		synctest.Wait()
		select {
		case err := <-done:
			t.Errorf("third body: did not wait: %v", err)
		default:
		}
		small, err := reader.Read(t.Context(), strings.NewReader("small"), -1)
		if err != nil || string(small.Bytes) != "small" {
			t.Errorf("a small body meanwhile: %q, %v", small.Bytes, err)
		}
		small.Release()
		first.Release()
		if err := <-done; err != nil {
			t.Errorf("third body, after the first was released: %v", err)
		}
	})
}
