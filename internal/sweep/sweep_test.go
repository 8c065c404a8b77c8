package sweep_test

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/d365backup/d365backup/internal/sweep"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// noID begins what tells an item from others that has no id.
const noID = "without id "

var errNoPage = errors.New("there is no such page")

// list is a server's list, fetched page by page.
type list struct {
	ids   []string
	delay func(number int) time.Duration

	// What happens around one request.
	before func(l *list, request, number int)
	after  func(page *sweep.Page[string], number, size int)
	each   func(id string) // what the loop does with an item

	requests, flying, mostFlying int
}

func sequence(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = "job" + strconv.Itoa(i)
	}
	return ids
}

// at returns a page as the list is now.
func (l *list) at(number, size int) sweep.Page[string] {
	low := min(max(0, (number-1)*size), len(l.ids))
	high := min(low+size, len(l.ids))
	return sweep.Page[string]{Items: slices.Clone(l.ids[low:high]), Total: int64(len(l.ids)), Number: number}
}

// all sweeps the list within a bubble of its own, so that requests meet the list in a fixed order.
func (l *list) all(t *testing.T, size, prefetch int) (got []string, drift []sweep.Drift, err error) {
	synctest.Test(t, func(t *testing.T) {
		source, options := l.source(), sweep.Options{PageSize: size, Prefetch: prefetch,
			OnDrift: func(d sweep.Drift) { drift = append(drift, d) }}
		for id, e := range sweep.All(t.Context(), source, options) {
			if e != nil {
				err = e
				continue
			}
			got = append(got, id)
			if l.each != nil {
				l.each(id)
			}
		}
	})
	return got, drift, err
}

func (l *list) source() sweep.Source[string] {
	lock := make(chan struct{}, 1)
	return sweep.Source[string]{
		ID: func(id *string) string {
			if strings.HasPrefix(*id, noID) {
				return ""
			}
			return *id
		},
		Write: func(hash *maphash.Hash, id *string) { _, _ = hash.WriteString(*id) },
		IsEnd: func(err error) bool { return errors.Is(err, errNoPage) },
		Fetch: func(ctx context.Context, number, size int) (sweep.Page[string], error) {
			lock <- struct{}{}
			l.requests++
			l.flying++
			l.mostFlying = max(l.mostFlying, l.flying)
			request := l.requests
			<-lock
			delay := 200*time.Millisecond + time.Duration(request)*time.Nanosecond // answers keep their order
			if l.delay != nil {
				delay = l.delay(number)
			}
			timer := time.NewTimer(delay)
			defer timer.Stop()
			select {
			case <-timer.C:
			case <-ctx.Done():
			}
			lock <- struct{}{}
			defer func() { <-lock }()
			l.flying--
			if ctx.Err() != nil {
				return sweep.Page[string]{}, ctx.Err()
			}
			if number < 1 {
				if l.after == nil {
					return sweep.Page[string]{}, errNoPage
				}
			}
			if l.before != nil {
				l.before(l, request, number)
			}
			page := l.at(number, size)
			if l.after != nil {
				l.after(&page, number, size)
			}
			return page, nil
		},
	}
}

// TestComplete: whatever the sizes, all items come once each, in order.
func TestComplete(t *testing.T) {
	for _, n := range []int{0, 1, 9, 10, 11, 20, 95, 100, 101, 1000} {
		for _, prefetch := range []int{1, 2, 4, 16} {
			for _, size := range []int{1, 10, 100} {
				l := &list{ids: sequence(n)}
				got, drift, err := l.all(t, size, prefetch)
				if err != nil || !slices.Equal(got, l.ids) || len(drift) > 0 {
					t.Errorf("%d items in pages of %d, %d ahead: got %d, %v, %v", n, size, prefetch, len(got), drift, err)
				}
				if l.mostFlying > prefetch {
					t.Errorf("%d requests in flight, want at most %d", l.mostFlying, prefetch)
				}
				if pages := (n + size - 1) / size; l.requests > max(1, pages)+2 {
					t.Errorf("%d requests for %d pages", l.requests, pages)
				}
			}
		}
	}
}

