package cmdutil

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"

	d365backup "github.com/d365backup/d365backup/wrapper"
)

// A setting has one name and three places: a flag, a variable of the environment and a key in a
// profile. The first of these that has it counts.
type setting struct {
	name  string // the flag; the other two names follow from it
	usage string
	// secret says that it is a secret itself: then it may stand in the environment only, since flags
	// show in the list of processes, and files with settings get around.
	secret bool
	// replaces are the settings of lower places that it makes void: a certificate in the environment
	// must not meet a secret of the profile, nor another host the token URL of the last one.
	replaces []string
}

var (
	placeSettings      = []string{"data-center", "base-url", "token-url"}
	credentialSettings = []string{"client-secret", "client-secret-file", "certificate", "certificate-password", "certificate-password-file"}
	passwordSettings   = []string{"certificate-password", "certificate-password-file"}
)

var settings = []setting{
	{name: "data-center", usage: "`code` of the data centre that holds the backups, such as us", replaces: placeSettings},
	{name: "base-url", usage: "`url` of the API, in place of a data centre", replaces: placeSettings},
	{name: "token-url", usage: "`url` of the token endpoint, in place of the data centre's own"},
	{name: "scope", usage: "`scope` to ask for (default " + d365backup.DefaultScope + ")"},
	{name: "api", usage: "`api` to request: auto (default), which is v1 or, if that is not found, its successor; v1; or graph, the successor"},
	{name: "client-id", usage: "`id` of the registered app"},
	{name: "client-secret", usage: "secret of the registered app", secret: true, replaces: credentialSettings},
	{name: "client-secret-file", usage: "`file` that holds the secret of the registered app", replaces: credentialSettings},
	{name: "certificate", usage: "`file` with a certificate and its key (.pfx, .pem), in place of a secret", replaces: credentialSettings},
	{name: "certificate-password", usage: "password of the certificate's file", secret: true, replaces: passwordSettings},
	{name: "certificate-password-file", usage: "`file` that holds the password of the certificate's file", replaces: passwordSettings},
}

// exclusive are the settings of which one place can have only one.
var exclusive = [][2]string{
	{"data-center", "base-url"},
	{"client-secret", "client-secret-file"},
	{"client-secret", "certificate"},
	{"client-secret-file", "certificate"},
	{"certificate-password", "certificate-password-file"},
}

func (s setting) variable() string { return variable(s.name) }
func (s setting) key() string      { return strings.ReplaceAll(s.name, "-", "_") }

// variable returns the name that a flag has in the environment.
func variable(name string) string {
	return "D365BACKUP_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// value is what a setting has, and where that was found.
type value struct{ text, origin string }

// Settings are what the flags, the environment and the profile say together.
type Settings struct {
	values map[string]value
	files  secretFiles
}

// Get returns the value of a setting by the name of its flag; empty where it has none.
func (s Settings) Get(name string) string { return s.values[name].text }

// Origin returns where the value of a setting was found, for people: "--data-center",
// "D365BACKUP_DATA_CENTER" or "data_center of profile production"; empty where it has none.
func (s Settings) Origin(name string) string { return s.values[name].origin }

// settingOf are the names of settings and flags by what the library calls them.
var settingOf = map[string]string{
	"WithDataCenter": "data-center", "WithBaseURL": "base-url", "WithTokenURL": "token-url", "WithScope": "scope", "WithAPI": "api",
	"WithPageSize": "page-size", "Query.Type": "type", "Query.Status": "status", "Query.Start": "start", "Query.End": "end",
	"Query.OrganizationID": "org", "Query.ObjectType": "object-type",
}

// problem says what is wrong with a setting, by the name under which it was given.
func (s Settings) problem(err *d365backup.Error) string {
	name, known := settingOf[err.Setting]
	switch origin := s.Origin(name); {
	case err.Setting == "":
		return err.Message
	case !known: // a variable of the environment
		return err.Setting + ": " + err.Message
	case origin != "":
		return origin + ": " + err.Message
	case name == "token-url":
		return missing("token URL", name, "").Error() // since it has no default
	default:
		return "--" + name + ": " + err.Message
	}
}

// address returns where the address of a request was given; empty if nobody gave one.
func (s Settings) address(ofToken bool) string {
	names := []string{"base-url", "data-center"}
	if ofToken {
		names = []string{"token-url", "base-url", "data-center"}
	}
	for _, name := range names {
		if origin := s.Origin(name); origin != "" {
			return origin
		}
	}
	return ""
}

// layer holds the settings of one place.
type layer map[string]value

// merge puts layers on each other, the lowest first.
func merge(layers ...layer) (Settings, error) {
	merged := Settings{values: make(map[string]value)}
	for _, l := range layers {
		for _, pair := range exclusive {
			a, b := l[pair[0]], l[pair[1]]
			if a.text != "" && b.text != "" {
				return Settings{}, Usagef("both %s and %s are given: choose one", a.origin, b.origin)
			}
		}
		for _, s := range settings {
			if l[s.name].text != "" {
				for _, name := range s.replaces {
					delete(merged.values, name)
				}
			}
		}
		for name, v := range l {
			if v.text != "" {
				merged.values[name] = v
			}
		}
	}
	return merged, nil
}

func fromEnvironment(getenv func(string) string) (layer, error) {
	l := make(layer)
	for _, s := range settings {
		text, err := fromVariable(getenv, s.variable())
		if err != nil {
			return nil, err
		}
		l[s.name] = value{text, s.variable()}
	}
	return l, nil
}

// fromVariable returns a variable, cleaned like a file: docker --env-file and secrets made by echo leave line ends.
func fromVariable(getenv func(string) string, name string) (string, error) {
	text, err := oneLine(getenv(name))
	if err != nil {
		return "", Usagef("the value of %s is %w", name, err)
	}
	return text, nil
}

func fromFlags(flags *pflag.FlagSet) layer {
	l := make(layer)
	for _, s := range settings {
		if flag := flags.Lookup(s.name); !s.secret && flag != nil && flag.Changed {
			l[s.name] = value{flag.Value.String(), "--" + s.name}
		}
	}
	return l
}

// settingByKey also knows the British spelling of the data center.
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

// SettingText describes a setting to people.
type SettingText struct {
	// Variable is its name in the environment, and Key that in a profile; empty where it has none.
	Variable, Key string
	// Usage says what it is.
	Usage string
}

// SettingTexts describes every setting.
func SettingTexts() (texts []SettingText) {
	for _, s := range settings {
		text := SettingText{Variable: s.variable(), Key: s.key(), Usage: strings.ReplaceAll(s.usage, "`", "")}
		if s.secret {
			text.Key = ""
		}
		texts = append(texts, text)
	}
	return texts
}
