package cli

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/d365backup/d365backup/config"
	"github.com/d365backup/d365backup/internal/cli/cmdutil"
)

func newEnvironmentTopic(*cmdutil.App) *cobra.Command {
	return &cobra.Command{
		Use:   "environment",
		Short: "Environment variables, configuration file and profiles",
		Long: `A setting is read from its flag, else from the environment, else from a profile in
the configuration file. Secrets are never flags.

Environment variables, and keys of a profile:
` + settingsHelp() + `  D365BACKUP_PROFILE
      profile of the configuration file
  NO_COLOR
      with any value: no colors

A file that contains a secret must be readable only by its owner (chmod 600), or
by a group of this process if it belongs to you or root (0440). In
$CREDENTIALS_DIRECTORY, where systemd puts credentials, any mode is accepted.

The configuration file is $XDG_CONFIG_HOME/d365backup/config.yaml, by default
~/.config/d365backup/config.yaml (on Windows %APPDATA%\d365backup\config.yaml):

  default: production
  profiles:
    production:
      data_center: us
      client_id: 5d1c6f2e-0b0f-4c7e-9a55-3f6f1e0c2b71
      client_secret_file: ~/.config/d365backup/production.secret
      expect: [Sales, Finance]

A profile also states what is expected of the backups: expect, ignore, max_age,
max_running, tolerate_exceptions, organizations (other limits for some), labels
(for Prometheus) and client_secret_expires (a date). See
docs/guide/organizations.md.

Relative paths are resolved against the directory of the configuration file. It
is refused if it belongs to another user or others can write to it, because it
controls where the secret is sent.`,
	}
}

// settingsHelp lists the variable, the key and the meaning of every setting.
func settingsHelp() string {
	var b strings.Builder
	for _, s := range config.Settings() {
		key := cmp.Or(s.Key(), "no key: a secret")
		fmt.Fprintf(&b, "  %s (%s)\n      %s\n", s.Variable(), key, strings.ReplaceAll(s.Usage, "`", ""))
	}
	return b.String()
}

func newExitCodesTopic(*cmdutil.App) *cobra.Command {
	return &cobra.Command{
		Use:   "exit-codes",
		Short: "What the exit codes mean",
		Long: fmt.Sprintf(`%3d  success
%3d  failure; the standard error says why
%3d  usage error: an unknown flag, an invalid value, missing configuration
%3d  report: some backup is at or beyond the --fail-on state
%3d  interrupted before the end

Data is written to the standard output, and everything else to the standard error.

check has the exit codes of a monitoring plugin: 0 ok, 1 warning, 2 overdue or
missing, 3 everything else; and all its output is on the standard output.`,
			cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitState, cmdutil.ExitInterrupted),
	}
}

func newStatesTopic(*cmdutil.App) *cobra.Command {
	return &cobra.Command{
		Use:   "states",
		Short: "What the states of a backup mean",
		Long: `report, check and orgs give each organization and module a state. From the worst to
the best:

  missing  no successful backup in the look-back period, though there are other jobs
           or a profile expects the organization
  overdue  the last successful backup started longer ago than the maximum age
  unknown  cannot be determined from the jobs: the list may be incomplete, a status is
           not known to this version, a clock is wrong, or there are no organizations
  warning  there is a recent success, but the newest backup failed, finished with
           an exception or has been running for too long
  ok       there is a recent success, and nothing has gone wrong since

An organization that no profile and no --expect names is forgotten once its last job
is older than the look-back period, by default 35 days: then nothing reports that it
has no backups. 'd365backup orgs' prints the lines for a profile that prevent this.`,
	}
}

// completions are the examples of cobra's commands for completion.
var completions = map[string]string{
	"bash": `  source <(d365backup completion bash)
  d365backup completion bash > ~/.local/share/bash-completion/completions/d365backup`,
	"zsh": `  source <(d365backup completion zsh)
  d365backup completion zsh > "${fpath[1]}/_d365backup"`,
	"fish": `  d365backup completion fish | source
  d365backup completion fish > ~/.config/fish/completions/d365backup.fish`,
	"powershell": `  d365backup completion powershell | Out-String | Invoke-Expression
  d365backup completion powershell >> $PROFILE`,
}

