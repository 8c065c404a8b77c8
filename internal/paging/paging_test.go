package paging_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/d365backup/d365backup/internal/paging"
)

type page = paging.Page

// TestUnchangedList: an unchanged list is read completely, in order, with the documented number of requests.
func TestUnchangedList(t *testing.T) {
	for _, n := range []int{0, 1, 9, 10, 11, 20, 95, 100, 101, 1000} {
		for _, prefetch := range []int{1, 2, 4, 16} {
			for _, size := range []int{1, 10, 100} {
				s := &server{items: jobs(n)}
				err := s.readAll(t, size, prefetch)
				if err != nil || !slices.Equal(s.delivered, s.items) || len(s.drift) > 0 {
					t.Errorf("%d items in pages of %d, %d ahead: got %d, %v, %v", n, size, prefetch, len(s.delivered), s.drift, err)
				}
				if s.most > prefetch {
					t.Errorf("%d requests in flight, want at most %d", s.most, prefetch)
				}
				want := (n+size-1)/size + 2
				if n < size {
					want = 1
				}
				if s.requests != want {
					t.Errorf("%d items in pages of %d, %d ahead: %d requests, want %d", n, size, prefetch, s.requests, want)
				}
			}
		}
	}
}

// TestFaults: what each fault of a server leads to.
func TestFaults(t *testing.T) {
	whole := &server{items: jobs(95)}
	noTotal := func(p *page) { p.Total = -1 }
	tests := []struct {
		name   string
		after  func(p *page, number, size int) error
		reason string // of Incomplete; empty: complete
		want   []string
		most   int // requests; 0: those of an unchanged list, 13
	}{
		{"no total", func(p *page, _, _ int) error { noTotal(p); return nil }, "", jobs(95), 0},
		{"total is the page's length", func(p *page, _, _ int) error { p.Total = int64(len(p.IDs)); return nil }, "", jobs(95), 0},
		{"total is the page size", func(p *page, _, size int) error { p.Total = int64(size); return nil }, "", jobs(95), 0},
		{"total is too low", func(p *page, _, _ int) error { p.Total = 23; return nil }, "", jobs(95), 15},
		{"total is 1", func(p *page, _, _ int) error { p.Total = 1; return nil }, "", jobs(95), 0},
		{"total is 0", func(p *page, _, _ int) error { p.Total = 0; return nil }, "", jobs(95), 0},
		{"total is too high by a page", func(p *page, _, _ int) error { p.Total = 105; return nil }, "page 10 has 5 jobs instead of 10", jobs(95), 39},
		{"total is far too high", func(p *page, _, _ int) error { p.Total = 1 << 31; return nil }, "jobs instead of", jobs(95), 51},
		{"total is as high as can be", func(p *page, _, _ int) error { p.Total = math.MaxInt64; return nil }, "jobs instead of", jobs(95), 51},
		{"total is another on each page", func(p *page, number, _ int) error { p.Total = int64(90 + number); return nil }, "no longer states a total of", jobs(95), 51},
		{"total of an empty page is 0", func(p *page, _, _ int) error {
			if len(p.IDs) == 0 {
				p.Total = 0
			}
			return nil
		}, "", jobs(95), 0},
		{"page number is ignored", func(p *page, _, size int) error { *p = whole.at(1, size); return nil }, "page 2 has only jobs of earlier pages", jobs(10), 51},
		{"page 4 repeats page 2", func(p *page, number, size int) error {
			if number == 4 {
				*p = whole.at(2, size)
			}
			return nil
		}, "page 4 has only jobs of earlier pages", jobs(30), 51},
		{"page 4 is empty", func(p *page, number, _ int) error {
			if number == 4 {
				keep(p, 0)
			}
			return nil
		}, "page 4 has 0 jobs instead of 10", slices.Concat(jobs(95)[:30], jobs(95)[40:]), 51},
		{"page 4 is short", func(p *page, number, _ int) error {
			if number == 4 {
				keep(p, 3)
			}
			return nil
		}, "page 4 has 3 jobs instead of 10", slices.Concat(jobs(95)[:33], jobs(95)[40:]), 51},
		{"page 1 is empty", func(p *page, number, _ int) error {
			if number == 1 {
				keep(p, 0)
			}
			return nil
		}, "page 1 has 0 jobs instead of 10", jobs(95)[10:], 51},
		{"page size is capped", func(p *page, number, size int) error { *p = whole.at(number, min(7, size)); return nil }, "", jobs(95), 17},
		{"pages are cut off", func(p *page, _, _ int) error { keep(p, 7); return nil }, "", jobs(95), 17},
		{"pages are cut off, without a total", func(p *page, _, _ int) error { keep(p, 7); noTotal(p); return nil }, "", jobs(95), 17},
		{"pages are cut off, the total is what is left, and nextLink tells", func(p *page, number, size int) error {
			p.HasNext = number*size < 95
			keep(p, 7)
			p.Total = int64(len(p.IDs))
			return nil
		}, "", jobs(95), 17},
		{"page size is ignored", func(p *page, number, _ int) error { *p = whole.at(number, 20); return nil }, "", jobs(95), 0},
		{"all items are on page 1", func(p *page, number, _ int) error { *p = whole.at(number, 95); return nil }, "", jobs(95), 0},
		{"pages count from 0", func(p *page, number, size int) error { *p = whole.at(number+1, size); return nil }, "page 9 has 5 jobs instead of 10", jobs(95)[10:], 51},
		{"page 4 is empty, without a total", func(p *page, number, _ int) error {
			if noTotal(p); number == 4 {
				keep(p, 0)
			}
			return nil
		}, "page 4 is not full, but page 5 has more", slices.Concat(jobs(95)[:30], jobs(95)[40:]), 51},
		{"page 1 is empty, without a total", func(p *page, number, _ int) error {
			if noTotal(p); number == 1 {
				keep(p, 0)
			}
			return nil
		}, "page 1 is not full, but page 2 has more", jobs(95)[10:], 51},
		{"page 4 is short, without a total", func(p *page, number, _ int) error {
			if noTotal(p); number == 4 {
				keep(p, 3)
			}
			return nil
		}, "page 4 is not full, but page 5 has more", slices.Concat(jobs(95)[:33], jobs(95)[40:]), 51},
		{"items rotate", func(p *page, number, size int) error {
			rotated := slices.Concat(jobs(size)[number-1:], jobs(number-1))
			*p = pageOf(rotated, math.MaxInt32)
			return nil
		}, "only jobs of earlier pages", jobs(10), 51},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, prefetch := range []int{1, 4} {
				s := &server{items: jobs(95), after: test.after}
				err := s.readAll(t, 10, prefetch)
				if got := s.delivered; !sameItems(got, test.want) || test.reason == "" && !slices.Equal(got, test.want) {
					t.Errorf("%d ahead: got %d of %d: %v", prefetch, len(got), len(test.want), got)
				}
				incomplete, ok := errors.AsType[*paging.Incomplete](err)
				if ok != (test.reason != "") || ok && !strings.Contains(incomplete.Reason, test.reason) || !ok && err != nil {
					t.Errorf("%d ahead: got %v, want %q", prefetch, err, test.reason)
				}
				if most := max(test.most, 13); s.requests > most {
					t.Errorf("%d ahead: %d requests, want at most %d", prefetch, s.requests, most)
				}
			}
		})
	}
}

