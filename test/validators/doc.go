// Package validators compares package api with other validators: its results with those of pb33f/libopenapi-validator, and
// its speed with that of both libopenapi-validator and openapi3filter.
package validators
