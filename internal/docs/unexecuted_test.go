package docs

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/d365backup/d365backup/internal/credential/credentialtest"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// unexecuted are the commands that this test does not execute, by how they begin: why not, and what is
// looked at in their place.
var unexecuted = []struct {
	begins, why string
	look        func(t *testing.T, line string) error
}{
	{"make", "make test runs this very test, and .ci/run the other targets", isTarget},
	{".ci/run", "it runs this test, and more than a machine with Go alone can do", isFile},
	{"cd test/", "it goes on with go test", isFolder},
	{"go test ", "make test runs all tests: a test from within a test proves nothing more", isTest},
	{"go generate", "make check-generated and TestCheckGenerated do it", nothing},
	{"go mod tidy", "it is said of this module, which no test may change", nothing},
	{"go tool -modfile=", "it fetches tools that make test does without", isModfile},
	{"git tag", "there is no release to tag", nothing},
	{"openssl ", "openssl may be absent", isConversion},
}

// examine looks at a command that is not executed.
func examine(t *testing.T, line string) error {
	t.Helper()
	for _, u := range unexecuted {
		if strings.HasPrefix(strings.TrimLeft(line, "("), u.begins) {
			return u.look(t, line)
		}
	}
	return fmt.Errorf("no test knows how to run %q: see executed and unexecuted in internal/docs", line)
}

func nothing(*testing.T, string) error { return nil }

// isTarget looks for the targets in the Makefile.
func isTarget(t *testing.T, line string) error {
	t.Helper()
	makefile := read(t, "Makefile").prose
	for _, target := range strings.Fields(line)[1:] {
		if !strings.Contains("\n"+strings.Join(makefile, "\n"), "\n"+target+":") {
			return fmt.Errorf("%s: the Makefile has no target %s", line, target)
		}
	}
	return nil
}

func isFile(_ *testing.T, line string) error {
	_, err := os.Stat(filepath.Join(root, filepath.FromSlash(line)))
	return err
}

func isFolder(_ *testing.T, line string) error {
	folder, _, _ := strings.Cut(strings.TrimPrefix(line, "cd "), " ")
	return isFile(nil, folder)
}

func isModfile(_ *testing.T, line string) error {
	name, _, _ := strings.Cut(strings.TrimPrefix(line, "go tool -modfile="), " ")
	return isFile(nil, name)
}

// isTest looks for the package and the test that a line names. PACKAGE stands for any.
func isTest(t *testing.T, line string) error {
	t.Helper()
	words := strings.Fields(line)
	for i, word := range words {
		switch {
		case strings.HasPrefix(word, "./"):
			if err := isFile(t, strings.TrimSuffix(word, "/...")); err != nil {
				return err
			}
		case word == "-run" && i+1 < len(words) && len(places(t, words[i+1])) == 0:
			return fmt.Errorf("%s: there is no test %s", line, words[i+1])
		}
	}
	return nil
}

// isConversion holds a command that converts a certificate's key against the error that asks for it. That
// what the command writes is read is for the tests of internal/credential.
func isConversion(t *testing.T, line string) error {
	t.Helper()
	der := x509.MarshalPKCS1PrivateKey(credentialtest.Key())
	block := &pem.Block{Type: "RSA PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "DES-EDE3-CBC,00"}, Bytes: der}
	_, err := d365backup.ParseCertificate(pem.EncodeToMemory(block), "password")
	if err == nil {
		return fmt.Errorf("%s: the legacy encryption that it is for is accepted", line)
	}
	for _, match := range regexp.MustCompile(`openssl [^;)]*`).FindAllString(line, -1) {
		if !strings.Contains(err.Error(), strings.TrimSpace(match)) {
			return fmt.Errorf("%s: the error that asks for it says %q", line, err)
		}
	}
	return nil
}
