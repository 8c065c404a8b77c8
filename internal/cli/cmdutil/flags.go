package cmdutil

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	d365backup "github.com/d365backup/d365backup/wrapper"
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

// Filter is the flags that select jobs, except those of the time range.
type Filter struct {
	query      d365backup.Query
	objectType int32
	changed    func(flag string) bool
}

// AddFlags adds the flags.
func (f *Filter) AddFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	f.changed = flags.Changed
	types, statuses := names(d365backup.JobTypes()), names(d365backup.JobStatuses())
	flags.Var(NewValue("type", "", func(text string) (err error) {
		f.query.Type, err = d365backup.ParseJobType(text)
		return messageOf(err)
	}), "type", "jobs of this type: "+strings.Join(types, ", "))
	flags.Var(NewValue("status", "", func(text string) (err error) {
		f.query.Status, err = d365backup.ParseJobStatus(text)
		return messageOf(err)
	}), "status", "jobs with this status: "+strings.Join(statuses, ", "))
	flags.Var(NewValue("guid", "", func(text string) error {
		if _, err := uuid.Parse(text); err != nil || len(text) != len(uuid.Nil.String()) {
			return errors.New("invalid GUID: write it like 69cb1ecc-f8e8-439b-8077-a4b7fd45e87f")
		}
		f.query.OrganizationID = text
		return nil
	}), "org", "jobs of the organization with this `id`")
	flags.Int32Var(&f.objectType, "object-type", 0, "jobs of this kind of module, a `number` that the vendor does not document")
	Complete(cmd, "type", types...)
	Complete(cmd, "status", statuses...)
	Complete(cmd, "org")
	Complete(cmd, "object-type")
}

// Query returns the filter as a query without a time range.
func (f *Filter) Query() d365backup.Query {
	query := f.query
	if f.changed("object-type") {
		query.ObjectType = new(f.objectType)
	}
	return query
}

// AddPageSizeFlag adds the flag --page-size. The function returns its option of the client, if it is set.
func AddPageSizeFlag(cmd *cobra.Command) func() []d365backup.Option {
	var size []d365backup.Option
	cmd.Flags().Var(NewValue("jobs", "", func(text string) error {
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil || n < 1 {
			return fmt.Errorf("use a number from 1 to %d", math.MaxInt32)
		}
		size = []d365backup.Option{d365backup.WithPageSize(int(n))}
		return nil
	}), "page-size", fmt.Sprintf("`jobs` per request (default %d)", d365backup.DefaultPageSize))
	Complete(cmd, "page-size")
	return func() []d365backup.Option { return size }
}

// messageOf returns an error of the client without what is for Go programs.
func messageOf(err error) error {
	if own, ok := errors.AsType[*d365backup.Error](err); ok {
		return errors.New(own.Message)
	}
	return err
}

func names[E fmt.Stringer](values []E) (names []string) {
	for _, v := range values {
		names = append(names, v.String())
	}
	return names
}
