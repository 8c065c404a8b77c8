package cmdutil

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/d365backup/d365backup/config"
)

// connectionFlag is the annotation of the flags that help shows as a group of their own.
const connectionFlag = "d365backup_connection"

// WriteUsage writes how a command is used, wrapped to this width or, if it is 0, to 100 columns.
func WriteUsage(cmd *cobra.Command, out io.Writer, width int) error {
	var b strings.Builder
	b.WriteString("Usage:\n")
	if cmd.HasAvailableSubCommands() { // it does nothing itself, even if it is runnable to refuse arguments
		fmt.Fprintf(&b, "  %s [command]\n", cmd.CommandPath())
	} else if cmd.Runnable() {
		fmt.Fprintf(&b, "  %s\n", cmd.UseLine())
	}
	if cmd.HasExample() {
		fmt.Fprintf(&b, "\nExamples:\n%s\n", cmd.Example)
	}
	writeCommands(&b, "Commands", cmd, (*cobra.Command).IsAvailableCommand)
	other, connection := pflag.NewFlagSet("", pflag.ContinueOnError), pflag.NewFlagSet("", pflag.ContinueOnError)
	cmd.Flags().SortFlags, other.SortFlags, connection.SortFlags = false, false, false
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		set := other
		if _, ok := f.Annotations[connectionFlag]; ok {
			set = connection
		}
		set.AddFlag(f)
	})
	width = cmp.Or(width, 100)
	if other.HasAvailableFlags() {
		fmt.Fprintf(&b, "\nFlags:\n%s", other.FlagUsagesWrapped(width))
	}
	if connection.HasAvailableFlags() {
		fmt.Fprintf(&b, "\nConnection:\n%s", connection.FlagUsagesWrapped(width))
	}
	writeCommands(&b, "Help topics", cmd, (*cobra.Command).IsAdditionalHelpTopicCommand)
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "\nUse \"%s [command] --help\" for more about a command.\n", cmd.CommandPath())
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func writeCommands(b *strings.Builder, title string, cmd *cobra.Command, belongs func(*cobra.Command) bool) {
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

// ExplainFlag replaces the messages of the packages that parse flags, and explains where a secret can be set. It never
// repeats what follows the name of an unknown flag, which may be a secret.
func ExplainFlag(cmd *cobra.Command, err error) error {
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		return unknownFlag(cmd, unknown)
	}
	if missing, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		return Usagef("--%s requires a value", missing.GetFlag().Name)
	}
	if _, ok := errors.AsType[*pflag.InvalidSyntaxError](err); ok {
		return Usagef("a flag has no name: write it like --name value")
	}
	invalid, ok := errors.AsType[*pflag.InvalidValueError](err)
	if !ok {
		return err
	}
	text := fmt.Sprintf("--%s %q", invalid.GetFlag().Name, invalid.GetValue())
	reason := explainValue(invalid.Unwrap())
	if strings.Contains(reason.Error(), strconv.Quote(invalid.GetValue())) {
		text = "--" + invalid.GetFlag().Name
	}
	return Usagef("%s: %w", text, reason)
}

func unknownFlag(cmd *cobra.Command, unknown *pflag.NotExistError) error {
	name, letters := unknown.GetSpecifiedName(), unknown.GetSpecifiedShortnames()
	long := name
	if letters != "" {
		long, _, _ = strings.Cut(letters, "=")
	}
	secrets := slices.DeleteFunc(config.Settings(), func(s config.Setting) bool { return !s.Secret || s.Name != long })
	switch {
	case len(secrets) > 0 && cmd.Flags().Lookup(long+"-file") != nil:
		return Usagef("there is no --%s, because other users can see flags: use --%[1]s-file or %s", long, secrets[0].Variable())
	case letters == "":
		return Usagef("unknown flag --%s", name)
	case len(letters) > 1:
		return Usagef("unknown flag -%s: a name of several letters requires two hyphens", name)
	}
	return Usagef("unknown flag -%s", name)
}

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

// NoArguments accepts no arguments.
func NoArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return Usagef("unexpected argument %q: '%s' takes only flags", args[0], cmd.CommandPath())
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
