// Package validate is the command "validate": it judges a payload at rest against the contract.
package validate

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/d365backup/d365backup/api"
	"github.com/d365backup/d365backup/internal/command/cli"
	"github.com/d365backup/d365backup/internal/human"
)

// defaultOperation is that of version v1, which this project implements.
const defaultOperation = "getJobs"

// New returns the command.
func New(app *cli.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "validate",
		Short: "Judge a payload against the contract",
		Long: `Judges a file, or the standard input, against the contract: the JSON body of a
request, or an answer. Nothing is sent.

Each violation is one line: its place, the keyword of the contract, what was
found, what the contract says, and where that comes from: seed is the vendor's
page of version v1, later a page of a later date, inferred no page at all. With
-o json they are an array of objects, which is empty for a good payload.

The exit code is 0 for a good payload, 1 for one with violations, and 2 where
nothing was judged.`,
		Example: `  d365backup validate request body.json
  d365backup validate response - < page.json
  d365backup validate response --status 400 -o json refusal.json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("%q is no kind of payload: use request or response", args[0])
			}
			return errors.New("say what to judge: request or response")
		},
		RunE: func(*cobra.Command, []string) error { return nil }, // Args lets nothing through
	}
	cmd.AddCommand(newRequest(app), newResponse(app))
	return cmd
}

func newRequest(app *cli.App) *cobra.Command {
	c := newCommand(app)
	cmd := &cobra.Command{
		Use:   "request FILE",
		Short: "Judge the body of a request",
		Long: `Judges a file, or the standard input for -, as the JSON body of a request. All
media types of the contract have the same schema, so none is asked for. An
operation that takes no body wants an empty file.`,
		Example: `  d365backup validate request body.json
  d365backup validate request -o json - < body.json`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return c.run(args[0], func(body []byte) error { return api.ValidateRequest(c.operation, body) })
		},
	}
	c.addFlags(cmd)
	return cmd
}

func newResponse(app *cli.App) *cobra.Command {
	c := newCommand(app)
	var status int
	var mediaType string
	cmd := &cobra.Command{
		Use:   "response FILE",
		Short: "Judge an answer",
		Long:  "Judges a file, or the standard input for -, as the answer of an operation.",
		Example: `  d365backup validate response page.json
  d365backup validate response --status 400 refusal.json
  d365backup validate response --media-type text/html page.html`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return c.run(args[0], func(body []byte) error {
				return api.ValidateResponse(c.operation, status, mediaType, body)
			})
		},
	}
	c.addFlags(cmd)
	cmd.Flags().IntVar(&status, "status", 200, "HTTP `status` of the answer")
	cmd.Flags().StringVar(&mediaType, "media-type", "application/json", "its Content-Type, as a media `type`")
	_ = cmd.RegisterFlagCompletionFunc("status", c.completeStatus)
	_ = cmd.RegisterFlagCompletionFunc("media-type", cobra.FixedCompletions(
		[]cobra.Completion{"application/json", "text/html"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// command is what the flags ask for.
type command struct {
	app       *cli.App
	operation string
	output    *cli.Choice
}

func newCommand(app *cli.App) *command {
	return &command{app: app, output: cli.NewChoice("text", "json")}
}

func (c *command) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&c.operation, "operation", defaultOperation, "`name` of the operation: "+strings.Join(operations(), ", "))
	_ = cmd.RegisterFlagCompletionFunc("operation", cobra.FixedCompletions(operations(), cobra.ShellCompDirectiveNoFileComp))
	c.output.AddOutputFlag(cmd)
}

func (c *command) run(name string, validate func([]byte) error) error {
	body, err := c.read(name)
	if err != nil {
		return cli.Usagef("the payload cannot be read: %w", err)
	}
	err = validate(body)
	violations, found := errors.AsType[api.Violations](err)
	switch {
	case errors.Is(err, api.ErrUnknownOperation):
		return cli.Usagef("--operation %q does not exist: use one of %s", c.operation, strings.Join(operations(), ", "))
	case errors.Is(err, api.ErrUnknownStatus):
		return cli.Usagef("--status: %s", strings.TrimPrefix(err.Error(), "api: "))
	case err != nil && !found:
		return err
	}
	if err := c.write(violations); err != nil {
		return err
	}
	if found {
		if name == "-" {
			name = "the standard input"
		}
		return &cli.ExitError{Code: cli.ExitFailed, Err: fmt.Errorf("%s breaks the contract: %s",
			name, human.Plural(int64(len(violations)), "violation", "violations"))}
	}
	return nil
}

// read reads no more than is judged anywhere else: a pipe has no end that one could wait for.
func (c *command) read(name string) ([]byte, error) {
	in := c.app.Stdin
	if name != "-" {
		file, err := os.Open(name) //nolint:gosec // the user names the file
		if err != nil {
			return nil, err
		}
		defer func() { _ = file.Close() }()
		in = file
	}
	body, err := io.ReadAll(io.LimitReader(in, api.DefaultMaxBytes+1))
	if err == nil && len(body) > api.DefaultMaxBytes {
		err = fmt.Errorf("it is longer than %s, the most that is judged: give a page of fewer jobs", human.Bytes(api.DefaultMaxBytes))
	}
	return body, err
}

func (c *command) write(violations api.Violations) error {
	if c.output.String() == "json" {
		list := violations
		if list == nil {
			list = api.Violations{}
		}
		return cli.WriteJSON(c.app.Stdout, list)
	}
	for _, v := range violations {
		if _, err := fmt.Fprintln(c.app.Stdout, v); err != nil {
			return err
		}
	}
	return nil
}

// operations returns the names of the contract's operations, in order.
func operations() []string { return slices.Sorted(maps.Keys(statuses())) }

// completeStatus offers the statuses that the contract names for the operation.
func (c *command) completeStatus(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return statuses()[c.operation], cobra.ShellCompDirectiveNoFileComp
}

// statuses returns the statuses that the contract names for each operation; nothing where the contract
// is broken, which running the command tells.
func statuses() map[string][]string {
	doc, err := api.Load()
	if err != nil {
		return nil
	}
	found := make(map[string][]string)
	for _, item := range doc.Paths.Map() {
		for _, operation := range item.Operations() {
			named := slices.DeleteFunc(operation.Responses.Keys(), func(status string) bool { return status == "default" })
			slices.Sort(named)
			found[operation.OperationID] = named
		}
	}
	return found
}
