package config

import (
	"fmt"
	"slices"
	"strings"

	d365backup "github.com/d365backup/d365backup/wrapper"
)

// Setting is a setting of a connection. Flags set it by its Name, the environment by its Variable, and a profile by its Key.
type Setting struct {
	// Name is its name, such as "data-center".
	Name string
	// Usage describes the value in a few words, with its kind in backquotes.
	Usage string
	// Secret reports whether the value is a secret. Never make it a flag, which others can see in the list of processes.
	Secret bool
	// replaces lists the settings that it replaces if they have a lower priority: a certificate in the environment
	// replaces the client secret of a profile, and another host its token URL.
	replaces []string
}

var (
	endpointSettings   = []string{"data-center", "base-url", "token-url"}
	credentialSettings = []string{"client-secret", "client-secret-file", "certificate", "certificate-password", "certificate-password-file"}
	passwordSettings   = []string{"certificate-password", "certificate-password-file"}
)

var settings = []Setting{
	{Name: "data-center", Usage: "`code` of the data center that holds the backups, such as us", replaces: endpointSettings},
	{Name: "base-url", Usage: "`URL` of the API, instead of a data center", replaces: endpointSettings},
	{Name: "token-url", Usage: "`URL` of the token endpoint, instead of that of the data center"},
	{Name: "scope", Usage: "`scope` to request (default " + d365backup.DefaultScope + ")"},
	{Name: "api", Usage: "`API` to use: auto (default: v1, or its successor if v1 is not found), v1, or graph (the successor)"},
	{Name: "client-id", Usage: "`ID` of the registered app"},
	{Name: "client-secret", Usage: "secret of the registered app", Secret: true, replaces: credentialSettings},
	{Name: "client-secret-file", Usage: "`file` that contains the secret of the registered app", replaces: credentialSettings},
	{Name: "certificate", Usage: "`file` with a certificate and its key (.pfx, .pem), instead of a secret", replaces: credentialSettings},
	{Name: "certificate-password", Usage: "password of the certificate file", Secret: true, replaces: passwordSettings},
	{Name: "certificate-password-file", Usage: "`file` that contains the password of the certificate file", replaces: passwordSettings},
}

// Settings returns all settings, in the order of help.
func Settings() []Setting { return slices.Clone(settings) }

// exclusive are the pairs of settings of which one source can set only one.
var exclusive = [][2]string{
	{"data-center", "base-url"},
	{"client-secret", "client-secret-file"},
	{"client-secret", "certificate"},
	{"client-secret-file", "certificate"},
	{"certificate-password", "certificate-password-file"},
}

// Variable returns the name of its environment variable, such as "D365BACKUP_DATA_CENTER".
func (s Setting) Variable() string { return variable(s.Name) }

// Key returns its key in a profile, such as "data_center". Secrets have none.
func (s Setting) Key() string {
	if s.Secret {
		return ""
	}
	return key(s.Name)
}

func (s Setting) isPath() bool { return s.Name == "certificate" || strings.HasSuffix(s.Name, "-file") }

func variable(name string) string {
	return "D365BACKUP_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

func key(name string) string { return strings.ReplaceAll(name, "-", "_") }

// settingByKey also accepts the British spelling of data center, and finds secrets.
func settingByKey(text string) (Setting, bool) {
	if text == "data_centre" {
		text = "data_center"
	}
	i := slices.IndexFunc(settings, func(s Setting) bool { return key(s.Name) == text })
	if i < 0 {
		return Setting{}, false
	}
	return settings[i], true
}

// value is the value of a setting and where it was set.
type value struct {
	text   string
	origin string // such as "--data-center", "D365BACKUP_DATA_CENTER" or "data_center of profile production"
	line   string // for the configuration file: its path and line, as a prefix of messages
}

// merge combines the values of several sources, in ascending order of priority.
func merge(sources ...map[string]value) (map[string]value, error) {
	merged := make(map[string]value)
	for _, source := range sources {
		for _, pair := range exclusive {
			a, b := source[pair[0]], source[pair[1]]
			if a.text != "" && b.text != "" {
				return nil, invalid("%sboth %s and %s are given: choose one", b.line, a.origin, b.origin)
			}
		}
		for _, s := range settings {
			if source[s.Name].text != "" {
				for _, name := range s.replaces {
					delete(merged, name)
				}
			}
		}
		for name, v := range source {
			if v.text != "" {
				merged[name] = v
			}
		}
	}
	return merged, nil
}

func fromEnvironment(getenv func(string) string) (map[string]value, error) {
	values := make(map[string]value)
	for _, s := range settings {
		text, err := fromVariable(getenv, s.Variable())
		if err != nil {
			return nil, err
		}
		values[s.Name] = value{text: text, origin: s.Variable()}
	}
	return values, nil
}

// fromVariable returns a variable without line ends, which docker --env-file and echo can leave.
func fromVariable(getenv func(string) string, name string) (string, error) {
	text, err := oneLine(getenv(name))
	if err != nil {
		return "", invalid("the value of %s is %w", name, err)
	}
	return text, nil
}

func fromFlags(flags map[string]string) (map[string]value, error) {
	values := make(map[string]value)
	for name, text := range flags {
		if !slices.ContainsFunc(settings, func(s Setting) bool { return s.Name == name }) {
			return nil, invalid("there is no setting %q", name)
		}
		values[name] = value{text: text, origin: "--" + name}
	}
	return values, nil
}

// Get returns the value of a setting by its name, and where it was set, such as "--data-center", "D365BACKUP_DATA_CENTER" or
// "data_center of profile production". Both are empty if it is not set. The value of a secret is always empty.
func (p Profile) Get(name string) (value, origin string) {
	v := p.value(name)
	if slices.ContainsFunc(settings, func(s Setting) bool { return s.Secret && s.Name == name }) {
		v.text = ""
	}
	return v.text, v.origin
}

func (p Profile) value(name string) value {
	if p.lookup == nil {
		return value{}
	}
	return p.lookup(name)
}

// clientSettings are the options of the client that settings set.
var clientSettings = map[string]string{
	"WithDataCenter": "data-center", "WithBaseURL": "base-url", "WithTokenURL": "token-url", "WithScope": "scope", "WithAPI": "api",
}

// explain returns an error of the client about an option, in terms of the setting.
func (p Profile) explain(err *d365backup.Error) error {
	name, known := clientSettings[err.Setting]
	v := p.value(name)
	switch {
	case name == "token-url" && v.origin == "":
		return p.missing("token URL", name)
	case !known || v.origin == "":
		return err
	}
	return fmt.Errorf("%s%s: %s", v.line, v.origin, err.Message)
}
