package cmdutil

import "syscall"

// isReadOnly reports whether a file is mounted so that it cannot be changed.
func isReadOnly(path string) bool {
	const readOnly = 1 // ST_RDONLY of statvfs
	var stat syscall.Statfs_t
	return syscall.Statfs(path, &stat) == nil && stat.Flags&readOnly != 0
}
