//go:build !windows

package report

import (
	"os"
	"path/filepath"
	"testing"
)

// TestSaveOverPlantedFile: the mode of an old file counts only where it is the user's own, or whoever puts
// one there first could let everybody write to the report. Only root can make another user's file; the
// others see that their own keeps its mode.
func TestSaveOverPlantedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(path, []byte("planted"), 0o600); err != nil {
		t.Fatal(err)
	}
	const planted = os.FileMode(0o777) // a new file is not executable, whatever the umask
	if err := os.Chmod(path, planted); err != nil {
		t.Fatal(err)
	}
	kept := os.Chown(path, os.Geteuid()+1, -1) != nil
	if err := collect(t, lastWeek).Save(path); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || (info.Mode().Perm() == planted) != kept {
		t.Errorf("the mode is %v, %v", info.Mode(), err)
	}
}

// TestSaveRefuses: a path that cannot be looked at is left alone. The system says so of a link that someone
// else put into a folder that all can write to; a link to itself is one that it says so of everywhere.
func TestSaveRefuses(t *testing.T) {
	link := filepath.Join(t.TempDir(), "report.html")
	if err := os.Symlink(link, link); err != nil {
		t.Fatal(err)
	}
	if err := collect(t, lastWeek).Save(link); err == nil {
		t.Error("the report was saved")
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is %v, %v", info.Mode(), err)
	}
}
