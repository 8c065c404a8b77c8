package api

import (
	"compress/flate"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
)

// Load returns the contract as a document, parsed and validated once. All callers share it: do not
// change it. Load fails only if the embedded contract is invalid, which the tests of this package prevent.
func Load() (*openapi3.T, error) {
	c, err := load()
	if err != nil {
		return nil, err
	}
	return c.doc, nil
}

// JSON returns the contract as text: the OpenAPI document that [Load] parses, in JSON. Each call returns a
// new copy.
func JSON() ([]byte, error) {
	compressed := base64.NewDecoder(base64.StdEncoding, strings.NewReader(strings.Join(embedded, "")))
	text, err := io.ReadAll(flate.NewReader(compressed))
	if err != nil {
		return nil, fmt.Errorf("api: unpack the embedded contract: %w", err)
	}
	return text, nil
}

var load = sync.OnceValues(func() (*contract, error) {
	text, err := JSON()
	if err != nil {
		return nil, err
	}
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		return nil, fmt.Errorf("api: read the embedded contract: %w", err)
	}
	return newContract(doc)
})

// contract is the document, indexed for validation. It never changes.
type contract struct {
	doc                   *openapi3.T
	operations            map[string]*operation // by operationId
	asRequest, asResponse visitOptions
}

// operation is one operation of the contract.
type operation struct {
	*openapi3.Operation
	contract *contract
	method   string
	path     []string // segments
	query    map[string]*openapi3.Parameter
	body     *openapi3.RequestBody // nil if it must be empty
}

func newContract(doc *openapi3.T) (*contract, error) {
	// Examples and defaults would be validated with the global registry of formats, which has no lock. The
	// tests validate them.
	options := []openapi3.ValidationOption{openapi3.DisableExamplesValidation(), openapi3.DisableSchemaDefaultsValidation()}
	if err := doc.Validate(context.Background(), options...); err != nil {
		return nil, fmt.Errorf("api: invalid contract: %w", err)
	}
	c := &contract{doc: doc, operations: make(map[string]*operation), asRequest: newVisitOptions(), asResponse: newVisitOptions()}
	// A visit in one direction takes longer, so it is used only if a schema depends on the direction.
	if err := doc.WalkSchemas(func(_ string, ref *openapi3.SchemaRef) error {
		if ref.Value.ReadOnly || ref.Value.WriteOnly {
			c.asRequest, c.asResponse = newVisitOptions(openapi3.VisitAsRequest()), newVisitOptions(openapi3.VisitAsResponse())
		}
		return nil
	}); err != nil {
		return nil, fmt.Errorf("api: walk the contract's schemas: %w", err)
	}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			o := &operation{
				Operation: op, contract: c, method: method, path: strings.Split(path, "/"), query: make(map[string]*openapi3.Parameter),
			}
			if err := o.index(item.Parameters); err != nil {
				return nil, fmt.Errorf("api: contract, %s %s: %w", method, path, err)
			}
			c.operations[op.OperationID] = o
		}
	}
	return c, nil
}

// index fills the query and the body. It refuses what this package cannot check, so that nothing passes
// unchecked.
func (o *operation) index(common openapi3.Parameters) error {
	if o.OperationID == "" {
		return errors.New("operation has no operationId: add one")
	}
	for _, ref := range slices.Concat(common, o.Parameters) {
		p := ref.Value
		if p.In != openapi3.ParameterInQuery || p.Schema == nil || scalarType(p.Schema.Value) == "" {
			return fmt.Errorf("parameter %q in %s: only query parameters of a scalar type can be checked: extend package api", p.Name, p.In)
		}
		o.query[p.Name] = p
	}
	if o.RequestBody != nil {
		o.body = o.RequestBody.Value
	}
	return nil
}

// These errors are not [Violations].
var (
	// ErrUnknownOperation is matched if the contract has no operation with that operationId.
	ErrUnknownOperation = errors.New("api: the contract has no such operation")
	// ErrUnknownStatus is matched if the operation has no response with that status.
	ErrUnknownStatus = errors.New("api: the contract has no such status")
)

func (c *contract) operation(id string) (*operation, error) {
	o, ok := c.operations[id]
	if !ok {
		known := slices.Sorted(maps.Keys(c.operations))
		return nil, fmt.Errorf("%w: %q; it has %s", ErrUnknownOperation, id, strings.Join(known, ", "))
	}
	return o, nil
}

// find returns the operation with the method and the longest path that path ends with, or nil. Any prefix is
// allowed, because a base URL may have a path.
func (c *contract) find(method, path string) *operation {
	segments := strings.Split(path, "/")
	var found *operation
	for _, o := range c.operations {
		suffix := o.path[1:] // without the empty segment before the first slash
		matches := len(segments) >= len(suffix) && slices.Equal(segments[len(segments)-len(suffix):], suffix)
		if o.method == method && matches && (found == nil || len(o.path) > len(found.path)) {
			found = o
		}
	}
	return found
}
