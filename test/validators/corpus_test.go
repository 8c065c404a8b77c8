package validators

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// payload is one body to validate.
type payload struct {
	name   string // the valid payload that was changed, where and how
	status int    // of a response; 0 for a request
	text   []byte
}

// corpus returns the contract's examples, and each of them with a change in one place.
func corpus(tb testing.TB) []payload {
	var all []payload
	for _, seed := range []struct {
		name   string
		status int
		value  any
	}{
		{"request", 0, example(tb, "FailedBackups")},
		{"page", 200, example(tb, "OnePage")},
		{"error", 400, example(tb, "BadPageSize")},
	} {
		text := marshal(tb, seed.value)
		add := func(name string, text []byte) {
			all = append(all, payload{seed.name + name, seed.status, text})
		}
		add(" unchanged", text)
		for name, text := range changedTexts(text) {
			add(": "+name, text)
		}
		for name, text := range mutations(tb, text) {
			add(name, text)
		}
	}
	slices.SortFunc(all, func(a, b payload) int { return strings.Compare(a.name, b.name) })
	return all
}

// changedTexts returns changes that are not changes of a JSON value.
func changedTexts(text []byte) map[string][]byte {
	first, rest, _ := strings.Cut(string(text[1:]), ":")
	texts := map[string]string{
		"empty":                      "",
		"blank":                      " \n",
		"surrounding space":          " \r\n\t" + string(text) + "\n ",
		"truncated":                  string(text[:len(text)-1]),
		"byte order mark":            "\ufeff" + string(text),
		"trailing text":              string(text) + "x",
		"second value":               string(text) + string(text),
		"trailing comma":             string(text[:len(text)-1]) + ",}",
		"comment":                    "/* */" + string(text),
		"single quotes":              strings.ReplaceAll(string(text), `"`, "'"),
		"repeated key":               "{" + first + ":null," + first + ":" + rest,
		"repeated key, once escaped": fmt.Sprintf(`{"\u%04x%s:null,%s:%s`, first[1], first[2:], first, rest),
		"invalid UTF-8 in a string":  string(text[:len(text)-1]) + `,"module":"` + "\xff" + `"}`,
		"a line break in a string":   string(text[:len(text)-1]) + `,"module":"` + "\n" + `"}`,
		"wrapped in an array":        "[" + string(text) + "]",
		"null":                       "null", "an array": "[]", "an object": "{}", "a string": `""`, "a number": "0", "NaN": "NaN",
	}
	out := make(map[string][]byte, len(texts))
	for name, text := range texts {
		out[name] = []byte(text)
	}
	return out
}

// values replace each value of a payload.
var values = []string{
	`null`, `true`, `[]`, `{}`, `""`, `"contoso"`, `"3"`,
	`0`, `-1`, `1`, `1.0`, `1.5`, `1e2`, `3`, `5`, `16`, `32`, `33`, `64`,
	`2147483647`, `2147483648`, `-2147483648`, `-2147483649`,
	`9007199254740993`, `9223372036854775807`, `9223372036854775808`, `-9223372036854775809`, `1e400`,
	`"2026-11-01T03:00:00Z"`, `"2026-11-01T03:00:00.1234567Z"`, `"2026-11-01T03:00:00+02:00"`, `"2026-11-01t03:00:00z"`,
	`"2026-12-31T23:59:60Z"`, `"2026-11-01T03:00:60Z"`, `"2026-02-29T03:00:00Z"`, `"2024-02-29T03:00:00Z"`,
	`"2026-11-01T24:00:00Z"`, `"2026-11-01T3:00:00Z"`, `"2026-11-01T03:00:00"`, `"2026-11-01 03:00:00Z"`, `"2026-11-01"`,
	`"2026-11-01T03:00:00,5Z"`, `"2026-11-01T03:00:00.Z"`, `"2026-11-01T03:00:00+24:00"`, `"2026-11-01T03:00:00Z "`,
	`"69CB1ECC-F8E8-439B-8077-A4B7FD45E87F"`, `"69cb1ecc-f8e8-439b-8077-a4b7fd45e87"`, `"69cb1eccf8e8439b8077a4b7fd45e87f"`,
	`"{69cb1ecc-f8e8-439b-8077-a4b7fd45e87f}"`, `"00000000-0000-0000-0000-000000000000"`, `"69cb1ecc-f8e8-f39b-0077-a4b7fd45e87f"`,
	`"69cb1ecc-f8e8-439b-8077-a4b7fd45e87g"`, `"urn:uuid:69cb1ecc-f8e8-439b-8077-a4b7fd45e87f"`,
}

// mutations returns text with a change in one place: a value replaced by one of values, a property removed or
// renamed, or an unknown one added.
func mutations(tb testing.TB, text []byte) map[string][]byte {
	out := make(map[string][]byte)
	var root any
	decode(tb, text, &root)
	add := func(name string) { out[name] = marshal(tb, root) }
	var walk func(at string, value any, set func(any))
	walk = func(at string, value any, set func(any)) {
		for _, v := range values {
			set(json.RawMessage(v))
			add(at + " is " + v)
		}
		set(value)
		switch value := value.(type) {
		case []any:
			for i, item := range value {
				walk(at+"/"+strconv.Itoa(i), item, func(v any) { value[i] = v })
			}
		case map[string]any:
			for _, key := range slices.Sorted(maps.Keys(value)) {
				property := value[key]
				walk(at+"/"+key, property, func(v any) { value[key] = v })
				delete(value, key)
				add(at + "/" + key + " removed")
				value[strings.ToUpper(key)] = property
				add(at + "/" + key + " in capitals")
				delete(value, strings.ToUpper(key))
				value[key] = property
			}
			value["x-unknown"] = "a~b/c"
			add(at + " with an unknown property")
			delete(value, "x-unknown")
		}
	}
	walk("", root, func(v any) { root = v })
	return out
}

// decode keeps all digits of numbers.
func decode(tb testing.TB, text []byte, v any) {
	tb.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(v); err != nil {
		tb.Fatal(err)
	}
}
