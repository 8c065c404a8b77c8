package paging_test

import (
	"errors"
	"flag"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/d365backup/d365backup/internal/paging"
)

var cases = flag.Int("cases", 5000, "how many random cases TestSimulator reads")

// world is one random case: a list, a server with its faults, and changes while the list is read.
type world struct {
	n, size, prefetch int
	seed              uint64
	deletes, inserts  int // changes at random requests, each in one direction
	fault             int // index in faults
	cap               int // the largest page size of the server; 0: none
	repeats           int // items of the list that are also on an earlier page
	refusedAt         int // the page from which on pages are refused; 0: none
	jitter            bool
}

// fault changes a response.
type fault struct {
	name  string
	apply func(p *page, w *world, random *rand.Rand, at func(number int) page, number int)
	// hidesDeletions: nothing shows a deletion, since there is no usable total.
	hidesDeletions bool
	// unordered: every response has a different order.
	unordered bool
}

var faults = []fault{
	{name: "none", apply: func(*page, *world, *rand.Rand, func(int) page, int) {}},
	{name: "no total", hidesDeletions: true, apply: func(p *page, _ *world, _ *rand.Rand, _ func(int) page, _ int) { p.Total = -1 }},
	{name: "total is the page's length", hidesDeletions: true, apply: func(p *page, _ *world, _ *rand.Rand, _ func(int) page, _ int) {
		p.Total = int64(len(p.IDs))
	}},
	{name: "total is too low", hidesDeletions: true, apply: func(p *page, _ *world, _ *rand.Rand, _ func(int) page, _ int) { p.Total /= 2 }},
	{name: "total is too high", apply: func(p *page, _ *world, _ *rand.Rand, _ func(int) page, _ int) { p.Total += 3 }},
	{name: "total is huge", apply: func(p *page, w *world, _ *rand.Rand, _ func(int) page, _ int) {
		p.Total = []int64{1 << 31, math.MaxInt64}[w.seed%2]
	}},
	{name: "total always changes", apply: func(p *page, _ *world, random *rand.Rand, _ func(int) page, _ int) {
		p.Total += 1 + random.Int64N(100)
	}},
	{name: "page 1 forever", apply: func(p *page, _ *world, _ *rand.Rand, at func(int) page, _ int) { *p = at(1) }},
	{name: "page 3 forever", apply: func(p *page, _ *world, _ *rand.Rand, at func(int) page, number int) { *p = at(min(number, 3)) }},
	{name: "page 1 forever, of a huge list", apply: func(p *page, _ *world, _ *rand.Rand, at func(int) page, _ int) {
		*p = at(1)
		p.Total = math.MaxInt64
	}},
	{name: "pages count from 0", apply: func(p *page, _ *world, _ *rand.Rand, at func(int) page, number int) { *p = at(number + 1) }},
	{name: "some pages are empty", apply: func(p *page, _ *world, _ *rand.Rand, _ func(int) page, number int) {
		if number%5 == 4 {
			keep(p, 0)
		}
	}},
	{name: "page 1 is empty", apply: func(p *page, _ *world, _ *rand.Rand, _ func(int) page, number int) {
		if number == 1 {
			keep(p, 0)
		}
	}},
	{name: "some pages lack an item", apply: func(p *page, _ *world, _ *rand.Rand, _ func(int) page, number int) {
		if number%3 == 2 {
			keep(p, len(p.IDs)-1)
		}
	}},
	{name: "some pages repeat the one before", apply: func(p *page, _ *world, _ *rand.Rand, at func(int) page, number int) {
		if number%4 == 0 {
			*p = at(number - 1)
		}
	}},
	{name: "every order is another", unordered: true, apply: func(p *page, w *world, random *rand.Rand, _ func(int) page, number int) {
		items := jobs(w.n)
		random.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
		*p = (&server{items: items}).at(number, w.size)
	}},
	{name: "items near each other swap places", unordered: true, apply: func(p *page, w *world, random *rand.Rand, _ func(int) page, number int) {
		items := jobs(w.n)
		for i := 1 + random.IntN(3); i < len(items); i += 1 + random.IntN(3) {
			items[i], items[i-1] = items[i-1], items[i]
		}
		*p = (&server{items: items}).at(number, w.size)
	}},
}

// read reads the world's list and checks the outcome.
func (w world) read(t *testing.T) {
	t.Helper()
	random := rand.New(rand.NewPCG(w.seed, 1))
	s := &server{items: jobs(w.n)}
	for i := range w.repeats { // on different pages
		if from, to := i, i+(1+random.IntN(3))*w.size; to < w.n {
			s.items[to] = s.items[from]
		}
	}
	throughout := slices.Clone(s.items) // the items that no change affects
	most := len(s.items)
	changes := w.changes(random)
	if w.jitter {
		s.delay = func(number int) time.Duration {
			return 100*time.Millisecond + time.Duration((w.seed>>8+uint64(number))*0x9e3779b97f4a7c15%200e6)
		}
	}
	s.before = func(response, _ int) {
		for range changes[response] {
			if len(s.items) > 0 {
				i := random.IntN(len(s.items))
				throughout = slices.DeleteFunc(throughout, func(item string) bool { return item == s.items[i] })
				s.items = slices.Delete(s.items, i, i+1)
			}
		}
		for i := range -changes[response] {
			item := "new" + strconv.Itoa(response) + "-" + strconv.Itoa(i)
			s.items = slices.Insert(s.items, random.IntN(len(s.items)+1), item)
		}
		most = max(most, len(s.items))
	}
	s.after = func(p *page, number, size int) error {
		if w.refusedAt > 0 && number >= w.refusedAt {
			return errNoPage
		}
		if w.cap > 0 {
			size = min(size, w.cap)
		}
		at := func(number int) page { return s.at(number, size) }
		*p = at(number)
		faults[w.fault].apply(p, &w, random, at, number)
		return nil
	}
	err := s.readAll(t, w.size, w.prefetch)
	w.checkItems(t, s.delivered, throughout, err)
	w.checkRequests(t, s, most, err)
}

