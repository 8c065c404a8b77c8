package paging_test

import (
	"context"
	"errors"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/d365backup/d365backup/internal/paging"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// noID is the prefix of an item without an id from the server.
const noID = "no id: "

var errNoPage = errors.New("no such page")

// server serves a list of items, and counts requests.
type server struct {
	items []string
	// before is called with each response, counted from 1, before the page is cut from the list.
	before func(response, number int)
	// after changes the response to a request.
	after func(page *paging.Page, number, size int) error
	// delay is how long a request takes; if nil, a little more than 200 ms.
	delay func(number int) time.Duration
	// each is called with each item that the reader gets.
	each func(item string)

	// stopAt is the number of items after which the reader stops; 0: never.
	stopAt int

	mu                            sync.Mutex
	requests, responses, canceled int
	flying, most                  int // requests in flight, now and at most
	smallest                      int // page size requested
	delivered, drift              []string
}

func jobs(n int) []string {
	items := make([]string, n)
	for i := range items {
		items[i] = "job" + strconv.Itoa(i)
	}
	return items
}

func pageOf(items []string, total int) paging.Page {
	page := paging.Page{Items: items, Total: int64(total)}
	for _, item := range items {
		hash := fnv.New64a()
		hash.Write([]byte(item))
		page.IDs = append(page.IDs, paging.ID{Hash: hash.Sum64(), Unnamed: strings.HasPrefix(item, noID)})
	}
	return page
}

// at cuts a page from the list as it is now.
func (s *server) at(number, size int) paging.Page {
	low := min(max(0, (number-1)*size), len(s.items))
	high := min(low+size, len(s.items))
	return pageOf(slices.Clone(s.items[low:high]), len(s.items))
}

// keep leaves only the first n items of a page.
func keep(page *paging.Page, n int) {
	n = max(0, min(n, len(page.IDs)))
	page.IDs, page.Items = page.IDs[:n], page.Items.([]string)[:n]
}

func (s *server) fetch(ctx context.Context, number, size int) (paging.Page, error) {
	s.mu.Lock()
	s.requests++
	if s.smallest == 0 || size < s.smallest {
		s.smallest = size
	}
	s.flying++
	s.most = max(s.most, s.flying)
	delay := 200*time.Millisecond + time.Duration(number)*time.Nanosecond // responses keep the order of pages
	if s.delay != nil {
		delay = s.delay(number)
	}
	s.mu.Unlock()
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flying--
	if ctx.Err() != nil {
		s.canceled++
		return paging.Page{}, ctx.Err()
	}
	s.responses++
	if s.before != nil {
		s.before(s.responses, number)
	}
	page := s.at(number, size)
	if s.after != nil {
		if err := s.after(&page, number, size); err != nil {
			return paging.Page{}, err
		}
	}
	return page, nil
}

// read reads the list in the caller's synctest bubble.
func (s *server) read(ctx context.Context, pageSize, prefetch int) error {
	list := paging.List{
		Fetch:    s.fetch,
		IsEnd:    func(err error) bool { return errors.Is(err, errNoPage) },
		PageSize: pageSize,
		Prefetch: prefetch,
		OnPage:   func(int, int64) {},
		OnDrift: func(field, value string, count int) {
			s.drift = append(s.drift, field+": "+value+" ("+strconv.Itoa(count)+")")
		},
	}
	return paging.Read(ctx, list, func(page *paging.Page, i int) bool {
		item := page.Items.([]string)[i]
		s.delivered = append(s.delivered, item)
		if s.each != nil {
			s.each(item)
		}
		return len(s.delivered) != s.stopAt
	})
}

// readAll reads the list in its own synctest bubble, in which requests arrive in a fixed order.
func (s *server) readAll(t *testing.T, pageSize, prefetch int) (err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { err = s.read(t.Context(), pageSize, prefetch) })
	return err
}
