package report

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// write returns a function that writes a string.
func write(s string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

// checkFile fails the test if a file does not have some content, or if its folder has other files.
func checkFile(t *testing.T, path, want string, entries int) {
	t.Helper()
	if content, err := os.ReadFile(path); err != nil || string(content) != want {
		t.Errorf("%s has %q, want %q; %v", path, content, want, err)
	}
	if all, err := os.ReadDir(filepath.Dir(path)); err != nil || len(all) != entries {
		t.Errorf("the folder has %v, want %d; %v", all, entries, err)
	}
}

func TestWriteFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report.html")
	if err := errors.Join(CheckFile(path), WriteFile(path, write("one"))); err != nil {
		t.Fatal(err)
	}
	checkFile(t, path, "one", 1)
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(CheckFile(path), WriteFile(path, write("two"))); err != nil {
		t.Fatal(err)
	}
	checkFile(t, path, "two", 1)
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("the mode is %v, %v", info.Mode(), err)
	}
}

// TestWriteFileKeepsTheOld: an error in the middle leaves the old file and no other.
func TestWriteFileKeepsTheOld(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report.html")
	if err := WriteFile(path, write("old")); err != nil {
		t.Fatal(err)
	}
	err := WriteFile(path, func(w io.Writer) error {
		_, _ = w.Write(make([]byte, 1<<20))
		return os.ErrDeadlineExceeded
	})
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	checkFile(t, path, "old", 1)
}

func TestWriteFileRefuses(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(dir, "target")
	if err := WriteFile(target, write("private")); err != nil {
		t.Fatal(err)
	}
	link := func(name, to string) string {
		path := filepath.Join(dir, name)
		if err := os.Symlink(to, path); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		link("link", target):              "is a link",
		link("relative", "target"):        "is a link",
		link("nowhere", "nothing"):        "is a link",
		link("circle", "circle"):          "is a link",
		filepath.Join(dir, "folder"):      "is a directory",
		filepath.Join(dir, "none", "a"):   "no file can be created in " + filepath.Join(dir, "none"),
		filepath.Join(dir, "target", "a"): "no file can be created in " + target,
		os.DevNull:                        "not a regular file",
	} {
		for _, err := range []error{CheckFile(path), WriteFile(path, write("report"))} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", path, err, want)
			}
		}
	}
	checkFile(t, target, "private", 6)
}

// TestWriteFileRace: someone puts a link in the place of the file while it is written. The link goes; what it leads to stays.
func TestWriteFileRace(t *testing.T) {
	victim, path := filepath.Join(t.TempDir(), "victim"), filepath.Join(t.TempDir(), "report.html")
	if err := errors.Join(WriteFile(victim, write("private")), WriteFile(path, write("old"))); err != nil {
		t.Fatal(err)
	}
	err := WriteFile(path, func(w io.Writer) error {
		return errors.Join(os.Remove(path), os.Symlink(victim, path), write("report")(w))
	})
	if err != nil {
		t.Fatal(err)
	}
	checkFile(t, victim, "private", 1)
	checkFile(t, path, "report", 1)
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
		t.Errorf("the file is %v, %v", info.Mode(), err)
	}
}

// TestWriteFileRaceFolder: someone puts a link in the place of the folder while the file is written.
func TestWriteFileRaceFolder(t *testing.T) {
	base := t.TempDir()
	folder, moved, other := filepath.Join(base, "reports"), filepath.Join(base, "moved"), filepath.Join(base, "other")
	path := filepath.Join(folder, "report.html")
	if err := errors.Join(os.Mkdir(folder, 0o700), os.Mkdir(other, 0o700)); err != nil {
		t.Fatal(err)
	}
	err := WriteFile(path, func(w io.Writer) error {
		return errors.Join(os.Rename(folder, moved), os.Symlink(other, folder), write("report")(w))
	})
	if err != nil {
		t.Fatal(err)
	}
	checkFile(t, filepath.Join(moved, "report.html"), "report", 1)
	if entries, err := os.ReadDir(other); err != nil || len(entries) != 0 {
		t.Errorf("the other folder has %v, %v", entries, err)
	}
}

// TestWriteFileOverForeign: the mode of an old file counts only if it is the user's own, or whoever puts one there first could
// let everybody write to the report. Only root can make another user's file; others see that their own keeps its mode.
func TestWriteFileOverForeign(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report.html")
	const planted = os.FileMode(0o777) // a new file is not executable, whatever the umask
	if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chmod(path, planted)); err != nil {
		t.Fatal(err)
	}
	kept := os.Chown(path, os.Geteuid()+1, -1) != nil
	if err := WriteFile(path, write("report")); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || (info.Mode().Perm() == planted) != kept {
		t.Errorf("the mode is %v, %v", info.Mode(), err)
	}
}