// changes chooses the responses at which items are deleted, or if negative, inserted.
func (w world) changes(random *rand.Rand) map[int]int {
	changes := make(map[int]int)
	responses := w.n/w.size + 3
	for range w.deletes {
		changes[1+random.IntN(responses)]++
	}
	for range w.inserts {
		if at := 1 + random.IntN(responses); changes[at] <= 0 { // a deletion and an insertion at once would not change the total
			changes[at]--
		}
	}
	return changes
}

// checkItems checks that no item was delivered twice, and that all were or there is an error.
func (w world) checkItems(t *testing.T, got, throughout []string, err error) {
	t.Helper()
	seen := make(map[string]bool, len(got))
	for _, item := range got {
		mayRepeat := w.repeats > 0 && w.deletes+w.inserts > 0 // both copies may move to one page
		if seen[item] && !mayRepeat {
			t.Fatalf("%s: %+v: %s came twice (%v)", faults[w.fault].name, w, item, err)
		}
		seen[item] = true
	}
	if _, ok := errors.AsType[*paging.Incomplete](err); ok {
		return
	}
	if err != nil && (w.refusedAt != 1 || !errors.Is(err, errNoPage)) {
		t.Fatalf("%s: %+v: %v", faults[w.fault].name, w, err)
	}
	for _, item := range throughout {
		if err == nil && !seen[item] {
			t.Fatalf("%s: %+v: %s is missing without an error", faults[w.fault].name, w, item)
		}
	}
	if disorder := countDisorder(got); disorder > 2 && !faults[w.fault].unordered && w.repeats == 0 {
		t.Fatalf("%s: %+v: out of order %d times in three passes", faults[w.fault].name, w, disorder)
	}
}

// countDisorder counts how often an item of the first list is delivered after an item that followed it there.
func countDisorder(got []string) (disorder int) {
	before := -1
	for _, item := range got {
		var place int
		if number, ok := cutJob(item); ok {
			place = number
		} else {
			continue
		}
		if place < before {
			disorder++
		}
		before = place
	}
	return disorder
}

func cutJob(item string) (int, bool) {
	if len(item) < 4 || item[:3] != "job" {
		return 0, false
	}
	number, err := strconv.Atoi(item[3:])
	return number, err == nil
}

// checkRequests checks the number of requests, not counting those in flight when a pass ends.
func (w world) checkRequests(t *testing.T, s *server, items int, err error) {
	t.Helper()
	size := s.smallest // page 1 sets the page size
	if w.cap > 0 {
		size = min(size, w.cap)
	}
	pages := (items + size - 1) / size
	bound := 3*(pages+3) + 3*w.prefetch
	if s.requests > bound {
		t.Fatalf("%s: %+v: %d requests for %d pages, want at most %d (%v)", faults[w.fault].name, w, s.requests, pages, bound, err)
	}
	if w.fault == 0 && w.deletes+w.inserts+w.repeats+w.refusedAt == 0 && s.requests > pages+3 {
		t.Fatalf("%+v: %d requests for %d pages that do not change (%v)", w, s.requests, pages, err)
	}
}

func randomWorld(random *rand.Rand) world {
	w := world{
		n:        random.IntN(200),
		size:     1 + random.IntN(20),
		prefetch: 1 + random.IntN(8),
		seed:     random.Uint64(),
		jitter:   random.IntN(2) == 0,
	}
	if random.IntN(2) == 0 {
		w.fault = random.IntN(len(faults))
	}
	if random.IntN(4) == 0 {
		w.cap = 1 + random.IntN(w.size)
	}
	if random.IntN(4) == 0 {
		w.repeats = random.IntN(4)
	}
	if random.IntN(4) == 0 {
		w.refusedAt = random.IntN(w.n/w.size + 3)
	}
	if random.IntN(2) == 0 {
		w.deletes, w.inserts = random.IntN(4), random.IntN(4)
	}
	return w.possible()
}

// possible excludes combinations that cannot be detected, which the package comment of the client lists.
func (w world) possible() world {
	if faults[w.fault].hidesDeletions {
		w.deletes, w.inserts = 0, 0
		if w.fault == 2 || w.n/2 == w.cap { // a capped page of the stated length cannot be distinguished from a whole list
			w.cap = 0
		}
		if w.fault != 1 || w.cap > 0 { // and a refusal after a short page, or after the stated total, like its end
			w.refusedAt = 0
		}
	}
	if w.fault >= len(faults)-2 {
		w.repeats, w.deletes, w.inserts, w.cap = 0, 0, 0, 0 // these faults have their own list
		w.n = max(w.n, 30)                                  // short lists may have the same order by chance
	}
	return w
}

// TestSimulator: whatever a server does wrong and however the list changes, no item is missing without an error, none is
// delivered twice, and the number of requests is bounded.
func TestSimulator(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range *cases {
		randomWorld(random).read(t)
	}
}

func FuzzPaging(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) { randomWorld(rand.New(rand.NewPCG(seed, 3))).read(t) })
}