func sameItems(got, want []string) bool {
	got, want = slices.Clone(got), slices.Clone(want)
	slices.Sort(got)
	slices.Sort(want)
	return slices.Equal(got, want)
}

// TestRefusedPages: a refused page ends a list only if it is after the last page.
func TestRefusedPages(t *testing.T) {
	const withTotal, withoutTotal, withLinks = 0, 1, 2
	broken := errors.New("broken")
	tests := []struct {
		name       string
		n, refused int // the first page that is refused, or if negative, the only one
		kind       int
		err        error
		want       int // items
		incomplete bool
	}{
		{"after the last page", 95, 11, withTotal, errNoPage, 95, false},
		{"after the last full page", 100, 11, withTotal, errNoPage, 100, false},
		{"in between", 95, 3, withTotal, errNoPage, 20, true},
		{"one page in between", 95, -3, withTotal, errNoPage, 85, true},
		{"in between, for another reason", 95, 3, withTotal, broken, 20, false},
		{"after the last page, for another reason", 95, 11, withTotal, broken, 95, false},
		{"page 1", 95, 1, withTotal, errNoPage, 0, false},
		{"without a total, after a short page", 95, 11, withoutTotal, errNoPage, 95, false},
		{"without a total, after page 1", 5, 2, withoutTotal, errNoPage, 5, false},
		{"without a total, after an empty page", 100, 12, withoutTotal, errNoPage, 100, false},
		{"without a total, after a full page", 100, 11, withoutTotal, errNoPage, 100, true},
		{"without a total, in between", 95, 5, withoutTotal, errNoPage, 40, true},
		{"without a total, after a short page with nextLink", 95, 11, withLinks, errNoPage, 95, true},
		{"without a total, in between, for another reason", 95, 5, withoutTotal, broken, 40, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := &server{items: jobs(test.n), after: func(p *page, number, _ int) error {
				if test.kind != withTotal {
					p.Total = -1
				}
				if test.kind == withLinks {
					p.HasNext = true
				}
				if number == -test.refused || test.refused > 0 && number >= test.refused {
					return test.err
				}
				return nil
			}}
			err := s.readAll(t, 10, 4)
			incomplete, _ := errors.AsType[*paging.Incomplete](err)
			if len(s.delivered) != test.want || (incomplete != nil) != test.incomplete {
				t.Errorf("got %d items and %v", len(s.delivered), err)
			}
			refusal := err
			if incomplete != nil {
				refusal = incomplete.Refusal
			}
			if wanted := test.err == broken || test.incomplete || test.refused == 1; wanted != errors.Is(refusal, test.err) {
				t.Errorf("got %v because of %v, want %v: %t", err, refusal, test.err, wanted)
			}
		})
	}
}

