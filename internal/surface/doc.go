// Package surface has no code: its tests keep what programs and scripts depend on as text in testdata, so
// that no change of it goes unseen: the exported Go API, and the command's flags, exit codes, environment
// and output fields. What the service is asked and answers is the contract's (see api/released).
package surface
