package cli

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/d365backup/d365backup/health"
	"github.com/d365backup/d365backup/internal/cli/cmdutil"
	"github.com/d365backup/d365backup/internal/report"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// reportCommand is the flags of the command "report".
type reportCommand struct {
	app        *cmdutil.App
	connection cmdutil.Connection
	times      cmdutil.TimeRange
	output     string
	maxAge     time.Duration
}

func newReport(app *cmdutil.App) *cobra.Command {
	c := &reportCommand{app: app, times: cmdutil.TimeRange{Default: "30d"}} // long enough to show trends
	cmd := &cobra.Command{
		Use:   "report",
		Short: "Summarize jobs: is every organization backed up",
		Long: `Summarizes the jobs of a time range, overall and per organization: the success
rate per day, jobs by type and status, the size of backups, how long they take,
the longest gap since a good backup, and failures with the records not backed up.

Without -o the report is text on the standard output. An HTML report is one file
without external resources: open it from disk or send it by mail.

A report that may lack jobs says so at its beginning, and the exit code is 1.`,
		Example: `  d365backup report --sandbox
  d365backup report --since 90d -o quarter.html
  d365backup report --start 2026-10-01 --end 2026-11-01 -o october.md`,
		Args: cmdutil.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.run(cmd.Context()) },
	}
	c.times.AddFlags(cmd)
	cmd.Flags().StringVarP(&c.output, "output", "o", "-", "`file` to write, .html or .md; - for text on the standard output")
	cmd.Flags().Var(cmdutil.NewDuration("36h", &c.maxAge), "max-age", "maximum acceptable `age` of the last good backup, such as 36h or 2d")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]cobra.Completion{"html", "md"}, cobra.ShellCompDirectiveFilterFileExt))
	cmdutil.Complete(cmd, "max-age")
	c.connection.AddFlags(cmd)
	return cmd
}

func (c *reportCommand) run(ctx context.Context) error {
	now := time.Now()
	start, end, err := c.times.Resolve(now)
	if err != nil {
		return err
	}
	if c.output != "-" {
		if formatOf(c.output) == "" {
			return cmdutil.Usagef("--output: the name %q must end in .html or .md", c.output)
		}
		if err := report.CheckFile(c.output); err != nil {
			return cmdutil.Usagef("--output: %w", err)
		}
	}
	progress, drift := cmdutil.NewProgress(c.app), cmdutil.NewDrift(c.app)
	defer drift.Report()
	client, closeService, err := c.connection.Client(c.app, progress.Option(), drift.Option())
	if err != nil {
		return err
	}
	jobs := drift.Watch(client.Jobs(ctx, d365backup.Query{Start: start, End: end}))
	summary, err := health.Assess(jobs, health.Policy{Start: start, End: end, Location: c.times.Zone(), Now: now, MaxAge: c.maxAge})
	progress.Clear()
	if err != nil && !errors.Is(err, d365backup.ErrIncomplete) {
		return errors.Join(err, closeService()) // after any other error, too many jobs may be missing
	}
	r := report.Report{
		Tenants: []report.Tenant{{Summary: summary}}, Version: "(devel)", Now: now, Location: c.times.Zone(), Width: c.app.StdoutScreen.Width,
	}
	if c.output == "-" {
		return errors.Join(err, r.Write(c.app.Stdout, report.Table), closeService())
	}
	saveErr := report.WriteFile(c.output, func(w io.Writer) error { return r.Write(w, formatOf(c.output)) })
	if saveErr == nil {
		c.app.Notef("%s written: %s", c.output, summary.Reason)
	}
	return errors.Join(err, saveErr, closeService())
}

// formatOf returns the format that the name of a file stands for; "" if there is none.
func formatOf(path string) report.Format {
	switch filepath.Ext(path) {
	case ".html", ".htm":
		return report.HTML
	case ".md", ".markdown":
		return report.Markdown
	default:
		return ""
	}
}
