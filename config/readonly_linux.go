package config

import "syscall"

// isReadOnly reports whether a file is on a file system that is mounted read-only.
func isReadOnly(path string) bool {
	const readOnly = 1 // ST_RDONLY of statvfs
	var stat syscall.Statfs_t
	return syscall.Statfs(path, &stat) == nil && stat.Flags&readOnly != 0
}
