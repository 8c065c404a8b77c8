package cmdutil

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	d365backup "github.com/d365backup/d365backup/wrapper"
)

// The exit codes of every command, unless its help documents others.
const (
	ExitOK          = 0   // success
	ExitFailed      = 1   // failure
	ExitUsage       = 2   // usage error: an unknown flag, an invalid value, missing configuration
	ExitState       = 3   // report: some backup is at or beyond the --fail-on state
	ExitInterrupted = 130 // interrupted before the end, for example by Ctrl-C
)

// ExitError is an error with an exit code. Without Err there is no message.
type ExitError struct {
	Code int
	Err  error
}

// Usagef returns an error in the command line, the environment or the configuration file.
func Usagef(format string, args ...any) error {
	return &ExitError{ExitUsage, fmt.Errorf(format, args...)}
}

// Error returns the message.
func (e *ExitError) Error() string { return fmt.Sprint(e.Err) }

// Unwrap returns the cause.
func (e *ExitError) Unwrap() error { return e.Err }

// ExitCode returns the exit code for the error of a command that ran in this context, and the message for the standard
// error, if any.
func (a *App) ExitCode(ctx context.Context, err error) (code int, message string) {
	exit, isExit := errors.AsType[*ExitError](err)
	switch {
	case isExit && (exit.Err == nil || errors.Is(exit.Err, errReaderGone)):
		return exit.Code, ""
	case err == nil, errors.Is(err, errReaderGone):
		return ExitOK, ""
	case isExit:
		return exit.Code, a.Explain(err)
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return ExitInterrupted, "interrupted"
	case errors.Is(err, d365backup.ErrConfig):
		return ExitUsage, a.Explain(err)
	}
	return ExitFailed, a.Explain(err)
}

// Explain returns the message of an error. For an error of the client it consists of the facts, and advice in terms of
// flags and variables.
func (a *App) Explain(err error) string {
	clientErr, ok := errors.AsType[*d365backup.Error](err)
	if !ok {
		return err.Error()
	}
	text := clientErr.Facts()
	if errors.Is(clientErr.Kind, d365backup.ErrConfig) {
		text = problem(clientErr)
	} else if advice := a.advice(clientErr); advice != "" {
		text += "; " + advice
	}
	return strings.Replace(err.Error(), clientErr.Error(), text, 1) // other text around it stays
}

// flagOf maps the settings of the client to flags.
var flagOf = map[string]string{
	"WithPageSize": "page-size", "Query.Type": "type", "Query.Status": "status", "Query.Start": "start", "Query.End": "end",
	"Query.OrganizationID": "org", "Query.ObjectType": "object-type",
}

// problem returns the message of a configuration error of the client, in terms of flags. Package config explains those
// about the connection.
func problem(err *d365backup.Error) string {
	field, isPolicy := strings.CutPrefix(err.Setting, "Policy.")
	switch flag := flagOf[err.Setting]; {
	case flag != "":
		return "--" + flag + ": " + err.Message
	case isPolicy: // of a flag or a profile
		names := strings.NewReplacer("MaxAge", "maximum age", "Expected", "expected organizations", "Ignored", "ignored organizations")
		return names.Replace(field) + ": " + err.Message
	case err.Setting != "": // an environment variable
		return err.Setting + ": " + err.Message
	}
	return err.Message
}

// address returns where the address of a request was set, or an empty string.
func (a *App) address(ofToken bool) string {
	names := []string{"base-url", "data-center"}
	if ofToken {
		names = []string{"token-url", "base-url", "data-center"}
	}
	for _, name := range names {
		if _, origin := a.profile.Get(name); origin != "" {
			return origin
		}
	}
	return ""
}

// advice returns what to try next; empty if the error says it.
func (a *App) advice(err *d365backup.Error) string {
	switch kind := err.Kind; {
	case kind == nil:
		return ""
	case errors.Is(kind, d365backup.ErrIncomplete):
		return "try again, or with a shorter time range"
	case errors.Is(kind, d365backup.ErrThrottled):
		return "try again later, and look for other programs that use the same app"
	case errors.Is(kind, d365backup.ErrServer):
		return "try again later"
	case !err.TokenRequest && (errors.Is(kind, d365backup.ErrTooLarge) || errors.Is(kind, d365backup.ErrTruncated)):
		return "try a shorter time range, or fewer jobs at a time ('d365backup jobs --page-size')"
	}
	// These are the reasons that a wrong address can have.
	addressReasons := []string{
		"unknown-host", "unreachable", "not-tls", "tls-wrong-host", "redirect", "login-page", "not-jobs", "not-found", "token-url",
	}
	var advice []string
	if errors.Is(err.Kind, d365backup.ErrNotFound) && err.Setting == "WithAPI" {
		advice = append(advice, "try --api graph, the replacement of version v1")
	}
	reported := errors.Is(err.Kind, d365backup.ErrNotJobs) && err.ServiceMessage != "" // by the service, so the address is right
	if origin := a.address(err.TokenRequest); origin != "" && !reported && slices.Contains(addressReasons, err.Reason) {
		advice = append(advice, "check "+origin)
	}
	if len(advice) == 0 {
		return "run 'd365backup doctor' to find the cause"
	}
	return strings.Join(advice, ", ") + ", or run 'd365backup doctor' to find the cause"
}

// explained is an error with its explanation as text.
type explained struct {
	error
	text string
}

func (e explained) Error() string { return e.text }
func (e explained) Unwrap() error { return e.error }

// Explained returns the error with what Explain returns as its text; nil for nil.
func (a *App) Explained(err error) error {
	if err == nil {
		return nil
	}
	return explained{err, a.Explain(err)}
}
