// Package config reads the settings of the command from flags, environment variables and profiles, and makes a client from
// them.
package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	d365backup "github.com/d365backup/d365backup/wrapper"
)

// Setting can be set by a flag, an environment variable or a key in a profile, in this order of priority.
type Setting struct {
	// Name is the name of the flag, from which Variable and the key in a profile are derived.
	Name string
	// Usage describes the value for help, with its name in backquotes.
	Usage string
	// Secret settings can only be set by an environment variable: flags are visible in the list of processes, and
	// configuration files are copied.
	Secret bool
	// replaces lists the settings that it replaces if they have a lower priority: a certificate in the environment
	// replaces the client secret of a profile, and another host its token URL.
	replaces []string
}

var (
	placeSettings      = []string{"data-center", "base-url", "token-url"}
	credentialSettings = []string{"client-secret", "client-secret-file", "certificate", "certificate-password", "certificate-password-file"}
	passwordSettings   = []string{"certificate-password", "certificate-password-file"}
)

// All lists all settings, in the order of help.
var All = []Setting{
	{Name: "data-center", Usage: "`code` of the data center that holds the backups, such as us", replaces: placeSettings},
	{Name: "base-url", Usage: "`url` of the API, instead of a data center", replaces: placeSettings},
	{Name: "token-url", Usage: "`url` of the token endpoint, instead of that of the data center"},
	{Name: "scope", Usage: "`scope` to request (default " + d365backup.DefaultScope + ")"},
	{Name: "api", Usage: "`api` to request: auto (default), which is v1 or, if that is not found, its successor; v1; or graph, the successor"},
	{Name: "client-id", Usage: "`id` of the registered app"},
	{Name: "client-secret", Usage: "secret of the registered app", Secret: true, replaces: credentialSettings},
	{Name: "client-secret-file", Usage: "`file` that contains the secret of the registered app", replaces: credentialSettings},
	{Name: "certificate", Usage: "`file` with a certificate and its key (.pfx, .pem), instead of a secret", replaces: credentialSettings},
	{Name: "certificate-password", Usage: "password of the certificate file", Secret: true, replaces: passwordSettings},
	{Name: "certificate-password-file", Usage: "`file` that contains the password of the certificate file", replaces: passwordSettings},
}

// exclusive are the pairs of settings of which one source can set only one.
var exclusive = [][2]string{
	{"data-center", "base-url"},
	{"client-secret", "client-secret-file"},
	{"client-secret", "certificate"},
	{"client-secret-file", "certificate"},
	{"certificate-password", "certificate-password-file"},
}

// Variable returns the name in the environment.
func (s Setting) Variable() string { return Variable(s.Name) }

func (s Setting) key() string { return strings.ReplaceAll(s.Name, "-", "_") }

