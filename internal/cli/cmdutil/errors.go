package cmdutil

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

// ExitCode returns the code to exit with, and what to say on the standard error; nothing if it is
// empty. The context is the one that the command ran in.
func (a *App) ExitCode(ctx context.Context, err error) (code int, message string) {
	if err == nil {
		return ExitOK, ""
	}
	if own, ok := errors.AsType[*ExitError](err); ok {
		if own.Err == nil {
			return own.Code, ""
		}
		return own.Code, a.Explain(own.Err)
	}
	if out, ok := errors.AsType[*OutputError](err); ok && out.ReaderGone() {
		return ExitOK, ""
	}
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return ExitInterrupted, "interrupted"
	}
	if _, ok := errors.AsType[*UsageError](err); ok || errors.Is(err, d365backup.ErrConfig) {
		return ExitUsage, a.Explain(err)
	}
	return ExitFailed, a.Explain(err)
}

// Explain returns the text of an error. That of the library is given as its facts, with advice in flags and variables.
func (a *App) Explain(err error) string {
	own, ok := errors.AsType[*d365backup.Error](err)
	if !ok {
		return err.Error()
	}
	text := own.Facts()
	if errors.Is(own.Kind, d365backup.ErrConfig) {
		text = a.settings.problem(own)
	} else if advice := a.advice(own); advice != "" {
		text += "; " + advice
	}
	return strings.Replace(err.Error(), own.Error(), text, 1) // err may say more around it
}

// advice returns what to try next; empty if the error says it.
func (a *App) advice(err *d365backup.Error) string {
	var advice string
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
	case errors.Is(kind, d365backup.ErrNotFound) && err.Setting == "WithAPI":
		advice = "try --api graph, the replacement of version v1, "
	}
	isReport := errors.Is(err.Kind, d365backup.ErrNotJobs) && err.ServiceMessage != "" // the address is right
	if origin := a.settings.address(err.TokenRequest); addressReasons[err.Reason] && origin != "" && !isReport {
		advice += "check " + origin + ", "
	}
	if advice != "" {
		advice += "or "
	}
	return advice + "run 'd365backup doctor' to find the cause"
}

// addressReasons are the reasons that a wrong address can have.
var addressReasons = map[string]bool{
	"unknown-host": true, "unreachable": true, "not-tls": true, "tls-wrong-host": true, "redirect": true, "login-page": true,
	"not-jobs": true, "not-found": true, "token-url": true,
}
