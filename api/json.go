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

// parseJSON reads body as exactly one JSON value, in the Go types of a schema visit: an integer becomes an
// int64, and any other number a json.Number, so that no digit is lost. If body is not JSON, ok is false. A
// repeated key in an object is a violation; its last value counts.
func parseJSON(body []byte) (value any, found Violations, ok bool) {
	p := parser{keys: make(map[string]string)}
	p.ResetBytes(body)
	value, err := p.value()
	if err == nil && utf8.Valid(body) && errors.Is(p.Skip(), io.EOF) {
		return value, p.repeated, true
	}
	return nil, Violations{{In: InBody, Keyword: KeywordJSON, Found: notJSON(body), Want: "one JSON value in UTF-8"}}, false
}

// notJSON explains why body is not JSON.
func notJSON(body []byte) string {
	err := json.Unmarshal(body, new(json.RawMessage))
	syntax, ok := errors.AsType[*json.SyntaxError](err)
	switch {
	case len(body) == 0:
		return "nothing"
	case !utf8.Valid(body):
		return "invalid UTF-8"
	case ok:
		return fmt.Sprintf("%v at byte %d", syntax, syntax.Offset)
	}
	return "invalid JSON"
}

// maxSizeHint limits the memory for an object before it is read: nested objects could otherwise need much more
// than the payload.
const maxSizeHint = 32

type parser struct {
	jx.Decoder
	path     []string
	keys     map[string]string // those read, so that equal ones share memory
	size     int               // of the last object; the objects of an array have about the same
	repeated Violations
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
	object := make(map[string]any, min(p.size, maxSizeHint))
	err := p.ObjBytes(func(_ *jx.Decoder, raw []byte) (err error) {
		key, ok := p.keys[string(raw)]
		if !ok {
			key = string(raw)
			p.keys[key] = key
		}
		p.path = append(p.path, key)
		if _, ok := object[key]; ok && !p.repeated.full() {
			p.repeated = p.repeated.add(Violation{
				In: InBody, Pointer: pointer(p.path...), Keyword: KeywordUnique, Found: "a repeated key", Want: "each key once",
			})
		}
		object[key], err = p.value()
		p.path = p.path[:len(p.path)-1]
		return err
	})
	p.size = len(object)
	return object, err
}

func (p *parser) array() (any, error) {
	items := []any{}
	err := p.Arr(func(*jx.Decoder) error {
		p.path = append(p.path, strconv.Itoa(len(items)))
		item, err := p.value()
		items = append(items, item)
		p.path = p.path[:len(p.path)-1]
		return err
	})
	return items, err
}

// number keeps all digits of raw. The schema visit compares in float64, where the integers just outside an
// int64 round to its limits and would be valid; those become the next float64.
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
