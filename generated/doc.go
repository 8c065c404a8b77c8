// Package generated holds what the generator makes of openapi.yaml: the types that travel on the
// wire and a raw client with one method for each operation.
//
// Nothing in it is written by hand but this comment; "make generate" writes the rest. It follows the
// contract without a promise of its own: names change when the contract or the generator changes.
// Programs use package d365backup in the folder wrapper, and reach the raw client through its Client.Raw.
package generated
