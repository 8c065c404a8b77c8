// Package cmdutil is what the commands share: the streams and the screen, the settings that lead to a
// client, the flags that say which jobs are meant, and errors with exit codes. No command lives here, and
// how figures look to people is package human.
package cmdutil

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"

	"github.com/d365backup/d365backup/internal/human"
)

// App is the world that a command runs in. Nothing else of the process is asked or written to, so
// that a test can run any command.
type App struct {
	// Stdin is the standard input.
	Stdin io.Reader
	// Stdout takes data, and Stderr all else.
	Stdout, Stderr io.Writer
	// StdoutScreen and StderrScreen say what the two streams are connected to.
	StdoutScreen, StderrScreen Screen

	env      map[string]string
	settings Settings // those that the command has opened, for what errors call them
}

// NewApp returns an App for these streams and an environment of the form of os.Environ.
func NewApp(env []string, stdin io.Reader, stdout, stderr io.Writer) *App {
	a := &App{Stdin: stdin, Stdout: output{stdout}, Stderr: stderr, env: make(map[string]string, len(env))}
	for _, entry := range env {
		name, value, _ := strings.Cut(entry, "=")
		a.env[name] = value
	}
	a.StdoutScreen = screenOf(stdout, a.Getenv)
	a.StderrScreen = screenOf(stderr, a.Getenv)
	return a
}

// Getenv returns a variable of the environment; empty is the same as not set.
func (a *App) Getenv(name string) string { return a.env[name] }

// Notef writes to the standard error: a line, which a terminal shows broken between words.
func (a *App) Notef(format string, args ...any) {
	fmt.Fprintln(a.Stderr, human.Wrap(fmt.Sprintf(format, args...), a.StderrScreen.Width))
}

// output marks the errors of writing, to tell them from all others.
type output struct{ io.Writer }

func (o output) Write(p []byte) (int, error) {
	n, err := o.Writer.Write(p)
	if err != nil {
		err = &OutputError{err}
	}
	return n, err
}

// OutputError is a failure to write to the standard output.
type OutputError struct{ Err error }

// Error says that the output failed, and why.
func (e *OutputError) Error() string { return fmt.Sprintf("the output cannot be written: %v", e.Err) }

// Unwrap returns the cause.
func (e *OutputError) Unwrap() error { return e.Err }

// ReaderGone reports whether whoever read the output has had enough, as head does.
func (e *OutputError) ReaderGone() bool {
	return errors.Is(e.Err, syscall.EPIPE) || errors.Is(e.Err, io.ErrClosedPipe) || isBrokenPipe(e.Err)
}
