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

// Connection is how a command gets to the service: flags, and the settings behind them.
type Connection struct {
	// Sandbox says to start a sandbox and ask that.
	Sandbox bool
	// Profile is the profile asked for by flag.
	Profile string

	flags *pflag.FlagSet
}

// AddFlags gives the command the flags of the connection.
func (c *Connection) AddFlags(cmd *cobra.Command) {
	c.flags = cmd.Flags()
	c.flags.BoolVar(&c.Sandbox, "sandbox", false, "ask a sandbox with invented jobs that is started for this; needs no account")
	c.flags.StringVar(&c.Profile, "profile", "", "`name` of a profile in the configuration file")
	for _, s := range settings {
		if !s.secret {
			c.flags.String(s.name, "", s.usage)
		}
	}
	for _, name := range connectionFlags() {
		_ = c.flags.SetAnnotation(name, connectionFlag, nil)
	}
	complete(cmd, "data-center", dataCenters()...)
	_ = cmd.RegisterFlagCompletionFunc("scope", cobra.FixedCompletions(
		[]cobra.Completion{d365backup.DefaultScope, "dynamics.readwrite.all"}, cobra.ShellCompDirectiveNoFileComp))
	complete(cmd, "api", string(d365backup.APIAuto), string(d365backup.APIv1), string(d365backup.APIGraph))
	for _, name := range []string{"profile", "base-url", "token-url", "client-id"} {
		complete(cmd, name)
	}
}

// connectionFlags returns the names of the flags that AddFlags adds.
func connectionFlags() []string {
	names := []string{"sandbox", "profile"}
	for _, s := range settings {
		if !s.secret {
			names = append(names, s.name)
		}
	}
	return names
}

// complete gives a flag the values that a shell offers; none, and then no names of files either.
func complete(cmd *cobra.Command, flag string, values ...cobra.Completion) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

func dataCenters() (values []cobra.Completion) {
	for _, d := range d365backup.DataCenters() {
		values = append(values, cobra.CompletionWithDesc(d.Code, d.Name))
	}
	return values
}

// Settings returns what the flags, the environment and the profile say.
func (c *Connection) Settings(app *App) (Settings, error) {
	file, err := readConfig(configPath(app.Getenv))
	if err != nil {
		return Settings{}, err
	}
	name := c.Profile
	if name == "" {
		if name, err = fromVariable(app.Getenv, variable("profile")); err != nil {
			return Settings{}, err
		}
	}
	profile, err := file.layer(name, app.Getenv("HOME"))
	if err != nil {
		return Settings{}, err
	}
	environment, err := fromEnvironment(app.Getenv)
	if err != nil {
		return Settings{}, err
	}
	settings, err := merge(profile, environment, fromFlags(c.flags))
	settings.files.systemd = app.Getenv("CREDENTIALS_DIRECTORY")
	return settings, err
}

// Open returns the settings that lead to the service, and what to call when it is no longer needed. With
// --sandbox it starts one, and the settings lead there.
func (c *Connection) Open(app *App) (Settings, func() error, error) {
	if c.Sandbox {
		return c.startSandbox()
	}
	settings, err := c.Settings(app)
	app.settings = settings // errors call an address by where it was given
	return settings, func() error { return nil }, err
}

// Client returns a client, and what to call when it is no longer needed. The options are added to
// those of the settings.
func (c *Connection) Client(app *App, options ...d365backup.Option) (*d365backup.Client, func() error, error) {
	settings, closeService, err := c.Open(app)
	if err != nil {
		return nil, nil, err
	}
	client, err := settings.Client(options...)
	if err != nil {
		_ = closeService()
		return nil, nil, err
	}
	return client, closeService, nil
}

