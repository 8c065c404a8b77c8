package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime"
	"unicode"
	"unicode/utf8"
)

// maxSecret bounds what is read of a file that holds a secret.
const maxSecret = 64 << 10

// readSecret returns the one line that a file holds. Its errors name the file and never show any of it.
func readSecret(path string) (string, error) {
	file, err := os.Open(path) //nolint:gosec // the user names the file
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	if err := checkPrivate(file); err != nil {
		return "", err
	}
	text, err := io.ReadAll(io.LimitReader(file, maxSecret+1))
	if err != nil {
		return "", err
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	text = bytes.TrimRight(text, "\r\n")
	switch {
	case len(text) > maxSecret:
		return "", fmt.Errorf("%s is longer than any secret", path)
	case len(text) == 0:
		return "", fmt.Errorf("%s is empty", path)
	case !utf8.Valid(text) || bytes.ContainsFunc(text, unicode.IsControl):
		return "", fmt.Errorf("%s is not one line of plain text: save it as UTF-8", path)
	}
	return string(text), nil
}

// checkPrivate refuses a file that others on this machine can read. Windows has no such bits.
func checkPrivate(file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if info.IsDir() {
		return fmt.Errorf("%s is a directory", file.Name())
	}
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode&0o077 != 0 {
		return fmt.Errorf("%s holds a secret and others can read it (mode %04o): run chmod 600 %s", file.Name(), mode, file.Name())
	}
	return nil
}

// checkPrivatePath is checkPrivate for a file that something else will read.
func checkPrivatePath(path string) error {
	file, err := os.Open(path) //nolint:gosec // the user names the file
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	return checkPrivate(file)
}
