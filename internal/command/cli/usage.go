package cli

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// connectionFlag marks the flags of the connection, which help shows apart.
const connectionFlag = "d365backup_connection"

// plainWidth is how wide help is where there is no screen.
const plainWidth = 100

// Usage writes how a command is used, as wide as the screen.
func Usage(cmd *cobra.Command, out io.Writer, width int) error {
	if width == 0 {
		width = plainWidth
	}
	var b strings.Builder
	b.WriteString("Usage:\n")
	if cmd.Runnable() {
		fmt.Fprintf(&b, "  %s\n", cmd.UseLine())
	}
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "  %s [command]\n", cmd.CommandPath())
	}
	if cmd.HasExample() {
		fmt.Fprintf(&b, "\nExamples:\n%s\n", cmd.Example)
	}
	list(&b, "Commands", cmd, (*cobra.Command).IsAvailableCommand)
	flags(&b, "Flags", cmd, width, func(f *pflag.Flag) bool { return !isConnection(f) })
	flags(&b, "Connection", cmd, width, isConnection)
	list(&b, "Help topics", cmd, (*cobra.Command).IsAdditionalHelpTopicCommand)
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "\nUse \"%s [command] --help\" for more about a command.\n", cmd.CommandPath())
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func list(b *strings.Builder, title string, cmd *cobra.Command, belongs func(*cobra.Command) bool) {
	for _, sub := range cmd.Commands() {
		if !belongs(sub) || sub.Hidden {
			continue
		}
		if title != "" {
			fmt.Fprintf(b, "\n%s:\n", title)
			title = ""
		}
		fmt.Fprintf(b, "  %-*s %s\n", sub.NamePadding(), sub.Name(), sub.Short)
	}
}

func flags(b *strings.Builder, title string, cmd *cobra.Command, width int, belongs func(*pflag.Flag) bool) {
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	set.SortFlags = false
	cmd.Flags().SortFlags = false
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if belongs(f) {
			set.AddFlag(f)
		}
	})
	if set.HasAvailableFlags() {
		fmt.Fprintf(b, "\n%s:\n%s", title, set.FlagUsagesWrapped(width))
	}
}

func isConnection(f *pflag.Flag) bool {
	_, ok := f.Annotations[connectionFlag]
	return ok
}

// ExplainFlag says what is wrong with a flag, without the words of strconv, and where a secret belongs.
func ExplainFlag(cmd *cobra.Command, err error) error {
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		name := unknown.GetSpecifiedName()
		i := slices.IndexFunc(settings, func(s setting) bool { return s.secret && s.name == name })
		if i >= 0 && cmd.Flags().Lookup(name+"-file") != nil {
			return Usagef("there is no --%s, because other users can see flags: give --%[1]s-file or %s", name, variable(name))
		}
	}
	invalid, ok := errors.AsType[*pflag.InvalidValueError](err)
	if !ok {
		return err
	}
	reason := invalid.Unwrap()
	if number, ok := errors.AsType[*strconv.NumError](reason); ok {
		reason = errors.New("not a whole number")
		if errors.Is(number, strconv.ErrRange) {
			reason = errors.New("out of range")
		}
	}
	if strings.Contains(reason.Error(), strconv.Quote(invalid.GetValue())) {
		return Usagef("--%s: %w", invalid.GetFlag().Name, reason)
	}
	return Usagef("--%s %q: %w", invalid.GetFlag().Name, invalid.GetValue(), reason)
}

// NoArguments accepts no argument.
func NoArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return Usagef("%q is not expected: '%s' takes flags only", args[0], cmd.CommandPath())
	}
	return nil
}

// OneArgument accepts exactly one argument, such as a FILE.
func OneArgument(name string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return Usagef("give one %s, not %d", name, len(args))
		}
		return nil
	}
}
