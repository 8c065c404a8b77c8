package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/d365backup/d365backup/health"
	"github.com/d365backup/d365backup/internal/owner"
)

// maxFile is the most that is read of a configuration file, in bytes: tens of thousands of profiles.
const maxFile = 16 << 20

// file is the configuration file.
type file struct {
	path string
	home string
	// selected names the profile that is used if none is selected.
	selected string
	entries  []entry // in the order of the file
}

// entry is a profile of the configuration file.
type entry struct {
	name     string
	position string // path, line and name, as a prefix of messages
	err      error  // what is invalid in it

	values        map[string]value
	labels        map[string]string
	policy        health.Policy
	secretExpires time.Time
}

// configPath returns the path of the configuration file according to the XDG base directory specification; on Windows
// it is in the directory of application data.
func configPath(getenv func(string) string) string {
	dir := getenv("XDG_CONFIG_HOME")
	if !filepath.IsAbs(dir) { // the specification says to ignore a relative one
		dir = ""
	}
	if dir == "" && runtime.GOOS == "windows" {
		dir = getenv("APPDATA")
	}
	if dir == "" && getenv("HOME") != "" {
		dir = filepath.Join(getenv("HOME"), ".config")
	}
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, "d365backup", "config.yaml")
}

// readFile reads the configuration file, which need not exist.
func readFile(path, home string) (file, error) {
	f := file{path: path, home: home}
	if path == "" {
		return f, nil
	}
	text, err := readOwnFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err != nil {
		return f, invalid("the configuration file cannot be read: %w", err)
	}
	err = f.decode(text)
	return f, err
}

// readOwnFile reads a file that only the user and root can write to: anyone else could have the secret sent to another
// address. On Windows the mode does not show this.
func readOwnFile(path string) ([]byte, error) {
	file, info, err := open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	if owner.Foreign(info) {
		return nil, fmt.Errorf("%s belongs to another user, who could have your secret sent elsewhere: change its owner with chown, or remove it", path)
	}
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode&0o022 != 0 {
		return nil, fmt.Errorf("%s controls where your secret is sent, and others can write to it (mode %04o): run chmod go-w %s", path, mode, path)
	}
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if len(text) > maxFile {
		return nil, fmt.Errorf("%s is longer than %d MiB", path, maxFile>>20)
	}
	return text, err
}

// find returns the selected profiles, or the zero entry if none is selected.
func (f file) find(selection string) (entries []entry, err error) {
	missing := f.path + " has no profiles or does not exist"
	if f.path == "" {
		missing = "the configuration file cannot be found without HOME"
	}
	switch {
	case selection == "":
		return []entry{{}}, nil
	case selection == All && len(f.entries) == 0:
		return nil, invalid("%w: %s", ErrNoProfiles, missing)
	case selection == All:
		return f.entries, nil
	}
	for name := range strings.SplitSeq(selection, ",") {
		name = strings.TrimSpace(name)
		named := func(e entry) bool { return e.name == name }
		i := slices.IndexFunc(f.entries, named)
		switch {
		case name == "":
			return nil, invalid("the selection of profiles %q has an empty name: separate names by one comma", selection)
		case i < 0 && len(f.entries) == 0:
			return nil, invalid("there is no profile %q: %s", name, missing)
		case i < 0:
			return nil, invalid("there is no profile %q in %s: use one of %s", name, f.path, f.names())
		case slices.ContainsFunc(entries, named):
			return nil, invalid("profile %q is selected twice", name)
		}
		entries = append(entries, f.entries[i])
	}
	return entries, nil
}

// names lists the profiles for messages, unless there are very many.
func (f file) names() string {
	const most = 20
	var names []string
	for _, e := range f.entries {
		names = append(names, e.name)
	}
	slices.Sort(names)
	if len(names) > most {
		names = append(names[:most], fmt.Sprintf("… (%d in all)", len(names)))
	}
	return strings.Join(names, ", ")
}

// resolve returns the path of a file that a profile names: ~ is the home directory, and relative paths are resolved
// against the directory of the configuration file.
func (f file) resolve(path string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok && f.home != "" {
		return filepath.Join(f.home, rest)
	}
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(f.path), path)
}
