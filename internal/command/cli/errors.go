package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	d365backup "github.com/d365backup/d365backup/wrapper"
)

// The exit codes of every command that documents no others.
const (
	ExitOK          = 0   // it did what it was asked
	ExitFailed      = 1   // it could not
	ExitUsage       = 2   // it was asked wrongly: an unknown flag, a bad value, missing configuration
	ExitInterrupted = 130 // it was stopped before it was done, as by Ctrl-C
)

// UsageError says that the command was asked wrongly: the remedy is in the command line, the
// environment or the configuration file.
type UsageError struct{ Err error }

// Usagef returns a UsageError.
func Usagef(format string, args ...any) error { return &UsageError{fmt.Errorf(format, args...)} }

// Error returns the message.
func (e *UsageError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *UsageError) Unwrap() error { return e.Err }

// ExitError asks for an exit code of a command's own. A nil Err means that all has been said.
type ExitError struct {
	Code int
	Err  error
}

// Error returns the message.
func (e *ExitError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("exit code %d", e.Code)
	}
	return e.Err.Error()
}

// Unwrap returns the cause.
func (e *ExitError) Unwrap() error { return e.Err }

// ExitCode returns the code to exit with, and what to say on the standard error; nothing where it is
// empty. The context is the one that the command ran in.
func ExitCode(ctx context.Context, err error) (code int, message string) {
	if err == nil {
		return ExitOK, ""
	}
	if own, ok := errors.AsType[*ExitError](err); ok {
		if own.Err == nil {
			return own.Code, ""
		}
		return own.Code, Explain(own.Err)
	}
	if out, ok := errors.AsType[*OutputError](err); ok && out.ReaderGone() {
		return ExitOK, ""
	}
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return ExitInterrupted, "interrupted"
	}
	if _, ok := errors.AsType[*UsageError](err); ok || errors.Is(err, d365backup.ErrConfig) {
		return ExitUsage, Explain(err)
	}
	return ExitFailed, Explain(err)
}

// words turns the names of the library into those of the command.
var words = strings.NewReplacer(
	`such as WithDataCenter("us")`, `such as --data-center us`,
	"WithDataCenter", "--data-center",
	"WithBaseURL", "--base-url",
	"WithTokenURL", "--token-url",
	"WithScope", "--scope",
	"WithAPI(APIGraph)", "--api graph",
	"WithAPI", "--api",
	"WithPageSize", "--page-size",
	"Query.Type", "--type",
	"Query.Status", "--status",
	"Query.Start", "--start",
	"Query.End", "--end",
	"Query.OrganizationID", "--org",
	"Query.ObjectType", "--object-type",
)

// Explain returns the text of an error in the words of the command.
func Explain(err error) string {
	text := err.Error()
	for _, noise := range []string{"d365backup: ", d365backup.ErrConfig.Error() + ": "} {
		text = strings.Replace(text, noise, "", 1)
	}
	return words.Replace(text)
}
