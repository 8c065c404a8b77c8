package paging

import "context"

// reader reads a list in passes. View, queue and the fields after them belong to the current pass.
type reader struct {
	list      List
	deliver   func(page *Page, i int) bool
	seen      map[uint64]int8 // the items delivered, each with the last pass that found it
	stopped   bool            // deliver returned false
	pass      int8            // its number
	view      *view
	queue     *queue
	next      int               // the page to request next
	rereading bool              // page 1 was requested again
	unnamed   map[uint64]uint64 // how many unnamed items had this hash
}

// read makes one pass, until nothing is left to read.
func (r *reader) read(ctx context.Context, v *view) error {
	r.view, r.queue = v, newQueue(ctx, r.list)
	defer r.queue.running.Wait()
	defer r.queue.cancel()
	r.next, r.rereading, r.unnamed = 1, false, make(map[uint64]uint64)
	for !r.view.done && !r.stopped {
		for r.request(); !r.queue.requests[0].done; r.request() {
			r.queue.receive()
		}
		response := r.queue.requests[0]
		r.queue.requests = r.queue.requests[1:]
		switch {
		case response.err != nil && response.number > 1 && r.list.IsEnd(response.err):
			r.view.addRefusal(response.err)
		case response.err != nil:
			return response.err
		case response.number == 1 && r.view.pages > 0:
			r.rereading = false // if this was too early, page 1 is read again at the end
			r.view.compareReread(&response.page)
		default:
			r.add(&response.page)
		}
	}
	return nil
}

// request sends the requests that may be sent now: for pages that should exist, and for page 1 again. If the total is
// the page size, page 2 is requested first: some servers always state the length of the page as the total.
func (r *reader) request() {
	for !r.view.done && !r.queue.full() && r.asExpected() {
		switch {
		case r.next <= r.view.lastToRequest():
			r.queue.send(r.next, r.view.size)
			r.next++
		case !r.rereading && r.view.inconsistency == "" && r.view.pages > 0 && (r.view.ended() || r.view.total > int64(r.view.size)):
			r.queue.send(1, r.view.size)
			r.rereading = true
		default:
			return
		}
	}
}

// asExpected reports whether no waiting response shows that the list has ended, has changed or repeats pages.
func (r *reader) asExpected() bool {
	starts := make(map[uint64]bool)
	for _, waiting := range r.queue.requests {
		switch {
		case !waiting.done || waiting.number == 1:
		case waiting.err != nil || r.view.mismatch(waiting.number, &waiting.page) != "":
			return false
		case len(waiting.page.IDs) > 0:
			start := waiting.page.IDs[0].Hash
			if starts[start] || r.seen[start] == r.pass {
				return false
			}
			starts[start] = true
		}
	}
	return true
}

// add delivers what is new on the next page.
func (r *reader) add(page *Page) {
	undelivered, isNew := r.identify(page)
	r.view.add(page, isNew)
	r.request()
	for _, i := range undelivered {
		if len(r.queue.responses) > 0 {
			r.request() // while the caller works
		}
		if r.stopped = !r.deliver(page, i); r.stopped {
			return
		}
	}
	if len(page.IDs) > 0 || r.view.pages == 1 {
		r.list.OnPage(r.view.pages, r.view.total)
	}
}

// identify returns which items of the page have not been delivered yet, and reports whether any item is new in this pass.
func (r *reader) identify(page *Page) (undelivered []int, isNew bool) {
	keys := make([]uint64, len(page.IDs))
	for i, id := range page.IDs {
		alike := uint64(0)
		if id.Unnamed {
			alike = r.unnamed[id.Hash]
			r.unnamed[id.Hash]++
		}
		keys[i] = id.Hash + alike*0x9e3779b97f4a7c15
		seen := r.seen[keys[i]]
		isNew = isNew || seen != r.pass && alike == 0
		switch seen {
		case 0:
			undelivered = append(undelivered, i)
		case r.pass:
			r.view.repeats++
		}
		r.view.sum = r.view.sum*31 + keys[i]
	}
	for _, key := range keys { // only now, so that an item can be on one page twice
		r.seen[key] = r.pass
	}
	return undelivered, isNew
}
