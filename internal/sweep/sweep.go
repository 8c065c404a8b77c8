// Package sweep reads every item of a list that a server hands out in numbered pages: several pages
// ahead, in order, each item once, or with an error that says what cannot be vouched for. It knows
// no HTTP, and of jobs only what to call them in a message; retries and decoding are its caller's.
//
// # What it relies on
//
// A page is a view of the list at one moment, and requests in flight see different moments. Where
// items vanish, those behind them move to pages that were read already; where items appear, those
// behind them come a second time. The total shows both: answers under one total, without one under
// another in between, are taken as views of one list.
//
// # What it does
//
//   - An answer under another total means that the list moved, whichever page it is of. What arrived
//     before it still counts, what arrives after it does not: it reads again from the page before the
//     first that does not count, drops by id what was delivered, and goes on from there. Without an
//     overlap with what was delivered it goes back further, then gives up.
//   - The page behind the last one is asked for, too. If it has items, the total was wrong, and pages are
//     read until one is empty.
//   - At the end the first page is read again. If it differs under the same total, the list moved
//     without the total showing it.
//   - Items that one of the few pages before had, too, are dropped and counted. Within a page they are
//     not: the same may stand there several times. What has no id is never dropped.
//   - A page equal to an earlier one, a page shorter or longer than it should be, an empty page before the
//     end, a total beyond what was found, and pages that bring nothing new again and again each end in
//     [Incomplete] if a second reading does not mend them.
//   - A list without a total is read until two pages in a row are empty.
//   - A page size that the server caps or ignores is taken over from the first page. Pages counted from
//     0 are noticed by what is missing; page 0 then comes last.
//
// # What it cannot see
//
// A deletion and a late arrival that cancel each other in the total between two answers, both behind the
// first page. In a list without a total, a deletion behind the first page, and what the last page lacks.
// Items that arrive while the sweep runs may or may not come. Certainty takes smaller lists: one that
// fits on one page is one view.
package sweep

import (
	"context"
	"fmt"
	"hash/maphash"
	"iter"
	"math"
	"slices"
)

// Page is one answered page.
type Page[T any] struct {
	// Items are in the server's order.
	Items []T
	// Total is how many items all pages have; -1 where the answer does not say.
	Total int64
	// Number is the page's number as the answer repeats it; 0 where it does not.
	Number int
	// NextLink is what the answer calls the address of the next page. It is compared, never followed.
	NextLink string

	hashes []uint64 // of the items' identities, once they were asked for
}

// Source says how to read pages.
type Source[T any] struct {
	// Fetch reads the page with this number, counted from 1, of pages of this size. It returns soon
	// after its context ends. It is called by several goroutines at once.
	Fetch func(ctx context.Context, number, size int) (Page[T], error)
	// ID names an item; empty where the server did not name it. Such an item is never taken for another.
	ID func(*T) string
	// Write writes what tells an item from all others, its ID included.
	Write func(*maphash.Hash, *T)
	// IsEnd tells whether an error of Fetch is a server's way to say that there is no such page.
	IsEnd func(error) bool
}

// Options bounds a sweep.
type Options struct {
	// PageSize is how many items to ask for on a page; at least 1.
	PageSize int
	// Prefetch is how many requests may be in flight; at least 1. Up to 4 times as many pages wait.
	Prefetch int
	// OnPage hears of every page that was delivered. It may be nil.
	OnPage func(Progress)
	// OnDrift hears of what disagrees without harm. It may be nil.
	OnDrift func(Drift)
}

// Progress is how far a sweep has come.
type Progress struct {
	Pages int
	Items int64
	Total int64 // -1: not known
}

// Drift is a disagreement that a sweep survives.
type Drift struct {
	Field, Value string // the contract's name, empty for the whole page; and what was seen
	Count        int    // of items, where it is about items; else 1
}

// Incomplete is the error of a sweep that cannot vouch for having seen every item. It comes after all
// the items that were got.
type Incomplete struct {
	Pages  int    // read and delivered
	Items  int64  // delivered
	Total  int64  // promised by the last answer; -1: none
	Reason string // what was seen
}

// Error says what was seen and how to get certainty.
func (e *Incomplete) Error() string {
	promised := "without a total"
	if e.Total >= 0 {
		promised = fmt.Sprintf("of %d promised", e.Total)
	}
	return fmt.Sprintf("%s; got %d jobs on %d pages, %s: ask again, or for a shorter time range at a time",
		e.Reason, e.Items, e.Pages, promised)
}

