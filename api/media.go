package api

import (
	"maps"
	"mime"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// mediaType gives the element of content that contentType, a header or a bare media type, falls
// under. An exact name goes first, then application/*+json for application/x+json, then
// application/*, then */*; parameters such as charset do not matter.
func mediaType(content openapi3.Content, contentType string) (*openapi3.MediaType, bool) {
	name, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return nil, false
	}
	kind, subtype, _ := strings.Cut(name, "/")
	keys := []string{name, kind + "/*", "*/*"}
	if i := strings.LastIndexByte(subtype, '+'); i > 0 {
		keys = slices.Insert(keys, 1, kind+"/*"+subtype[i:])
	}
	for _, key := range keys {
		if m, ok := content[key]; ok {
			return m, true
		}
	}
	return nil, false
}

// wrongMediaType is the violation of a Content-Type that is none of content's.
func wrongMediaType(content openapi3.Content, contentType, source string) Violation {
	found := "no media type"
	if contentType != "" {
		found = quote(contentType)
	}
	return Violation{
		In: InHeader, Pointer: "/Content-Type", Keyword: KeywordContent, Found: found,
		Want: strings.Join(slices.Sorted(maps.Keys(content)), " or "), Source: source,
	}
}
