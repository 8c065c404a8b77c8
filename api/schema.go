package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// visitOptions tells how a schema is visited: to report every error, and by this package's formats
// instead of the global ones.
func visitOptions(more ...openapi3.SchemaValidationOption) []openapi3.SchemaValidationOption {
	return append(more,
		openapi3.MultiErrors(),
		openapi3.DisableSchemaErrorDetails(), // else each error of an allOf is rendered, with the whole value
		openapi3.WithStringFormatValidators(stringFormats),
		openapi3.WithIntegerFormatValidators(integerFormats),
		openapi3.WithNumberFormatValidators(numberFormats),
	)
}

// visit judges value, read from the place in, by schema.
func visit(in string, schema *openapi3.Schema, value any, options []openapi3.SchemaValidationOption) Violations {
	err := schema.VisitJSON(value, options...)
	if err == nil {
		return nil
	}
	v := visitor{in: in, root: value}
	v.collect(err, nil)
	return v.found
}

// visitor turns the nested errors of a schema visit into violations.
type visitor struct {
	in      string
	root    any
	found   Violations
	objects map[object]bool // whose unknown properties were found
}

// object is one of the payload as a schema judged it.
type object struct {
	schema *openapi3.Schema
	value  uintptr
}

// collect adds the violations in err. If it comes from a part of an allOf, around is the error of the
// whole.
func (v *visitor) collect(err error, around *openapi3.SchemaError) {
	if v.found.full() {
		return
	}
	switch err := err.(type) { //nolint:errorlint // nested errors are taken apart here, one layer at a time
	case openapi3.MultiError:
		for _, err := range err {
			v.collect(err, around)
		}
	case *openapi3.SchemaError:
		if all, ok := allOf(err); ok {
			v.collect(all, err)
			return
		}
		v.schemaError(err, around)
	default: // an error about the schema, not the value; a valid document has none
		v.found = v.found.add(Violation{In: v.in, Keyword: "schema", Found: oneLine(err.Error()), Want: "a schema that can be applied"})
	}
}

// allOf gives the errors of the single schemas of an allOf: each is a violation of its own.
func allOf(err *openapi3.SchemaError) (all openapi3.MultiError, ok bool) {
	if err.SchemaField != "allOf" {
		return nil, false
	}
	ok = errors.As(err.Origin, &all)
	return all, ok
}

func (v *visitor) schemaError(err, around *openapi3.SchemaError) {
	path := err.JSONPointer()
	rules := []extensions{err.Schema.Extensions}
	if around != nil && len(around.JSONPointer()) == len(path) {
		rules = []extensions{around.Schema.Extensions, err.Schema.Extensions}
	}
	switch err.SchemaField {
	case "properties":
		v.unknownProperties(path, err, rules)
		return
	case "nullable":
		if err.Schema.Type == nil { // OpenAPI 3.0.3: nullable means something beside a type only
			return
		}
	case "required":
		v.add(path, "required", "nothing", "a property "+quote(path[len(path)-1]), rules)
		return
	}
	keyword := err.SchemaField
	value := lookup(v.root, path)
	switch {
	case keyword == "enum" && !permits(err.Schema, value):
		keyword = "type" // the visit looks at enum first
	case keyword == "type" && err.Origin != nil:
		keyword = "format" // a number beyond a float64
	}
	v.add(path, keyword, describe(value), want(keyword, err), rules)
}

// unknownProperties adds one violation for each property that the schema of an object does not
// know. The visit has an error for each of them without its name; the first one stands for all.
func (v *visitor) unknownProperties(path []string, err *openapi3.SchemaError, rules []extensions) {
	properties, _ := err.Value.(map[string]any)
	this := object{err.Schema, reflect.ValueOf(properties).Pointer()}
	if v.objects[this] {
		return
	}
	if v.objects == nil {
		v.objects = make(map[object]bool)
	}
	v.objects[this] = true
	want := "none but " + strings.Join(slices.Sorted(maps.Keys(err.Schema.Properties)), ", ")
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if _, ok := err.Schema.Properties[name]; !ok {
			v.add(append(slices.Clip(path), name), "additionalProperties", describe(properties[name]), want, rules)
		}
	}
}

// add adds a violation of keyword. The hint for an unknown property is under its name.
func (v *visitor) add(path []string, keyword, found, want string, rules []extensions) {
	key := keyword
	if keyword == "additionalProperties" {
		key = path[len(path)-1]
	}
	v.found = v.found.add(Violation{
		In: v.in, Pointer: pointer(path...), Keyword: keyword, Found: found, Want: want,
		Source: source(keyword, rules...), Hint: hint(key, rules...),
	})
}

// extensions are those of an element of the contract. Where one refers to another, its own go first.
type extensions = map[string]any

// source returns who documents keyword: the first x-source-KEYWORD, or else the first x-source.
func source(keyword string, elements ...extensions) string {
	for _, name := range []string{"x-source-" + keyword, "x-source"} {
		for _, element := range elements {
			if s, ok := element[name].(string); ok {
				return s
			}
		}
	}
	return ""
}

// hint returns the first that x-hints has for key, a keyword or the name of an unknown property.
func hint(key string, elements ...extensions) string {
	for _, element := range elements {
		hints, _ := element["x-hints"].(map[string]any)
		if s, ok := hints[key].(string); ok {
			return s
		}
	}
	return ""
}

// want says in words what keyword demands.
func want(keyword string, err *openapi3.SchemaError) string {
	s := err.Schema
	switch keyword {
	case "type":
		return strings.Join(s.Type.Slice(), " or ")
	case "nullable":
		return "no null"
	case "enum":
		return "one of " + compact(s.Enum)
	case "minimum":
		return fmt.Sprintf("at least %v", *s.Min)
	case "maximum":
		return fmt.Sprintf("at most %v", *s.Max)
	case "readOnly", "writeOnly":
		return "none in this direction"
	case "format":
		return formatInWords(s.Format)
	}
	return oneLine(err.Reason)
}

// permits tells whether value has a type of the schema.
func permits(schema *openapi3.Schema, value any) bool {
	switch value.(type) {
	case nil:
		return schema.Nullable
	case bool:
		return schema.Type.Permits(openapi3.TypeBoolean)
	case string:
		return schema.Type.Permits(openapi3.TypeString)
	case []any:
		return schema.Type.Permits(openapi3.TypeArray)
	case map[string]any:
		return schema.Type.Permits(openapi3.TypeObject)
	}
	return schema.Type.Permits(openapi3.TypeInteger) || schema.Type.Permits(openapi3.TypeNumber)
}

// compact is value as JSON.
func compact(value any) string {
	b, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(b)
}
