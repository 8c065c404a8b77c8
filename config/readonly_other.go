//go:build !linux

package config

// isReadOnly reports false: only containers need it, and they run on Linux.
func isReadOnly(string) bool { return false }