// TestPage1IsReadFirst: nothing is requested before page 1 has been read.
func TestPage1IsReadFirst(t *testing.T) {
	s := &server{items: jobs(95), after: func(*page, int, int) error { return errNoPage }}
	if err := s.readAll(t, 10, 16); !errors.Is(err, errNoPage) || s.requests != 1 {
		t.Errorf("got %v after %d requests, want one", err, s.requests)
	}
}

// TestRepeatsOfTheList: items that the list itself repeats are delivered once, which is reported.
func TestRepeatsOfTheList(t *testing.T) {
	s := &server{items: jobs(60)}
	s.items[35], s.items[52] = "job3", "job14"
	err := s.readAll(t, 10, 4)
	want := slices.DeleteFunc(jobs(60), func(item string) bool { return item == "job35" || item == "job52" })
	if err != nil || !slices.Equal(s.delivered, want) {
		t.Errorf("got %v, %v", s.delivered, err)
	}
	if want := []string{": 2 jobs are on several pages (1)", "jobs.jobId: the list repeats jobs (2)"}; !slices.Equal(s.drift, want) {
		t.Errorf("drift %q, want %q", s.drift, want)
	}
	if s.requests != 16 {
		t.Errorf("%d requests, want two passes of 8", s.requests)
	}
}

// TestRepeatsOnOnePage: items that are on one page several times are delivered as many times, but not again by every pass.
func TestRepeatsOnOnePage(t *testing.T) {
	s := &server{items: jobs(30)}
	s.items[12], s.items[13] = "job11", "job11"
	s.before = func(request, _ int) {
		if request == 4 {
			s.items = append(slices.Clone(s.items), "late")
		}
	}
	if err := s.readAll(t, 10, 1); err != nil || !slices.Equal(s.delivered, s.items) {
		t.Errorf("got %v, %v", s.delivered, err)
	}
}

// TestUnnamedItems: items without an id are delivered even if they are equal, but not again by every pass.
func TestUnnamedItems(t *testing.T) {
	s := &server{items: jobs(40)}
	for _, i := range []int{3, 13, 14, 39} {
		s.items[i] = noID + "all look the same"
	}
	if err := s.readAll(t, 10, 4); err != nil || !slices.Equal(s.delivered, s.items) || len(s.drift) > 0 {
		t.Errorf("got %d of 40, %v, %v", len(s.delivered), s.drift, err)
	}
	moved := &server{items: s.items}
	moved.before = func(request, _ int) {
		if request == 4 {
			moved.items = append(slices.Clone(moved.items), "late")
		}
	}
	if err := moved.readAll(t, 10, 1); err != nil || !slices.Equal(moved.delivered, moved.items) {
		t.Errorf("list that changed: got %v, %v", moved.delivered, err)
	}
	endless := &server{after: func(p *page, number, size int) error {
		items := make([]string, size)
		for i := range items {
			items[i] = noID + fmt.Sprint(i)
		}
		*p = pageOf(items, -1)
		return nil
	}}
	if err := endless.readAll(t, 10, 4); err == nil || endless.requests > 12 {
		t.Errorf("page without ids that repeats forever: %v after %d requests", err, endless.requests)
	}
}

