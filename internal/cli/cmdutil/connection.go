package cmdutil

import (
	"errors"
	"maps"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/d365backup/d365backup/config"
	"github.com/d365backup/d365backup/sandbox"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// Connection holds the flags of the connection to the service.
type Connection struct {
	sandbox bool
	profile string
	flags   *pflag.FlagSet
}

// AddSandboxFlag adds the flag --sandbox only.
func (c *Connection) AddSandboxFlag(cmd *cobra.Command) {
	c.flags = cmd.Flags()
	c.flags.BoolVar(&c.sandbox, "sandbox", false, "use a sandbox with generated jobs, which is started for this command; needs no account")
}

// AddFlags adds the flags.
func (c *Connection) AddFlags(cmd *cobra.Command) {
	c.AddSandboxFlag(cmd)
	c.flags.StringVar(&c.profile, "profile", "", "`name` of a profile in the configuration file")
	names := []string{"sandbox", "profile"}
	for _, s := range config.Settings() {
		if !s.Secret {
			c.flags.String(s.Name, "", s.Usage)
			names = append(names, s.Name)
		}
	}
	for _, name := range names {
		_ = c.flags.SetAnnotation(name, connectionFlag, nil)
	}
	var centers []cobra.Completion
	for _, d := range d365backup.DataCenters() {
		centers = append(centers, cobra.CompletionWithDesc(d.Code, d.Name))
	}
	Complete(cmd, "data-center", centers...)
	Complete(cmd, "scope", d365backup.DefaultScope, "dynamics.readwrite.all")
	Complete(cmd, "api", string(d365backup.APIAuto), string(d365backup.APIv1), string(d365backup.APIGraph))
	for _, name := range []string{"profile", "base-url", "token-url", "client-id"} {
		Complete(cmd, name)
	}
}

// Open returns the profile to connect to, and a function to call after the last request. With --sandbox it starts a sandbox,
// which the function stops.
func (c *Connection) Open(app *App) (config.Profile, func() error, error) {
	if c.sandbox {
		return c.startSandbox()
	}
	profile, err := config.Load(c.source(app))
	if err != nil {
		return profile, nil, err
	}
	app.profile = profile
	return profile, func() error { return nil }, nil
}

// AllowSeveral documents that --profile takes several names, for OpenAll.
func (c *Connection) AllowSeveral() {
	c.flags.Lookup("profile").Usage = "`names` of profiles in the configuration file, separated by commas, or " + config.All
}

// OpenAll returns the profiles to connect to, and a function to call after the last request. Unlike Open, it accepts several.
func (c *Connection) OpenAll(app *App) ([]config.Profile, func() error, error) {
	if c.sandbox {
		profile, closeService, err := c.startSandbox()
		return []config.Profile{profile}, closeService, err
	}
	profiles, err := config.LoadAll(c.source(app))
	return profiles, func() error { return nil }, err
}

// source returns where the configuration is read from.
func (c *Connection) source(app *App) config.Source {
	set := make(map[string]string)
	for _, s := range config.Settings() {
		if flag := c.flags.Lookup(s.Name); flag != nil && flag.Changed {
			set[s.Name] = flag.Value.String()
		}
	}
	return config.Source{Getenv: app.Getenv, Profile: c.profile, Flags: set}
}

// Sandbox reports whether --sandbox is set.
func (c *Connection) Sandbox() bool { return c.sandbox }

// UserAgent identifies the command in requests.
var UserAgent = d365backup.WithUserAgent("d365backup-cli")

// Client returns a client for the connection and these options, and a function to call after the last request.
func (c *Connection) Client(app *App, options ...d365backup.Option) (*d365backup.Client, func() error, error) {
	profile, closeService, err := c.Open(app)
	if err != nil {
		return nil, nil, err
	}
	client, err := profile.Client(append(options, UserAgent)...)
	if err != nil {
		return nil, nil, errors.Join(err, closeService())
	}
	return client, closeService, nil
}

// startSandbox returns the profile of a new sandbox. Of the flags, it accepts only --api.
func (c *Connection) startSandbox() (config.Profile, func() error, error) {
	source := c.source(&App{}) // without the environment
	for name := range source.Flags {
		if name != "api" {
			return config.Profile{}, nil, Usagef("--sandbox and --%s are both given: the sandbox sets its own --%[1]s", name)
		}
	}
	server, err := sandbox.Start()
	if err != nil {
		return config.Profile{}, nil, err
	}
	source.Profile = ""
	maps.Copy(source.Flags, map[string]string{
		"base-url": server.URL(), "token-url": server.TokenURL(), "client-id": server.ClientID(), "client-secret": server.ClientSecret(),
	})
	profile, err := config.Load(source)
	if err != nil {
		return profile, nil, errors.Join(err, server.Close())
	}
	return profile, server.Close, nil
}
