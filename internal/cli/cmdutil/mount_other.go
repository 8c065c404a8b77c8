//go:build !linux

package cmdutil

// isReadOnly knows the mounts of Linux alone, where containers are.
func isReadOnly(string) bool { return false }