// Variable returns the name of a flag in the environment.
func Variable(name string) string {
	return "D365BACKUP_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// settingByKey also accepts the British spelling of data center.
func settingByKey(key string) (Setting, bool) {
	if key == "data_centre" {
		key = "data_center"
	}
	i := slices.IndexFunc(All, func(s Setting) bool { return s.key() == key })
	if i < 0 {
		return Setting{}, false
	}
	return All[i], true
}

// Help lists the variable, the key and the meaning of every setting.
func Help() string {
	var b strings.Builder
	for _, s := range All {
		key := s.key()
		if s.Secret {
			key = "no key: a secret"
		}
		fmt.Fprintf(&b, "  %s (%s)\n      %s\n", s.Variable(), key, strings.ReplaceAll(s.Usage, "`", ""))
	}
	return b.String()
}

// value is the value of a setting and where it was set.
type value struct{ text, origin string }

// Settings are the values of the settings from all sources.
type Settings struct {
	values map[string]value
	files  secretFiles
}

// Get returns the value of a setting by the name of its flag, or an empty string.
func (s Settings) Get(name string) string { return s.values[name].text }

// Origin returns where a setting was set, such as "--data-center", "D365BACKUP_DATA_CENTER" or "data_center of profile
// production", or an empty string.
func (s Settings) Origin(name string) string { return s.values[name].origin }

// flagOf maps the settings of the client to flags.
var flagOf = map[string]string{
	"WithDataCenter": "data-center", "WithBaseURL": "base-url", "WithTokenURL": "token-url", "WithScope": "scope", "WithAPI": "api",
	"WithPageSize": "page-size", "Query.Type": "type", "Query.Status": "status", "Query.Start": "start", "Query.End": "end",
	"Query.OrganizationID": "org", "Query.ObjectType": "object-type",
}

// Problem returns the message of a configuration error, which begins with the origin of the setting.
func (s Settings) Problem(err *d365backup.Error) string {
	name, known := flagOf[err.Setting]
	origin := s.Origin(name)
	switch {
	case err.Setting == "":
		return err.Message
	case !known: // an environment variable
		return err.Setting + ": " + err.Message
	case name == "token-url" && origin == "":
		return missing("token URL", name)
	}
	return cmp.Or(origin, "--"+name) + ": " + err.Message
}

// Address returns where the address of a request was set, or an empty string.
func (s Settings) Address(ofToken bool) string {
	place := cmp.Or(s.Origin("base-url"), s.Origin("data-center"))
	if ofToken {
		return cmp.Or(s.Origin("token-url"), place)
	}
	return place
}

// merge combines the values of several sources, in ascending order of priority.
func merge(sources ...map[string]value) (Settings, error) {
	merged := Settings{values: make(map[string]value)}
	for _, source := range sources {
		for _, pair := range exclusive {
			a, b := source[pair[0]], source[pair[1]]
			if a.text != "" && b.text != "" {
				return Settings{}, fmt.Errorf("both %s and %s are given: choose one", a.origin, b.origin)
			}
		}
		for _, s := range All {
			if source[s.Name].text != "" {
				for _, name := range s.replaces {
					delete(merged.values, name)
				}
			}
		}
		for name, v := range source {
			if v.text != "" {
				merged.values[name] = v
			}
		}
	}
	return merged, nil
}

func fromEnvironment(getenv func(string) string) (map[string]value, error) {
	values := make(map[string]value)
	for _, s := range All {
		text, err := fromVariable(getenv, s.Variable())
		if err != nil {
			return nil, err
		}
		values[s.Name] = value{text, s.Variable()}
	}
	return values, nil
}

// fromVariable returns a variable without line ends, which docker --env-file and echo can leave.
func fromVariable(getenv func(string) string, name string) (string, error) {
	text, err := oneLine(getenv(name))
	if err != nil {
		return "", fmt.Errorf("the value of %s is %w", name, err)
	}
	return text, nil
}

func fromFlags(flags map[string]string) map[string]value {
	values := make(map[string]value)
	for name, text := range flags {
		values[name] = value{text, "--" + name}
	}
	return values
}

// Source is where settings are read from.
type Source struct {
	Getenv func(string) string
	// Profile names a profile; empty: that of the environment or the default one.
	Profile string
	// Flags are the flags that are set.
	Flags map[string]string
}

// Load returns the settings. An error is a usage error.
func Load(source Source) (Settings, error) {
	file, err := readConfig(configPath(source.Getenv))
	if err != nil {
		return Settings{}, err
	}
	name := source.Profile
	if name == "" {
		if name, err = fromVariable(source.Getenv, Variable("profile")); err != nil {
			return Settings{}, err
		}
	}
	profile, err := file.values(name, source.Getenv("HOME"))
	if err != nil {
		return Settings{}, err
	}
	environment, err := fromEnvironment(source.Getenv)
	if err != nil {
		return Settings{}, err
	}
	merged, err := merge(profile, environment, fromFlags(source.Flags))
	merged.files.systemd = source.Getenv("CREDENTIALS_DIRECTORY")
	return merged, err
}

// ForSandbox returns the settings of these flags, and those that connect to a sandbox.
func ForSandbox(flags, connection map[string]string) Settings {
	s := Settings{values: fromFlags(flags)}
	for name, text := range connection {
		s.values[name] = value{text, "--sandbox"}
	}
	return s
}
