// Package generated has the code generated from openapi.yaml: the wire types, and a raw client with one method per
// operation.
//
// Only this comment is written by hand; "make generate" writes the rest. There is no promise of compatibility: names
// change when the contract or the generator changes. Programs should use package d365backup in the folder wrapper,
// and get the raw client from its Client.Raw.
package generated
