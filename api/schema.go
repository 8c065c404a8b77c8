package api

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

type visitOptions []openapi3.SchemaValidationOption

// newVisitOptions returns options to report every error, and to use the formats of this package instead of
// the global ones.
func newVisitOptions(more ...openapi3.SchemaValidationOption) visitOptions {
	return append(more,
		openapi3.MultiErrors(),
		openapi3.DisableSchemaErrorDetails(), // which have the whole value in each error of an allOf
		openapi3.WithStringFormatValidators(stringFormats),
		openapi3.WithIntegerFormatValidators(integerFormats),
		openapi3.WithNumberFormatValidators(numberFormats),
	)
}

// visit validates value, which is in that part of a message, by schema.
func visit(in string, schema *openapi3.Schema, value any, options visitOptions) Violations {
	err := schema.VisitJSON(value, options...)
	if err == nil {
		return nil
	}
	v := visitor{in: in, root: value, objects: make(map[object]bool)}
	v.collect(err, nil)
	return v.found
}

// visitor converts the nested errors of a schema visit to violations.
type visitor struct {
	in      string
	root    any
	found   Violations
	objects map[object]bool // with unknown properties
}

// object is an object of the payload together with its schema.
type object struct {
	schema *openapi3.Schema
	value  uintptr
}

// collect adds the violations in err. If a part of an allOf has the error, around is the error of the whole.
func (v *visitor) collect(err error, around *openapi3.SchemaError) {
	if v.found.full() {
		return
	}
	switch err := err.(type) { //nolint:errorlint // each layer of nested errors is handled here
	case openapi3.MultiError:
		for _, err := range err {
			v.collect(err, around)
		}
	case *openapi3.SchemaError:
		var parts openapi3.MultiError
		if err.SchemaField == "allOf" && errors.As(err.Origin, &parts) {
			v.collect(parts, err)
			return
		}
		v.schemaError(err, around)
	default: // an error in the schema; a valid document has none
		v.found = v.found.add(Violation{In: v.in, Keyword: "schema", Found: oneLine(err.Error()), Want: "a schema that can be applied"})
	}
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
		if err.Schema.Type == nil { // without a type, nullable has no meaning in OpenAPI 3.0.3
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
		keyword = "type" // the visit checks enum first
	case keyword == "type" && err.Origin != nil:
		keyword = "format" // a number beyond a float64
	}
	v.add(path, keyword, describe(value), want(keyword, err), rules)
}

// unknownProperties adds a violation for each property that the schema of an object does not have. The visit
// has an error for each of them, without its name, so the first error stands for all.
func (v *visitor) unknownProperties(path []string, err *openapi3.SchemaError, rules []extensions) {
	properties, _ := err.Value.(map[string]any)
	this := object{err.Schema, reflect.ValueOf(properties).Pointer()}
	if v.objects[this] {
		return
	}
	v.objects[this] = true
	want := "only " + strings.Join(slices.Sorted(maps.Keys(err.Schema.Properties)), ", ")
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if _, ok := err.Schema.Properties[name]; !ok {
			v.add(append(slices.Clip(path), name), "additionalProperties", describe(properties[name]), want, rules)
		}
	}
}

// add adds a violation of keyword. The hint for an unknown property has its name as the key.
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

// extensions are those of an element of the contract. If it refers to another, its own come first.
type extensions = map[string]any

// source returns the first x-source-KEYWORD, or else the first x-source.
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

// hint returns the first of x-hints for key, a keyword or the name of an unknown property.
func hint(key string, elements ...extensions) string {
	for _, element := range elements {
		hints, _ := element["x-hints"].(map[string]any)
		if s, ok := hints[key].(string); ok {
			return s
		}
	}
	return ""
}

// want describes what keyword requires.
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
		return "no value in this direction"
	case "format":
		return formatNames[s.Format]
	}
	return oneLine(err.Reason)
}

// permits reports whether value has a type of the schema.
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
