// Package paging reads a list that a server returns in numbered pages: every item once, or [Incomplete] after every item that
// it could read. Its messages call the items jobs. It does not depend on HTTP; retries and decoding are up to the caller.
//
// A page shows the list at one moment, and the list may change between two requests. So the list is read in passes. A
// pass reads all pages, the page after the last one, and page 1 again, several requests at a time. It is consistent if
// all responses state one total, every page has the expected length, no item is on two pages, the page after the last
// one is empty, and page 1 is unchanged. Items are delivered as soon as their page is read. An inconsistent pass is
// abandoned, and the next one delivers what is new. The third pass is the last: it reads on until a page has nothing
// new, and ends in Incomplete unless it is consistent.
//
// A list that is shorter than a page takes one request, since one page shows one moment. A page 1 of
// another length than requested sets the page size. A list without a total, or with more items than
// its total, ends after two empty pages in a row. If two passes read the same list with items on
// several pages, it really repeats them.
package paging

import "context"

// Page is one page of a list.
type Page struct {
	IDs     []ID  // of the items, in the server's order
	Items   any   // opaque to this package; deliver gets it with an item's index
	Total   int64 // number of items on all pages; -1 if the page does not state it
	HasNext bool  // the page links to the next one
}

// ID identifies an item. An item without an id from the server is never considered the same as another one of
// the same pass, even if their hashes are equal.
type ID struct {
	Hash    uint64
	Unnamed bool
}

// List describes a list and how to read it.
type List struct {
	// Fetch reads a page, counted from 1. Several goroutines call it. It must return soon after its context ends.
	Fetch    func(ctx context.Context, number, size int) (Page, error)
	IsEnd    func(error) bool // whether an error of Fetch may mean that there is no such page
	PageSize int              // items to request per page; at least 1
	Prefetch int              // requests in flight; at least 1. Four times as many pages may wait.
	// OnPage is called after each page: pages of this pass, total (-1: unknown).
	OnPage func(pages int, total int64)
	// OnDrift is called if pages disagree: the field, empty for a whole page, what was seen, how often.
	OnDrift func(field, value string, count int)
}

// Incomplete is the error of a list that could not be read consistently.
type Incomplete struct {
	Reason  string // why the last pass is inconsistent
	Refusal error  // of a page that should exist; may be nil
}

// Error returns the reason.
func (e *Incomplete) Error() string { return e.Reason }

// Read calls deliver with each item of the list, given by its page and index, until deliver returns
// false. When Read returns, no request is in flight.
func Read(ctx context.Context, list List, deliver func(page *Page, i int) bool) error {
	r := &reader{list: list, deliver: deliver, seen: make(map[uint64]int8)}
	const maxPasses = 3
	size, before := list.PageSize, view{}
	for r.pass = 1; ; r.pass++ {
		v := view{wanted: list.PageSize, size: size, lastPass: r.pass == maxPasses, drift: list.OnDrift}
		if err := r.read(ctx, &v); err != nil || r.stopped {
			return err
		}
		switch {
		case v.inconsistency != "":
		case v.repeats == 0:
			return nil
		case v.total == before.total && v.sum == before.sum:
			list.OnDrift("jobs.jobId", "the list repeats jobs", v.repeats)
			return nil
		default:
			v.markInconsistent("%d jobs are on several pages", v.repeats)
		}
		list.OnDrift("", v.inconsistency, 1)
		if r.pass == maxPasses {
			return &Incomplete{Reason: v.inconsistency, Refusal: v.refusal}
		}
		size, before = v.size, v
	}
}