// TestFaults: each way in which a server can err, with what is to come of it.
func TestFaults(t *testing.T) {
	type page = sweep.Page[string]
	tests := []struct {
		name   string
		list   list
		reason string // empty: complete
		want   func(ids []string) []string
	}{
		{"no total", list{after: func(p *page, _, _ int) { p.Total = -1 }}, "", nil},
		{"the total is the page's length", list{after: func(p *page, _, _ int) { p.Total = int64(len(p.Items)) }}, "", nil},
		{"the total is the page size", list{after: func(p *page, _, size int) { p.Total = int64(size) }}, "", nil},
		{"the total is too low", list{after: func(p *page, _, _ int) { p.Total = 23 }}, "", nil},
		{"the total is 1", list{after: func(p *page, _, _ int) { p.Total = 1 }}, "", nil},
		{"the total is too high by a page", list{after: func(p *page, _, _ int) { p.Total = 105 }}, "jobs instead of", nil},
		{"the total is far too high", list{after: func(p *page, _, _ int) { p.Total = 1_000_000 }}, "jobs instead of", nil},
		{"the total is another on every page", list{after: func(p *page, number, _ int) { p.Total = int64(90 + number) }}, "total changed", nil},
		{"the total of an empty page is 0", list{after: func(p *page, _, _ int) {
			if len(p.Items) == 0 {
				p.Total = 0
			}
		}}, "", nil},
		{"the page number is ignored", list{after: func(p *page, _, size int) {
			p.Items = sequence(95)[:size]
		}}, "repeats", func(ids []string) []string { return ids[:10] }},
		{"page 4 repeats page 2", list{after: func(p *page, number, size int) {
			if number == 4 {
				p.Items = sequence(95)[size : 2*size]
			}
		}}, "repeats", func(ids []string) []string { return ids[:30] }},
		{"page 4 is empty", list{after: func(p *page, number, _ int) {
			if number == 4 {
				p.Items = nil
			}
		}}, "instead of", func(ids []string) []string { return slices.Concat(ids[:30], ids[40:]) }},
		{"page 4 is short", list{after: func(p *page, number, _ int) {
			if number == 4 {
				p.Items = p.Items[:3]
			}
		}}, "page 4 has 3 jobs instead of 10", func(ids []string) []string { return slices.Concat(ids[:33], ids[40:]) }},
		{"the size is capped, and pages move with the cap", list{after: func(p *page, number, size int) {
			if size > 7 {
				*p = (&list{ids: sequence(95)}).at(number, 7)
			}
		}}, "", nil},
		{"the size is capped, and the rest of pages is cut off", list{after: func(p *page, _, _ int) {
			p.Items = p.Items[:min(7, len(p.Items))]
		}}, "", nil},
		{"the size is capped without a total", list{after: func(p *page, _, _ int) {
			p.Items, p.Total = p.Items[:min(7, len(p.Items))], -1
		}}, "", nil},
		{"the size is ignored", list{after: func(p *page, number, _ int) { *p = (&list{ids: sequence(95)}).at(number, 20) }}, "", nil},
		{"all come at once", list{after: func(p *page, number, _ int) { *p = (&list{ids: sequence(95)}).at(number, 95) }}, "", nil},
		{"pages are counted from 0", list{after: func(p *page, number, size int) { *p = (&list{ids: sequence(95)}).at(number+1, size) }},
			"", func(ids []string) []string { return slices.Concat(ids[10:], ids[:10]) }},
		{"a page behind the last is refused", list{}, "", nil},
		{"page 4 is empty without a total", list{after: func(p *page, number, _ int) {
			if p.Total = -1; number == 4 {
				p.Items = nil
			}
		}}, "page 4 is empty, and page 5 is not", func(ids []string) []string { return slices.Concat(ids[:30], ids[40:]) }},
		{"page 1 is empty without a total", list{after: func(p *page, number, _ int) {
			if p.Total = -1; number == 1 {
				p.Items = nil
			}
		}}, "page 1 is empty, and page 2 is not", func(ids []string) []string { return ids[10:] }},
		{"page 4 is short without a total", list{after: func(p *page, number, _ int) {
			if p.Total = -1; number == 4 {
				p.Items = p.Items[:3]
			}
		}}, "page 4 is short, and more come", func(ids []string) []string { return slices.Concat(ids[:33], ids[40:]) }},
		{"the same items in ever another order", list{after: func(p *page, number, size int) {
			p.Total = 1 << 62
			p.Items = slices.Concat(sequence(size)[number-1:], sequence(number-1))
		}}, "no new job", func(ids []string) []string { return ids[:10] }},
		{"the total is as large as can be", list{after: func(p *page, _, _ int) { p.Total = math.MaxInt64 }}, "jobs instead of", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, prefetch := range []int{1, 4} {
				l := test.list
				l.ids = sequence(95)
				got, _, err := l.all(t, 10, prefetch)
				want := l.ids
				if test.want != nil {
					want = test.want(l.ids)
				}
				if !slices.Equal(got, want) {
					t.Errorf("%d ahead: got %d of %d: %v", prefetch, len(got), len(want), got)
				}
				incomplete, ok := errors.AsType[*sweep.Incomplete](err)
				if ok != (test.reason != "") || ok && !strings.Contains(incomplete.Reason, test.reason) || !ok && err != nil {
					t.Errorf("%d ahead: got %v, want %q", prefetch, err, test.reason)
				}
				if l.requests > 250 {
					t.Errorf("%d ahead: %d requests", prefetch, l.requests)
				}
			}
		})
	}
}

