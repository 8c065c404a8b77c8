// Package validate is the command "validate": it validates a stored payload against the contract.
package validate

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/d365backup/d365backup/api"
	"github.com/d365backup/d365backup/internal/cli/cmdutil"
	"github.com/d365backup/d365backup/internal/human"
)

// defaultOperation is that of version v1, which this project implements.
const defaultOperation = "getJobs"

// New returns the command.
func New(app *cmdutil.App) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "validate",
		Short: "Validate a payload against the contract",
		Long: `Validates a file, or the standard input, against the contract: the JSON body of
a request, or a response. Nothing is sent.

Each violation is one line: its place, the keyword of the contract, what was
found, what the contract says, and which document says so: seed is the vendor's
page of version v1, earlier the vendor's OpenAPI description before it, later a
page of a later date, inferred none. If the documents contradict each other
there, a hint follows. With -o json the violations are an array of objects,
which is empty for a valid payload.

The exit code is 0 for a valid payload, 1 for one with violations, and 2 if
nothing was checked.`,
		Example: `  d365backup validate request body.json
  d365backup validate response - < page.json
  d365backup validate response --status 400 -o json refusal.json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("%q is not a kind of payload: use request or response", args[0])
			}
			return errors.New("say what to validate: request or response")
		},
		RunE: func(*cobra.Command, []string) error { return nil }, // Args lets nothing through
	}
	cmd.AddCommand(newRequest(app), newResponse(app))
	return cmd
}

func newRequest(app *cmdutil.App) *cobra.Command {
	c := newCommand(app)
	cmd := &cobra.Command{
		Use:   "request FILE",
		Short: "Validate the body of a request",
		Long: `Validates a file, or the standard input for -, as the JSON body of a request. An
operation that takes no body requires an empty file.

