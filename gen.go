//go:build generate

package d365backup

// The wire types.
//go:generate go tool oapi-codegen -config api/codegen/types.yaml openapi.yaml

// The raw client, with one method per operation.
//go:generate go tool oapi-codegen -config api/codegen/client.yaml openapi.yaml

// The contract itself, embedded in package api.
//go:generate go tool oapi-codegen -config api/codegen/spec.yaml openapi.yaml
