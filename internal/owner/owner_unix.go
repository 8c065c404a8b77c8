//go:build !windows

// Package owner says whose a file is, for what depends on it. What depends on it is not decided here.
package owner

import (
	"io/fs"
	"os"
	"syscall"
)

// Foreign reports whether a file belongs to neither the user of this process nor root, who could change
// whatever the user has anyway.
func Foreign(info fs.FileInfo) bool {
	stat, known := info.Sys().(*syscall.Stat_t)
	return known && stat.Uid != 0 && int(stat.Uid) != os.Geteuid()
}
