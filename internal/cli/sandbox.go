package cli

import (
	"errors"
	"fmt"
	"net"
	"runtime"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/d365backup/d365backup/internal/cli/cmdutil"
	"github.com/d365backup/d365backup/sandbox"
)

// shellFormats are how shells set an environment variable.
var shellFormats = map[string]string{"posix": "export %s=%s\n", "powershell": "$env:%s = '%s'\n"}

func newSandbox(app *cmdutil.App) *cobra.Command {
	var listen string
	var faults []sandbox.Fault
	shells := []string{"posix", "powershell"}
	shell := cmdutil.NewChoice("shell", shells...)
	if runtime.GOOS == "windows" {
		_ = shell.Set("powershell")
	}
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: "Serve a local mock of the service",
		Long: `Serves a mock of the service with a generated history of jobs, on a loopback
address and over plain http, until it is interrupted. Writes the environment
variables that make the other commands use it to the standard output.`,
		Example: `  d365backup sandbox
  d365backup sandbox --fault throttled,latency
  d365backup sandbox --listen 127.0.0.1:8080 > sandbox.env &
  source sandbox.env && d365backup jobs`,
		Args: cmdutil.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkAddress(listen); err != nil {
				return err
			}
			server, err := sandbox.Start(sandbox.WithAddr(listen), sandbox.WithFault(faults...))
			if err != nil {
				return fmt.Errorf("the sandbox cannot start: %w", err)
			}
			line := shellFormats[shell.String()]
			_, err = fmt.Fprintf(app.Stdout, line+line+line+line, "D365BACKUP_BASE_URL", server.URL(), "D365BACKUP_TOKEN_URL", server.TokenURL(),
				"D365BACKUP_CLIENT_ID", server.ClientID(), "D365BACKUP_CLIENT_SECRET", server.ClientSecret()) // the secret opens nothing else
			if err != nil {
				return errors.Join(err, server.Close())
			}
			app.Notef("Serving a sandbox on %s. Run the lines above in another shell, and stop with Ctrl-C.", server.URL())
			<-cmd.Context().Done()
			return server.Close()
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:0", "loopback `address` to listen on; port 0 selects a free one")
	cmd.Flags().Var(shell, "shell", "shell to write the variables for: posix, powershell")
	cmdutil.Complete(cmd, "shell", shells...)
	cmdutil.Complete(cmd, "listen")
	addFaultFlag(cmd, &faults)
	return cmd
}

func checkAddress(address string) error {
	host, port, err := net.SplitHostPort(address)
	if _, portErr := strconv.ParseUint(port, 10, 16); err != nil || portErr != nil {
		return cmdutil.Usagef("--listen: invalid address %q: write it like 127.0.0.1:8080", address)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return cmdutil.Usagef("--listen: %q is not a loopback address: use 127.0.0.1, [::1] or localhost", address)
	}
	return nil
}
