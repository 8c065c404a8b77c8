package api

import (
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// checkQuery validates the query of a request.
func (o *operation) checkQuery(rawQuery string) Violations {
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		return Violations{{In: InQuery, Keyword: KeywordParameters, Found: oneLine(err.Error()), Want: "a URL query"}}
	}
	var found Violations
	for _, name := range slices.Sorted(maps.Keys(query)) {
		for _, v := range o.checkParameter(name, query[name]) {
			found = found.add(v)
		}
	}
	for name, p := range o.query {
		if p.Required && !query.Has(name) {
			found = found.add(Violation{
				In: InQuery, Pointer: pointer(name), Keyword: "required", Found: "nothing", Want: "a parameter " + quote(name),
				Source: source("required", p.Extensions),
			})
		}
	}
	return found
}

func (o *operation) checkParameter(name string, values []string) Violations {
	p, ok := o.query[name]
	if !ok {
		want := "no query"
		if len(o.query) > 0 {
			want = "only " + strings.Join(slices.Sorted(maps.Keys(o.query)), ", ")
		}
		return Violations{{In: InQuery, Pointer: pointer(name), Keyword: KeywordParameters, Found: quote(values[0]), Want: want, Source: source(KeywordParameters, o.Extensions)}}
	}
	var found Violations
	if len(values) > 1 {
		found = append(found, Violation{
			In: InQuery, Pointer: pointer(name), Keyword: KeywordUnique, Found: strconv.Itoa(len(values)) + " values",
			Want: "each parameter once", Source: source(KeywordUnique, p.Extensions),
		})
	}
	for _, text := range values {
		for _, v := range visit(InQuery, p.Schema.Value, parseScalar(p.Schema.Value, text), o.contract.asRequest) {
			v.Pointer = pointer(name)
			found = found.add(v)
		}
	}
	return found
}

// parseScalar returns a parameter as its schema's type, or as a string if it does not have that type.
func parseScalar(schema *openapi3.Schema, text string) any {
	switch scalarType(schema) {
	case openapi3.TypeInteger, openapi3.TypeNumber:
		if json.Valid([]byte(text)) && strings.Trim(text, "0123456789+-.eE") == "" {
			return number([]byte(text))
		}
	case openapi3.TypeBoolean:
		if text == "true" || text == "false" {
			return text == "true"
		}
	}
	return text
}

// scalarType returns the type of schema or of its allOf, or "" if it is not scalar.
func scalarType(schema *openapi3.Schema) string {
	for _, t := range schema.Type.Slice() {
		switch t {
		case openapi3.TypeInteger, openapi3.TypeNumber, openapi3.TypeBoolean, openapi3.TypeString:
			return t
		}
	}
	for _, ref := range schema.AllOf {
		if t := scalarType(ref.Value); t != "" {
			return t
		}
	}
	return ""
}