// TestMovesAreReported: what a sweep mends, or drops because it came before, can be heard of.
func TestMovesAreReported(t *testing.T) {
	arrive := func(l *list, _, number int) {
		if number == 3 && len(l.ids) == 95 {
			l.ids = slices.Insert(slices.Clone(l.ids), 0, "late")
		}
	}
	counted := list{ids: sequence(95), before: arrive}
	got, drift, err := counted.all(t, 10, 1)
	dropped := sweep.Drift{Field: "jobs.jobId", Value: "job19", Count: 1}
	want := []sweep.Drift{{Value: "the total changed from 95 to 96 by page 3", Count: 1}, dropped}
	if err != nil || !slices.Equal(got, sequence(95)) || !slices.Equal(drift, want) {
		t.Errorf("with a total: got %v, %v, %v", got, drift, err)
	}
	uncounted := list{ids: sequence(95), before: arrive, after: func(p *sweep.Page[string], _, _ int) { p.Total = -1 }}
	got, drift, err = uncounted.all(t, 10, 1)
	want = []sweep.Drift{dropped}
	if incomplete, ok := errors.AsType[*sweep.Incomplete](err); !ok || !slices.Equal(got, sequence(95)) || !slices.Equal(drift, want) {
		t.Errorf("without a total: got %v, %v, %v", got, drift, incomplete)
	}
}

// TestMovesBetweenAnswers: changes that cancel each other show in the total of an answer between them, of
// a page ahead or of the first page again.
func TestMovesBetweenAnswers(t *testing.T) {
	const slow = 3 // this page, whose first item moves to the page before
	for name, between := range map[string]int{"page ahead": 5, "page behind the last": 7, "first page again": 1} {
		for _, busy := range []time.Duration{0, 2 * time.Hour} { // then answers wait for the loop
			l := &list{ids: sequence(51), each: func(string) { time.Sleep(busy) }}
			seen := 0
			l.delay = func(number int) time.Duration {
				switch number {
				case slow:
					return time.Hour
				case between: // after all others
					return time.Minute
				}
				return time.Second
			}
			l.before = func(l *list, _, number int) {
				switch {
				case number == between:
					if seen++; seen == 1 && between != 1 || seen == 2 {
						l.ids = append(slices.Clone(l.ids), "late")
					}
				case number == slow && len(l.ids) == 52:
					l.ids = slices.Delete(slices.Clone(l.ids), 15, 16)
				}
			}
			got, _, err := l.all(t, 9, 4)
			if err != nil || !slices.Contains(got, "job18") {
				t.Errorf("%s, each item takes %s: got %v: %v", name, busy, got, err)
			}
		}
	}
}

// TestItemsWithoutID: an item that has no id is never taken for one that came before.
func TestItemsWithoutID(t *testing.T) {
	l := &list{ids: sequence(40)}
	for _, i := range []int{3, 13, 14, 39} {
		l.ids[i] = noID + "and like others"
	}
	got, drift, err := l.all(t, 10, 4)
	if err != nil || !slices.Equal(got, l.ids) || len(drift) > 0 {
		t.Errorf("got %d of 40, %v, %v", len(got), drift, err)
	}
	l.before = func(l *list, _, number int) {
		if number == 3 && len(l.ids) == 40 {
			l.ids = slices.Delete(slices.Clone(l.ids), 5, 6)
		}
	}
	if _, _, err = l.all(t, 10, 1); err == nil || !strings.Contains(err.Error(), "without an id") {
		t.Errorf("in a list that moves: got %v, want that they cannot be told apart", err)
	}
}

// TestPagesLargerThanAsked: a list that moves by much, of a server that has its own size of pages, ends.
func TestPagesLargerThanAsked(t *testing.T) {
	for _, arrive := range []int{5, 30, 80, -1000} {
		l := &list{ids: sequence(1000)}
		l.before = func(l *list, _, number int) {
			switch {
			case number != 4 || len(l.ids) != 1000:
			case arrive < 0:
				l.ids = nil
			default:
				l.ids = slices.Clone(l.ids)
				for i := range arrive {
					l.ids = slices.Insert(l.ids, 0, fmt.Sprint("late", i))
				}
			}
		}
		l.after = func(p *sweep.Page[string], number, _ int) { *p = l.at(number, 100) }
		got, _, err := l.all(t, 10, 1)
		seen := make(map[string]bool)
		for _, id := range got {
			if seen[id] {
				t.Errorf("%d arrive: %s came twice", arrive, id)
			}
			seen[id] = true
		}
		if arrive > 0 && (err != nil || len(got) != 1000) || arrive < 0 && len(got) < 300 {
			t.Errorf("%d arrive: got %d, %v", arrive, len(got), err)
		}
		if l.requests > 60 {
			t.Errorf("%d arrive: %d requests", arrive, l.requests)
		}
	}
}

