// Package cli is the command d365backup as one function, Run. It holds the root of the commands and
// what belongs to none of them: version, help topics, completion, man pages. Each command has a package
// of its own below, and cli is what they share.
package cli

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/d365backup/d365backup/internal/cli/cmdutil"
	"github.com/d365backup/d365backup/internal/cli/doctor"
	"github.com/d365backup/d365backup/internal/cli/jobs"
	"github.com/d365backup/d365backup/internal/cli/report"
	"github.com/d365backup/d365backup/internal/cli/sandboxserver"
	"github.com/d365backup/d365backup/internal/cli/spec"
	"github.com/d365backup/d365backup/internal/cli/validate"
)

// commands are the commands that people see, each from its own package.
var commands = []func(*cmdutil.App) *cobra.Command{
	jobs.New,
	report.New,
	doctor.New,
	validate.New,
	spec.New,
	sandboxserver.New,
}

// Run runs the command with these arguments, without the name of the program, and an environment of the
// form of os.Environ. It returns the exit code. It ends soon after the context does.
func Run(ctx context.Context, args, env []string, stdin io.Reader, stdout, stderr io.Writer) int {
	app := cmdutil.NewApp(env, stdin, stdout, stderr)
	root, started := newRoot(app)
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if err != nil && !*started { // what fails before a command starts is how it was called
		err = &cmdutil.UsageError{Err: err}
	}
	code, message := app.ExitCode(ctx, err)
	if message != "" {
		app.Notef("d365backup: %s", message)
	}
	if cmd.Name() == "help" {
		cmd = root // which lists what there is
	}
	if code == cmdutil.ExitUsage {
		app.Notef("See '%s --help'.", cmd.CommandPath())
	}
	return code
}

// Root returns the tree of commands for what lists or documents it. Run runs them.
func Root() *cobra.Command {
	root, _ := newRoot(cmdutil.NewApp(nil, nil, io.Discard, io.Discard))
	return root
}

// newRoot returns the root, and whether one of its commands has started.
func newRoot(app *cmdutil.App) (root *cobra.Command, started *bool) {
	started = new(bool)
	root = &cobra.Command{
		Use:   "d365backup",
		Short: "Job information from AvePoint Cloud Backup for Dynamics 365",
		Long: `Lists and explains the jobs of AvePoint Cloud Backup for Dynamics 365: backups,
restores and what else ran, how it ended, and how many records failed.

Every command that asks the service takes --sandbox, which starts a stand-in of
it on this machine: try anything without an account.`,
		Example: `  # The jobs of the last 24 hours, from a sandbox
  d365backup jobs --sandbox

  # Failed jobs of the last week from the data centre us
  export D365BACKUP_DATA_CENTER=us D365BACKUP_CLIENT_ID=...
  export D365BACKUP_CLIENT_SECRET_FILE=~/.d365backup-secret
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
		return cmdutil.Usage(cmd, cmd.OutOrStdout(), app.StdoutScreen.Width)
	})
	for _, newCommand := range commands {
		root.AddCommand(newCommand(app))
	}
	root.AddCommand(newManual(), newEnvironmentTopic(), newExitCodesTopic())
	addCompletion(root)
	return root, started
}
