// Package otel shows the client together with OpenTelemetry. It is a module of its own, so that no
// importer of the client meets OpenTelemetry in its graph.
package otel
