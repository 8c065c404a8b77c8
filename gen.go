//go:build generate

package d365backup

// The types that travel on the wire.
//go:generate go tool oapi-codegen -config api/codegen/types.yaml openapi.yaml

// The raw client, one method for each operation.
//go:generate go tool oapi-codegen -config api/codegen/client.yaml openapi.yaml

// The contract itself, embedded for use at run time.
//go:generate go tool oapi-codegen -config api/codegen/spec.yaml openapi.yaml