// All returns an iterator over all items. Nothing is asked for before the first pull, every loop starts
// anew, and a loop that is left waits only for its requests to notice. An error ends the loop.
func All[T any](ctx context.Context, source Source[T], options Options) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		s := &sweep[T]{
			source:  source,
			options: options,
			size:    options.PageSize,
			total:   -1,
			known:   newKnown(options.PageSize),
			yield:   yield,
			next:    1,
		}
		s.ahead = newAhead(ctx, source, options.Prefetch, s.isOdd)
		defer s.ahead.stop()
		err := s.run()
		if err != nil && !s.left {
			var none T
			yield(none, err)
		}
	}
}

// sweep is one loop over all items. One goroutine, that of the loop, owns it.
type sweep[T any] struct {
	source  Source[T]
	options Options
	ahead   *ahead[T]
	size    int // of the pages asked for
	yield   func(T, error) bool
	left    bool // the caller broke out of the loop

	next   int      // the page to deliver next
	total  int64    // under which the delivered pages were answered; -1: there is none
	known  known    // ids delivered last
	prints []uint64 // one for each page delivered
	base   uint64   // that of page 1 in the list as it is now; 0: not known
	links  bool     // nextLink is in use
	stale  int      // the pages before the next one that had nothing new

	items  int64  // delivered
	spared int64  // dropped by id
	looks  int    // times that the list was looked at again
	tries  int    // of them, for the page to deliver next
	doubt  string // why the sweep cannot vouch; the first reason counts
	// onlyEnd: no page but the last two were wrong, as with a server that counts from 0.
	onlyEnd bool
	lost    bool // going on would hand out again what was delivered
}

const (
	// maxLooks bounds how often one sweep looks again at a list that moves.
	maxLooks = 32
	// maxTries bounds how often it looks again for the sake of one page.
	maxTries = 3
)

func (s *sweep[T]) run() error {
	first, err := s.first()
	if err != nil {
		return err
	}
	s.total = first.Total
	if s.total < 0 {
		err = s.untilEmpty(first)
	} else {
		err = s.counted(first)
	}
	if err != nil || s.left {
		return err
	}
	return s.verdict()
}

// first reads page 1 and takes over the size of pages that the server has in mind. Page 2 is asked for
// along with it: it is the second page, or the one that shows that there is none.
func (s *sweep[T]) first() (Page[T], error) {
	s.ahead.ask(1, s.size)
	if s.options.Prefetch > 1 {
		s.ahead.ask(2, s.size)
	}
	first, err := s.ahead.get(1, s.size)
	if err != nil {
		return first, err
	}
	n := len(first.Items)
	if first.Total >= 0 && n > 0 && int64(n) != min(int64(s.size), first.Total) {
		// Asked for in its own size, page 1 is the same, unless the server counts from 0.
		s.resize(n)
		return s.ahead.get(1, s.size)
	}
	return first, nil
}

// resize asks for pages of another size from now on: the one that page 1 came with.
func (s *sweep[T]) resize(size int) {
	s.drift("pageSize", fmt.Sprintf("page 1 has %d jobs where %d were asked for", size, s.size))
	s.ahead.forget()
	s.size = size
	s.known.hold(size)
}

// counted reads as many pages as the total promises, and the one behind them.
func (s *sweep[T]) counted(page Page[T]) (err error) {
	for empty := 0; s.next == 1 || s.next <= s.last(); {
		s.compareLinks(&page)
		switch reason := s.fault(&page); {
		case reason != "" && s.mayLook(reason):
			err = s.lookAgain()
		case reason != "" && s.exceeds(&page):
			return s.uncounted(page)
		case reason != "":
			s.onlyEnd = s.doubt == "" && s.looks == s.tries && s.next >= s.last()-1 || s.onlyEnd
			s.suspect(reason)
			if len(page.Items) > 0 {
				s.total = page.Total
			}
			fallthrough
		default:
			if empty++; len(page.Items) > 0 {
				empty = 0
			}
			// What repeats or stays empty goes on so, whatever the total says.
			if s.repeats(&page) || !s.deliver(page) || empty > 1 {
				return s.missing()
			}
		}
		if err == nil && !s.left && !s.lost {
			page, err = s.pull()
		}
		if err != nil || s.left || s.lost {
			return err
		}
	}
	return s.end(page)
}