func (c *Connection) startSandbox() (Settings, func() error, error) {
	given := fromFlags(c.flags)
	for name, v := range given {
		if name != "api" { // the sandbox has both
			return Settings{}, nil, Usagef("--sandbox and %s are both given: the sandbox brings its own --%s", v.origin, name)
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
		given[name] = value{text, "--sandbox"}
	}
	return Settings{values: given}, server.Close, nil
}

// Client returns a client for the settings. The options are added to theirs.
func (s Settings) Client(options ...d365backup.Option) (*d365backup.Client, error) {
	own, err := s.Options()
	if err != nil {
		return nil, err
	}
	return d365backup.New(append(own, options...)...)
}

// Options returns the settings as options of the library. It reads the files that hold secrets. The
// error is a UsageError that says what is missing, and where to give it.
func (s Settings) Options() ([]d365backup.Option, error) {
	options := []d365backup.Option{
		d365backup.WithLoopbackHTTP(), // other addresses still need https
		d365backup.WithUserAgent("d365backup-cli"),
	}
	for name, option := range map[string]func(string) d365backup.Option{
		"data-center": d365backup.WithDataCenter,
		"base-url":    d365backup.WithBaseURL,
		"token-url":   d365backup.WithTokenURL,
		"scope":       d365backup.WithScope,
	} {
		if text := s.Get(name); text != "" {
			options = append(options, option(text))
		}
	}
	var problems []error
	if s.Get("data-center") == "" && s.Get("base-url") == "" {
		problems = append(problems, missing("data center", "data-center", "; --sandbox needs none"))
	} else {
		problems = append(problems, s.checkAddress(options))
	}
	api, err := s.api()
	problems = append(problems, err)
	if s.Get("client-id") == "" {
		problems = append(problems, missing("client id", "client-id", ""))
	}
	credentials, err := s.credentials()
	problems = append(problems, err)
	return append(options, api, credentials, d365backup.WithCredentialReload(s.credentials)), all(problems)
}

// checkAddress has the library check the options before there are credentials, so that all problems show at once.
func (s Settings) checkAddress(options []d365backup.Option) error {
	_, err := d365backup.New(append(options, d365backup.WithClientSecret("any", "any"),
		d365backup.WithHTTPClient(&http.Client{Transport: new(http.Transport)}))...) // the proxy is checked with the real one
	if own, ok := errors.AsType[*d365backup.Error](err); ok {
		return Usagef("%s", s.problem(own))
	}
	return err
}

// all returns the problems as one error; nil if there are none.
func all(problems []error) error {
	problems = slices.DeleteFunc(problems, func(err error) bool { return err == nil })
	switch len(problems) {
	case 0:
		return nil
	case 1:
		return problems[0]
	}
	texts := make([]string, len(problems))
	for i, problem := range problems {
		texts[i] = problem.Error()
	}
	return Usagef("%s", strings.Join(texts, "; "))
}

func (s Settings) api() (d365backup.Option, error) {
	switch api := d365backup.API(s.Get("api")); api {
	case "":
		return d365backup.WithAPI(d365backup.APIAuto), nil
	case d365backup.APIAuto, d365backup.APIv1, d365backup.APIGraph:
		return d365backup.WithAPI(api), nil
	default:
		return nil, Usagef("%s: API %q does not exist: use %s, %s or %s", s.Origin("api"), api,
			d365backup.APIAuto, d365backup.APIv1, d365backup.APIGraph)
	}
}

func (s Settings) credentials() (d365backup.Option, error) {
	id := s.Get("client-id")
	if path := s.Get("certificate"); path != "" {
		return s.certificate(id, path)
	}
	secret, err := s.secret("client-secret")
	if err != nil {
		return nil, err
	}
	if secret == "" {
		return nil, missing("client secret", "client-secret-file", ", or the secret itself as "+variable("client-secret")+
			", or a certificate as "+variable("certificate"))
	}
	return d365backup.WithClientSecret(id, secret), nil
}

func (s Settings) certificate(id, path string) (d365backup.Option, error) {
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
		own, _ := errors.AsType[*d365backup.Error](err)
		return nil, Usagef("%s: %s: %s", s.Origin("certificate"), path, own.Message)
	}
	return d365backup.WithCertificate(id, certificate), nil
}

// secret returns a secret that is given by itself or in a file.
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
	return Usagef("no %s: give --%s, %s, or %s in a profile%s", what, name, variable(name), setting{name: name}.key(), more)
}
