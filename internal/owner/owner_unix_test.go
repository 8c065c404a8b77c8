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

func TestIsOfAnotherUser(t *testing.T) {
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

func TestInGroup(t *testing.T) {
	groups, err := os.Getgroups()
	if err != nil {
		t.Fatal(err)
	}
	const other = 54321
	for _, gid := range append(groups, os.Getegid()) {
		if !InGroup(&info{stat: syscall.Stat_t{Gid: uint32(gid)}}) {
			t.Errorf("not in group %d", gid)
		}
	}
	if InGroup(&info{stat: syscall.Stat_t{Gid: other}}) {
		t.Errorf("in group %d", other)
	}
}

func TestIsOfThisUser(t *testing.T) {
	me := os.Geteuid()
	for uid, want := range map[int]bool{me: true, me + 1: me == 0} {
		if got := Mine(&info{stat: syscall.Stat_t{Uid: uint32(uid)}}); got != want {
			t.Errorf("user %d: got %t", uid, got)
		}
	}
}
