//go:build interop

package prometheus

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// image returns an empty root folder with the program, as the image has it.
func image(t *testing.T) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can change the root folder")
	}
	root := t.TempDir()
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(exporterProgram, filepath.Join(root, "d365backup")); err != nil {
		t.Fatal(err)
	}
	return root
}

// inside returns a command that runs in this root folder, as the user of the image.
func inside(root string, environment []string, arguments ...string) *exec.Cmd {
	command := exec.Command("/d365backup", arguments...)
	command.Env, command.Dir = environment, "/"
	command.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: user, Gid: user}}
	return command
}

const user = 65532 // exists nowhere

// TestEmptyRoot: the program needs no other file and no environment.
func TestEmptyRoot(t *testing.T) {
	t.Parallel()
	root := image(t)
	exporter := start(t, inside(root, []string{}, "exporter", "--sandbox", "--web.listen-address=127.0.0.1:0"))
	text, err := get(t.Context(), exporter.url+"/probe?target=default")
	if err != nil || !strings.Contains(string(text), "\nd365backup_probe_success 1\n") {
		t.Errorf("%v\n%s", err, text)
	}
	exporter.stop()
	if left, err := os.ReadDir(root); err != nil || len(left) != 1 {
		t.Errorf("%v in the root folder, %v", left, err)
	}
}

// TestMountedConfiguration: the program finds its configuration by the environment of the image, and reads a secret that only
// root and its group can read, as Kubernetes mounts it.
func TestMountedConfiguration(t *testing.T) {
	t.Parallel()
	root := image(t)
	for _, folder := range []string{"etc/d365backup", "secrets"} {
		if err := os.MkdirAll(filepath.Join(root, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	config, secret := filepath.Join(root, "etc/d365backup/config.yaml"), filepath.Join(root, "secrets/contoso")
	write(t, config, "profiles: {contoso: {data_center: us, client_id: app, client_secret_file: /secrets/contoso}}\n")
	write(t, secret, "hush\n")
	if err := errors.Join(os.Chmod(config, 0o644), os.Chmod(secret, 0o440), os.Chown(secret, 0, user)); err != nil {
		t.Fatal(err)
	}
	environment := regexp.MustCompile(`(?m)^ENV (.*)$`).FindStringSubmatch(read(t, filepath.Join(deploy, "Dockerfile")))
	if environment == nil {
		t.Fatal("the image has no environment")
	}
	output, err := inside(root, strings.Fields(environment[1]), "exporter", "--check-config").CombinedOutput()
	if err != nil || string(output) != "The configuration is valid: 1 profile.\n" {
		t.Errorf("%v\n%s", err, output)
	}
}
