package config

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

// The most that is read of a file, in bytes.
const (
	maxSecret      = 64 << 10
	maxCertificate = 1 << 20 // the client refuses what is longer
)

// oneLine returns text without line ends at its end and without a byte order mark. It refuses other control characters,
// which no setting has.
func oneLine(text string) (string, error) {
	text = strings.TrimRight(strings.TrimPrefix(text, "\ufeff"), "\r\n")
	if !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
		return "", errors.New("not one line of plain text: save it as UTF-8, without control characters")
	}
	return text, nil
}

// secretFiles reads files that contain secrets.
type secretFiles struct {
	// systemd is the directory in which systemd passes credentials to a service; empty if there is none.
	systemd string
}

// line returns the one line of a file. Its errors name the file, but never contain any of it.
func (s secretFiles) line(path string) (string, error) {
	data, err := s.read(path, maxSecret)
	if err != nil {
		return "", err
	}
	text, err := oneLine(string(data))
	switch {
	case len(data) > maxSecret:
		return "", fmt.Errorf("%s is too long for a secret", path)
	case err != nil:
		return "", fmt.Errorf("%s is %w", path, err)
	case text == "":
		return "", fmt.Errorf("%s is empty", path)
	}
	return text, nil
}

// read returns at most limit+1 bytes of a file. It refuses a file that others on this machine can read, except on
// Windows, which has no such modes.
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
		return nil, fmt.Errorf("%s contains a secret and others can read it (mode %04o): %s", path, info.Mode().Perm(), modeAdvice(path, info))
	}
	return io.ReadAll(io.LimitReader(file, limit+1))
}

// isPrivate reports whether only the user, root and one of the user's groups can read a file. A pod that does not run as
// root gets its secrets from root, by its group.
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

// isCredential reports whether a file is in the directory of systemd, which only the service can access, whatever the
// modes of its files are.
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

const mountAdvice = "mount it with mode 0440 and a group of this process; in Kubernetes with defaultMode: 0440 of the volume and " +
	"fsGroup of the pod's securityContext"

// modeAdvice returns how to make a file private.
func modeAdvice(path string, info fs.FileInfo) string {
	switch {
	case !info.Mode().IsRegular():
		return "use a file"
	case isMounted(path):
		return mountAdvice
	case owner.Mine(info):
		return "run chmod 600 " + path
	}
	return "it must belong to this user or to root, with mode 0440 and a group of this process"
}

// isMounted reports whether chmod would fail or not last, because the file is on a read-only file system or in a volume of
// Kubernetes, whose files are links into ..data.
func isMounted(path string) bool {
	for dir, depth := filepath.Dir(path), 0; depth < 3; dir, depth = filepath.Dir(dir), depth+1 {
		if _, err := os.Lstat(filepath.Join(dir, "..data")); err == nil {
			return true
		}
	}
	return isReadOnly(path)
}

// open opens a file for reading. It does not wait for a writer of a named pipe, which may never come; a pipe that has a
// writer works, such as a shell's <(command).
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
