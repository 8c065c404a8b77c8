package lenient

import (
	"strconv"
	"strings"

	"github.com/d365backup/d365backup/internal/enum"
	"github.com/d365backup/d365backup/internal/jsonscan"
)

// Enum returns a value of an enumeration from its number or its name. An unknown number is kept. For anything else, 0 and -1
// included, it returns -1 and the characters that were sent.
func Enum[E interface {
	~int32
	Known() bool
}](r *Reader, v jsonscan.Value, field string, names enum.Enum[E]) (value E, unknown string) {
	var n int64
	var ok bool
	if v.IsString() {
		word := r.Text(v, field)
		if value, ok := names.ByName(word); ok && value > 0 {
			r.Tolerate(Word, field, v.Raw)
			return value, ""
		}
		var err error
		n, err = strconv.ParseInt(strings.TrimSpace(word), 10, 32)
		if ok = err == nil; ok && !r.Strict { // a stored one is written like this
			r.Tolerate(TextNumber, field, v.Raw)
		}
	} else {
		n, ok = r.Integer(v, field)
	}
	switch value = E(n); {
	case !ok || n != int64(int32(n)) || n == 0 || n == -1: // 0 is for queries only, and -1 means unknown
		return -1, r.unknownValue(v, field)
	case !value.Known():
		r.Tolerate(UnknownValue, field, v.Raw)
	}
	return value, ""
}

// unknownValue records an unknown value, and returns what to keep of it.
func (r *Reader) unknownValue(v jsonscan.Value, field string) string {
	kind, sent := UnknownValue, v.Text()
	if sent == "" {
		kind = Unreadable
	}
	r.Tolerate(kind, field, v.Raw)
	if v.Kind == jsonscan.Object || v.Kind == jsonscan.Array || sent == enum.Unknown {
		return ""
	}
	return sent
}
