package sweep

import (
	"context"
	"sync"
)

// again is what a page is called when it is read a second time.
func again(number int) int { return -number }

// ahead keeps requests in flight and their answers until they are wanted. One goroutine owns it; only
// the requests run beside it.
type ahead[T any] struct {
	parent  context.Context
	fetch   func(ctx context.Context, number, size int) (Page[T], error)
	limit   int
	isOdd   func(Page[T]) bool // whether an answer is of another list than those before
	answers chan answer[T]
	running sync.WaitGroup
	flying  int // requests without an answer, forgotten ones included

	// Of the requests since the last forget:
	ctx    context.Context
	cancel context.CancelFunc
	round  int
	asked  map[int]bool
	got    map[int]answer[T]
	// odd is the first answer of another list. It is kept; what arrived after it is not.
	odd *answer[T]
}

type answer[T any] struct {
	round, number int
	page          Page[T]
	err           error
}

func newAhead[T any](ctx context.Context, source Source[T], limit int, isOdd func(Page[T]) bool) *ahead[T] {
	a := &ahead[T]{parent: ctx, fetch: source.Fetch, limit: limit, isOdd: isOdd, answers: make(chan answer[T], limit), cancel: func() {}}
	a.forget()
	return a
}

// forget gives up all requests and answers.
func (a *ahead[T]) forget() {
	a.cancel()
	a.ctx, a.cancel = context.WithCancel(a.parent)
	a.round++
	a.asked, a.got, a.odd = make(map[int]bool), make(map[int]answer[T]), nil
}

// drop gives up one answer, so that the page can be asked for again.
func (a *ahead[T]) drop(number int) {
	delete(a.asked, number)
	delete(a.got, number)
}

// stop gives up all and waits until the requests have noticed.
func (a *ahead[T]) stop() {
	a.cancel()
	a.running.Wait()
}

// ask sends a request for a page, unless there was one. It is false while the limit allows none.
func (a *ahead[T]) ask(number, size int) bool {
	if a.asked[number] {
		return true
	}
	a.collect()
	if a.flying >= a.limit {
		return false
	}
	a.asked[number] = true
	a.flying++
	ctx, round := a.ctx, a.round
	a.running.Go(func() {
		page, err := a.fetch(ctx, max(number, again(number)), size)
		a.answers <- answer[T]{round, number, page, err} // never blocks: there is room for the limit
	})
	return true
}

// answered reports whether an answer has come that was not looked at.
func (a *ahead[T]) answered() bool { return len(a.answers) > 0 }

func (a *ahead[T]) collect() {
	for a.answered() {
		a.keep(<-a.answers)
	}
}

func (a *ahead[T]) keep(got answer[T]) {
	a.flying--
	switch {
	case got.round != a.round:
	case a.odd != nil:
		delete(a.asked, got.number)
	default:
		a.got[got.number] = got
		if got.err == nil && a.isOdd(got.page) {
			a.odd = &got
		}
	}
}

// get returns a page, asked for now if it was not before, of whatever list it is.
func (a *ahead[T]) get(number, size int) (Page[T], error) {
	for {
		if got, ok := a.got[number]; ok {
			return got.page, got.err
		}
		a.odd = nil
		a.ask(number, size)
		if !a.has(number) {
			a.wait()
		}
	}
}

// has reports whether the page has come.
func (a *ahead[T]) has(number int) bool {
	_, ok := a.got[number]
	return ok
}

// wait waits for the next answer, whichever it is. There must be a request in flight.
func (a *ahead[T]) wait() { a.keep(<-a.answers) }
