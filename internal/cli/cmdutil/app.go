// Package cmdutil is what the subcommands share: the streams, the connection, common flags,
// and errors with exit codes.
package cmdutil

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/term"

	"github.com/d365backup/d365backup/config"
	"github.com/d365backup/d365backup/internal/human"
)

// App is the environment of a command, which uses nothing else of the process. So a test can run any command.
type App struct {
	Stdin io.Reader
	// Stdout is for data, and Stderr for everything else.
	Stdout, Stderr io.Writer
	// StdoutScreen and StderrScreen describe what the two streams are connected to.
	StdoutScreen, StderrScreen Screen

	env     map[string]string
	profile config.Profile // the connection in use, so that errors can say where it was set
}

// NewApp returns an App for these streams and an environment in the form of os.Environ.
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

// For returns an App whose errors refer to the settings of a profile.
func (a *App) For(profile config.Profile) *App {
	own := *a
	own.profile = profile
	return &own
}

// Getenv returns an environment variable. An empty one is the same as one that is not set.
func (a *App) Getenv(name string) string { return a.env[name] }

// Setting returns a setting of the connection in use by the name of its flag. It is empty with --sandbox.
func (a *App) Setting(name string) string {
	value, _ := a.profile.Get(name)
	return value
}

// StdoutFile returns the standard output if it is a regular file, or nil.
func (a *App) StdoutFile() *os.File {
	wrapped, _ := a.Stdout.(output)
	file, ok := wrapped.Writer.(*os.File)
	if !ok {
		return nil
	}
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	return file
}

// Notef writes a line to the standard error, wrapped to fit a terminal.
func (a *App) Notef(format string, args ...any) {
	fmt.Fprintln(a.Stderr, human.Wrap(fmt.Sprintf(format, args...), a.StderrScreen.Width))
}

// output tells errors of writing from all others.
type output struct{ io.Writer }

// errReaderGone is the error if the reader of the output has closed it, as head does.
var errReaderGone = errors.New("the reader of the output is gone")

func (o output) Write(p []byte) (int, error) {
	const windowsBrokenPipe, windowsNoData = syscall.Errno(109), syscall.Errno(232)
	n, err := o.Writer.Write(p)
	switch {
	case err == nil:
		return n, nil
	case errors.Is(err, syscall.EPIPE), errors.Is(err, io.ErrClosedPipe),
		runtime.GOOS == "windows" && (errors.Is(err, windowsBrokenPipe) || errors.Is(err, windowsNoData)):
		return n, errReaderGone
	}
	return n, fmt.Errorf("the output cannot be written: %w", err)
}

// Screen describes what a stream is connected to. The zero value is no terminal.
type Screen struct {
	Terminal bool
	// Width is the number of columns; 0 if there is no limit.
	Width int
	Color bool
	// Cursor reports whether a line can be overwritten.
	Cursor bool
}

func screenOf(stream any, getenv func(string) string) Screen {
	file, ok := stream.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return Screen{}
	}
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil || width <= 0 {
		width = 80
	}
	return terminal(width, getenv)
}

// terminal returns the screen of a terminal. NO_COLOR counts with any value that is not empty (no-color.org).
func terminal(width int, getenv func(string) string) Screen {
	dumb := getenv("TERM") == "dumb"
	return Screen{Terminal: true, Width: width, Color: !dumb && getenv("NO_COLOR") == "", Cursor: !dumb}
}