func TestErrorsComeInTheirPlace(t *testing.T) {
	broken := errors.New("broken")
	l := &list{ids: sequence(100)}
	source := l.source()
	fetch := source.Fetch
	source.Fetch = func(ctx context.Context, number, size int) (sweep.Page[string], error) {
		if number == 4 {
			return sweep.Page[string]{}, fmt.Errorf("page 4: %w", broken)
		}
		return fetch(ctx, number, size)
	}
	synctest.Test(t, func(t *testing.T) {
		var got []string
		var err error
		for id, e := range sweep.All(t.Context(), source, sweep.Options{PageSize: 10, Prefetch: 8}) {
			if e == nil {
				got = append(got, id)
			}
			err = e
		}
		if !errors.Is(err, broken) || !slices.Equal(got, l.ids[:30]) {
			t.Errorf("got %d items and %v, want 30 and the error of page 4", len(got), err)
		}
	})
}

// TestSpeed measures on a faked clock, so that the figures are exact.
func TestSpeed(t *testing.T) {
	tests := []struct {
		name     string
		prefetch int
		delay    func(number int) time.Duration
		most     time.Duration
	}{
		{"8 in flight", 8, func(int) time.Duration { return 200 * time.Millisecond }, 25 * 200 * time.Millisecond * 107 / 100},
		{"16 in flight", 16, func(int) time.Duration { return 200 * time.Millisecond }, 13 * 200 * time.Millisecond * 112 / 100},
		{"every fifth page five times slower, 8 in flight", 8, func(number int) time.Duration {
			if number%5 == 3 {
				return time.Second
			}
			return 200 * time.Millisecond
		}, (160*200 + 40*1000) / 8 * time.Millisecond * 125 / 100},
	}
	for _, test := range tests {
		synctest.Test(t, func(t *testing.T) {
			l := &list{ids: sequence(20_000), delay: test.delay}
			started, n := time.Now(), 0
			for _, err := range sweep.All(t.Context(), l.source(), sweep.Options{PageSize: 100, Prefetch: test.prefetch}) {
				if err != nil {
					t.Fatal(err)
				}
				n++
			}
			if took := time.Since(started); n != 20_000 || took > test.most {
				t.Errorf("%s: %d items in %s, want 20000 in at most %s", test.name, n, took, test.most)
			} else {
				t.Logf("%s: %s, limit %s", test.name, took, test.most)
			}
		})
	}
}

// TestSlowPage: one slow page holds up delivery, not requests: up to 4 times the prefetch wait, and no more.
func TestSlowPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var requests atomic.Int64
		l := &list{ids: sequence(1000), delay: func(number int) time.Duration {
			requests.Add(1)
			if number == 2 {
				return time.Hour
			}
			return time.Millisecond
		}}
		next, stop := pull(sweep.All(t.Context(), l.source(), sweep.Options{PageSize: 10, Prefetch: 4}))
		defer stop()
		for range 10 {
			next()
		}
		done := make(chan struct{})
		go func() { next(); close(done) }()
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := requests.Load(); got != 2+16 {
			t.Errorf("%d requests while page 2 is awaited, want pages 1 to 18", got)
		}
		<-done
	})
}

func TestLazyAndRestartable(t *testing.T) {
	l := &list{ids: sequence(25)}
	synctest.Test(t, func(t *testing.T) {
		all := sweep.All(t.Context(), l.source(), sweep.Options{PageSize: 10, Prefetch: 4})
		time.Sleep(time.Minute)
		if l.requests != 0 {
			t.Errorf("%d requests before the loop", l.requests)
		}
		for range 3 {
			n := 0
			for range all {
				n++
			}
			if n != 25 {
				t.Errorf("got %d items, want 25", n)
			}
		}
	})
}

// TestBreak: leaving a loop ends its requests at once and leaves no goroutine.
func TestBreak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &list{ids: sequence(10_000)}
		var left time.Time
		n := 0
		for range sweep.All(t.Context(), l.source(), sweep.Options{PageSize: 10, Prefetch: 16}) {
			if n++; n == 15 { // page 2 is being delivered, and 16 requests are under way
				synctest.Wait()
				if l.flying != 16 {
					t.Errorf("%d requests in flight, want 16", l.flying)
				}
				left = time.Now()
				break
			}
		}
		if took := time.Since(left); took != 0 || l.flying != 0 {
			t.Errorf("leaving took %s and left %d requests", took, l.flying)
		}
	})
}

func TestContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond)
		defer cancel()
		l := &list{ids: sequence(1000)}
		var err error
		for _, err = range sweep.All(ctx, l.source(), sweep.Options{PageSize: 10, Prefetch: 2}) {
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the context's error", err)
		}
	})
}
