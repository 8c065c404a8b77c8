// Package cli is the command d365backup. Each subcommand is a file or a package; cmdutil is what they share.
package cli

import (
	"context"
	"io"
	"log"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/d365backup/d365backup/internal/cli/check"
	"github.com/d365backup/d365backup/internal/cli/cmdutil"
	"github.com/d365backup/d365backup/internal/cli/doctor"
	"github.com/d365backup/d365backup/internal/cli/jobs"
	"github.com/d365backup/d365backup/internal/cli/orgs"
)

// subcommands make the commands and the help topics. Their order does not matter: help sorts them.
var subcommands = []func(*cmdutil.App) *cobra.Command{
	jobs.New, newReport, check.New, orgs.New, newExporter, doctor.New, newValidate, newSpec, newSandbox, newManual,
	newEnvironmentTopic, newExitCodesTopic, newStatesTopic,
}

// Main runs the command as a process, and returns the exit code.
func Main() int {
	// net/http logs what follows a response on an idle connection. A careless server could send an echo of the request
	// there, with the token.
	log.SetOutput(io.Discard)
	// If the reader of the output is gone, as after head, writing returns an error.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // so that a second signal ends the process at once
	return Run(ctx, os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr)
}

// Run runs the command with these arguments, without the name of the program, and an environment in the form of os.Environ.
// It returns the exit code, soon after the context ends.
func Run(ctx context.Context, args, env []string, stdin io.Reader, stdout, stderr io.Writer) int {
	app := cmdutil.NewApp(env, stdin, stdout, stderr)
	root, started := newRoot(app)
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if cmd.Name() == check.Name || cmd == root && slices.Contains(args, check.Name) { // such as --unknown check
		return check.ExitCode(app, err)
	}
	if err != nil && !*started {
		err = &cmdutil.ExitError{Code: cmdutil.ExitUsage, Err: err}
	}
	code, message := app.ExitCode(ctx, err)
	if message != "" {
		app.Notef("d365backup: %s", message)
	}
	if cmd.Name() == "help" {
		cmd = root // its help lists the commands
	}
	if code == cmdutil.ExitUsage {
		app.Notef("See '%s --help'.", cmd.CommandPath())
	}
	return code
}

// Root returns the tree of commands, for programs that list or document it.
func Root() *cobra.Command {
	root, _ := newRoot(cmdutil.NewApp(nil, nil, io.Discard, io.Discard))
	return root
}

// newRoot returns the root command, and whether a command has started.
func newRoot(app *cmdutil.App) (root *cobra.Command, started *bool) {
	started = new(bool)
	root = &cobra.Command{
		Use:   "d365backup",
		Short: "Job information from AvePoint Cloud Backup for Dynamics 365",
		Long: `Lists and explains the jobs of AvePoint Cloud Backup for Dynamics 365: backups,
restores and other jobs, how they ended, and how many records failed.

Every command that connects to the service accepts --sandbox to use a local mock:
try anything without an account.`,
		Example: `  # The jobs of the last 24 hours, from a sandbox
  d365backup jobs --sandbox

  # Failed jobs of the last week from the data center us
  export D365BACKUP_DATA_CENTER=us D365BACKUP_CLIENT_ID=...
  export D365BACKUP_CLIENT_SECRET_FILE=~/.config/d365backup/production.secret
  d365backup jobs --since 7d --status Failed`,
		Version:       versionText(),
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRun: func(cmd *cobra.Command, _ []string) {
			*started = true
			cmdutil.NoteZone(app, cmd)
		},
	}
	root.SetIn(app.Stdin)
	root.SetOut(app.Stdout)
	root.SetErr(app.Stderr)
	root.SetVersionTemplate("d365backup {{.Version}}\n")
	root.SetFlagErrorFunc(cmdutil.ExplainFlag)
	root.SetUsageFunc(func(cmd *cobra.Command) error {
		return cmdutil.WriteUsage(cmd, cmd.OutOrStdout(), app.StdoutScreen.Width)
	})
	for _, newCommand := range subcommands {
		root.AddCommand(newCommand(app))
	}
	adaptDefaults(root)
	return root, started
}
