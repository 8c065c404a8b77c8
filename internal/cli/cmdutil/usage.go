package cmdutil

import (
	"encoding/csv"
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

// ExplainFlag says what is wrong with a flag in words of its own, and where a secret belongs. It never repeats what
// follows the name of an unknown flag, which may be a secret.
func ExplainFlag(cmd *cobra.Command, err error) error {
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		return unknownFlag(cmd, unknown)
	}
	if missing, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		return Usagef("--%s needs a value", missing.GetFlag().Name)
	}
	if _, ok := errors.AsType[*pflag.InvalidSyntaxError](err); ok {
		return Usagef("a flag has no name: write it like --name value")
	}
	invalid, ok := errors.AsType[*pflag.InvalidValueError](err)
	if !ok {
		return err
	}
	reason := explainValue(invalid.Unwrap())
	if strings.Contains(reason.Error(), strconv.Quote(invalid.GetValue())) {
		return Usagef("--%s: %w", invalid.GetFlag().Name, reason)
	}
	return Usagef("--%s %q: %w", invalid.GetFlag().Name, invalid.GetValue(), reason)
}

func unknownFlag(cmd *cobra.Command, unknown *pflag.NotExistError) error {
	name, letters := unknown.GetSpecifiedName(), unknown.GetSpecifiedShortnames()
	long := name
	if letters != "" {
		long, _, _ = strings.Cut(letters, "=")
	}
	isSecret := slices.ContainsFunc(settings, func(s setting) bool { return s.secret && s.name == long })
	switch {
	case isSecret && cmd.Flags().Lookup(long+"-file") != nil:
		return Usagef("there is no --%s, because other users can see flags: give --%[1]s-file or %s", long, variable(long))
	case letters == "":
		return Usagef("there is no flag --%s", name)
	case len(letters) > 1:
		return Usagef("there is no flag -%s: a name of several letters takes two hyphens", name)
	}
	return Usagef("there is no flag -%s", name)
}

// explainValue replaces the words of the packages that parse values.
func explainValue(err error) error {
	if _, ok := errors.AsType[*csv.ParseError](err); ok {
		return errors.New("not a list: separate names by commas, without quotation marks")
	}
	number, ok := errors.AsType[*strconv.NumError](err)
	switch {
	case !ok:
		return err
	case number.Func == "ParseBool":
		return errors.New("use true or false")
	case errors.Is(number, strconv.ErrRange):
		return errors.New("out of range")
	}
	return errors.New("not a whole number")
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
