package report

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/d365backup/d365backup/internal/owner"
)

// WriteFile writes a file as a whole: to a new file in the same folder, which then takes the place of the old one. After an
// error the old file is as it was. The path must name a regular file or nothing: a link is refused, because someone else may
// have put it there. The mode of the old file is kept if it belongs to the user or to root.
func WriteFile(path string, write func(io.Writer) error) error {
	return inFolder(path, func(folder *os.Root, name string, old fs.FileInfo) (err error) {
		file, err := createBeside(folder, name)
		if err != nil {
			return err
		}
		temporary := filepath.Base(file.Name())
		defer func() {
			if err != nil {
				_ = folder.Remove(temporary)
			}
		}()
		if old != nil && !owner.Foreign(old) {
			_ = file.Chmod(old.Mode().Perm()) // if that is not possible, the mode is the default
		}
		buffer := bufio.NewWriter(file)
		if err := errors.Join(write(buffer), buffer.Flush(), file.Sync(), file.Close()); err != nil {
			return err
		}
		return folder.Rename(temporary, name) // replaces a link that someone put there in the meantime, and follows none
	})
}

// CheckFile reports whether WriteFile could write a file now, as an error that says why not.
func CheckFile(path string) error {
	return inFolder(path, func(folder *os.Root, name string, _ fs.FileInfo) error {
		file, err := createBeside(folder, name)
		if err != nil {
			return err
		}
		return errors.Join(file.Close(), folder.Remove(filepath.Base(file.Name())))
	})
}

// inFolder calls do with the folder of a path, which stays the same folder even if the path changes, the last element of the
// path, and what is there now; nil if nothing is.
func inFolder(path string, do func(folder *os.Root, name string, old fs.FileInfo) error) error {
	dir, name := filepath.Dir(path), filepath.Base(path)
	folder, err := os.OpenRoot(dir)
	if err != nil {
		return cannotCreate(dir, err)
	}
	defer folder.Close()
	old, err := folder.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		old = nil
	case err != nil:
		return err
	case old.IsDir():
		return fmt.Errorf("%s is a directory: give the name of a file", path)
	case old.Mode()&fs.ModeSymlink != 0:
		return fmt.Errorf("%s is a link, which reports do not follow: name the file that it leads to, or remove the link", path)
	case !old.Mode().IsRegular():
		return fmt.Errorf("%s is not a regular file: write to the standard output instead", path)
	}
	return do(folder, name, old)
}

// createBeside creates a file of a new name, with the permissions that a new file gets by default.
func createBeside(folder *os.Root, name string) (*os.File, error) {
	for try := time.Now().UnixNano(); ; try++ {
		file, err := folder.OpenFile("."+name+"."+strconv.FormatInt(try, 36)+".tmp", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, cannotCreate(folder.Name(), err)
		}
		return file, nil
	}
}

func cannotCreate(dir string, err error) error {
	if failed, ok := errors.AsType[*fs.PathError](err); ok {
		err = failed.Err
	}
	return fmt.Errorf("no file can be created in %s: %w", dir, err)
}
