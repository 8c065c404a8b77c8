//go:build !windows

package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// TestReadSecretFromPipe: a pipe without a writer does not block, and one that was written to is read like a file.
func TestReadSecretFromPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := (secretFiles{}).line(path); err == nil || !strings.Contains(err.Error(), "is empty") {
		t.Errorf("a pipe without a writer: %v", err)
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
	// This is what a shell passes for <(command).
	if text, err := (secretFiles{}).line(fmt.Sprintf("/dev/fd/%d", reader.Fd())); err != nil || text != "hush" {
		t.Errorf("got %q, %v", text, err)
	}
}

// TestSecretsOfOthers: others on this machine must not be able to read a secret, except a group of this process.
func TestSecretsOfOthers(t *testing.T) {
	dir := t.TempDir()
	if _, err := (secretFiles{}).line(dir); !says(err, "is a directory") {
		t.Errorf("a directory: %v", err)
	}
	if _, err := (secretFiles{}).line(os.DevNull); !says(err, "others can read it (mode 0666): use a file") {
		t.Errorf("a device: %v", err)
	}
	for mode, want := range map[os.FileMode]string{
		0o600: "", 0o400: "", 0o640: "", 0o440: "",
		0o644: "others can read it (mode 0644): run chmod 600 ", 0o444: "others can read it", 0o604: "others can read it",
		0o660: "others can read it", 0o620: "others can read it", 0o610: "others can read it", 0o601: "others can read it",
	} {
		path := filepath.Join(dir, fmt.Sprintf("%04o", mode))
		save(t, path, "hush", mode)
		if _, err := (secretFiles{}).line(path); !says(err, want) {
			t.Errorf("mode %04o: %v", mode, err)
		}
	}
}

// TestSecretsOfOtherGroups: only root can create these files.
func TestSecretsOfOtherGroups(t *testing.T) {
	const other = 54321
	dir := t.TempDir()
	path := func(name string, mode os.FileMode, uid, gid int) string {
		path := filepath.Join(dir, name)
		save(t, path, "hush", mode)
		if err := os.Chown(path, uid, gid); err != nil {
			t.Skip(err)
		}
		return path
	}
	me, mine := os.Geteuid(), os.Getegid()
	for path, want := range map[string]string{
		path("group", 0o440, me, other):     "others can read it (mode 0440)",
		path("owner", 0o440, other, mine):   "others can read it (mode 0440)",
		path("private", 0o400, other, mine): "",
	} {
		if _, err := (secretFiles{}).line(path); !says(err, want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestSecretsOfKubernetes: the files of a volume are links into ..data, and its declaration sets their modes.
func TestSecretsOfKubernetes(t *testing.T) {
	dir := t.TempDir()
	save(t, filepath.Join(dir, "..2026_11_26", "secret"), "hush\n", 0o440)
	for link, target := range map[string]string{"..data": "..2026_11_26", "secret": "..data/secret"} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	secret := filepath.Join(dir, "secret")
	if text, err := (secretFiles{}).line(secret); err != nil || text != "hush" {
		t.Errorf("got %q, %v", text, err)
	}
	if err := os.Chmod(secret, 0o444); err != nil {
		t.Fatal(err)
	}
	_, err := secretFiles{}.line(secret)
	if !says(err, "(mode 0444)") || !says(err, "defaultMode: 0440") || !says(err, "fsGroup") || strings.Contains(err.Error(), "chmod") {
		t.Errorf("got %v, want advice for Kubernetes", err)
	}
}

// TestSecretsOfSystemd: only the service can access the directory of credentials, so modes there do not matter.
func TestSecretsOfSystemd(t *testing.T) {
	dir := t.TempDir()
	credentials := filepath.Join(dir, "credentials")
	save(t, filepath.Join(credentials, "secret"), "hush", 0o444)
	outside := filepath.Join(dir, "secret")
	save(t, outside, "hush", 0o444)
	if err := os.Symlink(outside, filepath.Join(credentials, "leads-out")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(credentials, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(credentials, "secret"):       "",
		filepath.Join(dir, "link", "secret"):       "",
		outside:                                    "others can read it",
		filepath.Join(credentials, "..", "secret"): "others can read it",
		filepath.Join(credentials, "leads-out"):    "others can read it",
	} {
		settings, err := Load(Source{Getenv: getenvOf([]string{"CREDENTIALS_DIRECTORY=" + credentials, "D365BACKUP_CLIENT_SECRET_FILE=" + path})})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := settings.secret("client-secret"); !says(err, want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestIsReadOnly needs a file system that is mounted read-only.
func TestIsReadOnly(t *testing.T) {
	if isReadOnly(t.TempDir()) {
		t.Error("a writable directory is read-only")
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Skip(err)
	}
	for line := range strings.Lines(string(mounts)) {
		fields := strings.Fields(line)
		if options := strings.Split(fields[3], ","); slices.Contains(options, "ro") {
			if !isReadOnly(fields[1]) {
				t.Errorf("%s is not read-only, but mounted with %s", fields[1], fields[3])
			}
			return
		}
	}
	t.Skip("nothing is mounted read-only")
}

// TestFileOfOthers: a configuration file that belongs to another user, or that others can write to, is refused: they could
// have the secret sent elsewhere. Only root can create another user's file.
func TestFileOfOthers(t *testing.T) {
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

// TestFileFromPipe: a configuration file that is a pipe does not block.
func TestFileFromPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := readFile(path, ""); err != nil || got.selected != "" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func says(err error, want string) bool {
	if want == "" || err == nil {
		return want == "" && err == nil
	}
	return strings.Contains(err.Error(), want)
}