// exceeds reports whether the page shows that the total is too low, or is gone.
func (s *sweep[T]) exceeds(page *Page[T]) bool {
	return len(page.Items) > 0 && (page.Total < 0 || page.Total == s.total && int64(s.next-1)*int64(s.size)+int64(len(page.Items)) > s.total)
}

// uncounted goes on without the total.
func (s *sweep[T]) uncounted(page Page[T]) error {
	s.drift("totalCount", fmt.Sprintf("%d promised, and page %d has more", s.total, s.next))
	s.ahead.forget()
	s.total = -1
	return s.untilEmpty(page)
}

// get returns a page; an empty one where the server says that there is no such page.
func (s *sweep[T]) get(number int) (Page[T], error) {
	page, err := s.ahead.get(number, s.size)
	if err != nil && number != 1 && s.source.IsEnd != nil && s.source.IsEnd(err) {
		return Page[T]{Total: s.total}, nil
	}
	return page, err
}

// pull returns the next page and, while it waits, keeps requests for others in flight. Where an answer
// that arrived before it is of another list, it looks again first.
func (s *sweep[T]) pull() (Page[T], error) {
	for {
		if odd := s.ahead.odd; odd != nil && !s.ahead.has(s.next) {
			if reason := s.changed(odd.page.Total, odd.number); !s.mayLook(reason) {
				s.suspect(reason)
				s.ahead.odd = nil
			} else if err := s.lookAgain(); err != nil || s.left || s.lost {
				return Page[T]{}, err
			}
		}
		s.ahead.ask(s.next, s.size)
		s.refill(s.next)
		switch {
		case s.ahead.has(s.next):
			return s.get(s.next)
		case s.ahead.odd == nil:
			s.ahead.wait()
		}
	}
}

// isOdd reports whether a page is of another list than those before, by its total.
func (s *sweep[T]) isOdd(page Page[T]) bool {
	// Some servers count nothing behind the last page.
	return s.total >= 0 && page.Total != s.total && page.Total >= 0 && (page.Total > 0 || len(page.Items) > 0)
}

func (s *sweep[T]) changed(total int64, number int) string {
	return fmt.Sprintf("the total changed from %d to %d by page %d", s.total, total, max(number, again(number)))
}

// last returns the number of the last page that the total promises, at least 1.
func (s *sweep[T]) last() int {
	if s.total <= 0 {
		return 1
	}
	return int(min((s.total-1)/int64(s.size)+1, math.MaxInt32-1)) // numbers of pages are 32 bits long
}

// refill asks for what may be asked for ahead: pages, the page behind the last one, and for a list of
// several pages the first page once more.
func (s *sweep[T]) refill(from int) {
	if s.total < 0 || s.ahead.odd != nil {
		return // nobody knows how many pages there are, or what comes is of another list
	}
	last := s.last()
	furthest := from + 4*s.options.Prefetch*s.options.PageSize/max(s.options.PageSize, s.size)
	for number := from; number <= min(last+1, furthest); number++ {
		if !s.ahead.ask(number, s.size) {
			return
		}
	}
	if last > 1 && furthest > last {
		s.ahead.ask(again(1), s.size)
	}
}

// fault says in what way the page does not fit; empty if it does.
func (s *sweep[T]) fault(page *Page[T]) string {
	n := int64(len(page.Items))
	want := max(0, min(int64(s.size), s.total-int64(s.next-1)*int64(s.size)))
	switch {
	case page.Total != s.total:
		return s.changed(page.Total, s.next)
	case s.repeats(page):
		return fmt.Sprintf("page %d repeats an earlier one", s.next)
	case n != want:
		return fmt.Sprintf("page %d has %d jobs instead of %d", s.next, n, want)
	}
	return ""
}

func (s *sweep[T]) repeats(page *Page[T]) bool {
	return len(page.Items) > 0 && slices.Contains(s.prints, print(s.hashes(page)))
}

// mayLook counts the looks at a list that seems to have moved, and reports why.
func (s *sweep[T]) mayLook(reason string) bool {
	if s.looks >= maxLooks || s.tries >= maxTries {
		return false
	}
	s.looks++
	s.tries++
	s.drift("", reason)
	return true
}

