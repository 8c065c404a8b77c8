// Package api is the contract, openapi.yaml, at run time.
//
// It is the only package that imports kin-openapi. Clients do not need it and do not link it.
package api
