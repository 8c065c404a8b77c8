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
	"strings"
	"time"

	"github.com/d365backup/d365backup/internal/owner"
)

// Format is a form of a report.
type Format int

// The forms of a report.
const (
	HTML Format = iota + 1
	Markdown
)

// FormatOf returns the form that the name of a file asks for: HTML for .html and .htm, Markdown for .md
// and .markdown, whatever their case. Another name is an error that says which ones there are.
func FormatOf(path string) (Format, error) {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".html", ".htm":
		return HTML, nil
	case ".md", ".markdown":
		return Markdown, nil
	}
	return 0, fmt.Errorf("the name %q does not say what the report is to be: let it end in .html or .md", path)
}

// Save writes the report to a file, in the form that its name asks for; see [FormatOf]. The file is
// there as a whole or, after an error, as it was before. A name that stands for something else than a
// file, such as a named pipe, is written to as it is.
func (s *Summary) Save(path string) error {
	format, err := FormatOf(path)
	if err != nil {
		return err
	}
	write := s.WriteHTML
	if format == Markdown {
		write = s.WriteMarkdown
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		if err := checkSpecial(path, info); err != nil {
			return err
		}
		file, err := os.OpenFile(path, os.O_WRONLY, 0) //nolint:gosec // the user names the file
		if err != nil {
			return err
		}
		return fill(file, write)
	}
	return replaceFile(path, write)
}

// checkSpecial refuses a directory. Anything else that is no regular file is written to as it is.
func checkSpecial(path string, info fs.FileInfo) error {
	if info.IsDir() {
		return fmt.Errorf("%s is a directory: give the name of a file", path)
	}
	return nil
}

// CheckFolder finds out whether a report can be saved to a file, as far as the folder tells: a new file must be possible
// there.
func CheckFolder(path string) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return checkSpecial(path, info)
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	file, err := createBeside(path)
	if failed, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("no file can be created in %s: %w", filepath.Dir(path), failed.Err)
	}
	if err != nil {
		return err
	}
	return errors.Join(file.Close(), os.Remove(file.Name()))
}

// replaceFile writes a new file beside the old one and puts it in its place, links followed where the
// system follows them: some do not follow one that someone else put into a folder of all.
func replaceFile(path string, write func(io.Writer) error) (err error) {
	old, err := os.Stat(path)
	switch {
	case err == nil:
		path, err = filepath.EvalSymlinks(path)
	case errors.Is(err, fs.ErrNotExist): // a new file, or in the place of a link to nowhere
		err = nil
	}
	if err != nil {
		return err
	}
	file, err := createBeside(path)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name())
		}
	}()
	if old != nil && !owner.Foreign(old) {
		// Who may read the old file may read the new one; where that cannot be set, it is the default.
		_ = file.Chmod(old.Mode().Perm())
	}
	if err := fill(file, write); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

// createBeside creates a file of a new name in the same folder, with the permissions that a new file
// gets by default.
func createBeside(path string) (*os.File, error) {
	for try := time.Now().UnixNano(); ; try++ {
		name := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+"."+strconv.FormatInt(try, 36)+".tmp")
		file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666) //nolint:gosec // The umask has the say.
		if !errors.Is(err, fs.ErrExist) {
			return file, err
		}
	}
}

// fill writes to a file and closes it.
func fill(file *os.File, write func(io.Writer) error) error {
	buffer := bufio.NewWriter(file)
	return errors.Join(write(buffer), buffer.Flush(), sync(file), file.Close())
}

// sync brings a file to the disk; what is no file on a disk has nothing to bring.
func sync(file *os.File) error {
	if info, err := file.Stat(); err == nil && !info.Mode().IsRegular() {
		return nil
	}
	return file.Sync()
}
