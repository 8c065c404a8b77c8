package cmdutil

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	d365backup "github.com/d365backup/d365backup/wrapper"
)

// setting can be set by a flag, an environment variable or a key in a profile, in this order of priority.
type setting struct {
	name  string // of the flag; variable and key derive the other names from it
	usage string
	// secret settings can only be set by an environment variable: flags are visible in the list of processes, and
	// configuration files are copied.
	secret bool
	// replaces lists the settings that it replaces if they have a lower priority: a certificate in the environment
	// replaces the client secret of a profile, and another host its token URL.
	replaces []string
}

var (
	placeSettings      = []string{"data-center", "base-url", "token-url"}
	credentialSettings = []string{"client-secret", "client-secret-file", "certificate", "certificate-password", "certificate-password-file"}
	passwordSettings   = []string{"certificate-password", "certificate-password-file"}
)

var settings = []setting{
	{name: "data-center", usage: "`code` of the data center that holds the backups, such as us", replaces: placeSettings},
	{name: "base-url", usage: "`url` of the API, instead of a data center", replaces: placeSettings},
	{name: "token-url", usage: "`url` of the token endpoint, instead of that of the data center"},
	{name: "scope", usage: "`scope` to request (default " + d365backup.DefaultScope + ")"},
	{name: "api", usage: "`api` to request: auto (default), which is v1 or, if that is not found, its successor; v1; or graph, the successor"},
	{name: "client-id", usage: "`id` of the registered app"},
	{name: "client-secret", usage: "secret of the registered app", secret: true, replaces: credentialSettings},
	{name: "client-secret-file", usage: "`file` that contains the secret of the registered app", replaces: credentialSettings},
	{name: "certificate", usage: "`file` with a certificate and its key (.pfx, .pem), instead of a secret", replaces: credentialSettings},
	{name: "certificate-password", usage: "password of the certificate file", secret: true, replaces: passwordSettings},
	{name: "certificate-password-file", usage: "`file` that contains the password of the certificate file", replaces: passwordSettings},
}

// exclusive are the pairs of settings of which one source can set only one.
var exclusive = [][2]string{
	{"data-center", "base-url"},
	{"client-secret", "client-secret-file"},
	{"client-secret", "certificate"},
	{"client-secret-file", "certificate"},
	{"certificate-password", "certificate-password-file"},
}

func (s setting) variable() string { return variable(s.name) }
func (s setting) key() string      { return strings.ReplaceAll(s.name, "-", "_") }

// variable returns the name of a flag in the environment.
func variable(name string) string {
	return "D365BACKUP_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// settingByKey also accepts the British spelling of data center.
func settingByKey(key string) (setting, bool) {
	if key == "data_centre" {
		key = "data_center"
	}
	i := slices.IndexFunc(settings, func(s setting) bool { return s.key() == key })
	if i < 0 {
		return setting{}, false
	}
	return settings[i], true
}

// SettingsHelp lists the variable, the key and the meaning of every setting.
func SettingsHelp() string {
	var b strings.Builder
	for _, s := range settings {
		key := s.key()
		if s.secret {
			key = "no key: a secret"
		}
		fmt.Fprintf(&b, "  %s (%s)\n      %s\n", s.variable(), key, strings.ReplaceAll(s.usage, "`", ""))
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

// problem returns the message of a configuration error, which begins with the origin of the setting.
func (s Settings) problem(err *d365backup.Error) string {
	name, known := flagOf[err.Setting]
	origin := s.Origin(name)
	switch {
	case err.Setting == "":
		return err.Message
	case !known: // an environment variable
		return err.Setting + ": " + err.Message
	case name == "token-url" && origin == "":
		return missing("token URL", name, "").Error()
	}
	return cmp.Or(origin, "--"+name) + ": " + err.Message
}

// address returns where the address of a request was set, or an empty string.
func (s Settings) address(ofToken bool) string {
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
				return Settings{}, Usagef("both %s and %s are given: choose one", a.origin, b.origin)
			}
		}
		for _, s := range settings {
			if source[s.name].text != "" {
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
	for _, s := range settings {
		text, err := fromVariable(getenv, s.variable())
		if err != nil {
			return nil, err
		}
		values[s.name] = value{text, s.variable()}
	}
	return values, nil
}

// fromVariable returns a variable without line ends, which docker --env-file and echo can leave.
func fromVariable(getenv func(string) string, name string) (string, error) {
	text, err := oneLine(getenv(name))
	if err != nil {
		return "", Usagef("the value of %s is %w", name, err)
	}
	return text, nil
}

func fromFlags(flags *pflag.FlagSet) map[string]value {
	values := make(map[string]value)
	for _, s := range settings {
		if flag := flags.Lookup(s.name); !s.secret && flag != nil && flag.Changed {
			values[s.name] = value{flag.Value.String(), "--" + s.name}
		}
	}
	return values
}
