// Package doctor is the command "doctor". It checks each step from the configuration to the first page of jobs and
// explains the first failure. The explanations are in one table, from which docs/errors.md is generated, too.
package doctor

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/d365backup/d365backup/config"
	"github.com/d365backup/d365backup/internal/cli/cmdutil"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// New returns the command.
func New(app *cmdutil.App) *cobra.Command {
	return newCommand(&doctor{app: app, transport: d365backup.NewTransport(), timeout: 30 * time.Second})
}

// doctor holds what the checks share and what they found out for each other.
type doctor struct {
	app        *cmdutil.App
	connection cmdutil.Connection
	// transport is used by the client, too, so that both use the same proxy and trust the same issuers.
	transport *http.Transport
	// timeout limits each request.
	timeout time.Duration

	profile   config.Profile
	stopwatch *stopwatch
	client    *d365backup.Client
	tokenHost *host
	apiHost   *host
	clockOff  bool // by enough to matter
	drift     int  // how many deviations from the contract the page has
}

func newCommand(d *doctor) *cobra.Command {
	var format *cmdutil.Value
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Find out why jobs cannot be read",
		Long: `Checks every step from the configuration to the first page of jobs: the names and
addresses of the two hosts, their TLS certificates, the clock, the token, its
scope, the operation and its response. For the first failure it explains what it
means, who must act, and what to try next.

Nothing is changed anywhere, and each request is sent once. If the operation is
not found, the other API of the same host is requested, too; another data center
never is.

The report contains no secrets. With -o json it can be attached to a ticket.

The exit code is 0 if jobs can be read, 1 if not, and 2 if the configuration is
invalid.`,
		Example: `  d365backup doctor --sandbox
  d365backup doctor --data-center us
  d365backup doctor -o json > ticket.json`,
		Args: cmdutil.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			defer d.transport.CloseIdleConnections()
			return d.examine(cmd.Context(), newReport("d365backup "+cmd.Root().Version), format.String() == "json")
		},
	}
	format = cmdutil.AddOutputFlag(cmd, "text", "json")
	d.connection.AddFlags(cmd)
	return cmd
}

// examine runs the checks until one fails.
func (d *doctor) examine(ctx context.Context, r *report, asJSON bool) error {
	profile, closeService, profileErr := d.connection.Open(d.app)
	if profileErr == nil {
		defer func() { _ = closeService() }()
	}
	d.profile = profile
	text := printer{d.app.Stdout, d.app.StdoutScreen}
	for _, check := range []func(context.Context) []step{
		func(context.Context) []step { return []step{d.checkConfiguration(profileErr)} },
		func(ctx context.Context) []step { return d.tokenHost.check(ctx, "token host", d.transport, d.timeout) },
		func(context.Context) []step { return []step{d.checkClock()} },
		func(ctx context.Context) []step { return d.checkAPIHost(ctx) },
		d.checkService,
	} {
		steps := check(ctx)
		if err := ctx.Err(); err != nil {
			return err
		}
		for _, s := range steps {
			r.add(s)
			if asJSON {
				continue
			}
			if err := text.step(s); err != nil {
				return err
			}
		}
		if !r.Healthy {
			break
		}
	}
	if asJSON {
		return cmp.Or(cmdutil.WriteJSON(d.app.Stdout, r), r.exitError())
	}
	return cmp.Or(text.end(r), r.exitError())
}

// checkAPIHost checks the host of the API, unless it is that of the token endpoint.
func (d *doctor) checkAPIHost(ctx context.Context) []step {
	if d.apiHost.url.Scheme == d.tokenHost.url.Scheme && d.apiHost.url.Host == d.tokenHost.url.Host {
		return []step{skip("API host: DNS", "same host as for tokens, see above")}
	}
	return d.apiHost.check(ctx, "API host", d.transport, d.timeout)
}
