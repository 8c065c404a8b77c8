// Package body reads response bodies to their end, within a limit for each and a memory budget for all that one client
// reads at a time.
package body

import (
	"context"
	"errors"
	"io"
	"sync"
)

// budget is how many bytes the bodies that a Reader reads at a time may hold together.
const budget = 10 << 20

// maxPooled bounds the buffers that are kept, so that one large body does not hold its memory forever.
const maxPooled = budget / 16

var buffers = sync.Pool{New: func() any { return new([]byte) }}

// ErrTooLarge is the error for a body that exceeds the limit.
var ErrTooLarge = errors.New("body too large")

// Reader reads bodies. Each has an equal share of the budget. One at a time may exceed its share, up to the limit; it
// does not wait for memory, so that the others can follow. A Reader is safe for concurrent use.
type Reader struct {
	limit, share int64
	large        chan struct{} // held by the body that exceeds its share
}

// NewReader returns a Reader of bodies of at most limit bytes, of which at most atATime are read at once.
func NewReader(limit int64, atATime int) *Reader {
	return &Reader{limit: limit, share: min(limit, int64(budget/atATime)-1), large: make(chan struct{}, 1)}
}

// Body is the part of a body that was read. Release it when its bytes are no longer needed.
type Body struct {
	Bytes []byte
	// Size is the number of bytes read, even if reading failed and Bytes holds fewer.
	Size    int64
	buffer  *[]byte
	release func()
}

// Release makes the memory available to other bodies.
func (b *Body) Release() {
	*b.buffer = b.Bytes
	recycle(b.buffer)
	if b.release != nil {
		b.release()
	}
}

func recycle(buffer *[]byte) {
	if cap(*buffer) <= maxPooled {
		*buffer = (*buffer)[:0]
		buffers.Put(buffer)
	}
}

// Read reads a body whose announced length is negative if unknown. The Body must be released even if there is an error:
// ErrTooLarge, that of the context, or that of reading.
func (r *Reader) Read(ctx context.Context, body io.Reader, announced int64) (*Body, error) {
	b := &Body{buffer: buffers.Get().(*[]byte)}
	b.Bytes = *b.buffer
	if announced > r.limit {
		return b, ErrTooLarge
	}
	reserve(&b.Bytes, min(announced, r.share)+1) // one byte more, to see the end without growing
	err := readUpTo(body, &b.Bytes, r.share)
	b.Size = int64(len(b.Bytes))
	if !errors.Is(err, ErrTooLarge) || r.share == r.limit {
		return b, err
	}
	select {
	case r.large <- struct{}{}:
		b.release = func() { <-r.large }
		return b, b.readLarge(body, r.limit)
	case <-ctx.Done():
		return b, ctx.Err()
	}
}

// readUpTo appends what the reader has to the buffer. Unlike bytes.Buffer it never grows the buffer beyond the limit, so
// that an endless body costs little more than the limit.
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
			return ErrTooLarge
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
	return ErrTooLarge
}

// readLarge reads the rest of the body into pooled chunks and joins them at the end: growing one buffer would leave
// twice its size to the garbage collector, even if reading fails.
func (b *Body) readLarge(r io.Reader, limit int64) error {
	var chunks []*[]byte
	defer func() {
		for _, chunk := range chunks {
			recycle(chunk)
		}
	}()
	err := ErrTooLarge
	for b.Size <= limit && errors.Is(err, ErrTooLarge) {
		chunk := buffers.Get().(*[]byte)
		reserve(chunk, maxPooled)
		chunks = append(chunks, chunk)
		err = readUpTo(r, chunk, min(limit-b.Size, maxPooled-1))
		b.Size += int64(len(*chunk))
	}
	if err != nil {
		return err
	}
	whole := append(make([]byte, 0, b.Size), b.Bytes...)
	for _, chunk := range chunks {
		whole = append(whole, *chunk...)
	}
	b.Bytes = whole
	return nil
}

// reserve makes room for so many bytes in an empty buffer.
func reserve(buffer *[]byte, size int64) {
	if int64(cap(*buffer)) < size {
		*buffer = make([]byte, 0, size)
	}
}
