package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/go-faster/jx"
)

// parseJSON reads body as exactly one JSON value, in the Go types that a schema visit takes: an
// integer becomes an int64, any other number a json.Number, so that no digit is lost. It reports a
// text that is no JSON, and every key that an object names twice; of those the last one counts. In
// the first case there is no value to look at, and ok is false. The keys in names cost no memory.
func parseJSON(body []byte, names map[string]string) (value any, found Violations, ok bool) {
	if err := checkText(body); err != nil {
		return nil, Violations{notJSON(err.Error())}, false
	}
	p := parser{names: names}
	p.ResetBytes(body)
	value, err := p.value()
	if err != nil || !errors.Is(p.Skip(), io.EOF) {
		return nil, Violations{notJSON(syntaxError(body))}, false
	}
	return value, p.repeated, true
}

func notJSON(found string) Violation {
	return Violation{In: InBody, Keyword: KeywordJSON, Found: found, Want: "one JSON value in UTF-8"}
}

func checkText(body []byte) error {
	if len(body) == 0 {
		return errors.New("nothing")
	}
	if !utf8.Valid(body) {
		return errors.New("bytes that are no UTF-8")
	}
	return nil
}

// syntaxError says in words what is wrong with body, which is no JSON.
func syntaxError(body []byte) string {
	err := json.Unmarshal(body, new(json.RawMessage))
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Sprintf("%v at byte %d", syntax, syntax.Offset)
	}
	return "a text that is no JSON"
}

// maxSizeHint bounds the room made for an object before it is read; objects inside one another could
// else claim much more than the payload has.
const maxSizeHint = 32

type parser struct {
	jx.Decoder
	path     []string
	names    map[string]string
	repeated Violations
	size     int // of the last object: those of a list are alike
}

func (p *parser) value() (any, error) {
	switch p.Next() {
	case jx.Object:
		return p.object()
	case jx.Array:
		return p.array()
	case jx.String:
		return p.Str()
	case jx.Number:
		raw, err := p.Raw()
		return number(raw), err
	case jx.Bool:
		return p.Bool()
	default:
		return nil, p.Null()
	}
}

func (p *parser) object() (any, error) {
	iter, err := p.ObjIter()
	if err != nil {
		return nil, err
	}
	object := make(map[string]any, min(p.size, maxSizeHint))
	for iter.Next() {
		key := p.key(iter.Key())
		p.path = append(p.path, key)
		if _, ok := object[key]; ok {
			p.repeat()
		}
		if object[key], err = p.value(); err != nil {
			return nil, err
		}
		p.path = p.path[:len(p.path)-1]
	}
	p.size = len(object)
	return object, iter.Err()
}

// repeat tells of the key that the path ends with.
func (p *parser) repeat() {
	if p.repeated.full() {
		return
	}
	p.repeated = p.repeated.add(Violation{
		In: InBody, Pointer: pointer(p.path...), Keyword: KeywordUnique,
		Found: "a key that is there twice", Want: "each key once",
	})
}

func (p *parser) key(b []byte) string {
	if name, ok := p.names[string(b)]; ok {
		return name
	}
	return string(b)
}

func (p *parser) array() (any, error) {
	iter, err := p.ArrIter()
	if err != nil {
		return nil, err
	}
	items := []any{}
	for iter.Next() {
		p.path = append(p.path, strconv.Itoa(len(items)))
		item, err := p.value()
		if err != nil {
			return nil, err
		}
		items = append(items, item)
		p.path = p.path[:len(p.path)-1]
	}
	return items, iter.Err()
}

// number keeps what raw says. The schema visit compares in float64, where the first integers beyond
// an int64 round to its last one and would pass as one; those are moved to the next float64.
func number(raw []byte) any {
	i, err := strconv.ParseInt(string(raw), 10, 64)
	if err == nil {
		return i
	}
	if errors.Is(err, strconv.ErrRange) {
		f, _ := strconv.ParseFloat(string(raw), 64)
		switch f {
		case math.MaxInt64:
			return math.Nextafter(f, math.Inf(1))
		case math.MinInt64:
			return math.Nextafter(f, math.Inf(-1))
		}
	}
	return json.Number(slices.Clone(raw))
}
