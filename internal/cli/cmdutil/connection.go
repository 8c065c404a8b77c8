package cmdutil

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

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
	for _, s := range settings {
		if !s.secret {
			c.flags.String(s.name, "", s.usage)
			names = append(names, s.name)
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

// Settings returns the settings of flags, environment and profile.
func (c *Connection) Settings(app *App) (Settings, error) {
	file, err := readConfig(configPath(app.Getenv))
	if err != nil {
		return Settings{}, err
	}
	name := c.profile
	if name == "" {
		if name, err = fromVariable(app.Getenv, variable("profile")); err != nil {
			return Settings{}, err
		}
	}
	profile, err := file.values(name, app.Getenv("HOME"))
	if err != nil {
		return Settings{}, err
	}
	environment, err := fromEnvironment(app.Getenv)
	if err != nil {
		return Settings{}, err
	}
	merged, err := merge(profile, environment, fromFlags(c.flags))
	merged.files.systemd = app.Getenv("CREDENTIALS_DIRECTORY")
	return merged, err
}

// Open returns the settings, and a function to call after the last request. With --sandbox it starts a sandbox, which
// the function stops.
func (c *Connection) Open(app *App) (Settings, func() error, error) {
	if c.sandbox {
		return c.startSandbox()
	}
	settings, err := c.Settings(app)
	app.settings = settings
	return settings, func() error { return nil }, err
}

// Client returns a client for the settings and these options, and a function to call after the last request.
func (c *Connection) Client(app *App, options ...d365backup.Option) (*d365backup.Client, func() error, error) {
	settings, closeService, err := c.Open(app)
	if err != nil {
		return nil, nil, err
	}
	client, err := settings.Client(options...)
	if err != nil {
		return nil, nil, errors.Join(err, closeService())
	}
	return client, closeService, nil
}

func (c *Connection) startSandbox() (Settings, func() error, error) {
	values := fromFlags(c.flags)
	for name, v := range values {
		if name != "api" { // the sandbox serves both
			return Settings{}, nil, Usagef("--sandbox and %s are both given: the sandbox sets its own --%s", v.origin, name)
		}
	}
	server, err := sandbox.Start()
	if err != nil {
		return Settings{}, nil, err
	}
	for name, text := range map[string]string{
		"base-url":      server.URL(),
		"token-url":     server.TokenURL(),
		"client-id":     server.ClientID(),
		"client-secret": server.ClientSecret(),
	} {
		values[name] = value{text, "--sandbox"}
	}
	return Settings{values: values}, server.Close, nil
}

// Client returns a client for the settings and these options. It reads the files that contain secrets. The error is a
// UsageError that lists everything that is missing and where to set it.
func (s Settings) Client(more ...d365backup.Option) (*d365backup.Client, error) {
	options := []d365backup.Option{
		d365backup.WithLoopbackHTTP(), // other addresses still require https
		d365backup.WithUserAgent("d365backup-cli"),
	}
	for name, option := range map[string]func(string) d365backup.Option{
		"data-center": d365backup.WithDataCenter,
		"base-url":    d365backup.WithBaseURL,
		"token-url":   d365backup.WithTokenURL,
		"scope":       d365backup.WithScope,
		"api":         func(api string) d365backup.Option { return d365backup.WithAPI(d365backup.API(api)) },
	} {
		if text := s.Get(name); text != "" {
			options = append(options, option(text))
		}
	}
	var problems []string
	note := func(err error) {
		if err != nil {
			problems = append(problems, err.Error())
		}
	}
	if s.Get("data-center") == "" && s.Get("base-url") == "" {
		note(missing("data center", "data-center", "; --sandbox needs none"))
	} else {
		note(s.check(options))
	}
	if s.Get("client-id") == "" {
		note(missing("client id", "client-id", ""))
	}
	credentials, err := s.credentials()
	note(err)
	if len(problems) > 0 {
		return nil, Usagef("%s", strings.Join(problems, "; "))
	}
	options = append(options, credentials, d365backup.WithCredentialReload(s.credentials))
	return d365backup.New(slices.Concat(options, more)...)
}

// check has the client check its options before there are credentials, so that all problems are reported at once.
func (s Settings) check(options []d365backup.Option) error {
	_, err := d365backup.New(append(options, d365backup.WithClientSecret("any", "any"),
		d365backup.WithHTTPClient(&http.Client{Transport: new(http.Transport)}))...) // the proxy is checked later
	if own, ok := errors.AsType[*d365backup.Error](err); ok {
		return errors.New(s.problem(own))
	}
	return err
}

func (s Settings) credentials() (d365backup.Option, error) {
	id := s.Get("client-id")
	if path := s.Get("certificate"); path != "" {
		certificate, err := s.certificate(path)
		return d365backup.WithCertificate(id, certificate), err
	}
	secret, err := s.secret("client-secret")
	if err == nil && secret == "" {
		err = missing("client secret", "client-secret-file", ", or the secret itself in "+variable("client-secret")+
			", or a certificate in "+variable("certificate"))
	}
	return d365backup.WithClientSecret(id, secret), err
}

func (s Settings) certificate(path string) (*d365backup.Certificate, error) {
	data, err := s.files.read(path, maxCertificate)
	if err != nil {
		return nil, Usagef("%s: %w", s.Origin("certificate"), err)
	}
	password, err := s.secret("certificate-password")
	if err != nil {
		return nil, err
	}
	certificate, err := d365backup.ParseCertificate(data, password)
	if err != nil {
		return nil, Usagef("%s: %s: %w", s.Origin("certificate"), path, messageOf(err))
	}
	return certificate, nil
}

// secret returns a secret that is set itself or in a file.
func (s Settings) secret(name string) (string, error) {
	path := s.Get(name + "-file")
	if path == "" {
		return s.Get(name), nil
	}
	text, err := s.files.line(path)
	if err != nil {
		return "", Usagef("%s: %w", s.Origin(name+"-file"), err)
	}
	return text, nil
}

func missing(what, name, more string) error {
	return Usagef("no %s: set --%s, %s, or %s in a profile%s", what, name, variable(name), setting{name: name}.key(), more)
}
