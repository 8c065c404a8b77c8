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

// differences collects differences. It allocates nothing while there are none.
type differences []Difference

// add adds a difference. Differences of the same kind and path are counted as one. An unknown value is also identified by the value.
func (d *differences) add(kind Kind, path string, value []byte) {
	example := ""
	if kind == UnknownValue {
		example = clean(value)
	}
	i := slices.IndexFunc(*d, func(known Difference) bool {
		return known.Kind == kind && known.Path == path && (kind != UnknownValue || known.Value == example)
	})
	switch {
	case i >= 0:
		(*d)[i].Count++
	case len(*d) < MaxDifferences-1 || kind == More:
		*d = append(*d, Difference{Kind: kind, Path: path, Value: clean(value), Count: 1})
	default:
		d.add(More, "", nil)
	}
}

// addUnknown adds an unknown field, and builds its path only the first time.
func (d *differences) addUnknown(prefix, name string, value []byte) {
	i := slices.IndexFunc(*d, func(known Difference) bool {
		return known.Kind == UnknownField && len(known.Path) == len(prefix)+len(name) &&
			known.Path[:len(prefix)] == prefix && known.Path[len(prefix):] == name
	})
	if i >= 0 {
		(*d)[i].Count++
		return
	}
	d.add(UnknownField, httpfail.Clean(prefix+name, MaxText), value)
}

func clean(value []byte) string {
	return httpfail.Clean(string(value[:min(len(value), 4*MaxText)]), MaxText)
}
