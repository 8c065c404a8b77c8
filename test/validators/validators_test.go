package validators

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/pb33f/libopenapi"
	libvalidator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"

	"github.com/d365backup/d365backup/api"
)

const (
	path      = "/api/OpenApi/GetJobs"
	mediaType = "application/json"
)

// validator validates a payload. A nil error means that it is valid.
type validator interface {
	request(body []byte) error
	response(status int, body []byte) error
}

// apiValidator is package api.
type apiValidator struct{}

func (apiValidator) request(body []byte) error { return api.ValidateRequest("getJobs", body) }

func (apiValidator) response(status int, body []byte) error {
	return api.ValidateResponse("getJobs", status, mediaType, body)
}

// libopenapiValidator is libopenapi-validator. It is given the operation, so that it does not search for it.
type libopenapiValidator struct {
	libvalidator.Validator
	item *v3.PathItem
}

func newLibopenapi(tb testing.TB) libopenapiValidator {
	tb.Helper()
	spec, err := api.JSON()
	if err != nil {
		tb.Fatal(err)
	}
	doc, err := libopenapi.NewDocument(spec)
	if err != nil {
		tb.Fatal(err)
	}
	model, err := doc.BuildV3Model()
	if err != nil {
		tb.Fatal(err)
	}
	v := libvalidator.NewValidatorFromV3Model(&model.Model, config.WithFormatAssertions())
	return libopenapiValidator{v, model.Model.Paths.PathItems.GetOrZero(path)}
}

func (v libopenapiValidator) request(body []byte) error {
	ok, errs := v.GetRequestBodyValidator().ValidateRequestBodyWithPathItem(newRequest(body), v.item, path)
	if ok {
		return nil
	}
	return fmt.Errorf("%v", errs)
}

func (v libopenapiValidator) response(status int, body []byte) error {
	ok, errs := v.GetResponseBodyValidator().ValidateResponseBodyWithPathItem(newRequest(nil), newResponse(status, body), v.item, path)
	if ok {
		return nil
	}
	return fmt.Errorf("%v", errs)
}

// filter is openapi3filter. It is given the operation, and must not change the payload.
type filter struct {
	route *routers.Route
}

func newFilter(tb testing.TB) filter {
	tb.Helper()
	doc, err := api.Load()
	if err != nil {
		tb.Fatal(err)
	}
	item := doc.Paths.Value(path)
	return filter{&routers.Route{Spec: doc, Path: path, PathItem: item, Method: http.MethodPost, Operation: item.Post}}
}

func (f filter) input(body []byte) *openapi3filter.RequestValidationInput {
	return &openapi3filter.RequestValidationInput{
		Request: newRequest(body), Route: f.route,
		Options: &openapi3filter.Options{MultiError: true, SkipSettingDefaults: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
	}
}

func (f filter) request(body []byte) error {
	return openapi3filter.ValidateRequestBody(context.Background(), f.input(body), f.route.Operation.RequestBody.Value)
}

func (f filter) response(status int, body []byte) error {
	input := f.input(nil)
	return openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: status, Options: input.Options,
		Header: http.Header{"Content-Type": {mediaType}}, Body: io.NopCloser(bytes.NewReader(body)),
	})
}

func newRequest(body []byte) *http.Request {
	r, err := http.NewRequest(http.MethodPost, "http://127.0.0.1"+path, bytes.NewReader(body))
	if err != nil {
		panic(err) // the URL is constant
	}
	r.Header.Set("Content-Type", mediaType)
	return r
}

func newResponse(status int, body []byte) *http.Response {
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {mediaType}},
		Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
	}
}

// example returns an example of the contract.
func example(tb testing.TB, name string) any {
	tb.Helper()
	doc, err := api.Load()
	if err != nil {
		tb.Fatal(err)
	}
	return doc.Components.Examples[name].Value.Value
}

func marshal(tb testing.TB, v any) []byte {
	tb.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}
