// Package release tests what goreleaser wrote to dist; check.sh runs it there. Its module has the tools of the release, which
// have too many dependencies for tools.mod.
package release

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

const dist = "../dist"

// target is a platform of the release.
type target struct{ os, arch string }

var targets = []target{
	{"linux", "amd64"}, {"linux", "arm64"},
	{"darwin", "amd64"}, {"darwin", "arm64"},
	{"windows", "amd64"}, {"windows", "arm64"},
}

func (t target) String() string { return t.os + "_" + t.arch }

func (t target) binary() string {
	if t.os == "windows" {
		return "d365backup.exe"
	}
	return "d365backup"
}

// TestArchives: each holds the binary, the documents, the contract, and the man pages and completions that the host's
// binary makes.
func TestArchives(t *testing.T) {
	want := pages(t, hostBinary(t))
	for _, name := range []string{"README.md", "LICENSE", "CHANGELOG.md", "openapi.yaml"} {
		want[name] = read(t, filepath.Join("..", name))
	}
	for _, target := range targets {
		files := archive(t, target)
		for name, content := range want {
			if !bytes.Equal(files[name], content) {
				t.Errorf("%s: %s has %d bytes, want the %d of this commit", target, name, len(files[name]), len(content))
			}
			delete(files, name)
		}
		for _, name := range []string{target.binary(), "THIRD-PARTY-LICENSES"} {
			if len(files[name]) == 0 {
				t.Errorf("%s lacks %s", target, name)
			}
			delete(files, name)
		}
		for name := range files {
			t.Errorf("%s: %s must not be in it", target, name)
		}
	}
}

// TestVersion: the host's binary states its version, commit and platform.
func TestVersion(t *testing.T) {
	host := target{runtime.GOOS, runtime.GOARCH}
	want := fmt.Sprintf("d365backup v%s (commit %s, %s, %s/%s)\n", version(t, host), run(t, "git", "rev-parse", "--short", "HEAD"),
		run(t, "go", "env", "GOVERSION"), host.os, host.arch)
	if got := run(t, hostBinary(t), "--version") + "\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestBinaries: each is of its platform, of this commit, and built so that anyone can build it again.
func TestBinaries(t *testing.T) {
	for _, target := range targets {
		settings := make(map[string]string)
		for _, s := range info(t, target).Settings {
			settings[s.Key] = s.Value
		}
		for key, want := range map[string]string{
			"GOOS": target.os, "GOARCH": target.arch, "CGO_ENABLED": "0", "-trimpath": "true",
			"vcs.revision": run(t, "git", "rev-parse", "HEAD"), "vcs.modified": "false",
		} {
			if settings[key] != want {
				t.Errorf("%s: %s is %q, want %q", target, key, settings[key], want)
			}
		}
	}
}

// TestReproducible: another folder and an empty build cache give the same binary.
func TestReproducible(t *testing.T) {
	if !bytes.Equal(read(t, hostBinary(t)), read(t, os.Getenv("REBUILT"))) {
		t.Error("the binary depends on where it is built: compare 'go version -m' of both, and look for a path or a time")
	}
}

// TestManPages: they have the month of the commit.
func TestManPages(t *testing.T) {
	for name, page := range pages(t, hostBinary(t)) {
		if want := fmt.Sprintf(" \"1\" \"%s\" ", committed(t).Format("Jan 2006")); strings.HasPrefix(name, "man/") && !bytes.Contains(page, []byte(want)) {
			t.Errorf("%s lacks %q: %.100s", name, want, page)
		}
	}
}

// committed returns the time of the commit.
func committed(t *testing.T) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, run(t, "git", "show", "-s", "--format=%cI", "HEAD"))
	if err != nil {
		t.Fatal(err)
	}
	return at.UTC()
}

