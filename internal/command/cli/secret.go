package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime"
	"syscall"
	"unicode"
	"unicode/utf8"
)

// What is read of a file at most.
const (
	maxSecret      = 64 << 10
	maxCertificate = 1 << 20 // what lies beyond makes it too long for the library
)

// readSecret returns the one line that a file holds. Its errors name the file and never show any of it.
func readSecret(path string) (string, error) {
	text, err := readPrivate(path, maxSecret)
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

// readPrivate returns what a file holds, cut off beyond the limit and a byte. It refuses one that others on
// this machine can read; Windows has no such bits.
func readPrivate(path string, limit int64) ([]byte, error) {
	file, info, err := open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode&0o077 != 0 {
		return nil, fmt.Errorf("%s holds a secret and others can read it (mode %04o): run chmod 600 %s", path, mode, path)
	}
	return io.ReadAll(io.LimitReader(file, limit+1))
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
