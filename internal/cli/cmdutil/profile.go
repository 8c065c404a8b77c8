package cmdutil

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

// configFile is the configuration file: named profiles, each with settings.
type configFile struct {
	path string

	// Default names the profile that counts where none is asked for.
	Default string `yaml:"default"`
	// Profiles have settings by their keys.
	Profiles map[string]map[string]string `yaml:"profiles"`
	// Unknown catches what does not belong there.
	Unknown map[string]yaml.Node `yaml:",inline"`
}

// configPath returns where the configuration file is looked for: the place that the XDG base
// directory specification gives it, on Windows that of application data.
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

// readConfig reads the configuration file. That there is none is no error.
func readConfig(path string) (configFile, error) {
	file := configFile{path: path}
	if path == "" {
		return file, nil
	}
	text, err := readOwn(path)
	if errors.Is(err, fs.ErrNotExist) {
		return file, nil
	}
	if err != nil {
		return file, Usagef("the configuration file cannot be read: %w", err)
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		return file, Usagef("the configuration file %s is not valid: %w", path, err)
	}
	for key, node := range file.Unknown {
		return file, Usagef("%s:%d: the key %q is unknown: use default and profiles", path, node.Line, key)
	}
	for name, profile := range file.Profiles {
		if err := checkKeys(profile); err != nil {
			return file, Usagef("%s: profile %s: %w", path, name, err)
		}
	}
	return file, nil
}

// readOwn returns what a file holds that only the user and root can write to: whoever else could would have
// the secret sent to an address of his own. Of Windows no mode says so.
func readOwn(path string) ([]byte, error) {
	file, info, err := open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	if owner.Foreign(info) {
		return nil, fmt.Errorf("%s belongs to another user, who could have your secret sent elsewhere: make it yours with chown, or take it away", path)
	}
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode&0o022 != 0 {
		return nil, fmt.Errorf("%s says where your secret is sent and others can write to it (mode %04o): run chmod go-w %s", path, mode, path)
	}
	return io.ReadAll(file)
}

func checkKeys(profile map[string]string) error {
	if profile["data_center"] != "" && profile["data_centre"] != "" {
		return errors.New("both data_center and data_centre are given: choose one")
	}
	for _, key := range slices.Sorted(maps.Keys(profile)) {
		s, ok := settingByKey(key)
		if ok && s.secret {
			return fmt.Errorf("%s does not belong into this file: put it into a file of its own and name that with %s_file", key, key)
		}
		if !ok {
			return fmt.Errorf("the key %q is unknown: use one of %s", key, strings.Join(profileKeys(), ", "))
		}
	}
	return nil
}

func profileKeys() (keys []string) {
	for _, s := range settings {
		if !s.secret {
			keys = append(keys, s.key())
		}
	}
	return keys
}

// layer returns the settings of a profile; of the default one where the name is empty.
func (f configFile) layer(name, home string) (layer, error) {
	if name == "" {
		name = f.Default
	}
	if name == "" {
		return nil, nil
	}
	profile, ok := f.Profiles[name]
	switch {
	case !ok && len(f.Profiles) == 0:
		return nil, Usagef("there is no profile %q: %s has no profiles", name, f.path)
	case !ok:
		return nil, Usagef("there is no profile %q in %s: use one of %s", name, f.path,
			strings.Join(slices.Sorted(maps.Keys(f.Profiles)), ", "))
	}
	l := make(layer)
	for key, text := range profile {
		s, _ := settingByKey(key)
		if s.name == "certificate" || strings.HasSuffix(s.name, "-file") {
			text = f.locate(text, home)
		}
		l[s.name] = value{text, fmt.Sprintf("%s of profile %s", key, name)}
	}
	return l, nil
}

// locate returns the path of a file that a profile names: ~ is the home directory, and what is
// relative is so to the configuration file.
func (f configFile) locate(path, home string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok && home != "" {
		return filepath.Join(home, rest)
	}
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(f.path), path)
}