// TestSBOM: each lists exactly the modules that its binary links, and the standard library.
func TestSBOM(t *testing.T) {
	for _, target := range targets {
		var bom struct {
			Metadata struct {
				Component struct{ Name, Version string }
			}
			Components []struct{ Name, Version string }
		}
		if err := json.Unmarshal(read(t, one(t, "d365backup_*_"+target.String()+".cdx.json")), &bom); err != nil {
			t.Fatal(err)
		}
		if main := bom.Metadata.Component; main.Name != "github.com/d365backup/d365backup" || main.Version != "v"+version(t, target) {
			t.Errorf("%s describes %+v", target, main)
		}
		var got, want []string
		for _, c := range bom.Components {
			got = append(got, c.Name+" "+c.Version)
		}
		linked := info(t, target)
		want = append(want, "std "+linked.GoVersion)
		for _, module := range linked.Deps {
			want = append(want, module.Path+" "+module.Version)
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s lists\n%s\nand its binary links\n%s", target, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

// TestChecksums: they are of all archives and lists of modules.
func TestChecksums(t *testing.T) {
	sums := make(map[string]string)
	for lines := bufio.NewScanner(bytes.NewReader(read(t, filepath.Join(dist, "checksums.txt")))); lines.Scan(); {
		sum, name, _ := strings.Cut(lines.Text(), "  ")
		sums[name] = sum
	}
	if len(sums) != 2*len(targets) {
		t.Errorf("%d files have a checksum, want %d", len(sums), 2*len(targets))
	}
	for _, target := range targets {
		for _, pattern := range []string{"d365backup_*_" + target.String() + ".cdx.json", "d365backup_*_" + target.String() + ".[tz]*"} {
			file := one(t, pattern)
			if got := fmt.Sprintf("%x", sha256.Sum256(read(t, file))); sums[filepath.Base(file)] != got {
				t.Errorf("%s has the checksum %s, and checksums.txt says %q", file, got, sums[filepath.Base(file)])
			}
		}
	}
}

// hostBinary unpacks the binary that runs here.
func hostBinary(t *testing.T) (name string) {
	t.Helper()
	host := target{runtime.GOOS, runtime.GOARCH}
	name = filepath.Join(t.TempDir(), host.binary())
	if err := os.WriteFile(name, archive(t, host)[host.binary()], 0o700); err != nil {
		t.Fatal(err)
	}
	return name
}

// pages returns the man pages and completions that a binary makes, by their names in the archives.
func pages(t *testing.T, binary string) map[string][]byte {
	t.Helper()
	man := filepath.Join(t.TempDir(), "man")
	run(t, binary, "man", man)
	made := make(map[string][]byte)
	entries, err := os.ReadDir(man)
	if err != nil || len(entries) < 5 {
		t.Fatalf("%d man pages: %v", len(entries), err)
	}
	for _, entry := range entries {
		made["man/"+entry.Name()] = read(t, filepath.Join(man, entry.Name()))
	}
	for shell, name := range map[string]string{
		"bash": "d365backup.bash", "zsh": "_d365backup", "fish": "d365backup.fish", "powershell": "d365backup.ps1",
	} {
		made["completions/"+name] = []byte(run(t, binary, "completion", shell) + "\n")
	}
	return made
}

// archive returns the files of an archive, by their names in its only folder. They must have the time of the commit and no owner
// of this machine.
func archive(t *testing.T, of target) map[string][]byte {
	t.Helper()
	file := one(t, "d365backup_*_"+of.String()+".[tz]*")
	unpack := untar
	if of.os == "windows" {
		unpack = unzip
	}
	files, err := unpack(read(t, file), committed(t))
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	inside := make(map[string][]byte)
	for name, content := range files {
		folder, rest, _ := strings.Cut(path.Clean(name), "/")
		if !strings.HasPrefix(filepath.Base(file), folder+".") {
			t.Errorf("%s: %s is outside the folder", file, name)
		}
		inside[rest] = content
	}
	return inside
}

func untar(data []byte, modified time.Time) (map[string][]byte, error) {
	unzipped, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	files, reader := make(map[string][]byte), tar.NewReader(unzipped)
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		if !header.ModTime.Equal(modified) || header.Uname != "root" || header.Gname != "root" || header.Uid != 0 || header.Gid != 0 {
			return nil, fmt.Errorf("%s is from %v and of %s:%s", header.Name, header.ModTime, header.Uname, header.Gname)
		}
		if files[header.Name], err = io.ReadAll(reader); err != nil {
			return nil, err
		}
	}
}

func unzip(data []byte, modified time.Time) (map[string][]byte, error) {
	reader, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	files := make(map[string][]byte)
	for _, entry := range reader.File {
		if !entry.Modified.Equal(modified) {
			return nil, fmt.Errorf("%s is from %v", entry.Name, entry.Modified)
		}
		file, err := entry.Open()
		if err != nil {
			return nil, err
		}
		if files[entry.Name], err = io.ReadAll(file); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// info returns what the linker wrote into the binary of an archive.
func info(t *testing.T, of target) *buildinfo.BuildInfo {
	t.Helper()
	found, err := buildinfo.Read(bytes.NewReader(archive(t, of)[of.binary()]))
	if err != nil {
		t.Fatalf("%s: %v", of, err)
	}
	return found
}

// version returns the version in the name of an archive.
func version(t *testing.T, of target) string {
	t.Helper()
	name := filepath.Base(one(t, "d365backup_*_"+of.String()+".[tz]*"))
	return strings.Split(name, "_")[1]
}

// one returns the only file in dist that matches.
func one(t *testing.T, pattern string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dist, pattern))
	if err != nil || len(files) != 1 {
		t.Fatalf("dist has %q for %s, want one file (%v); run make release-check", files, pattern, err)
	}
	return files[0]
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// run returns what a command prints, without the line feed at the end.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).Output()
	if err != nil {
		t.Fatalf("%s %s: %v", name, strings.Join(args, " "), err)
	}
	return strings.TrimSuffix(string(out), "\n")
}
