// Package enum holds the names of numeric enumerations. Numbers without a name are kept, and -1 means unknown.
package enum

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/d365backup/d365backup/internal/httpfail"
)

// Unknown is the name of -1.
const Unknown = "Unknown"

// Enum holds the names of an enumeration.
type Enum[E ~int32] struct {
	what   string
	names  map[E]string
	byName map[string]E // by folded name
}

// New returns an enumeration, which errors call what.
func New[E ~int32](what string, names map[E]string) Enum[E] {
	e := Enum[E]{what, names, make(map[string]E)}
	for value, name := range names {
		e.byName[fold(name)] = value
	}
	return e
}

var folder = strings.NewReplacer(" ", "", "-", "", "_", "")

// fold returns a name without case, spaces, hyphens and underscores, which do not matter.
func fold(name string) string { return strings.ToLower(folder.Replace(name)) }

// Values returns the values with a name, in ascending order.
func (e Enum[E]) Values() []E { return slices.Sorted(maps.Keys(e.names)) }

// Has reports whether the value has a name.
func (e Enum[E]) Has(value E) bool { return e.names[value] != "" }

// Name returns the name of a value, or its number if it has none.
func (e Enum[E]) Name(value E) string {
	if name, ok := e.names[value]; ok {
		return name
	}
	if value == -1 {
		return Unknown
	}
	return strconv.Itoa(int(value))
}

// ByName returns the value with this name.
func (e Enum[E]) ByName(name string) (E, bool) {
	value, ok := e.byName[fold(name)]
	return value, ok
}

// Parse returns the value with a name or a number. The number must have a name.
func (e Enum[E]) Parse(name string) (E, error) {
	if value, ok := e.ByName(name); ok {
		return value, nil
	}
	number, err := strconv.ParseInt(strings.TrimSpace(name), 10, 32)
	if err == nil && e.Has(E(number)) {
		return E(number), nil
	}
	return -1, e.Error(name)
}

// Unmarshal returns the value for what Name returns or Parse accepts.
func (e Enum[E]) Unmarshal(text string) (E, error) {
	if text == Unknown {
		return -1, nil
	}
	if number, err := strconv.ParseInt(text, 10, 32); err == nil {
		return E(number), nil
	}
	return e.Parse(text)
}

// Scan returns the value of a column of a database: a number, or text as for Unmarshal. It returns -1 for any other text.
func (e Enum[E]) Scan(column any) (E, error) {
	var text string
	switch column := column.(type) {
	case string:
		text = column
	case []byte:
		text = string(column)
	case int64:
		text = strconv.FormatInt(column, 10)
	case nil:
		return -1, fmt.Errorf("%s: the column is NULL", e.what)
	default:
		return -1, fmt.Errorf("%s: the column is a %T, not text or an integer", e.what, column)
	}
	value, _ := e.Unmarshal(text)
	return value, nil
}

// Error returns the error for a name that does not exist. It lists those that do.
func (e Enum[E]) Error(name string) error {
	var names []string
	for _, value := range e.Values() {
		names = append(names, e.Name(value))
	}
	return fmt.Errorf("%s %q does not exist: use one of %s", e.what, httpfail.Clean(name, 64), strings.Join(names, ", "))
}
