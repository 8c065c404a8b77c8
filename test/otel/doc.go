// Package otel shows how to use the client with OpenTelemetry.
package otel
