// Package faults tests the client against networks and servers that fail. Its tests compare the outcome of each fault with
// a table, and write what they measured to docs/reliability.md.
//
// Package proxy runs Toxiproxy in this process. Command soak runs the client for minutes through changing faults.
package faults
