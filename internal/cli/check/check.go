// Package check is the command "check": the verdict as a monitoring plugin that follows the guidelines of monitoring-plugins.org.
package check

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/d365backup/d365backup/internal/cli/cmdutil"
	"github.com/d365backup/d365backup/internal/cli/doctor"
	"github.com/d365backup/d365backup/internal/cli/verdict"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// Name is the name of the command.
const Name = "check"

// command is the flags.
type command struct {
	app     *cmdutil.App
	flags   verdict.Flags
	timeout time.Duration
	warnAge time.Duration // 0: none
	verbose int
}

// New returns the command.
func New(app *cmdutil.App) *cobra.Command {
	c := &command{app: app}
	cmd := &cobra.Command{
		Use:   Name,
		Short: "Check backups as a monitoring plugin (Icinga, Nagios)",
		Long: `Checks whether every organization is backed up, as a plugin for Icinga, Nagios and
others: one line with the worst problems first, then performance data.

The exit code is 0 for ok, 1 for a warning, 2 if an organization is overdue or
missing, and 3 if the state is unknown. It is also 3 for everything else: usage
errors, this help, a failed request, a list of jobs that may be incomplete. All
output is on the standard output.

'd365backup help states' explains the states.`,
		Example: `  d365backup check --sandbox
  d365backup check --profile production -w 26h -c 50h
  d365backup check --profile all -t 2m -v`,
		Version: "that of the root command",
		Args:    cmdutil.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if critical := cmd.Flag("critical"); critical.Changed && c.warnAge >= c.flags.MaxAge {
				return cmdutil.Usagef("-w %s is not less than -c %s: use a shorter age for warnings", cmd.Flag("warning").Value, critical.Value)
			}
			return c.run(cmd.Context())
		},
	}
	cmd.SetVersionTemplate("{{.CommandPath}} {{.Root.Version}}\n")
	flags := cmd.Flags()
	c.flags.AddFlags(cmd, "critical", "c")
	flags.VarP(cmdutil.NewDuration("", &c.warnAge), "warning", "w", "warn if the last success is older than this `age`, such as 26h")
	flags.VarP(cmdutil.NewDuration("30s", &c.timeout), "timeout", "t", "stop after this `time`")
	flags.CountVarP(&c.verbose, "verbose", "v", "add a line for each module")
	flags.BoolP("version", "V", false, "print the version")
	for _, name := range []string{"warning", "timeout"} {
		cmdutil.Complete(cmd, name)
	}
	return cmd
}

func (c *command) run(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout, timeoutError{c.timeout})
	defer cancel()
	var notes bytes.Buffer // callers mix the standard error into the output
	app := *c.app
	app.Stderr, app.StderrScreen = &notes, cmdutil.Screen{}
	tenants, err := c.flags.Read(ctx, &app, time.Now(), verdict.Window{})
	if err != nil {
		return err
	}
	code, text := render(tenants, c.warnAge, c.verbose > 0, notes.String())
	if _, err := io.WriteString(c.app.Stdout, text); err != nil {
		return err
	}
	return &cmdutil.ExitError{Code: code}
}

// ExitCode returns the exit code for the error of the command. If that is not a verdict, the code is 3, and the output says why
// unless there is output already.
func ExitCode(app *cmdutil.App, err error) int {
	if exit, ok := errors.AsType[*cmdutil.ExitError](err); ok && exit.Err == nil {
		return exit.Code
	}
	if errors.Is(err, context.Canceled) {
		err = errors.New("interrupted")
	}
	if err != nil {
		_, _ = io.WriteString(app.Stdout, clip("BACKUP UNKNOWN - "+explain(app.Explained(err)), maxStatus)+"\n")
	}
	return codeUnknown // help, too: a check that is configured to show help must not look ok
}

// timeoutError is the cause of a context that ends by -t.
type timeoutError struct{ limit time.Duration }

func (e timeoutError) Error() string {
	return fmt.Sprintf("the jobs could not be read within %s (-t)", e.limit)
}

// explain returns an error in one line, with the diagnosis of the doctor if there is one.
func explain(err error) string {
	if cause := (timeoutError{}); errors.As(err, &cause) {
		return cause.Error()
	}
	clientErr, ok := errors.AsType[*d365backup.Error](err)
	if !ok || clientErr.Reason == "" {
		return err.Error()
	}
	d := doctor.Find(clientErr.Reason)
	return fmt.Sprintf("%s: %s. Next: %s", d.Title, clientErr.Facts(), strings.TrimSuffix(strings.Join(d.Next[:min(1, len(d.Next))], ""), "."))
}
