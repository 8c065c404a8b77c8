package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/d365backup/d365backup/internal/cli/cmdutil"
)

// newManual returns the hidden command that writes the man pages; packaging runs it.
func newManual() *cobra.Command {
	return &cobra.Command{
		Use:     "man DIRECTORY",
		Short:   "Write the man pages into a directory",
		Long:    "Writes a man page for every command into a directory, which is made where it is missing.",
		Example: "  d365backup man ./man && man ./man/d365backup-jobs.1",
		Hidden:  true,
		Args:    cmdutil.OneArgument("DIRECTORY"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil { //nolint:gosec // man pages are for everyone
				return &cmdutil.UsageError{Err: err}
			}
			if err := writeManual(cmd.Root(), args[0]); err != nil {
				return fmt.Errorf("the man pages cannot be written: %w", err)
			}
			return nil
		},
	}
}

func writeManual(root *cobra.Command, dir string) error {
	root.DisableAutoGenTag = true
	// A fixed date, so that the same source gives the same pages.
	header := doc.GenManHeader{Source: "d365backup", Manual: "d365backup", Date: new(time.Unix(0, 0).UTC())}
	if err := doc.GenManTree(root, &header, dir); err != nil {
		return err
	}
	for _, topic := range root.Commands() { // GenManTree leaves help topics out
		if !topic.IsAdditionalHelpTopicCommand() {
			continue
		}
		var page bytes.Buffer
		header.Title, header.Section = "", ""
		if err := doc.GenMan(topic, &header, &page); err != nil {
			return err
		}
		path := filepath.Join(dir, "d365backup-"+topic.Name()+".1")
		if err := os.WriteFile(path, page.Bytes(), 0o644); err != nil { //nolint:gosec // man pages are for everyone
			return err
		}
	}
	return nil
}
