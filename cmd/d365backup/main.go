// Command d365backup lists and explains the jobs of AvePoint Cloud Backup for Dynamics 365. What it
// does is in internal/cli; this is the way in from the operating system.
package main

import (
	"context"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/d365backup/d365backup/internal/cli"
)

func main() { os.Exit(run()) }

func run() int {
	// net/http writes what follows a response on an idle connection to the standard logger, and a careless server
	// follows with an echo of the request: the token would be on the screen and in every log of the standard error.
	log.SetOutput(io.Discard)
	// A reader that goes away, as head does, then shows as an error of the write.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The first signal asks to stop, the second one ends the process at once.
	context.AfterFunc(ctx, stop)
	return cli.Run(ctx, os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr)
}