// TestChangesAreReported: what made a pass inconsistent is reported, and the next pass delivers the rest.
func TestChangesAreReported(t *testing.T) {
	s := &server{items: jobs(95)}
	s.before = func(_, number int) {
		if number == 3 && len(s.items) == 95 {
			s.items = slices.Insert(slices.Clone(s.items), 0, "late")
		}
	}
	err := s.readAll(t, 10, 1)
	want := slices.Concat(jobs(95)[:29], []string{"late"}, jobs(95)[29:])
	if err != nil || !slices.Equal(s.delivered, want) {
		t.Errorf("got %v, %v", s.delivered, err)
	}
	if want := []string{": page 3 no longer states a total of 95 (1)"}; !slices.Equal(s.drift, want) {
		t.Errorf("drift %q, want %q", s.drift, want)
	}
}

// TestChangesBetweenResponses: changes that cancel each other show in the total of a response between
// them: of a page read ahead, of the page after the last one, or of page 1 read again.
func TestChangesBetweenResponses(t *testing.T) {
	const slow = 3 // its first item moves to page 2
	for name, between := range map[string]int{"page ahead": 5, "page after the last one": 7, "page 1 again": 1} {
		s := &server{items: jobs(51)}
		seen := 0
		s.delay = func(number int) time.Duration {
			switch {
			case seen > 2:
			case number == slow:
				return time.Hour
			case number == between:
				return time.Minute
			}
			return time.Second
		}
		s.before = func(_, number int) {
			switch {
			case number == between:
				if seen++; seen == 1 && between != 1 || seen == 2 && between == 1 {
					s.items = append(slices.Clone(s.items), "late")
				}
			case number == slow && len(s.items) == 52:
				s.items = slices.Delete(slices.Clone(s.items), 15, 16)
			}
		}
		if err := s.readAll(t, 9, 4); err != nil || !slices.Contains(s.delivered, "job18") {
			t.Errorf("%s: got %v: %v", name, s.delivered, err)
		}
	}
}

// TestChangesUnderOneTotal: a deletion and a late arrival at once show on page 1, read again.
func TestChangesUnderOneTotal(t *testing.T) {
	for _, prefetch := range []int{1, 4} {
		s := &server{items: jobs(51)}
		s.before = func(_, number int) {
			if number == 2 && len(s.items) == 51 && s.items[50] != "late" {
				s.items = append(slices.Delete(slices.Clone(s.items), 5, 6), "late")
			}
		}
		if err := s.readAll(t, 10, prefetch); err != nil || !slices.Contains(s.delivered, "job10") {
			t.Errorf("%d ahead: got %v: %v", prefetch, s.delivered, err)
		}
		if want := []string{": page 1 changed while the others were read (1)"}; !slices.Equal(s.drift, want) {
			t.Errorf("%d ahead: drift %q, want %q", prefetch, s.drift, want)
		}
	}
}

// TestChangesUnderLowTotal: a total that is too low still shows a deletion.
func TestChangesUnderLowTotal(t *testing.T) {
	s := &server{items: jobs(95)}
	s.before = func(_, number int) {
		if number == 7 && len(s.items) == 95 {
			s.items = slices.Delete(slices.Clone(s.items), 52, 54) // of page 6, so that page 7 begins later
		}
	}
	s.after = func(p *page, _, _ int) error {
		p.Total = int64(len(s.items) / 2)
		return nil
	}
	if err := s.readAll(t, 10, 1); err != nil || !sameItems(s.delivered, jobs(95)) {
		t.Errorf("got %d of 95 items: %v", len(s.delivered), err)
	}
}

