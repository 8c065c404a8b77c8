package d365backup

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// field is a field of an object. read takes its value, unless that is absent; list, where there is
// one, consumes an array in its place.
type field struct {
	name string
	read func(d *decoder, v lexeme, path string)
	list func(d *decoder) error
}

// fieldTable has the fields of an object. A field is known by its place in the table.
type fieldTable struct {
	prefix string // before the names in a Drift
	fields []field
	paths  []string // prefix and name
	keys   [][]byte // the name in quotes with a colon, as it mostly stands in JSON
	places map[string]int
}

func newFieldTable(prefix string, fields []field) *fieldTable {
	t := &fieldTable{prefix: prefix, fields: fields, places: make(map[string]int)}
	for place, field := range fields {
		t.paths = append(t.paths, prefix+field.name)
		t.keys = append(t.keys, fmt.Appendf(nil, "%q:", field.name))
		t.places[field.name] = place
	}
	return t
}

// fieldSet is a set of places.
type fieldSet uint32

func (t *fieldTable) set(names ...string) (set fieldSet) {
	for _, name := range names {
		set |= 1 << t.places[name]
	}
	return set
}

// object is what is known while an object is read. It serves for one object after the other.
type object struct {
	table *fieldTable
	// seen are the fields with a value, null those that are null.
	seen, null fieldSet
	// last is the last field of the table that was there; -1 for none.
	last int
	// follower is, at the place of each field plus 1, the field that came next the last time: the
	// objects of a list mostly have their fields in the same order.
	follower [32]uint8
}

// object reads an object, whose brace is next.
func (d *decoder) object(o *object) error {
	o.seen, o.null, o.last = 0, 0, -1
	return d.each('}', func() error { return d.member(o) })
}

// member reads one field with its value.
func (d *decoder) member(o *object) error {
	place, key, err := d.field(o)
	if err != nil {
		return err
	}
	if place >= 0 {
		o.follower[o.last+1], o.last = uint8(place), place
		if list := o.table.fields[place].list; list != nil && d.peek() == '[' {
			d.mark(o, place)
			return list(d)
		}
	}
	v, err := d.value()
	switch {
	case err != nil:
		return err
	case place < 0:
		d.drifts.addUnknown(o.table.prefix, keyText(key), v.raw)
	case v.kind == kindNull:
		o.null |= 1 << place
	case !v.absent() || d.strict:
		d.mark(o, place)
		o.table.fields[place].read(d, v, o.table.paths[place])
	}
	return nil
}

// field consumes the name of a field and its colon, and returns its place; for an unknown one, -1
// and the name.
func (d *decoder) field(o *object) (place int, key lexeme, err error) {
	d.peek()
	place = int(o.follower[o.last+1])
	if expected := o.table.keys[place]; bytes.HasPrefix(d.body[d.pos:], expected) {
		d.pos += len(expected)
		return place, lexeme{}, nil
	}
	if key, err = d.key(); err != nil {
		return -1, key, err
	}
	if place, ok := o.table.places[string(key.raw)]; ok {
		return place, key, nil
	}
	name := keyText(key)
	place = slices.IndexFunc(o.table.fields, func(f field) bool { return strings.EqualFold(f.name, name) })
	if place >= 0 && name != o.table.fields[place].name {
		d.tolerate(DriftOtherCase, o.table.paths[place], key.raw)
	}
	return place, key, nil
}

// keyText returns the name of a field without escapes.
func keyText(key lexeme) string {
	if key.kind == kindText {
		return string(key.raw)
	}
	return unescape(key.raw)
}

// mark notes that a field has a value.
func (d *decoder) mark(o *object, place int) {
	if o.seen&(1<<place) != 0 {
		d.tolerate(DriftDuplicateField, o.table.paths[place], nil)
	}
	o.seen |= 1 << place
}

// reportMissing reports the required fields that have no value.
func (d *decoder) reportMissing(o *object, required fieldSet) {
	if o.seen&required == required {
		return
	}
	for place, path := range o.table.paths {
		if required&^o.seen&(1<<place) != 0 {
			d.tolerate(DriftMissing, path, nil)
		}
	}
}
