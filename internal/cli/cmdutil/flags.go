package cmdutil

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// Value is the value of a flag that a function parses.
type Value struct {
	kind, text string
	parse      func(string) error
}

// NewValue returns a value of this kind with its default. The parse function does not get the default.
func NewValue(kind, initial string, parse func(string) error) *Value {
	return &Value{kind, initial, parse}
}

// NewChoice returns a value that must be one of these words, by default the first one.
func NewChoice(kind string, words ...string) *Value {
	return NewValue(kind, words[0], func(text string) error {
		if !slices.Contains(words, text) {
			return errors.New("use one of " + strings.Join(words, ", "))
		}
		return nil
	})
}

// Set parses the text.
func (v *Value) Set(text string) error {
	if err := v.parse(text); err != nil {
		return err
	}
	v.text = text
	return nil
}

// String returns the text.
func (v *Value) String() string { return v.text }

// Type returns the kind.
func (v *Value) Type() string { return v.kind }

// AddOutputFlag adds the flag -o, --output with these formats, by default the first one.
func AddOutputFlag(cmd *cobra.Command, formats ...string) *Value {
	format := NewChoice("format", formats...)
	cmd.Flags().VarP(format, "output", "o", "`format`: "+strings.Join(formats, ", "))
	Complete(cmd, "output", formats...)
	return format
}

// Complete sets the values that shells offer for a flag; without any, shells do not offer file names either.
func Complete(cmd *cobra.Command, flag string, values ...cobra.Completion) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

// CompleteList completes a comma-separated list with the names that are not in it yet.
func CompleteList(names []string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, typed string) (values []cobra.Completion, _ cobra.ShellCompDirective) {
		before := typed[:strings.LastIndex(typed, ",")+1]
		for _, name := range names {
			if !strings.Contains(","+before, ","+name+",") {
				values = append(values, before+name)
			}
		}
		if before == "" { // with NoSpace, fish completes nothing after --flag=
			return values, cobra.ShellCompDirectiveNoFileComp
		}
		return values, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
}
