package api

import (
	"fmt"

	"github.com/getkin/kin-openapi/openapi3"
)

// ValidateRequest validates body as the JSON body of a request of operation, an operationId such as
// "getJobs". An operation without a body requires an empty one.
//
// The error is nil, [Violations], or matches [ErrUnknownOperation].
func ValidateRequest(operation string, body []byte) error {
	return ValidateRequestAs(operation, "application/json", body)
}

// ValidateRequestAs is [ValidateRequest] for a body sent with the Content-Type mediaType, with or
// without parameters. A media type that the contract does not have is a violation.
func ValidateRequestAs(operation, mediaType string, body []byte) error {
	c, err := load()
	if err != nil {
		return err
	}
	return c.validateRequest(operation, mediaType, body)
}

// ValidateQuery judges query as the query of a request of operation, as in a URL and without "?".
//
// The error is nil, [Violations], or matches [ErrUnknownOperation].
func ValidateQuery(operation, query string) error {
	c, err := load()
	if err != nil {
		return err
	}
	o, err := c.operation(operation)
	if err != nil {
		return err
	}
	return o.checkQuery(query).sorted().err()
}

// ValidateResponse judges body as an answer of operation with status; mediaType is its Content-Type,
// with or without parameters. An answer that the contract gives no content passes with any body.
//
// The error is nil, [Violations], or matches [ErrUnknownOperation] or [ErrUnknownStatus].
func ValidateResponse(operation string, status int, mediaType string, body []byte) error {
	c, err := load()
	if err != nil {
		return err
	}
	return c.validateResponse(operation, status, mediaType, body)
}

func (c *contract) validateRequest(operation, mediaType string, body []byte) error {
	o, err := c.operation(operation)
	if err != nil {
		return err
	}
	return o.checkBody(mediaType, body).err()
}

func (c *contract) validateResponse(operation string, status int, mediaType string, body []byte) error {
	o, err := c.operation(operation)
	if err != nil {
		return err
	}
	response := o.response(status)
	if response == nil {
		return fmt.Errorf("%w: %s has no response with status %d", ErrUnknownStatus, operation, status)
	}
	return o.checkResponse(response, mediaType, body).err()
}

// response gives what the contract says of an answer with status, nil if nothing.
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

// checkBody judges the body of a request.
func (o *operation) checkBody(contentType string, body []byte) Violations {
	if o.body == nil {
		if len(body) == 0 {
			return nil
		}
		return Violations{{In: InBody, Keyword: KeywordRequestBody, Found: "a body", Want: "no body", Source: source(KeywordRequestBody, o.Extensions)}}
	}
	if len(body) == 0 {
		if !o.body.Required {
			return nil
		}
		return Violations{{In: InBody, Keyword: KeywordRequestBody, Found: "no body", Want: "a body", Source: source("required", o.body.Extensions)}}
	}
	media, ok := mediaType(o.body.Content, contentType)
	if !ok {
		return Violations{wrongMediaType(o.body.Content, contentType, source(KeywordContent, o.body.Extensions))}
	}
	return o.contract.checkContent(media, body, o.contract.asRequest)
}

// checkResponse judges an answer. One without content may have any body.
func (o *operation) checkResponse(r *openapi3.Response, contentType string, body []byte) Violations {
	if len(r.Content) == 0 {
		return nil
	}
	media, ok := mediaType(r.Content, contentType)
	if !ok {
		return Violations{wrongMediaType(r.Content, contentType, source(KeywordContent, r.Extensions))}
	}
	return o.contract.checkContent(media, body, o.contract.asResponse)
}

func (c *contract) checkContent(media *openapi3.MediaType, body []byte, options []openapi3.SchemaValidationOption) Violations {
	value, found, ok := parseJSON(body, c.names)
	if !ok || media.Schema == nil {
		return found
	}
	return append(found, visit(InBody, media.Schema.Value, value, options)...)
}
