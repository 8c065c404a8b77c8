package cmdutil

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"

	"github.com/d365backup/d365backup/internal/owner"
)

// What is read of a file at most.
const (
	maxSecret      = 64 << 10
	maxCertificate = 1 << 20 // what lies beyond makes it too long for the library
)

// errNotOneLine is about a text that a file or a variable holds.
var errNotOneLine = errors.New("not one line of plain text: save it as UTF-8, without control characters")

// oneLine returns text without the line ends at its end and a byte order mark. It refuses what holds other
// control characters, which no setting has and a token endpoint would only refuse.
func oneLine(text string) (string, error) {
	text = strings.TrimRight(strings.TrimPrefix(text, "\ufeff"), "\r\n")
	if !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
		return "", errNotOneLine
	}
	return text, nil
}

// secretFiles reads files that hold secrets.
type secretFiles struct {
	// systemd is the directory in which systemd passes credentials to a service; empty for none.
	systemd string
}

// line returns the one line that a file holds. Its errors name the file and never show any of it.
func (s secretFiles) line(path string) (string, error) {
	data, err := s.read(path, maxSecret)
	if err != nil {
		return "", err
	}
	text, err := oneLine(string(data))
	switch {
	case len(data) > maxSecret:
		return "", fmt.Errorf("%s is longer than any secret", path)
	case err != nil:
		return "", fmt.Errorf("%s is %w", path, err)
	case text == "":
		return "", fmt.Errorf("%s is empty", path)
	}
	return text, nil
}

// read returns what a file holds, cut off beyond the limit and a byte. It refuses one that others on this
// machine can read; Windows has no such bits.
func (s secretFiles) read(path string, limit int64) ([]byte, error) {
	file, info, err := open(path)
	if errors.Is(err, fs.ErrPermission) && isMounted(path) {
		return nil, fmt.Errorf("%w: %s", err, mountAdvice)
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	if runtime.GOOS != "windows" && !isPrivate(info) && !s.isCredential(path) {
		return nil, fmt.Errorf("%s holds a secret and others can read it (mode %04o): %s", path, info.Mode().Perm(), modeAdvice(path, info))
	}
	return io.ReadAll(io.LimitReader(file, limit+1))
}

// isPrivate reports whether only the user, root and one of the user's groups can read a file. It is how a pod
// that does not run as root gets its secrets: from root, by its group.
func isPrivate(info fs.FileInfo) bool {
	const others, group, groupReads = 0o007, 0o070, 0o040
	switch mode := info.Mode().Perm(); {
	case mode&others != 0:
		return false
	case mode&group == 0:
		return true
	case mode&group != groupReads:
		return false
	}
	return owner.InGroup(info) && !owner.Foreign(info)
}

// isCredential reports whether a file is in the directory of systemd, which lets nobody but the service in. The
// modes of files there can say more than that.
func (s secretFiles) isCredential(path string) bool {
	if s.systemd == "" {
		return false
	}
	dir, err := filepath.EvalSymlinks(s.systemd)
	if err != nil {
		return false
	}
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return false
	}
	if target, err = filepath.Abs(target); err != nil {
		return false
	}
	relative, err := filepath.Rel(dir, target)
	return err == nil && filepath.IsLocal(relative)
}

const mountAdvice = "mount it with mode 0440 for a group of this process; in Kubernetes by defaultMode: 0440 of the volume and " +
	"fsGroup of the pod's securityContext"

// modeAdvice says how a file becomes private.
func modeAdvice(path string, info fs.FileInfo) string {
	switch {
	case !info.Mode().IsRegular():
		return "give a file"
	case isMounted(path):
		return mountAdvice
	case owner.Mine(info):
		return "run chmod 600 " + path
	}
	return "it has to belong to this user or to root, with mode 0440 and a group of this process"
}

// isMounted reports whether a file was mounted for this process, so that chmod does not work or does not last: on a
// file system that cannot be written to, or in a volume of Kubernetes, whose files are links into ..data.
func isMounted(path string) bool {
	for dir, depth := filepath.Dir(path), 0; depth < 3; dir, depth = filepath.Dir(dir), depth+1 {
		if _, err := os.Lstat(filepath.Join(dir, "..data")); err == nil {
			return true
		}
	}
	return isReadOnly(path)
}

// open opens a file for reading. It does not wait until somebody writes into a named pipe, for which there is
// no end; one that is being written to, as by a shell's <(command), works.
func open(path string) (*os.File, os.FileInfo, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) //nolint:gosec // the user names the file
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	if err == nil && info.IsDir() {
		err = fmt.Errorf("%s is a directory", path)
	}
	if err != nil {
		_ = file.Close()
		return nil, nil, err
	}
	return file, info, nil
}