// lookAgain goes on in a list that has moved: from the nearest page before the next one that overlaps
// with what was delivered.
func (s *sweep[T]) lookAgain() error {
	s.ahead.forget()
	s.ahead.ask(again(1), s.size)
	number := max(1, s.next-1)
	before := s.total
	s.total = -1 // what comes first says which list it is now
	for oldest := max(1, s.next-s.known.pages(s.size)); ; number-- {
		page, err := s.get(number)
		if err != nil {
			return err
		}
		if s.total = page.Total; s.total < 0 {
			s.total = before
		}
		if s.next == 1 {
			break // nothing was delivered yet
		}
		if at := slices.IndexFunc(s.hashes(&page), s.known.has); at >= 0 {
			return s.resume(number, &page, at)
		}
		if number <= oldest {
			s.suspect(fmt.Sprintf("the list moved so far that page %d does not overlap with what was read before", number))
			s.lost = s.total > before // then old items stand where new ones are expected
			break
		}
	}
	s.ahead.drop(number) // it may be the next one
	return s.rebase()
}

// resume delivers what is new on a page behind the first item that is not.
func (s *sweep[T]) resume(number int, page *Page[T], at int) error {
	hashes := s.hashes(page)
	for i := at; i < len(hashes); i++ {
		if s.known.has(hashes[i]) {
			continue
		}
		if s.source.ID(&page.Items[i]) == "" {
			s.suspect(fmt.Sprintf("the list moved, and jobs without an id on page %d cannot be told from those read before", number))
		}
		if !s.hand(page.Items[i]) {
			return nil
		}
	}
	tries := s.tries
	back := number < s.next-1
	s.next = number
	s.delivered(page)
	if !back {
		s.tries = tries // no page further than before
	}
	return s.rebase()
}

// rebase takes the first page as it is now for what it should still be at the end.
func (s *sweep[T]) rebase() error {
	first, err := s.get(again(1))
	if err != nil {
		return err
	}
	s.base = 0
	if first.Total == s.total {
		s.base = print(s.hashes(&first))
	}
	s.ahead.drop(again(1))
	return nil
}

// deliver hands out the items of a page that were not delivered just before. It is false when that was
// the last page to look at, or the caller has left.
func (s *sweep[T]) deliver(page Page[T]) bool {
	s.refill(s.next + 1)
	hashes := s.hashes(&page)
	before, shifted := s.items, Drift{Field: "jobs.jobId"}
	for i := range page.Items {
		if s.known.has(hashes[i]) {
			if shifted.Count++; shifted.Count == 1 {
				shifted.Value = s.source.ID(&page.Items[i])
			}
		} else if !s.hand(page.Items[i]) {
			return false
		}
	}
	if shifted.Count > 0 {
		s.spared += int64(shifted.Count)
		s.report(shifted)
	}
	s.delivered(&page)
	if s.stale++; s.items > before || len(hashes) == 0 {
		s.stale = 0
	}
	if s.stale == keptPages { // a page may repeat another in part, but this goes on for ever
		s.suspect(fmt.Sprintf("page %d and those before it have no new job", s.next-1))
	}
	return s.stale < keptPages
}

func (s *sweep[T]) hand(item T) bool {
	if s.ahead.answered() {
		s.refill(s.next + 1)
	}
	s.items++
	s.left = !s.yield(item, nil)
	return !s.left
}

// delivered notes that the next page is done.
func (s *sweep[T]) delivered(page *Page[T]) {
	s.ahead.drop(s.next)
	for i, hash := range s.hashes(page) {
		if s.source.ID(&page.Items[i]) != "" {
			s.known.add(hash)
		}
	}
	s.prints = append(s.prints[:s.next-1], print(s.hashes(page)))
	if s.next == 1 {
		s.base = s.prints[0]
	}
	s.next++
	s.tries = 0
	if s.options.OnPage != nil {
		s.options.OnPage(Progress{Pages: len(s.prints), Items: s.items, Total: s.total})
	}
}

func (s *sweep[T]) suspect(reason string) {
	if s.doubt == "" {
		s.doubt = reason
	}
}

func (s *sweep[T]) drift(field, value string) { s.report(Drift{field, value, 1}) }

func (s *sweep[T]) report(drift Drift) {
	if s.options.OnDrift != nil {
		s.options.OnDrift(drift)
	}
}

// verdict ends the sweep.
func (s *sweep[T]) verdict() error {
	if missing := s.total - s.items - s.spared; s.total >= 0 && missing > 0 {
		s.suspect(fmt.Sprintf("%d jobs are missing", missing))
	}
	if s.doubt == "" {
		return nil
	}
	return &Incomplete{Pages: len(s.prints), Items: s.items, Total: s.total, Reason: s.doubt}
}
