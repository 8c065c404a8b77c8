package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/d365backup/d365backup/api"
	"github.com/d365backup/d365backup/internal/cli/cmdutil"
	"github.com/d365backup/d365backup/internal/cli/jobs"
	"github.com/d365backup/d365backup/internal/human"
)

func newValidate(app *cmdutil.App) *cobra.Command {
	cmd := &cobra.Command{
		Use: "validate [command]", DisableFlagsInUseLine: true,
		Short: "Validate a payload against the contract",
		Long: `Validates a file, or the standard input, against the contract: the JSON body of
a request, or a response. Nothing is sent.

Each violation is one line: where it is, which keyword it breaks, what was found,
what the contract says, and the source of the rule:

  seed      the vendor's page of version v1
  earlier   the vendor's OpenAPI description that preceded it
  later     a later page of the vendor
  inferred  no document says so

If the documents contradict each other, a hint follows. With -o json the violations
are an array of objects, which is empty for a valid payload.

The exit code is 0 for a valid payload, 1 for one with violations, and 2 if
nothing was checked.`,
		Example: `  d365backup validate request body.json
  d365backup validate response - < page.json
  d365backup validate response --status 400 -o json refusal.json`,
		Args: cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error { // without it, cobra would accept an unknown kind
			if len(args) > 0 {
				return cmdutil.Usagef("unknown kind of payload %q: use request or response", args[0])
			}
			return cmdutil.Usagef("choose what to validate: request or response")
		},
	}
	cmd.AddCommand(newValidateRequest(app), newValidateResponse(app))
	return cmd
}

func newValidateRequest(app *cmdutil.App) *cobra.Command {
	v := &validator{app: app}
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
			return v.run(args[0], "request", func(body []byte) error {
				var request struct{ StartTime, EndTime time.Time }
				if json.Unmarshal(body, &request) == nil && !request.EndTime.IsZero() && request.EndTime.Before(request.StartTime) {
					v.app.Notef("warning: endTime is before startTime: no job can be in such a time range")
				}
				return api.ValidateRequestAs(v.operation, v.mediaType, body)
			})
		},
	}
	v.addFlags(cmd, "application/json", "text/json")
	return cmd
}

func newValidateResponse(app *cmdutil.App) *cobra.Command {
	v := &validator{app: app}
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
			return v.run(args[0], fmt.Sprintf("response %d", status), func(body []byte) error {
				err := api.ValidateResponse(v.operation, status, v.mediaType, body)
				statuses := operations()[v.operation]
				hasBody, ok := statuses[strconv.Itoa(status)]
				if err == nil && !hasBody && (ok || !statuses["default"]) {
					return cmdutil.Usagef("nothing was checked: the contract does not describe the body of status %d of %s", status, v.operation)
				}
				return err
			})
		},
	}
	v.addFlags(cmd, "application/json", "text/html")
	cmd.Flags().IntVar(&status, "status", 200, "HTTP `status` of the response")
	_ = cmd.RegisterFlagCompletionFunc("status", func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		statuses := slices.Sorted(maps.Keys(operations()[v.operation]))
		return slices.DeleteFunc(statuses, func(s string) bool { return s == "default" }), cobra.ShellCompDirectiveNoFileComp
	})
	return cmd
}

// validator holds the flags of both commands.
type validator struct {
	app       *cmdutil.App
	operation string
	mediaType string
	format    *cmdutil.Value
}

// addFlags adds the flags; shells complete these media types, of which the first one is the default.
func (v *validator) addFlags(cmd *cobra.Command, mediaTypes ...cobra.Completion) {
	cmd.Flags().StringVar(&v.operation, "operation", "getJobs", "`name` of the operation: "+strings.Join(operationNames(), ", "))
	cmdutil.Complete(cmd, "operation", operationNames()...)
	cmd.Flags().StringVar(&v.mediaType, "media-type", mediaTypes[0], "Content-Type of the payload, as a media `type`")
	cmdutil.Complete(cmd, "media-type", mediaTypes...)
	v.format = cmdutil.AddOutputFlag(cmd, "text", "json")
}

// run validates the payload in a file as one of this kind.
func (v *validator) run(name, kind string, validate func([]byte) error) error {
	body, err := v.read(name)
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
		return cmdutil.Usagef("--operation %q does not exist: use one of %s", v.operation, strings.Join(operationNames(), ", "))
	case errors.Is(err, api.ErrUnknownStatus):
		return cmdutil.Usagef("--status: %s", strings.TrimPrefix(err.Error(), "api: "))
	case err != nil && !found:
		return err
	}
	if err := v.write(violations, kind, len(body) == 0); err != nil || !found {
		return err
	}
	if name == "-" {
		name = "the standard input"
	}
	return &cmdutil.ExitError{Code: cmdutil.ExitFailed, Err: fmt.Errorf("%s violates the contract: %s",
		name, human.Plural(int64(len(violations)), "violation", "violations"))}
}

func (v *validator) write(violations api.Violations, kind string, empty bool) error {
	if v.format.String() == "json" {
		return cmdutil.WriteJSON(v.app.Stdout, append(api.Violations{}, violations...))
	}
	var b strings.Builder
	for _, violation := range violations {
		fmt.Fprintln(&b, violation)
	}
	what := v.mediaType
	if empty {
		what = "no body"
	}
	if len(violations) == 0 {
		fmt.Fprintf(&b, "valid: %s %s, %s\n", v.operation, kind, what)
	}
	_, err := io.WriteString(v.app.Stdout, b.String())
	return err
}

// read returns a payload that is not longer than what the validator accepts.
func (v *validator) read(name string) ([]byte, error) {
	input := v.app.Stdin
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
		return nil, fmt.Errorf("it is longer than %d MiB, the maximum: use a smaller page", api.DefaultMaxBytes>>20)
	}
	return body, err
}

// isJobsOutput reports whether a payload is output of "d365backup jobs" in JSON: its first job has every field of the
// contract, and words where the service has numbers.
func isJobsOutput(body []byte) bool {
	body = bytes.TrimLeft(body, " \t\r\n")
	decoder := json.NewDecoder(bytes.NewReader(body))
	if bytes.HasPrefix(body, []byte("[")) {
		_, _ = decoder.Token()
	}
	var job map[string]any
	if decoder.Decode(&job) != nil {
		return false
	}
	_, hasType := job["type"].(string)
	_, hasStatus := job["status"].(string)
	names := jobs.FieldNames()
	return hasType && hasStatus && len(job) == len(names) && !slices.ContainsFunc(names, func(name string) bool {
		_, has := job[name]
		return !has
	})
}

// operations returns the statuses of each operation of the contract, and whether it describes their bodies. There are none
// if the contract is invalid, which the validation reports.
func operations() map[string]map[string]bool {
	doc, err := api.Load()
	if err != nil {
		return nil
	}
	found := make(map[string]map[string]bool)
	for _, item := range doc.Paths.Map() {
		for _, operation := range item.Operations() {
			statuses := make(map[string]bool)
			for status, response := range operation.Responses.Map() {
				statuses[status] = len(response.Value.Content) > 0
			}
			found[operation.OperationID] = statuses
		}
	}
	return found
}

func operationNames() []string { return slices.Sorted(maps.Keys(operations())) }
