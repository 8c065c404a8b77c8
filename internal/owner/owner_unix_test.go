//go:build !windows

package owner

import (
	"io/fs"
	"os"
	"syscall"
	"testing"
)

// info is a file of some user.
type info struct {
	fs.FileInfo
	stat syscall.Stat_t
}

func (i *info) Sys() any { return &i.stat }

func TestForeign(t *testing.T) {
	me := uint32(os.Geteuid())
	for uid, want := range map[uint32]bool{me: false, 0: false, me + 1: true, 65534: me != 65534} {
		if got := Foreign(&info{stat: syscall.Stat_t{Uid: uid}}); got != want {
			t.Errorf("user %d: got %t", uid, got)
		}
	}
	if own, err := os.Stat(t.TempDir()); err != nil || Foreign(own) {
		t.Errorf("a folder made here: %v, %v", own, err)
	}
}
