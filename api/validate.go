package api

import (
	"fmt"
	"maps"
	"mime"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// ValidateRequest validates the JSON body of a request for the given operation, an operationId such as
// "getJobs". The body must be empty if the operation has none.
//
// The error is nil, [Violations], or matches [ErrUnknownOperation].
func ValidateRequest(operation string, body []byte) error {
	return ValidateRequestAs(operation, "application/json", body)
}

// ValidateRequestAs is [ValidateRequest] for a body sent with the Content-Type mediaType, with or
// without parameters. A media type that the contract does not have is a violation.
func ValidateRequestAs(operation, mediaType string, body []byte) error {
	o, err := loadOperation(operation)
	if err != nil {
		return err
	}
	return o.checkBody(mediaType, body).err()
}

// ValidateQuery validates the query string of a request for the given operation: what follows the "?" in a URL.
//
// The error is nil, [Violations], or matches [ErrUnknownOperation].
func ValidateQuery(operation, query string) error {
	o, err := loadOperation(operation)
	if err != nil {
		return err
	}
	return o.checkQuery(query).err()
}

// ValidateResponse validates the body of a response of the given operation with the given status. mediaType is
// its Content-Type, with or without parameters. If the contract describes no body for that status, any body is valid.
//
// The error is nil, [Violations], or matches [ErrUnknownOperation] or [ErrUnknownStatus].
func ValidateResponse(operation string, status int, mediaType string, body []byte) error {
	o, err := loadOperation(operation)
	if err != nil {
		return err
	}
	response := o.response(status)
	if response == nil {
		return fmt.Errorf("%w: %s has no response with status %d", ErrUnknownStatus, operation, status)
	}
	return o.checkResponse(response, mediaType, body).err()
}

func loadOperation(id string) (*operation, error) {
	c, err := load()
	if err != nil {
		return nil, err
	}
	return c.operation(id)
}

// response returns the contract's response with status, or nil.
func (o *operation) response(status int) *openapi3.Response {
	if status < 100 || status > 599 {
		return nil
	}
	ref := o.Responses.Status(status)
	if ref == nil {
		ref = o.Responses.Default()
	}
	if ref == nil {
		return nil
	}
	return ref.Value
}

// checkBody validates the body of a request.
func (o *operation) checkBody(contentType string, body []byte) Violations {
	expected := o.body != nil
	switch given := len(body) > 0; {
	case given && !expected:
		return Violations{{In: InBody, Keyword: KeywordRequestBody, Found: "a body", Want: "no body", Source: source(KeywordRequestBody, o.Extensions)}}
	case !given && expected && o.body.Required:
		return Violations{{In: InBody, Keyword: KeywordRequestBody, Found: "no body", Want: "a body", Source: source("required", o.body.Extensions)}}
	case !given:
		return nil
	}
	return o.checkContent(o.body.Content, o.body.Extensions, contentType, body, o.contract.asRequest)
}

// checkResponse validates a response. If it has no content, any body is valid.
func (o *operation) checkResponse(r *openapi3.Response, contentType string, body []byte) Violations {
	if len(r.Content) == 0 {
		return nil
	}
	return o.checkContent(r.Content, r.Extensions, contentType, body, o.contract.asResponse)
}

func (o *operation) checkContent(content openapi3.Content, e extensions, contentType string, body []byte, options visitOptions) Violations {
	media, ok := mediaType(content, contentType)
	if !ok {
		found := "no media type"
		if contentType != "" {
			found = quote(contentType)
		}
		return Violations{{
			In: InHeader, Pointer: "/Content-Type", Keyword: KeywordContent, Found: found,
			Want: strings.Join(slices.Sorted(maps.Keys(content)), " or "), Source: source(KeywordContent, e),
		}}
	}
	value, found, ok := parseJSON(body)
	if !ok || media.Schema == nil {
		return found
	}
	return append(found, visit(InBody, media.Schema.Value, value, options)...)
}

// mediaType returns the element of content for a Content-Type. The name itself has precedence, then a range
// with its suffix such as application/*+json, then application/*, then */*. Parameters are ignored.
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
