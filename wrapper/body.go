package d365backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/d365backup/d365backup/internal/httpfail"
)

// buffers hold bodies while they are decoded; what is decoded never points into them.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// bodyBudget is what the bodies that a client reads at a time may hold together. Each has an equal share. One
// at a time may exceed its share, up to the limit of a response; it waits for nothing, so the others' turn comes.
const bodyBudget = 10 << 20

// maxPooled keeps one large response from holding its memory for ever.
const maxPooled = bodyBudget / DefaultMaxInFlight

func recycle(buffer *[]byte) {
	if cap(*buffer) <= maxPooled {
		*buffer = (*buffer)[:0]
		buffers.Put(buffer)
	}
}

// readBody reads the body to its end, within the limit, which counts decompressed bytes. The caller calls release
// when it no longer needs the buffer.
func (c *Client) readBody(ctx context.Context, resp *http.Response, sent []string, buffer *[]byte) (release func(), failed *attemptFailure) {
	limit, release := c.config.maxResponseBytes, func() {}
	if resp.ContentLength > limit {
		return release, c.tooLarge()
	}
	share := min(limit, int64(bodyBudget/c.config.maxInFlight)-1)
	// One byte more than announced, to see the end without growing.
	reserve(buffer, min(resp.ContentLength, share)+1)
	err := readUpTo(resp.Body, buffer, share)
	size := int64(len(*buffer))
	if err == errOverLimit && share < limit { //nolint:errorlint // readUpTo returns it as it is
		select {
		case c.limits().large <- struct{}{}:
			release = func() { <-c.limits().large }
			size, err = readLarge(resp.Body, buffer, limit)
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	if err == nil {
		return release, nil
	}
	return release, c.unread(ctx, sent, size, err)
}

// unread makes a failure of a body that could not be read to its end, but to this size.
func (c *Client) unread(ctx context.Context, sent []string, size int64, err error) *attemptFailure {
	switch {
	case err == errOverLimit: //nolint:errorlint // readUpTo returns it as it is
		return c.tooLarge()
	case ctx.Err() != nil:
		return c.interrupted(ctx, err)
	}
	f := httpfail.FromBodyError(err, sent...)
	if f.Reason == httpfail.Truncated {
		f.Text = fmt.Sprintf("the response ended after %d bytes", size)
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

// readLarge appends the rest of a body to the buffer. It reads into pooled chunks and joins them at the end: to
// grow one buffer leaves twice its size to the garbage collector, however the body ends.
func readLarge(r io.Reader, buffer *[]byte, limit int64) (size int64, err error) {
	var chunks []*[]byte
	defer func() {
		for _, chunk := range chunks {
			recycle(chunk)
		}
	}()
	err = errOverLimit
	for size = int64(len(*buffer)); size <= limit && err == errOverLimit; { //nolint:errorlint // readUpTo returns it as it is
		chunk := buffers.Get().(*[]byte)
		reserve(chunk, maxPooled)
		chunks = append(chunks, chunk)
		err = readUpTo(r, chunk, min(limit-size, maxPooled-1))
		size += int64(len(*chunk))
	}
	if err != nil {
		return size, err
	}
	whole := append(make([]byte, 0, size), *buffer...)
	for _, chunk := range chunks {
		whole = append(whole, *chunk...)
	}
	*buffer = whole
	return size, nil
}

// reserve makes room for so many bytes in an empty buffer.
func reserve(buffer *[]byte, size int64) {
	if int64(cap(*buffer)) < size {
		*buffer = make([]byte, 0, size)
	}
}

func (c *Client) tooLarge() *attemptFailure {
	return c.failed(&httpfail.Failure{
		Reason: httpfail.TooLarge, Text: fmt.Sprintf("the response exceeds %d bytes", c.config.maxResponseBytes),
	})
}
