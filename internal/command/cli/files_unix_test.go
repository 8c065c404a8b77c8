//go:build !windows

package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestReadPrivateFromPipe: for a pipe that nobody writes to nobody waits, and one that was written to is read
// like a file.
func TestReadPrivateFromPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readSecret(path); err == nil || !strings.Contains(err.Error(), "is empty") {
		t.Errorf("of a pipe without a writer: %v", err)
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if _, err := writer.WriteString("hush\n"); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	// This is how a shell names what <(command) writes.
	if text, err := readSecret(fmt.Sprintf("/dev/fd/%d", reader.Fd())); err != nil || text != "hush" {
		t.Errorf("got %q, %v", text, err)
	}
}

// TestConfigOfOthers: whoever can write the configuration file could have the secret sent elsewhere, so one
// that others can write to, or that is someone else's, is not read. Only root can make another user's file.
func TestConfigOfOthers(t *testing.T) {
	for mode, want := range map[os.FileMode]string{
		0o600: "", 0o644: "", 0o444: "", 0o664: "others can write to it (mode 0664): run chmod go-w ", 0o646: "others can write to it (mode 0646)",
	} {
		home := t.TempDir()
		config := filepath.Join(home, ".config", "d365backup", "config.yaml")
		save(t, config, configText, mode)
		if _, err := resolve(t, home, nil); !says(err, want) {
			t.Errorf("mode %04o: %v", mode, err)
		}
		if os.Chown(config, os.Geteuid()+1, -1) == nil {
			if _, err := resolve(t, home, nil); !says(err, "belongs to another user") {
				t.Errorf("another user's, mode %04o: %v", mode, err)
			}
		}
	}
}

// TestConfigIsNoPipe: nor does the configuration file make anybody wait.
func TestConfigIsNoPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := readConfig(path); err != nil || got.Default != "" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func says(err error, want string) bool {
	if want == "" || err == nil {
		return want == "" && err == nil
	}
	return strings.Contains(err.Error(), want)
}
