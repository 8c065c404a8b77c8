package paging

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// view is what a pass has seen of the list.
type view struct {
	wanted        int   // page size that the caller wants
	size          int   // page size of the server
	total         int64 // stated by page 1; -1: none, or too low
	lastPass      bool  // continues even if it is inconsistent
	drift         func(field, value string, count int)
	pages         int    // read, not counting page 1 read again
	first         *Page  // page 1
	short         bool   // the last page read is not full
	link          bool   // the last page read links to the next one
	empty         int    // empty pages at the end
	repeats       int    // items that are also on an earlier page
	sum           uint64 // fingerprint of all items in their order
	done          bool   // there is nothing left to read
	inconsistency string // why the view is inconsistent, if it is
	refusal       error  // the error of the page that made it inconsistent, if any
}

// add takes the next page. isNew: it has an item that no earlier page has.
func (v *view) add(page *Page, isNew bool) {
	v.pages++
	number, n := v.pages, len(page.IDs)
	if number == 1 {
		v.begin(page)
	}
	if page.HasNext && v.total >= 0 && number >= v.last() {
		v.drift("nextLink", fmt.Sprintf("present on page %d, the last page", number), 1)
	}
	if n > 0 && v.total >= 0 && page.Total >= 0 && page.Total < v.before(number)+int64(n) {
		v.drift("totalCount", fmt.Sprintf("%d, but page %d has more", page.Total, number), 1)
		v.total = -1
		v.done = v.done || v.inconsistency != "" // the list may never end
	}
	if reason := v.mismatch(number, page); reason != "" {
		v.markInconsistent("%s", reason)
	} else if v.total < 0 && n > 0 && v.short && (number != 2 || v.size >= v.wanted) {
		v.markInconsistent("page %d is not full, but page %d has more jobs", number-1, number)
	} else if n > 0 && !isNew {
		v.markInconsistent("page %d has only jobs of earlier pages", number)
	}
	v.short, v.link = n < v.size || number == 1 && n < v.wanted, page.HasNext
	if v.empty++; n > 0 {
		v.empty = 0
	}
	v.done = v.done || n > 0 && !isNew || v.inconsistency != "" && v.ended()
}

// begin takes the total and the page size from page 1.
func (v *view) begin(page *Page) {
	n := len(page.IDs)
	v.first, v.total = page, page.Total
	v.done = page.Total == int64(n) && n < v.size && !page.HasNext // one page shows one moment
	if n == 0 || v.done || v.size != v.wanted {
		return
	}
	if n > v.size || n < v.size && page.Total > int64(n) {
		v.drift("pageSize", fmt.Sprintf("page 1 has %d jobs instead of %d", n, v.size), 1)
	}
	v.size = n
}

// addRefusal takes the error of the next page if it may mean that there is none.
func (v *view) addRefusal(err error) {
	atEnd := v.total < 0 && v.short && !v.link || v.total >= 0 && v.pages >= v.last()
	if v.inconsistency == "" && !atEnd {
		v.markInconsistent("page %d was refused", v.pages+1)
		v.refusal = err
	}
	v.add(&Page{Total: v.total}, false)
}

// compareReread compares page 1, read again, with page 1 as it was first.
func (v *view) compareReread(page *Page) {
	if page.Total != v.first.Total { // even if it is too low
		v.markInconsistent("page 1 no longer states a total of %d", v.first.Total)
	} else if !slices.Equal(page.IDs, v.first.IDs) {
		v.markInconsistent("page 1 changed while the others were read")
	}
	v.done = v.done || v.ended()
}

// markInconsistent records why the view is inconsistent. It keeps the first reason.
func (v *view) markInconsistent(format string, args ...any) {
	v.inconsistency = cmp.Or(v.inconsistency, fmt.Sprintf(format, args...))
	v.done = v.done || !v.lastPass
}

// mismatch describes what is wrong with the total or the length of a page; empty if nothing is.
func (v *view) mismatch(number int, page *Page) string {
	n, want := int64(len(page.IDs)), max(0, min(int64(v.size), v.total-v.before(number)))
	switch {
	case v.total < 0:
	case page.Total != v.total && (n > 0 || page.Total > 0 || number <= v.last()): // after the last page, some servers state 0
		return fmt.Sprintf("page %d no longer states a total of %d", number, v.total)
	case n != want:
		return fmt.Sprintf("page %d has %d jobs instead of %d", number, n, want)
	}
	return ""
}

// before returns how many items the pages before this one have.
func (v *view) before(number int) int64 { return int64(number-1) * int64(v.size) }

// last returns the number of the last page according to the total. Page numbers have 32 bits.
func (v *view) last() int {
	return int(min((max(1, v.total)-1)/int64(v.size)+1, math.MaxInt32-1))
}

// lastToRequest returns the last page to request.
func (v *view) lastToRequest() int {
	switch {
	case v.ended():
		return v.pages
	case v.pages == 0 || v.total < 0 || v.inconsistency != "":
		return v.pages + 1
	}
	return v.last() + 1
}

// ended reports whether the page after the last one has been read.
func (v *view) ended() bool {
	if v.total >= 0 && v.inconsistency == "" {
		return v.pages > v.last()
	}
	return v.empty >= 2
}
