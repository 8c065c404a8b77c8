// Package sandboxserver is the command "sandbox": it serves the sandbox until it is interrupted.
package sandboxserver

import (
	"errors"
	"fmt"
	"net"
	"runtime"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/d365backup/d365backup/internal/cli/cmdutil"
	"github.com/d365backup/d365backup/sandbox"
)

// New returns the command.
func New(app *cmdutil.App) *cobra.Command {
	var listen string
	shell := posix
	if runtime.GOOS == "windows" {
		shell = powershell
	}
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: "Serve a stand-in of the service on this machine",
		Long: `Serves a stand-in of the service with an invented history of jobs, on a loopback
address and over plain http, until it is interrupted. Writes the environment
variables that point the other commands at it to the standard output.`,
		Example: `  d365backup sandbox
  d365backup sandbox --listen 127.0.0.1:8080 > sandbox.env &
  source sandbox.env && d365backup jobs`,
		Args: cmdutil.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkAddress(listen); err != nil {
				return err
			}
			server, err := sandbox.Start(sandbox.WithAddr(listen))
			if err != nil {
				return fmt.Errorf("the sandbox cannot start: %w", err)
			}
			if err := announce(app, server, shell); err != nil {
				return errors.Join(err, server.Close())
			}
			<-cmd.Context().Done()
			return server.Close()
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:0", "loopback address to listen on; port 0 takes a free one")
	cmd.Flags().Var(&shell, "shell", "shell to write the variables for: posix, powershell")
	_ = cmd.RegisterFlagCompletionFunc("shell", cobra.FixedCompletions([]cobra.Completion{string(posix), string(powershell)}, cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("listen", cobra.NoFileCompletions)
	return cmd
}

func checkAddress(address string) error {
	host, port, err := net.SplitHostPort(address)
	if _, number := strconv.ParseUint(port, 10, 16); err != nil || number != nil {
		return cmdutil.Usagef("--listen %q is no address: write it like 127.0.0.1:8080", address)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return cmdutil.Usagef("--listen %q is not a loopback address: use 127.0.0.1, [::1] or localhost", address)
	}
	return nil
}

// announce writes where the sandbox is. Its secret opens nothing else.
func announce(app *cmdutil.App, server *sandbox.Server, shell shell) error {
	var b strings.Builder
	for _, v := range [][2]string{
		{"D365BACKUP_BASE_URL", server.URL()},
		{"D365BACKUP_TOKEN_URL", server.TokenURL()},
		{"D365BACKUP_CLIENT_ID", server.ClientID()},
		{"D365BACKUP_CLIENT_SECRET", server.ClientSecret()},
	} {
		fmt.Fprintf(&b, shell.format(), v[0], v[1])
	}
	if _, err := app.Stdout.Write([]byte(b.String())); err != nil {
		return err
	}
	app.Notef("Serving a sandbox on %s. Give the lines above to another shell, and stop with Ctrl-C.", server.URL())
	return nil
}

// shell is the kind of shell that variables are written for.
type shell string

const (
	posix      shell = "posix"
	powershell shell = "powershell"
)

func (s shell) format() string {
	if s == powershell {
		return "$env:%s = '%s'\n"
	}
	return "export %s=%s\n"
}

// Set takes a name.
func (s *shell) Set(text string) error {
	if text != string(posix) && text != string(powershell) {
		return fmt.Errorf("use %s or %s", posix, powershell)
	}
	*s = shell(text)
	return nil
}

// String returns the name.
func (s *shell) String() string { return string(*s) }

// Type is what help calls the value.
func (s *shell) Type() string { return "shell" }