// adaptDefaults gives the commands of cobra itself examples, and makes them refuse unknown arguments. It comes last: cobra
// creates them only for a root that has commands.
func adaptDefaults(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "help":
			cmd.Example = "  d365backup help jobs\n  d365backup help environment"
			cmd.Run, cmd.RunE = nil, showHelp
			cmd.ValidArgsFunction = completeTopics(cmd.ValidArgsFunction)
		case "completion":
			cmd.Example = completions["bash"]
			cmd.Args, cmd.RunE = cobra.ArbitraryArgs, func(cmd *cobra.Command, args []string) error {
				if len(args) > 0 {
					return cmdutil.Usagef("there is no completion for %q: use bash, zsh, fish or powershell", args[0])
				}
				return cmd.Help()
			}
			for _, shell := range cmd.Commands() {
				shell.Example, shell.Args = completions[shell.Name()], cmdutil.NoArguments
			}
		}
	}
}

// completeTopics adds the help topics to the commands that a function completes.
func completeTopics(commands cobra.CompletionFunc) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		values, directive := commands(cmd, args, typed)
		for _, topic := range cmd.Root().Commands() {
			if len(args) == 0 && topic.IsAdditionalHelpTopicCommand() && strings.HasPrefix(topic.Name(), typed) {
				values = append(values, cobra.CompletionWithDesc(topic.Name(), topic.Short))
			}
		}
		return values, directive
	}
}

// showHelp shows the help of a command. Unlike that of cobra, it refuses unknown commands.
func showHelp(cmd *cobra.Command, args []string) error {
	topic, rest, err := cmd.Root().Find(args)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("unknown command %q for %q", rest[0], topic.CommandPath())
	}
	if err != nil {
		return cmdutil.Usagef("%w", err)
	}
	topic.InitDefaultHelpFlag()
	return topic.Help()
}

// newManual returns the hidden command that writes the man pages, for packages.
func newManual(*cmdutil.App) *cobra.Command {
	return &cobra.Command{
		Use:     "man DIRECTORY",
		Short:   "Write the man pages to a directory",
		Long:    "Writes a man page for every command to a directory, which is created if missing.",
		Example: "  d365backup man ./man && man ./man/d365backup-jobs.1",
		Hidden:  true,
		Args:    cmdutil.OneArgument("DIRECTORY"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil { //nolint:gosec // man pages are for everyone
				return cmdutil.Usagef("%w", err)
			}
			return writeManual(cmd.Root(), args[0])
		},
	}
}

func writeManual(root *cobra.Command, dir string) error {
	root.DisableAutoGenTag = true
	header := doc.GenManHeader{Source: "d365backup", Manual: "d365backup", Date: commitTime()}
	err := doc.GenManTree(root, &header, dir)
	for _, topic := range root.Commands() {
		if !topic.IsAdditionalHelpTopicCommand() { // which GenManTree skips
			continue
		}
		var page bytes.Buffer
		header.Title, header.Section = "", ""
		path := filepath.Join(dir, "d365backup-"+topic.Name()+".1")
		err = errors.Join(err, doc.GenMan(topic, &header, &page), os.WriteFile(path, page.Bytes(), 0o644)) //nolint:gosec // as above
	}
	return err
}

// commitTime returns the time of the commit that the command was built from, which makes the pages of a release
// reproducible. It is nil if the command was not built in a clone; then the pages have SOURCE_DATE_EPOCH or today.
func commitTime() *time.Time {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if t, err := time.Parse(time.RFC3339, s.Value); err == nil && s.Key == "vcs.time" {
				return &t
			}
		}
	}
	return nil
}

// A release sets these with -ldflags "-X …/internal/cli.version=v1.2.3 -X ….commit=…". Otherwise the build information of
// Go is used.
var version, commit string

// versionText returns version, commit, Go version and platform.
func versionText() string {
	v, revision := buildVersion()
	return fmt.Sprintf("%s (commit %s, %s, %s/%s)", v, revision, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// buildVersion returns version and commit.
func buildVersion() (v, revision string) {
	v, revision = version, commit
	modified := ""
	if info, ok := debug.ReadBuildInfo(); ok && v == "" {
		v = info.Main.Version
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision":
				revision = s.Value[:min(len(s.Value), 12)]
			case s.Key == "vcs.modified" && s.Value == "true":
				modified = " with changes"
			}
		}
	}
	if v == "" || v == "(devel)" {
		v = "development build"
	}
	return v, cmp.Or(revision, "unknown") + modified
}
