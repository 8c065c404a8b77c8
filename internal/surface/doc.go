// Package surface has no code of its own. Its tests compare what programs and scripts depend on with text in testdata: the
// exported Go API, and the command's flags, exit codes, environment and output fields. For the contract see api/released.
package surface
