// Package faults tests the client against networks and servers that fail: its tests hold each fault to
// the outcome that their table expects, and write what they measured to docs/reliability.md. It is a module
// of its own, so that no importer of the client meets Toxiproxy in its graph.
//
// Package proxy holds Toxiproxy in this process, command soak runs the client for minutes through faults
// that change.
package faults
