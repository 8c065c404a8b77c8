// Package doctor is the command "doctor": it walks from the configuration to the first page of jobs,
// and explains the first thing that is wrong. Whatever it says is in its table of diagnoses, from which
// docs/errors.md is made, too.
package doctor

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/d365backup/d365backup/internal/cli/cmdutil"
)

// New returns the command.
func New(app *cmdutil.App) *cobra.Command { return newCommand(app, newProbe(app.Getenv)) }

func newCommand(app *cmdutil.App, probe probe) *cobra.Command {
	var connection cmdutil.Connection
	output := cmdutil.NewChoice("text", "json")
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Find out what stands between you and the jobs",
		Long: `Walks from the configuration to the first page of jobs, one step at a time: the
names and addresses of the two hosts, their TLS certificates, the clock, the
token, its scope, the operation and what it answers. At the first failure it
says what that means, on whose side it is, and what to try next.

Nothing is changed anywhere, and each request is sent once. Where the operation
is not found, the other API of the same host is asked, too; another data centre
never is.

The report holds no secret. With -o json it is made to go into a ticket.

The exit code is 0 where all is well, 1 where something is wrong, and 2 where
that is the configuration.`,
		Example: `  d365backup doctor --sandbox
  d365backup doctor --data-center us
  d365backup doctor -o json > ticket.json`,
		Args: cmdutil.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			defer probe.transport.CloseIdleConnections()
			s := &state{
				open:  func() (cmdutil.Settings, func() error, error) { return connection.Open(app) },
				close: func() error { return nil },
				app:   app,
				probe: probe,
			}
			var out printer = &textPrinter{out: app.Stdout, screen: app.StdoutScreen}
			if output.String() == "json" {
				out = &jsonPrinter{out: app.Stdout}
			}
			return examine(cmd.Context(), s, out, "d365backup "+cmd.Root().Version)
		},
	}
	output.AddOutputFlag(cmd)
	connection.AddFlags(cmd)
	return cmd
}

// examine takes the steps up to the first that fails.
func examine(ctx context.Context, s *state, out printer, program string) error {
	defer func() { _ = s.close() }() // whatever a sandbox reports then, the doctor is not asked about it
	r := newReport(program)
	for _, step := range steps {
		began := time.Now()
		found := step.look(ctx, s)
		took := time.Since(began)
		if err := ctx.Err(); err != nil {
			return err
		}
		if found.status == omitted {
			continue
		}
		if found.took > 0 {
			took = found.took
		}
		if err := out.step(r.add(step.name, found, took)); err != nil {
			return err
		}
		if found.status == failed {
			break
		}
	}
	if err := out.end(r); err != nil {
		return err
	}
	if code := r.exitCode(); code != cmdutil.ExitOK {
		return &cmdutil.ExitError{Code: code} // the report says all
	}
	return nil
}
