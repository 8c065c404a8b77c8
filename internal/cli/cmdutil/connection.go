package cmdutil

import (
	"errors"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/d365backup/d365backup/internal/config"
	"github.com/d365backup/d365backup/sandbox"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// Connection is the flags of the connection to the service.
type Connection struct {
	sandbox bool
	profile string
	flags   *pflag.FlagSet
}

// AddFlags adds the flags.
func (c *Connection) AddFlags(cmd *cobra.Command) {
	c.flags = cmd.Flags()
	c.flags.BoolVar(&c.sandbox, "sandbox", false, "use a sandbox with generated jobs, which is started for this command; needs no account")
	c.flags.StringVar(&c.profile, "profile", "", "`name` of a profile in the configuration file")
	names := []string{"sandbox", "profile"}
	for _, s := range config.All {
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

// Open returns the settings, and a function to call after the last request. With --sandbox it starts a sandbox, which
// the function stops.
func (c *Connection) Open(app *App) (config.Settings, func() error, error) {
	set := make(map[string]string)
	for _, s := range config.All {
		if flag := c.flags.Lookup(s.Name); flag != nil && flag.Changed {
			set[s.Name] = flag.Value.String()
		}
	}
	if c.sandbox {
		return startSandbox(set)
	}
	settings, err := config.Load(config.Source{Getenv: app.Getenv, Profile: c.profile, Flags: set})
	if err != nil {
		return settings, nil, Usagef("%w", err)
	}
	app.settings = settings
	return settings, func() error { return nil }, nil
}

// Client returns a client for the settings and these options, and a function to call after the last request.
func (c *Connection) Client(app *App, options ...d365backup.Option) (*d365backup.Client, func() error, error) {
	settings, closeService, err := c.Open(app)
	if err != nil {
		return nil, nil, err
	}
	client, err := settings.Client(options...)
	if err != nil {
		return nil, nil, errors.Join(Usagef("%w", err), closeService())
	}
	return client, closeService, nil
}

// startSandbox returns settings that connect to a new sandbox. Of the flags, it accepts only --api.
func startSandbox(flags map[string]string) (config.Settings, func() error, error) {
	for name := range flags {
		if name != "api" {
			return config.Settings{}, nil, Usagef("--sandbox and --%s are both given: the sandbox sets its own --%[1]s", name)
		}
	}
	server, err := sandbox.Start()
	if err != nil {
		return config.Settings{}, nil, err
	}
	return config.ForSandbox(flags, map[string]string{
		"base-url": server.URL(), "token-url": server.TokenURL(), "client-id": server.ClientID(), "client-secret": server.ClientSecret(),
	}), server.Close, nil
}
