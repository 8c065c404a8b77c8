// Package config reads connections and expectations from environment variables and the configuration file, exactly as the
// command d365backup does, so that a service and the command share one configuration.
//
// A setting of a connection comes from [Source].Flags, else from its environment variable, else from a profile of the
// configuration file. [Settings] lists them. The file is $XDG_CONFIG_HOME/d365backup/config.yaml, by default
// ~/.config/d365backup/config.yaml (on Windows %APPDATA%\d365backup\config.yaml):
//
//	default: production                   # the profile that is used if none is selected
//	profiles:
//	  production:
//	    data_center: us
//	    client_id: 5d1c6f2e-0b0f-4c7e-9a55-3f6f1e0c2b71
//	    client_secret_file: production.secret     # relative to this file; ~/ is the home directory
//	    client_secret_expires: 2027-01-31
//	    max_age: 36h                              # of the last success, such as 90m, 36h, 7d or 1d12h
//	    max_running: 24h
//	    tolerate_exceptions: true                 # default: false
//	    expect:                                   # by name or id; in short: [Sales, Finance]
//	      - Sales
//	      - Finance: [Dynamics CRM Backup]        # only this module
//	    ignore: [Test]
//	    organizations:                            # other limits for some
//	      Finance:
//	        max_age: 7d
//	        modules: {Dynamics CRM Backup: {max_age: 14d}}
//	    labels: {customer: Contoso}               # for Prometheus
//
// Everything but the connection is optional; health.Policy explains the limits. Profiles share values by YAML's anchors and
// merge keys (<<: *base). The file holds no secret, but names the files that do. It controls where secrets are sent, so it is
// refused if it belongs to another user or others can write to it; so is a file with a secret that others can read. All
// errors match d365backup.ErrConfig and contain no secret; those about the configuration file name it and the line.
package config

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/d365backup/d365backup/health"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// All selects all profiles of the configuration file.
const All = "all"

// ErrNoProfiles means that all profiles are selected, and the configuration file has none or does not exist.
var ErrNoProfiles = errors.New("there are no profiles")

// Source is where a configuration is read from. The zero value is the environment of this process and the configuration file.
type Source struct {
	// Getenv returns the value of an environment variable; an empty one is not set. It also locates the configuration file.
	// Nil: os.Getenv.
	Getenv func(name string) string
	// Profile selects a profile by its name; for LoadAll, several by names separated by commas, or All. Empty: that of
	// D365BACKUP_PROFILE, else the default of the file, else none.
	Profile string
	// Flags are values of settings by their names, such as "data-center". They have priority over the environment. If Flags
	// is not nil, errors refer to them as flags, such as --data-center. It can hold secrets, too.
	Flags map[string]string
}

// Profile is the connection to one tenant and what is expected of its backups. The zero value has no connection. Its
// methods can be called by several goroutines at once. Printing it shows no secret.
type Profile struct {
	// Name is the name in the configuration file; empty if no profile is selected.
	Name string
	// Labels are Prometheus labels for the metrics of this tenant. Nil if there are none.
	Labels map[string]string
	// Policy has the limits, Overrides, Expected and Ignored. The caller sets the times and the location.
	Policy health.Policy

	err           error                   // why the profile cannot be used
	lookup        func(name string) value // a function, so that printing shows no secret; nil in the zero value
	secrets       secretFiles
	secretExpires time.Time
	position      string // where the profile is in the file, as a prefix of messages
	mentionFlags  bool
	onlyProfile   bool // neither flags nor the environment can set anything
}

// Load reads one profile, or only the environment if none is selected. It refuses a file in which any profile is invalid.
func Load(source Source) (Profile, error) {
	l, err := newLoader(source)
	if err != nil {
		return Profile{}, err
	}
	for _, e := range l.file.entries {
		if e.err != nil {
			return Profile{}, e.err
		}
	}
	if l.several {
		return Profile{}, invalid("%q selects several profiles: select one", l.selection)
	}
	entries, err := l.file.find(l.selection)
	if err != nil {
		return Profile{}, err
	}
	p := l.profile(entries[0])
	return p, p.err
}

