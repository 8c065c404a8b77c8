package d365backup

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"strings"
	"unicode/utf8"
)

// maxDepth bounds the nesting of an answer, and with it the stack. A page needs three levels.
const maxDepth = 100

// scanner walks over one JSON text, strictly by RFC 8259: it takes what encoding/json calls valid,
// save for deeper nesting and for strings that are not UTF-8. It copies nothing.
type scanner struct {
	body  []byte
	pos   int
	depth int
}

// lexeme is one value as it stands in the body. It is small enough to be passed in registers.
type lexeme struct {
	kind kind
	// raw is the value; of a string, what is between its quotes.
	raw []byte
}

// kind tells values apart. Those without a constant have their first byte.
type kind byte

const (
	kindNull    kind = 'n'
	kindText    kind = '"'
	kindEscaped kind = '\\' // a string with escapes
	kindInteger kind = '0'  // at most 18 digits, so that int64 holds it
	kindNumber  kind = '.'  // any other number
)

// isText reports whether the value is a string.
func (t lexeme) isText() bool { return t.kind == kindText || t.kind == kindEscaped }

// absent reports whether the value says nothing: null or the empty string.
func (t lexeme) absent() bool { return t.kind == kindNull || t.kind == kindText && len(t.raw) == 0 }

// unexpected is the error for what stands at the position, where something else should.
func (s *scanner) unexpected(want string) error {
	if s.pos < len(s.body) {
		return notJobs("invalid JSON: %q at byte %d, where %s should be", s.body[s.pos], s.pos, want)
	}
	return &Error{Kind: ErrTruncated, Message: fmt.Sprintf("the JSON ends at byte %d, where %s should be", s.pos, want)}
}

// peek skips white space and returns the next byte, which it does not consume; 0 at the end.
func (s *scanner) peek() byte {
	for {
		switch c := s.next(); c {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return c
		}
	}
}

// next returns the byte at the position, even white space; 0 at the end.
func (s *scanner) next() byte {
	if s.pos < len(s.body) {
		return s.body[s.pos]
	}
	return 0
}

// value consumes one value, whatever it is.
func (s *scanner) value() (lexeme, error) {
	c := s.peek()
	start := s.pos
	var err error
	switch c {
	case '"':
		return s.text()
	case '{':
		err = s.each('}', s.skipMember)
	case '[':
		err = s.each(']', s.skip)
	case 't':
		err = s.literal("true")
	case 'f':
		err = s.literal("false")
	case 'n':
		err = s.literal("null")
	default:
		return s.number()
	}
	return lexeme{kind: kind(c), raw: s.body[start:s.pos]}, err
}

func (s *scanner) skip() error {
	_, err := s.value()
	return err
}

func (s *scanner) skipMember() error {
	if _, err := s.key(); err != nil {
		return err
	}
	return s.skip()
}

// each consumes an object or an array, whose opening byte is next, and calls item to consume each
// member or element.
func (s *scanner) each(end byte, item func() error) error {
	if s.depth == maxDepth {
		return notJobs("the JSON is nested more than %d deep at byte %d", maxDepth, s.pos)
	}
	s.depth++
	s.pos++
	for more := s.peek() != end; more; {
		if err := item(); err != nil {
			return err
		}
		switch s.peek() {
		case ',':
			s.pos++
		case end:
			more = false
		default:
			return s.unexpected(fmt.Sprintf("',' or %q", end))
		}
	}
	s.depth--
	s.pos++
	return nil
}

// key consumes the name of a field and its colon.
func (s *scanner) key() (lexeme, error) {
	if s.peek() != '"' {
		return lexeme{}, s.unexpected("a field name")
	}
	key, err := s.text()
	if err != nil {
		return lexeme{}, err
	}
	if s.peek() != ':' {
		return lexeme{}, s.unexpected("':'")
	}
	s.pos++
	return key, nil
}

// text consumes a string, whose quote is next.
func (s *scanner) text() (lexeme, error) {
	s.pos++
	start, ascii, found := s.pos, true, kindText
	for {
		s.pos = plainEnd(s.body, s.pos)
		switch c := s.next(); {
		case c == '"':
			raw := s.body[start:s.pos]
			if !ascii && !utf8.Valid(raw) {
				return lexeme{}, notJobs("invalid JSON: the string at byte %d is not UTF-8", start-1)
			}
			s.pos++
			return lexeme{kind: found, raw: raw}, nil
		case c == '\\':
			found = kindEscaped
			if err := s.escape(); err != nil {
				return lexeme{}, err
			}
		case c >= utf8.RuneSelf:
			ascii = false
			s.pos++
		default:
			return lexeme{}, s.unexpected("the rest of a string")
		}
	}
}

// plainEnd returns the index, from i on, of the first byte that is a quote, a backslash, a control
// character or not ASCII. It looks at eight bytes at once: a byte is less than n where subtracting n
// borrows, which shows the lowest such byte exactly.
func plainEnd(body []byte, i int) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for ; i+8 <= len(body); i += 8 {
		word := binary.LittleEndian.Uint64(body[i:])
		quote, backslash := word^ones*'"', word^ones*'\\'
		special := (word - ones*' ') | (quote - ones) | (backslash - ones) | word
		if special &= highs; special != 0 {
			return i + bits.TrailingZeros64(special)/8
		}
	}
	for i < len(body) && body[i] >= ' ' && body[i] < utf8.RuneSelf && body[i] != '"' && body[i] != '\\' {
		i++
	}
	return i
}

// escape consumes one escape sequence, whose backslash is next.
func (s *scanner) escape() error {
	s.pos++
	digits := 0
	if c := s.next(); c == 'u' {
		digits = 4
	} else if c == 0 || strings.IndexByte(`"\/bfnrt`, c) < 0 {
		return s.unexpected("an escape sequence")
	}
	s.pos++
	for range digits {
		if !isHex(s.next()) {
			return s.unexpected("a hexadecimal digit")
		}
		s.pos++
	}
	return nil
}

// number consumes a number.
func (s *scanner) number() (lexeme, error) {
	start := s.pos
	if s.next() == '-' {
		s.pos++
	}
	first := s.pos
	if err := s.digits(); err != nil {
		return lexeme{}, err
	}
	if s.body[first] == '0' && s.pos > first+1 {
		s.pos = first
		return lexeme{}, s.unexpected("a number without leading zeros")
	}
	found := kindInteger
	if s.pos-first > 18 {
		found = kindNumber
	}
	if s.next() == '.' {
		found = kindNumber
		s.pos++
		if err := s.digits(); err != nil {
			return lexeme{}, err
		}
	}
	if s.next()|0x20 == 'e' {
		found = kindNumber
		s.pos++
		if c := s.next(); c == '+' || c == '-' {
			s.pos++
		}
		if err := s.digits(); err != nil {
			return lexeme{}, err
		}
	}
	return lexeme{kind: found, raw: s.body[start:s.pos]}, nil
}

// digits consumes at least one digit.
func (s *scanner) digits() error {
	i := s.pos
	for i < len(s.body) && isDigit(s.body[i]) {
		i++
	}
	if i == s.pos {
		return s.unexpected("a value")
	}
	s.pos = i
	return nil
}

func (s *scanner) literal(word string) error {
	for i := range len(word) {
		if s.next() != word[i] {
			return s.unexpected(word)
		}
		s.pos++
	}
	return nil
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isHex(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }
