package sweep_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/d365backup/d365backup/internal/sweep"
)

// world is one simulated sweep: a list, a server with its faults, and a history that goes on.
type world struct {
	n, size, prefetch int
	seed              uint64
	deletes, inserts  int // how many times the list changes, at random requests, each in one way
	fault             int // of the server, one of faults
}

type pageEdit func(p *sweep.Page[string], l *list, number, size int)

// faults are what a server does wrong besides.
var faults = []pageEdit{
	nil,
	func(p *sweep.Page[string], _ *list, _, _ int) { p.Total = -1 },
	func(p *sweep.Page[string], _ *list, _, _ int) { p.Total = int64(len(p.Items)) },
	func(p *sweep.Page[string], _ *list, _, _ int) { p.Total /= 2 },
	func(p *sweep.Page[string], _ *list, _, _ int) { p.Total += 3 },
	func(p *sweep.Page[string], l *list, number, size int) { *p = l.at(number, min(size, 7)) },
	func(p *sweep.Page[string], _ *list, _, _ int) { p.Items = p.Items[:min(7, len(p.Items))] },
	func(p *sweep.Page[string], l *list, number, _ int) { *p = l.at(number, 9) },
	func(p *sweep.Page[string], l *list, _, size int) { *p = l.at(1, size) },
	func(p *sweep.Page[string], l *list, number, size int) { *p = l.at(min(number, 3), size) },
	func(p *sweep.Page[string], l *list, number, size int) { *p = l.at(number+1, size) },
	func(p *sweep.Page[string], _ *list, number, _ int) {
		if number%5 == 4 {
			p.Items = nil
		}
	},
	func(p *sweep.Page[string], _ *list, number, _ int) {
		if number%3 == 2 && len(p.Items) > 0 {
			p.Items = p.Items[1:]
		}
	},
	func(p *sweep.Page[string], l *list, number, size int) {
		if number > 1 && number%4 == 0 {
			*p = l.at(number-1, size)
		}
	},
	func(p *sweep.Page[string], l *list, number, _ int) { *p = l.at(number, 40) },
	// Without a total nothing shows what the last page lacks.
	func(p *sweep.Page[string], l *list, number, size int) {
		if p.Total = -1; number%5 == 4 && number*size < len(l.ids) {
			p.Items = nil
		}
	},
	func(p *sweep.Page[string], l *list, number, size int) {
		if p.Total = -1; number%5 == 4 && number*size < len(l.ids) {
			p.Items = p.Items[:len(p.Items)/2]
		}
	},
}

// run sweeps the world and finds fault with the outcome: an item twice, items out of order, or one missing
// without a word.
func (w world) run(t *testing.T) {
	random := rand.New(rand.NewPCG(w.seed, 1))
	l := &list{ids: sequence(w.n)}
	initial := slices.Clone(l.ids)
	pages := w.n/w.size + 3
	moments := make(map[int]int) // changes by request: so many deletions, or if negative insertions
	for range w.deletes {
		moments[1+random.IntN(pages)]++
	}
	for range w.inserts {
		if at := 1 + random.IntN(pages); moments[at] <= 0 { // what cancels at once shows in no total
			moments[at]--
		}
	}
	answered := 0
	l.before = func(l *list, _, _ int) {
		answered++
		change := moments[answered]
		for range change {
			if len(l.ids) > 0 {
				at := random.IntN(len(l.ids))
				l.ids = slices.Delete(l.ids, at, at+1)
			}
		}
		for i := range -change {
			id := "new" + strconv.Itoa(answered) + "-" + strconv.Itoa(i)
			l.ids = slices.Insert(l.ids, random.IntN(len(l.ids)+1), id)
		}
	}
	if edit := faults[w.fault]; edit != nil {
		l.after = func(p *sweep.Page[string], number, size int) { edit(p, l, number, size) }
	}
	got, _, err := l.all(t, w.size, w.prefetch)
	w.judge(t, got, initial, l.ids, err)
}

func (w world) judge(t *testing.T, got, initial, final []string, err error) {
	_, incomplete := errors.AsType[*sweep.Incomplete](err)
	if err != nil && !incomplete {
		t.Fatalf("%+v: %v", w, err)
	}
	place := make(map[string]int, len(initial)) // what arrives late or vanishes has no place
	for i, id := range initial {
		if slices.Contains(final, id) {
			place[id] = i
		}
	}
	seen := make(map[string]bool, len(got))
	last, turns := -1, 0
	for _, id := range got {
		if seen[id] {
			t.Fatalf("%+v: %s came twice (%v)", w, id, err)
		}
		seen[id] = true
		if at, ok := place[id]; ok {
			if at < last {
				turns++
			}
			last = at
		}
	}
	const fromZero = 10 // the fault whose first page comes last
	if turns > 0 && w.fault != fromZero && !incomplete {
		t.Fatalf("%+v: out of order without a word: %v", w, got)
	}
	if incomplete {
		return
	}
	for _, id := range initial {
		if !seen[id] && slices.Contains(final, id) {
			t.Fatalf("%+v: %s is missing without a word", w, id)
		}
	}
}

func randomWorld(random *rand.Rand) world {
	return world{
		n:        random.IntN(200),
		size:     1 + random.IntN(20),
		prefetch: 1 + random.IntN(8),
		seed:     random.Uint64(),
		fault:    random.IntN(len(faults)),
	}
}

// TestSimulator: no fault of a server, and no history that shrinks and grows, makes a sweep lose an item
// without a word, unless it does both between two answers: the package says what cannot be seen.
func TestSimulator(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 5000 {
		w := randomWorld(random)
		switch i % 5 {
		case 0: // a faulty server and a list that stands still
		case 1:
			w.fault, w.deletes = 0, 1+random.IntN(5)
		case 2:
			w.fault, w.inserts = 0, 1+random.IntN(5)
		case 3: // a server with an honest total may have other faults, too
			w.fault, w.deletes = []int{5, 6, 7, 8, 9, 11, 12, 13, 14}[random.IntN(9)], random.IntN(3)
		case 4:
			w.fault, w.deletes, w.inserts = 14*random.IntN(2), 1+random.IntN(3), 1+random.IntN(3)
		}
		w.run(t)
	}
}

func FuzzSweep(f *testing.F) {
	f.Add(uint64(1), uint8(95), uint8(10), uint8(4), uint8(0), uint8(0), uint8(3))
	f.Add(uint64(2), uint8(200), uint8(7), uint8(8), uint8(2), uint8(0), uint8(0))
	f.Add(uint64(3), uint8(50), uint8(1), uint8(1), uint8(0), uint8(2), uint8(0))
	f.Add(uint64(5), uint8(99), uint8(11), uint8(3), uint8(2), uint8(3), uint8(0))
	f.Add(uint64(4), uint8(31), uint8(30), uint8(3), uint8(0), uint8(0), uint8(10))
	f.Fuzz(func(t *testing.T, seed uint64, n, size, prefetch, deletes, inserts, fault uint8) {
		w := world{seed: seed, n: int(n), size: 1 + int(size%32), prefetch: 1 + int(prefetch%8), fault: int(fault) % len(faults)}
		if deletes > 0 || inserts > 0 { // what goes together, as in TestSimulator
			w.deletes, w.inserts, w.fault = int(deletes%8), int(inserts%8), 0
		}
		w.run(t)
	})
}
