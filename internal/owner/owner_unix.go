//go:build !windows

// Package owner reports who owns a file.
package owner

import (
	"io/fs"
	"os"
	"slices"
	"syscall"
)

// Foreign reports whether a file belongs to neither the user of this process nor root.
func Foreign(info fs.FileInfo) bool {
	stat, known := info.Sys().(*syscall.Stat_t)
	return known && stat.Uid != 0 && int(stat.Uid) != os.Geteuid()
}

// Mine reports whether the user of this process can change the mode of a file, as its owner or as root.
func Mine(info fs.FileInfo) bool {
	stat, known := info.Sys().(*syscall.Stat_t)
	return known && (os.Geteuid() == 0 || int(stat.Uid) == os.Geteuid())
}

// InGroup reports whether this process is in the group of a file.
func InGroup(info fs.FileInfo) bool {
	stat, known := info.Sys().(*syscall.Stat_t)
	if !known {
		return false
	}
	groups, err := os.Getgroups()
	return int(stat.Gid) == os.Getegid() || err == nil && slices.Contains(groups, int(stat.Gid))
}
