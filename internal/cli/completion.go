package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/d365backup/d365backup/internal/cli/cmdutil"
)

// completionExamples show how to have completion at once and for good.
var completionExamples = map[string]string{
	"bash": `  source <(d365backup completion bash)
  d365backup completion bash > ~/.local/share/bash-completion/completions/d365backup`,
	"zsh": `  source <(d365backup completion zsh)
  d365backup completion zsh > "${fpath[1]}/_d365backup"`,
	"fish": `  d365backup completion fish | source
  d365backup completion fish > ~/.config/fish/completions/d365backup.fish`,
	"powershell": `  d365backup completion powershell | Out-String | Invoke-Expression
  d365backup completion powershell >> $PROFILE`,
}

// helpTopic shows the help of a command, and refuses a name that is none as the root does.
func helpTopic(cmd *cobra.Command, args []string) error {
	topic, rest, err := cmd.Root().Find(args)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("unknown command %q for %q", rest[0], topic.CommandPath())
	}
	if err != nil {
		return &cmdutil.UsageError{Err: err}
	}
	topic.InitDefaultHelpFlag()
	return topic.Help()
}

// chooseShell runs where no known shell is named.
func chooseShell(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return cmdutil.Usagef("there is no completion for %q: use bash, zsh, fish or powershell", args[0])
	}
	return cmd.Help()
}

// addCompletion adds cobra's command for completion, with examples. It comes last: cobra makes it only
// for a root that has commands.
func addCompletion(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "help":
			cmd.Example = "  d365backup help jobs\n  d365backup help environment"
			cmd.Run, cmd.RunE = nil, helpTopic
		case "completion":
			cmd.Example = completionExamples["bash"]
			cmd.Args, cmd.RunE = cobra.ArbitraryArgs, chooseShell
			for _, shell := range cmd.Commands() {
				shell.Example, shell.Args = completionExamples[shell.Name()], cmdutil.NoArguments
			}
		}
	}
}