// TestArrivalsWithEveryRequest: a server that ignores page numbers and adds items with every request has no last page.
func TestArrivalsWithEveryRequest(t *testing.T) {
	s := &server{items: jobs(95)}
	s.before = func(response, _ int) {
		s.items = slices.Insert(slices.Clone(s.items), 0, fmt.Sprint("late", response))
	}
	s.after = func(p *page, _, size int) error { *p = s.at(1, size); return nil }
	err := s.readAll(t, 10, 4)
	if _, ok := errors.AsType[*paging.Incomplete](err); !ok || s.requests > 50 {
		t.Errorf("got %v after %d requests", err, s.requests)
	}
}

// TestSpeed measures in virtual time, so that the results are exact.
func TestSpeed(t *testing.T) {
	steady := func(int) time.Duration { return 200 * time.Millisecond }
	fifthSlow := func(number int) time.Duration {
		if number%5 == 3 {
			return time.Second
		}
		return 200 * time.Millisecond
	}
	tests := []struct {
		name     string
		prefetch int
		delay    func(number int) time.Duration
		ideal    time.Duration
		most     float64
	}{
		{"8 in flight", 8, steady, 25 * 200 * time.Millisecond, 1.10},
		{"16 in flight", 16, steady, 13 * 200 * time.Millisecond, 1.15},
		{"8 in flight, every fifth page five times slower", 8, fifthSlow, (160*200 + 40*1000) / 8 * time.Millisecond, 1.25},
	}
	for _, test := range tests {
		synctest.Test(t, func(t *testing.T) {
			s := &server{items: jobs(20_000), delay: test.delay}
			started := time.Now()
			err := s.read(t.Context(), 100, test.prefetch)
			ratio := time.Since(started).Seconds() / test.ideal.Seconds()
			t.Logf("%s: %.3f of ideal", test.name, ratio)
			if err != nil || len(s.delivered) != 20_000 || ratio > test.most {
				t.Errorf("%s: %d items in %.3f of ideal, want 20000 in at most %.2f", test.name, len(s.delivered), ratio, test.most)
			}
		})
	}
}

// TestSlowPage: while one page is slow, a limited number of others is requested ahead.
func TestSlowPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{items: jobs(1000), delay: func(number int) time.Duration {
			if number == 2 {
				return time.Hour
			}
			return time.Millisecond
		}}
		done := make(chan error)
		go func() { done <- s.read(t.Context(), 10, 4) }()
		time.Sleep(time.Minute)
		synctest.Wait()
		s.mu.Lock()
		requests := s.requests
		s.mu.Unlock()
		if requests != 1+17 {
			t.Errorf("%d requests while page 2 is awaited, want pages 1 to 18", requests)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestSlowPageBeforeRepeats: while page 2 is slow, repeats of page 3 show that there is nothing more to request ahead.
func TestSlowPageBeforeRepeats(t *testing.T) {
	s := &server{items: jobs(30)}
	s.delay = func(number int) time.Duration {
		if number == 2 {
			return time.Hour
		}
		return time.Millisecond
	}
	s.after = func(p *page, number, size int) error {
		*p = s.at(min(number, 3), size)
		p.Total = math.MaxInt64
		return nil
	}
	err := s.readAll(t, 10, 4)
	if _, ok := errors.AsType[*paging.Incomplete](err); !ok || !slices.Equal(s.delivered, jobs(30)) {
		t.Errorf("got %d items and %v", len(s.delivered), err)
	}
	if most := 3*(3+3) + 3*4; s.requests > most {
		t.Errorf("%d requests, want at most %d", s.requests, most)
	}
}

// TestStop: a reader that stops cancels the requests in flight and waits for them, even if the caller is slow.
func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{items: jobs(10_000), stopAt: 15}
		s.each = func(string) { synctest.Wait() } // the largest allowed number of requests is in flight
		started := time.Now()
		if err := s.read(t.Context(), 10, 16); err != nil || len(s.delivered) != 15 {
			t.Errorf("got %d items and %v", len(s.delivered), err)
		}
		if took := time.Since(started); took > 401*time.Millisecond || s.flying != 0 || s.canceled != 16 {
			t.Errorf("stopped after %s with %d requests in flight and %d canceled", took, s.flying, s.canceled)
		}
	})
}

// TestContext: the end of the context ends the reading.
func TestContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond)
		defer cancel()
		s := &server{items: jobs(1000)}
		if err := s.read(ctx, 10, 2); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the context's error", err)
		}
	})
}