A time range that ends before it starts is not a violation, since no document
forbids it; a warning reports it.`,
		Example: `  d365backup validate request body.json
  d365backup validate request -o json - < body.json
  d365backup validate request --media-type text/json body.json`,
		Args: cmdutil.OneArgument("FILE"),
		RunE: func(_ *cobra.Command, args []string) error {
			return c.run(args[0], "request", func(body []byte) error {
				c.warnOfRange(body)
				return api.ValidateRequestAs(c.operation, c.mediaType, body)
			})
		},
	}
	c.addFlags(cmd, "application/json", "text/json")
	return cmd
}

func newResponse(app *cmdutil.App) *cobra.Command {
	c := newCommand(app)
	var status int
	cmd := &cobra.Command{
		Use:   "response FILE",
		Short: "Validate a response",
		Long:  "Validates a file, or the standard input for -, as the response of an operation.",
		Example: `  d365backup validate response page.json
  d365backup validate response --status 400 refusal.json
  d365backup validate response --media-type text/html page.html`,
		Args: cmdutil.OneArgument("FILE"),
		RunE: func(_ *cobra.Command, args []string) error {
			return c.run(args[0], fmt.Sprintf("response %d", status), func(body []byte) error {
				err := api.ValidateResponse(c.operation, status, c.mediaType, body)
				if err == nil && !describesBody(c.operation, status) {
					return cmdutil.Usagef("nothing was checked: the contract does not describe the body of status %d of %s", status, c.operation)
				}
				return err
			})
		},
	}
	c.addFlags(cmd, "application/json", "text/html")
	cmd.Flags().IntVar(&status, "status", 200, "HTTP `status` of the response")
	_ = cmd.RegisterFlagCompletionFunc("status", c.completeStatus)
	return cmd
}

// command is what the flags ask for.
type command struct {
	app       *cmdutil.App
	operation string
	mediaType string
	output    *cmdutil.Choice
}

func newCommand(app *cmdutil.App) *command {
	return &command{app: app, output: cmdutil.NewChoice("text", "json")}
}

// addFlags adds the flags that both kinds of payload have; the shell completes these media types.
func (c *command) addFlags(cmd *cobra.Command, mediaTypes ...cobra.Completion) {
	cmd.Flags().StringVar(&c.operation, "operation", defaultOperation, "`name` of the operation: "+strings.Join(operations(), ", "))
	_ = cmd.RegisterFlagCompletionFunc("operation", cobra.FixedCompletions(operations(), cobra.ShellCompDirectiveNoFileComp))
	cmd.Flags().StringVar(&c.mediaType, "media-type", mediaTypes[0], "Content-Type of the payload, as a media `type`")
	_ = cmd.RegisterFlagCompletionFunc("media-type", cobra.FixedCompletions(mediaTypes, cobra.ShellCompDirectiveNoFileComp))
	c.output.AddOutputFlag(cmd)
}

// run validates the payload in a file as one of this kind.
func (c *command) run(name, kind string, validate func([]byte) error) error {
	body, err := c.read(name)
	if err != nil {
		return cmdutil.Usagef("the payload cannot be read: %w", err)
	}
	if isJobsOutput(body) {
		return cmdutil.Usagef("nothing was checked: this is output of d365backup jobs, which has words for types and statuses. " +
			"It is the command's own format, not a response of the service")
	}
	err = validate(body)
	violations, found := errors.AsType[api.Violations](err)
	switch {
	case errors.Is(err, api.ErrUnknownOperation):
		return cmdutil.Usagef("--operation %q does not exist: use one of %s", c.operation, strings.Join(operations(), ", "))
	case errors.Is(err, api.ErrUnknownStatus):
		return cmdutil.Usagef("--status: %s", strings.TrimPrefix(err.Error(), "api: "))
	case err != nil && !found:
		return err
	}
	if err := c.write(violations); err != nil {
		return err
	}
	if !found && c.output.String() == "text" {
		what := c.mediaType
		if len(body) == 0 {
			what = "no body"
		}
		_, err = fmt.Fprintf(c.app.Stdout, "valid: %s %s, %s\n", c.operation, kind, what)
		return err
	}
	if found {
		if name == "-" {
			name = "the standard input"
		}
		return &cmdutil.ExitError{Code: cmdutil.ExitFailed, Err: fmt.Errorf("%s breaks the contract: %s",
			name, human.Plural(int64(len(violations)), "violation", "violations"))}
	}
	return nil
}

// read reads what the validator would hold of a message.
func (c *command) read(name string) ([]byte, error) {
	input := c.app.Stdin
	if name != "-" {
		file, err := os.Open(name) //nolint:gosec // the user names the file
		if err != nil {
			return nil, err
		}
		defer file.Close()
		input = file
	}
	body, err := io.ReadAll(io.LimitReader(input, api.DefaultMaxBytes+1))
	if err == nil && len(body) > api.DefaultMaxBytes {
		return nil, fmt.Errorf("it is longer than %d MiB, the most that is validated: take a smaller page", api.DefaultMaxBytes>>20)
	}
	return body, err
}

func (c *command) write(violations api.Violations) error {
	if c.output.String() == "json" {
		list := violations
		if list == nil {
			list = api.Violations{}
		}
		return cmdutil.WriteJSON(c.app.Stdout, list)
	}
	for _, v := range violations {
		if _, err := fmt.Fprintln(c.app.Stdout, v); err != nil {
			return err
		}
	}
	return nil
}

// warnOfRange warns if the time range of a request ends before it starts.
func (c *command) warnOfRange(body []byte) {
	var request struct{ StartTime, EndTime time.Time }
	if json.Unmarshal(body, &request) != nil || request.EndTime.IsZero() || !request.EndTime.Before(request.StartTime) {
		return
	}
	c.app.Notef("warning: endTime is before startTime: no job can be in such a time range")
}

// describesBody reports whether the contract describes the body of the responses with this status.
func describesBody(operation string, status int) bool {
	doc, err := api.Load()
	if err != nil {
		return false
	}
	for _, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			if op.OperationID == operation {
				response := cmp.Or(op.Responses.Status(status), op.Responses.Default())
				return response != nil && len(response.Value.Content) > 0
			}
		}
	}
	return false
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
