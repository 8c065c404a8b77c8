// Package peer measures package api against other validators: its verdicts against those of
// pb33f/libopenapi-validator, its speed against that one and openapi3filter.
//
// It has tests and benchmarks only, in a module of its own, so that no importer of d365backup gets
// the other validators into its module graph.
package peer
