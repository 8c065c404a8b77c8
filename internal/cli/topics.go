package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/d365backup/d365backup/internal/cli/cmdutil"
)

// newEnvironmentTopic returns the help on what the environment and the configuration file can say.
func newEnvironmentTopic() *cobra.Command {
	var b strings.Builder
	b.WriteString(`A setting is taken from its flag, else from the environment, else from a profile
of the configuration file. Secrets are never flags.

Environment, and keys of a profile:
`)
	for _, s := range cmdutil.SettingTexts() {
		key := s.Key
		if key == "" {
			key = "no key: a secret"
		}
		fmt.Fprintf(&b, "  %s (%s)\n      %s\n", s.Variable, key, s.Usage)
	}
	b.WriteString(`  D365BACKUP_PROFILE
      profile of the configuration file
  NO_COLOR
      with any value: no colours

A file with a secret must be readable by its owner alone (chmod 600), or by a
group of this process if it belongs to you or root (0440). Below
$CREDENTIALS_DIRECTORY, where systemd puts credentials, any mode will do.

The configuration file is $XDG_CONFIG_HOME/d365backup/config.yaml, by default
~/.config/d365backup/config.yaml (on Windows %APPDATA%\d365backup\config.yaml):

  default: production
  profiles:
    production:
      data_center: us
      client_id: 5d1c6f2e-0b0f-4c7e-9a55-3f6f1e0c2b71
      client_secret_file: ~/.config/d365backup/production.secret

A path that is relative is so to the configuration file, which is refused where
it is another user's or others can write to it: it says where the secret goes.`)
	return &cobra.Command{Use: "environment", Short: "Environment variables, configuration file and profiles", Long: b.String()}
}

// newExitCodesTopic returns the help on exit codes.
func newExitCodesTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "exit-codes",
		Short: "What the exit codes mean",
		Long: fmt.Sprintf(`%3d  it did what it was asked
%3d  it failed, and says why on the standard error
%3d  wrong usage: an unknown flag, a bad value, missing configuration
%3d  it was interrupted before it was done

Data is written to the standard output and all else to the standard error.`,
			cmdutil.ExitOK, cmdutil.ExitFailed, cmdutil.ExitUsage, cmdutil.ExitInterrupted),
	}
}