// LoadAll reads the selected profiles, in the order of the selection or, for All, of the file. Without a selection there is
// one, as Load returns it. An invalid profile does not affect the others: its Client returns why. An error is one about the
// file as a whole or the selection.
//
// Several profiles have a connection each, so it is an error if one is also set by Flags or the environment.
func LoadAll(source Source) ([]Profile, error) {
	l, err := newLoader(source)
	if err != nil {
		return nil, err
	}
	entries, err := l.file.find(l.selection)
	if err == nil && l.several {
		err = l.refuseShared()
	}
	if err != nil {
		return nil, err
	}
	profiles := make([]Profile, len(entries))
	for i, e := range entries {
		profiles[i] = l.profile(e)
	}
	return profiles, nil
}

// loader combines the sources.
type loader struct {
	file               file
	environment, flags map[string]value
	hasFlags           bool
	selection          string // one name, several, or empty
	several            bool
	secrets            secretFiles
}

func newLoader(source Source) (*loader, error) {
	getenv := source.Getenv
	if getenv == nil {
		getenv = os.Getenv
	}
	file, err := readFile(configPath(getenv), getenv("HOME"))
	if err != nil {
		return nil, err
	}
	l := &loader{file: file, hasFlags: source.Flags != nil, secrets: secretFiles{getenv("CREDENTIALS_DIRECTORY")}}
	l.selection = source.Profile
	if l.selection == "" {
		if l.selection, err = fromVariable(getenv, variable("profile")); err != nil {
			return nil, err
		}
	}
	if l.selection == "" {
		l.selection = file.selected
	}
	l.several = l.selection == All || strings.Contains(l.selection, ",")
	if l.environment, err = fromEnvironment(getenv); err != nil {
		return nil, err
	}
	l.flags, err = fromFlags(source.Flags)
	return l, err
}

// refuseShared refuses what would set the connection of every profile.
func (l *loader) refuseShared() error {
	var origins []string
	for _, source := range []map[string]value{l.flags, l.environment} {
		for _, s := range settings {
			if source[s.Name].text != "" {
				origins = append(origins, source[s.Name].origin)
			}
		}
	}
	if len(origins) == 0 {
		return nil
	}
	return invalid("several profiles are selected (%s), and %s would apply to each of them: leave it out, or select one profile",
		l.selection, strings.Join(origins, " and "))
}

// profile returns a profile of the file, or only the other sources for the zero entry.
func (l *loader) profile(e entry) Profile {
	merged, err := merge(e.values, l.environment, l.flags)
	if e.err != nil {
		err = e.err
	}
	p := Profile{
		Name: e.name, Labels: e.labels, Policy: e.policy,
		err: err, lookup: func(name string) value { return merged[name] }, secrets: l.secrets,
		position: e.position, mentionFlags: l.hasFlags, onlyProfile: l.several,
	}
	if stated := e.values["client-secret-file"]; stated.text == "" || merged["client-secret-file"] == stated {
		p.secretExpires = e.secretExpires
	}
	return p
}

// invalidError is an error in the configuration.
type invalidError struct{ error }

// invalid returns an error that matches d365backup.ErrConfig and the causes in its arguments.
func invalid(format string, args ...any) error { return invalidError{fmt.Errorf(format, args...)} }

// Unwrap returns the kind and the cause.
func (e invalidError) Unwrap() []error { return []error{d365backup.ErrConfig, e.error} }

// CredentialExpiry returns when the credential expires: the end of the certificate, or the client_secret_expires of the
// profile that sets the secret. It is zero if that is not known. It reads the certificate's file.
func (p Profile) CredentialExpiry() (time.Time, error) {
	if p.value("certificate").text == "" {
		return p.secretExpires, p.err
	}
	certificate, err := p.certificate()
	if err != nil {
		return time.Time{}, invalid("%w", err)
	}
	return certificate.NotAfter(), nil
}
