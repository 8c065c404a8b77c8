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

// Load gives the contract as a document, parsed and validated once. All callers share it: do not
// change it. It fails only where the embedded contract is broken, which the tests of this package rule out.
func Load() (*openapi3.T, error) {
	c, err := load()
	if err != nil {
		return nil, err
	}
	return c.doc, nil
}

// JSON gives the contract as text: the OpenAPI document that [Load] parses, in JSON. Each call makes a
// copy of its own.
func JSON() ([]byte, error) {
	compressed := base64.NewDecoder(base64.StdEncoding, strings.NewReader(strings.Join(embedded, "")))
	text, err := io.ReadAll(flate.NewReader(compressed))
	if err != nil {
		return nil, fmt.Errorf("api: unpack the embedded contract: %w", err)
	}
	return text, nil
}

func parse() (*openapi3.T, error) {
	text, err := JSON()
	if err != nil {
		return nil, err
	}
	return openapi3.NewLoader().LoadFromData(text)
}

var load = sync.OnceValues(func() (*contract, error) {
	doc, err := parse()
	if err != nil {
		return nil, fmt.Errorf("api: read the embedded contract: %w", err)
	}
	return newContract(doc)
})

// contract is the document, indexed for checking. It is never changed once made.
type contract struct {
	doc        *openapi3.T
	operations map[string]*operation // by operationId
	names      map[string]string     // of all properties, each as itself
	asRequest  []openapi3.SchemaValidationOption
	asResponse []openapi3.SchemaValidationOption
}

// operation is one operation of the contract.
type operation struct {
	*openapi3.Operation
	contract *contract
	method   string
	path     []string // the template's segments
	query    map[string]*openapi3.Parameter
	body     *openapi3.RequestBody // nil: none belongs here
}

func newContract(doc *openapi3.T) (*contract, error) {
	// Examples and defaults are judged by the global registry of formats, which is not locked; the
	// tests judge them.
	options := []openapi3.ValidationOption{openapi3.DisableExamplesValidation(), openapi3.DisableSchemaDefaultsValidation()}
	if err := doc.Validate(context.Background(), options...); err != nil {
		return nil, fmt.Errorf("api: the contract is no valid OpenAPI document: %w", err)
	}
	c := &contract{doc: doc, operations: make(map[string]*operation), names: make(map[string]string)}
	if err := c.survey(); err != nil {
		return nil, fmt.Errorf("api: walk the contract's schemas: %w", err)
	}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			o, err := newOperation(method, path, item, op)
			if err != nil {
				return nil, fmt.Errorf("api: the contract, %s %s: %w", method, path, err)
			}
			o.contract = c
			c.operations[op.OperationID] = o
		}
	}
	return c, nil
}

// survey learns the names of properties and whether any is for one direction only. Telling a visit
// its direction costs time for every object, so it is told only where it matters.
func (c *contract) survey() error {
	directed := false
	err := c.doc.WalkSchemas(func(_ string, ref *openapi3.SchemaRef) error {
		for name := range ref.Value.Properties {
			c.names[name] = name
		}
		directed = directed || ref.Value.ReadOnly || ref.Value.WriteOnly
		return nil
	})
	c.asRequest, c.asResponse = visitOptions(), visitOptions()
	if directed {
		c.asRequest = visitOptions(openapi3.VisitAsRequest())
		c.asResponse = visitOptions(openapi3.VisitAsResponse())
	}
	return err
}

// newOperation refuses what this package could not check, so that nothing passes unchecked in silence.
func newOperation(method, path string, item *openapi3.PathItem, op *openapi3.Operation) (*operation, error) {
	if op.OperationID == "" {
		return nil, errors.New("an operation without operationId cannot be checked: add one")
	}
	o := &operation{
		Operation: op,
		method:    method,
		path:      strings.Split(path, "/"),
		query:     make(map[string]*openapi3.Parameter),
	}
	for _, ref := range slices.Concat(item.Parameters, op.Parameters) {
		p := ref.Value
		if p.In != openapi3.ParameterInQuery || p.Schema == nil || scalarType(p.Schema.Value) == "" {
			return nil, fmt.Errorf("parameter %q in %s: only query parameters of a scalar type are checked: teach this package", p.Name, p.In)
		}
		o.query[p.Name] = p
	}
	if op.RequestBody != nil {
		o.body = op.RequestBody.Value
	}
	return o, nil
}

// Errors for questions that the contract has no answer to; they are no [Violations].
var (
	// ErrUnknownOperation is matched where no operation of the contract has that operationId.
	ErrUnknownOperation = errors.New("api: the contract has no such operation")
	// ErrUnknownStatus is matched where an operation of the contract does not answer with that status.
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

// find gives the operation that method and path call, nil if none. What stands in front of the
// contract's path does not matter, so that a base URL may have a path of its own.
func (c *contract) find(method, path string) *operation {
	segments := strings.Split(path, "/")
	var found *operation
	for _, o := range c.operations {
		if o.method == method && o.matches(segments) && (found == nil || len(o.path) > len(found.path)) {
			found = o
		}
	}
	return found
}

// matches compares from the end. The template starts with a slash, so its first segment is empty and
// stands for what is in front. None has a parameter: [newOperation] takes no path parameters.
func (o *operation) matches(segments []string) bool {
	template := o.path[1:]
	if len(segments) < len(template) {
		return false
	}
	return slices.Equal(segments[len(segments)-len(template):], template)
}
