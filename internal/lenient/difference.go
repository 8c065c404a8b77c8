package lenient

import (
	"slices"

	"github.com/d365backup/d365backup/internal/httpfail"
)

// Kind is how an object differs from its documentation.
type Kind string

// The kinds of differences that a Reader finds. Its caller may add others.
const (
	UnknownField   Kind = "unknown field"
	OtherCase      Kind = "other case"
	DuplicateField Kind = "duplicate field"
	Missing        Kind = "missing required"
	UnknownValue   Kind = "unknown value"
	Word           Kind = "word for a number"
	TextNumber     Kind = "text for a number"
	Decimal        Kind = "decimal for an integer"
	Inexact        Kind = "inexact number"
	NumberText     Kind = "number for text"
	DamagedText    Kind = "damaged text"
	NoZone         Kind = "time without zone"
	Unreadable     Kind = "unreadable value"
	More           Kind = "more" // all beyond MaxDifferences
)

// lossy are the kinds that change or lose a value. A duplicate field replaces the first one.
var lossy = []Kind{Unreadable, Inexact, TextNumber, NumberText, NoZone, DuplicateField}

// Limits of what is recorded, so that an unusual text can fill neither memory nor a log.
const (
	MaxDifferences = 32
	MaxText        = 64 // bytes of a path or value
)

// Difference is one difference, and how often it occurs.
type Difference struct {
	Kind  Kind
	Path  string // of the field; empty for the whole text
	Value string // the first such value as sent, without control characters
	Count int
}

// Tolerate records that a value, as sent or nil, was accepted or left out. Differences of the same kind and path are counted
// as one; an unknown value is also identified by the value.
func (r *Reader) Tolerate(kind Kind, path string, value []byte) {
	if r.Strict && !slices.Contains(lossy, kind) {
		return
	}
	sent := func() string { return httpfail.Clean(string(value[:min(len(value), 4*MaxText)]), MaxText) }
	i := slices.IndexFunc(r.Differences, func(d Difference) bool {
		return d.Kind == kind && d.Path == path && (kind != UnknownValue || d.Value == sent())
	})
	switch {
	case i >= 0:
		r.Differences[i].Count++
	case len(r.Differences) < MaxDifferences-1 || kind == More:
		r.Differences = append(r.Differences, Difference{kind, path, sent(), 1})
	default:
		r.Tolerate(More, "", nil)
	}
}
