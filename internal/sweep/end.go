package sweep

import (
	"fmt"
	"net/url"
	"strconv"
)

// end looks where a wrong total and an unseen move must show: at the page behind the last one, and at the
// first one again.
func (s *sweep[T]) end(behind Page[T]) error {
	if len(behind.Items) > 0 && !s.repeats(&behind) {
		return s.uncounted(behind)
	}
	if s.items+s.spared < s.total {
		return s.missing()
	}
	return s.again()
}

// missing looks for what is missing where a server that counts pages from 0 has it.
func (s *sweep[T]) missing() error {
	if s.left || s.items+s.spared >= s.total {
		return nil
	}
	return s.fromZero()
}

// fromZero reads page 0, for a server that counts from there.
func (s *sweep[T]) fromZero() error {
	if s.source.IsEnd == nil || !s.onlyEnd {
		return nil
	}
	s.ahead.forget()
	page, err := s.ahead.get(0, s.size)
	if err != nil {
		if s.source.IsEnd(err) {
			err = nil
		}
		return err
	}
	if len(page.Items) == 0 || s.repeats(&page) || int64(len(page.Items)) != s.total-s.items-s.spared {
		return nil // it is not what is missing
	}
	s.drift("pageIndex", "pages are counted from 0")
	s.doubt = ""
	s.deliver(page)
	return nil
}

// again compares the first page with what it was.
func (s *sweep[T]) again() error {
	if len(s.prints) < 2 || s.base == 0 {
		return nil // one page is one view
	}
	first, err := s.get(again(1))
	if err != nil {
		return err
	}
	// Under another total the list moved after all was read, which does no harm.
	if (s.total < 0 || first.Total == s.total) && print(s.hashes(&first)) != s.base {
		s.suspect("the first page changed while the others were read")
	}
	return nil
}

// untilEmpty reads page by page until one is empty, and the one behind it, for a list without a total
// that can be trusted.
func (s *sweep[T]) untilEmpty(page Page[T]) (err error) {
	link, had := "", s.size // of the page before: its nextLink, and how many items
	for {
		s.compareLinks(&page)
		switch {
		case len(page.Items) == 0:
			behind, err := s.get(s.next + 1)
			if err != nil {
				return err
			}
			if len(behind.Items) == 0 || s.repeats(&behind) {
				if link != "" {
					s.drift("nextLink", fmt.Sprintf("one on page %d, the last", s.next-1))
				}
				return s.again()
			}
			s.suspect(fmt.Sprintf("page %d is empty, and page %d is not", s.next, s.next+1))
		case s.repeats(&page):
			s.suspect(fmt.Sprintf("page %d repeats an earlier one", s.next))
			return nil
		case s.next == 2 && had > 0 && had < s.size: // so page 1 was not the last one, but capped
			s.resize(had)
			if page, err = s.get(2); err != nil {
				return err
			}
			continue
		case had < s.size:
			s.suspect(fmt.Sprintf("page %d is short, and more come behind it", s.next-1))
		}
		if !s.deliver(page) {
			return nil
		}
		if link, had = page.NextLink, len(page.Items); had < s.size {
			s.ahead.ask(s.next, s.size)
			s.ahead.ask(s.next+1, s.size)
		}
		if page, err = s.get(s.next); err != nil {
			return err
		}
	}
}

// compareLinks reports a nextLink that disagrees with the numbers of pages, or an answer that repeats
// another number than was asked for.
func (s *sweep[T]) compareLinks(page *Page[T]) {
	if page.Number != 0 && page.Number != s.next {
		s.drift("pageIndex", fmt.Sprintf("%d on page %d", page.Number, s.next))
	}
	if s.total < 0 {
		return
	}
	switch atEnd := s.next >= s.last(); {
	case page.NextLink == "":
		if s.links && !atEnd {
			s.drift("nextLink", fmt.Sprintf("none on page %d of %d", s.next, s.last()))
		}
	case atEnd:
		s.drift("nextLink", fmt.Sprintf("one on page %d, the last", s.next))
	default:
		s.links = true
		if number, ok := linkedPage(page.NextLink); ok && number != s.next+1 {
			s.drift("nextLink", fmt.Sprintf("to page %d on page %d", number, s.next))
		}
	}
}

func linkedPage(link string) (int, bool) {
	address, err := url.Parse(link)
	if err != nil {
		return 0, false
	}
	number, err := strconv.Atoi(address.Query().Get("pageIndex"))
	return number, err == nil
}
