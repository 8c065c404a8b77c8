package d365backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"

	"github.com/d365backup/d365backup/internal/httpfail"
)

// buffers hold bodies while they are decoded; what is decoded never points into them.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// maxPooled keeps one large answer from holding its memory for ever.
const maxPooled = 4 << 20

func recycle(buffer *[]byte) {
	if cap(*buffer) <= maxPooled {
		*buffer = (*buffer)[:0]
		buffers.Put(buffer)
	}
}

// readBody reads the body to its end, within the limit, which counts decompressed bytes.
func (c *Client) readBody(ctx context.Context, resp *http.Response, sent []string, buffer *[]byte) *attemptFailure {
	limit := c.config.maxResponseBytes
	if resp.ContentLength > limit {
		return c.tooLarge()
	}
	// One byte more than announced, to see the end without growing.
	*buffer = slices.Grow(*buffer, int(min(resp.ContentLength+1, maxPooled)))
	err := readUpTo(resp.Body, buffer, limit)
	switch {
	case err == nil:
		return nil
	case err == errOverLimit: //nolint:errorlint // readUpTo returns it as it is
		return c.tooLarge()
	case ctx.Err() != nil:
		return c.interrupted(ctx, err)
	}
	f := httpfail.FromBodyError(err, sent...)
	if f.Reason == httpfail.Truncated {
		f.Text = fmt.Sprintf("the response ended after %d bytes", len(*buffer))
	}
	return c.failed(f)
}

var errOverLimit = errors.New("over the limit")

// readUpTo appends what the reader has to the buffer. Unlike bytes.Buffer it never grows the buffer
// beyond the limit, so that an endless body costs little more than the limit.
func readUpTo(r io.Reader, buffer *[]byte, limit int64) error {
	b := *buffer
	defer func() { *buffer = b }()
	for int64(len(b)) <= limit {
		if len(b) == cap(b) {
			grown := make([]byte, len(b), min(max(2*int64(cap(b)), 32<<10), limit+1))
			copy(grown, b)
			b = grown
		}
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch {
		case int64(len(b)) > limit:
			return errOverLimit
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
	return errOverLimit
}

func (c *Client) tooLarge() *attemptFailure {
	return c.failed(&httpfail.Failure{
		Reason: httpfail.TooLarge, Text: fmt.Sprintf("the response exceeds %d bytes", c.config.maxResponseBytes),
	})
}
