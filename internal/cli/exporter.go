package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/exporter-toolkit/web"
	"github.com/spf13/cobra"

	"github.com/d365backup/d365backup/config"
	"github.com/d365backup/d365backup/internal/cli/cmdutil"
	"github.com/d365backup/d365backup/internal/exporter"
	"github.com/d365backup/d365backup/internal/human"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// exporterCommand holds the flags of the command "exporter".
type exporterCommand struct {
	app              *cmdutil.App
	connection       cmdutil.Connection
	address          string
	webConfig        string
	maxRequests      int
	maxOrganizations int
	checkConfig      bool
}

// stopTimeout is how long probes in progress may take after a signal to stop.
const stopTimeout = 20 * time.Second

func newExporter(app *cmdutil.App) *cobra.Command {
	c := &exporterCommand{app: app}
	cmd := &cobra.Command{
		Use:   "exporter",
		Short: "Serve the health of backups to Prometheus",
		Long: `Serves metrics for Prometheus until it is interrupted. Prometheus decides which
profile to probe and when:

  /probe?target=PROFILE  health of the tenant of a profile
  /metrics               the exporter itself
  /sd                    all profiles with their labels, for http_sd_configs
  /-/reload              with POST: read the configuration again, as SIGHUP does
  /-/healthy, /-/ready   for probes of the exporter itself

Only profiles of the configuration file can be targets. Without profiles, the
environment is the target "default". With --sandbox, that target is the sandbox.

The first probe of a profile reads the jobs of 35 days or, if its max_age is longer,
of a day more than that. Later ones read only what may have changed: one request if
there are fewer than 100 such jobs. A probe returns half a second before
Prometheus's timeout; its read continues in the background and serves the next one.

The configuration is read again only if it is valid. Otherwise the old one is
kept, and the metric d365backup_config_last_reload_successful is 0.`,
		Example: `  d365backup exporter --sandbox
  curl 'http://127.0.0.1:10365/probe?target=default'

  # With TLS and basic authentication, for other machines
  d365backup exporter --web.listen-address :10365 --web.config.file web.yaml
  d365backup exporter --check-config`,
		Args: cmdutil.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.run(cmd.Context()) },
	}
	flags := cmd.Flags()
	flags.StringVar(&c.address, "web.listen-address", "127.0.0.1:10365", "`address` to listen on")
	flags.StringVar(&c.webConfig, "web.config.file", "", "`file` that enables TLS or authentication, in the same format as other exporters")
	flags.IntVar(&c.maxRequests, "max-requests", exporter.DefaultMaxRequests, "maximum `number` of requests in flight; each profile may use one sixteenth of them")
	flags.IntVar(&c.maxOrganizations, "max-organizations", exporter.DefaultMaxOrganizations, "maximum `number` of organizations in the metrics of a profile")
	flags.BoolVar(&c.checkConfig, "check-config", false, "check the configuration and the files that it names, and exit")
	c.connection.AddSandboxFlag(cmd)
	for _, flag := range []string{"web.listen-address", "max-requests", "max-organizations"} {
		cmdutil.Complete(cmd, flag)
	}
	return cmd
}

func (c *exporterCommand) run(ctx context.Context) (err error) {
	if err := c.check(); err != nil {
		return err
	}
	load, closeService, err := c.source()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeService()) }()
	version, revision := buildVersion()
	log := slog.New(slog.NewTextHandler(c.app.Stderr, nil))
	e, err := exporter.New(exporter.Options{
		Load: load, MaxRequests: c.maxRequests, MaxOrganizations: c.maxOrganizations, Log: log, Version: version, Revision: revision,
	})
	if err != nil {
		return err
	}
	defer e.Close()
	if c.checkConfig {
		_, err := fmt.Fprintf(c.app.Stdout, "The configuration is valid: %s.\n", human.Plural(int64(e.Profiles()), "profile", "profiles"))
		return err
	}
	return c.serve(ctx, e, log)
}

func (c *exporterCommand) check() error {
	if _, _, err := net.SplitHostPort(c.address); err != nil {
		return cmdutil.Usagef("--web.listen-address: invalid address %q: write it like 127.0.0.1:10365 or :10365", c.address)
	}
	if c.maxRequests < exporter.MinRequests {
		return cmdutil.Usagef("--max-requests: %d is out of range: use %d or more", c.maxRequests, exporter.MinRequests)
	}
	if c.maxOrganizations < 1 {
		return cmdutil.Usagef("--max-organizations: %d is out of range: use 1 or more", c.maxOrganizations)
	}
	if err := web.Validate(c.webConfig); err != nil {
		return cmdutil.Usagef("--web.config.file: %s: %w", c.webConfig, err)
	}
	return nil
}

// source returns what loads the profiles, and a function to call at the end: those of the configuration file or, if it has none,
// the one of the environment; with --sandbox that of a sandbox.
func (c *exporterCommand) source() (load func() ([]exporter.Profile, error), closeService func() error, err error) {
	if c.connection.Sandbox() {
		profile, closeSandbox, err := c.connection.Open(c.app)
		exported := toExport(profile)
		return func() ([]exporter.Profile, error) { return exported, nil }, closeSandbox, err
	}
	return func() ([]exporter.Profile, error) {
		profiles, err := config.LoadAll(config.Source{Getenv: c.app.Getenv, Profile: config.All})
		if errors.Is(err, config.ErrNoProfiles) {
			var profile config.Profile
			profile, err = config.Load(config.Source{Getenv: c.app.Getenv})
			profiles = []config.Profile{profile}
		}
		return toExport(profiles...), err
	}, func() error { return nil }, nil
}

func toExport(profiles ...config.Profile) []exporter.Profile {
	var exported []exporter.Profile
	for _, p := range profiles {
		dataCenter, _ := p.Get("data-center")
		baseURL, _ := p.Get("base-url")
		clientID, _ := p.Get("client-id")
		if p.Name == "" {
			p.Name = "default"
		}
		exported = append(exported, exporter.Profile{
			Name: p.Name, Labels: p.Labels, Policy: p.Policy, Identity: strings.Join([]string{dataCenter, baseURL, clientID}, " "),
			Client: func(options ...d365backup.Option) (*d365backup.Client, error) {
				return p.Client(append(options, d365backup.WithUserAgent("d365backup-exporter"))...)
			},
			Expires: func() time.Time {
				expiry, _ := p.CredentialExpiry() // an error is also one of Client
				return expiry
			},
		})
	}
	return exported
}

// serve serves requests until the context ends, then waits for those in progress.
func (c *exporterCommand) serve(ctx context.Context, e *exporter.Exporter, log *slog.Logger) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", c.address)
	if err != nil {
		return fmt.Errorf("the exporter cannot start: %w", err)
	}
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	server := &http.Server{Handler: e.Handler(), ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn)}
	served := make(chan error, 1)
	go func() { served <- web.Serve(listener, server, &web.FlagConfig{WebConfigFile: &c.webConfig}, log) }()
	for {
		select {
		case <-hangup:
			_ = e.Reload() // it logs the error
		case err := <-served:
			return err
		case <-ctx.Done():
			log.Info("stopping")
			return errors.Join(shutDown(ctx, server, log), ignoreClosed(<-served))
		}
	}
}

// shutDown stops a server once the probes in progress have ended, or after stopTimeout.
func shutDown(ctx context.Context, server *http.Server, log *slog.Logger) error {
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	err := server.Shutdown(grace)
	if errors.Is(err, context.DeadlineExceeded) {
		log.Warn("ending the probes in progress")
		err = server.Close()
	}
	return err
}

// ignoreClosed returns the error of a server, unless it is that it was stopped.
func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
