// Package report is the command "report": it sums up the jobs of a time range for people. What is
// summed up and how it looks is package internal/report's.
package report

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/d365backup/d365backup/internal/cli/cmdutil"
	"github.com/d365backup/d365backup/internal/report"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// defaultSpan shows trends, and an organization whose backups have stopped.
const defaultSpan = cmdutil.Span(30 * 24 * time.Hour)

type command struct {
	app        *cmdutil.App
	connection cmdutil.Connection
	times      cmdutil.TimeRange
	output     string
	maxAge     cmdutil.Span
}

// New returns the command.
func New(app *cmdutil.App) *cobra.Command {
	c := &command{app: app, times: cmdutil.TimeRange{Default: defaultSpan}}
	cmd := &cobra.Command{
		Use:   "report",
		Short: "Sum up jobs for people: is every organization backed up",
		Long: `Sums up the jobs of a time range, in all and for each organization: the success
rate per day, jobs by type and status, the size of backups, how long they take,
the longest gap since a good backup, and failures with the records lost.

Without -o the report is text on the standard output. An HTML report is one file
that needs nothing else: open it from a disk or send it by mail.

A report that may lack jobs says so at its head, and the exit code is 1.`,
		Example: `  d365backup report --sandbox
  d365backup report --since 90d -o quarter.html
  d365backup report --start 2026-10-01 --end 2026-11-01 -o october.md`,
		Args: cmdutil.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.run(cmd.Context()) },
	}
	c.times.AddFlags(cmd)
	cmd.Flags().StringVarP(&c.output, "output", "o", "-", "`file` to write, .html or .md; - for text on the standard output")
	c.maxAge = cmdutil.Span(report.DefaultMaxAge)
	cmd.Flags().Var(&c.maxAge, "max-age", "oldest `age` of the last good backup that is fine, such as 36h or 2d")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]cobra.Completion{"html", "md"}, cobra.ShellCompDirectiveFilterFileExt))
	_ = cmd.RegisterFlagCompletionFunc("max-age", cobra.NoFileCompletions)
	c.connection.AddFlags(cmd)
	return cmd
}

func (c *command) run(ctx context.Context) error {
	now := time.Now()
	start, end, err := c.times.Resolve(now)
	if err != nil {
		return err
	}
	if c.output != "-" {
		if _, err := report.FormatOf(c.output); err != nil {
			return cmdutil.Usagef("--output: %w", err)
		}
		if err := report.CheckFolder(c.output); err != nil {
			return cmdutil.Usagef("--output: %w", err)
		}
	}
	progress, drift := cmdutil.NewProgress(c.app), cmdutil.NewDrift(c.app)
	defer drift.Note()
	client, closeClient, err := c.connection.Client(c.app, d365backup.WithProgress(func(p d365backup.Progress) {
		progress.Update(p.Jobs, p.TotalCount, p.Pages)
	}), drift.Option())
	if err != nil {
		return err
	}
	jobs := drift.Watch(client.Jobs(ctx, d365backup.Query{Start: start, End: end}))
	summary, err := report.Collect(jobs, report.Options{Start: start, End: end, Location: c.times.Zone(), Now: now, MaxAge: time.Duration(c.maxAge)})
	progress.Clear()
	if err != nil && !errors.Is(err, d365backup.ErrIncomplete) {
		return errors.Join(err, closeClient()) // what has no jobs, or only some by accident, is no report
	}
	return errors.Join(err, c.write(summary), closeClient())
}

func (c *command) write(summary *report.Summary) error {
	if c.output == "-" {
		return summary.WriteText(c.app.Stdout, c.app.StdoutScreen.Width)
	}
	if err := summary.Save(c.output); err != nil {
		return err
	}
	c.app.Notef("%s written: %s", c.output, summary.Verdict())
	return nil
}
