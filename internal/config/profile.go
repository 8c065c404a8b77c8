package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/d365backup/d365backup/internal/owner"
)

// configFile is the configuration file.
type configFile struct {
	path string

	// Default names the profile that is used if none is selected.
	Default string `yaml:"default"`
	// Profiles have settings by their keys.
	Profiles map[string]map[string]string `yaml:"profiles"`
	// Unknown catches all other keys.
	Unknown map[string]yaml.Node `yaml:",inline"`
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

// readConfig reads the configuration file, which need not exist.
func readConfig(path string) (configFile, error) {
	file := configFile{path: path}
	if path == "" {
		return file, nil
	}
	text, err := readOwnFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return file, nil
	}
	if err != nil {
		return file, fmt.Errorf("the configuration file cannot be read: %w", err)
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		return file, fmt.Errorf("the configuration file %s is invalid: %w", path, err)
	}
	for key, node := range file.Unknown {
		return file, fmt.Errorf("%s:%d: unknown key %q: use default and profiles", path, node.Line, key)
	}
	for name, profile := range file.Profiles {
		if err := checkKeys(profile); err != nil {
			return file, fmt.Errorf("%s: profile %s: %w", path, name, err)
		}
	}
	return file, nil
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
	return io.ReadAll(file)
}

func checkKeys(profile map[string]string) error {
	if profile["data_center"] != "" && profile["data_centre"] != "" {
		return errors.New("both data_center and data_centre are given: choose one")
	}
	for _, key := range slices.Sorted(maps.Keys(profile)) {
		switch s, ok := settingByKey(key); {
		case !ok:
			return fmt.Errorf("unknown key %q: use one of %s", key, strings.Join(profileKeys(), ", "))
		case s.Secret:
			return fmt.Errorf("%s must not be in this file: write it to a file of its own and name that with %[1]s_file", key)
		}
	}
	return nil
}

func profileKeys() (keys []string) {
	for _, s := range All {
		if !s.Secret {
			keys = append(keys, s.key())
		}
	}
	return keys
}

// values returns the settings of a profile; of the default one if the name is empty.
func (f configFile) values(name, home string) (map[string]value, error) {
	if name == "" {
		name = f.Default
	}
	if name == "" {
		return nil, nil
	}
	profile, ok := f.Profiles[name]
	switch {
	case !ok && len(f.Profiles) == 0:
		return nil, fmt.Errorf("there is no profile %q: %s has no profiles", name, f.path)
	case !ok:
		return nil, fmt.Errorf("there is no profile %q in %s: use one of %s", name, f.path,
			strings.Join(slices.Sorted(maps.Keys(f.Profiles)), ", "))
	}
	values := make(map[string]value)
	for key, text := range profile {
		s, _ := settingByKey(key)
		if s.Name == "certificate" || strings.HasSuffix(s.Name, "-file") {
			text = f.resolve(text, home)
		}
		values[s.Name] = value{text, fmt.Sprintf("%s of profile %s", key, name)}
	}
	return values, nil
}

// resolve returns the path of a file that a profile names: ~ is the home directory, and relative paths are resolved
// against the directory of the configuration file.
func (f configFile) resolve(path, home string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok && home != "" {
		return filepath.Join(home, rest)
	}
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(f.path), path)
}
