// Command d365backup lists and explains the jobs of AvePoint Cloud Backup for Dynamics 365; internal/cli implements it.
package main

import (
	"os"

	"github.com/d365backup/d365backup/internal/cli"
)

func main() { os.Exit(cli.Main()) }
