package cli

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/d365backup/d365backup/health"
	"github.com/d365backup/d365backup/internal/cli/cmdutil"
	"github.com/d365backup/d365backup/internal/cli/verdict"
	"github.com/d365backup/d365backup/internal/report"
)

// reportCommand is the flags of the command "report".
type reportCommand struct {
	app    *cmdutil.App
	flags  verdict.Flags
	times  cmdutil.TimeRange
	format *cmdutil.Value
	file   string
	failOn health.State // 0: never
}

func newReport(app *cmdutil.App) *cobra.Command {
	c := &reportCommand{app: app, times: cmdutil.TimeRange{Default: "30d"}} // long enough to show trends
	cmd := &cobra.Command{
		Use:   "report",
		Short: "Report whether every organization is backed up",
		Long: `Reports whether every organization is backed up: the answer first, then each day
and the figures of every organization and module in the time range.

The state of a backup does not depend on the time range: jobs are read for the
whole look-back period, so that an organization that has stopped does not disappear.
'd365backup help states' explains the states.

An HTML report is one file without external resources: open it from disk or send
it by mail. JSON is for programs.

The exit code is 0 whatever the states, unless --fail-on is given: then it is 3 if
a state is that bad or worse. It is 1 if jobs could not be read or may be missing;
the report says so at its beginning.`,
		Example: `  d365backup report --sandbox
  d365backup report --since 90d -o html --file quarter.html
  d365backup report --start 2026-10-01 --end 2026-11-01 -o md > october.md
  d365backup report --profile all --fail-on unknown`,
		Args: cmdutil.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.run(cmd.Context(), cmd.Root().Version) },
	}
	c.times.AddFlags(cmd)
	flags := cmd.Flags()
	formats := []string{string(report.Table), string(report.HTML), string(report.Markdown), string(report.JSON)}
	c.format = cmdutil.NewValue("format", formats[0], func(text string) error { return checkFormat(text, formats) })
	flags.VarP(c.format, "output", "o", "`format`: "+strings.Join(formats, ", "))
	cmdutil.Complete(cmd, "output", formats...)
	flags.StringVar(&c.file, "file", "", "`file` to write instead of the standard output")
	var states []string
	for state := health.Warning; state <= health.Missing; state++ {
		states = append(states, state.String())
	}
	flags.Var(cmdutil.NewValue("state", "", func(text string) error {
		i := slices.Index(states, text)
		if i < 0 {
			return errors.New("use one of " + strings.Join(states, ", "))
		}
		c.failOn = health.Warning + health.State(i)
		return nil
	}), "fail-on", "exit with 3 if a `state` is that bad or worse: "+strings.Join(states, ", "))
	cmdutil.Complete(cmd, "fail-on", states...)
	c.flags.AddFlags(cmd, "max-age", "")
	return cmd
}

// checkFormat accepts a format. Until version 1, the flag took a file, whose name said which format.
func checkFormat(text string, formats []string) error {
	if slices.Contains(formats, text) {
		return nil
	}
	err := "use one of " + strings.Join(formats, ", ")
	if strings.ContainsAny(text, `./\\`) || text == "-" {
		err = "this flag is the format now, and --file the file: " + err
	}
	return errors.New(err)
}

func (c *reportCommand) run(ctx context.Context, version string) error {
	now := time.Now()
	window := verdict.Window{Location: c.times.Zone()}
	var err error
	if window.Start, window.End, err = c.times.Resolve(now); err != nil {
		return err
	}
	if !c.times.HasEnd() {
		window.End = time.Time{}
	}
	if err := c.checkFile(); err != nil {
		return err
	}
	tenants, err := c.flags.Read(ctx, c.app, now, window)
	if err != nil {
		return err
	}
	r := report.Report{Version: version, Now: now, Location: window.Location, Width: c.app.StdoutScreen.Width}
	for _, t := range tenants {
		r.Tenants = append(r.Tenants, t.Tenant)
	}
	failure := verdict.Failures(tenants)
	if len(tenants) == 1 && tenants[0].Err != nil {
		return c.result(health.Unknown, failure, nil) // there is nothing to report
	}
	state, _ := r.Verdict()
	return c.result(state, failure, c.write(r))
}

// result returns the error for the state, for what could not be read, and for what could not be written.
func (c *reportCommand) result(state health.State, failure, writeErr error) error {
	err := errors.Join(failure, writeErr)
	if c.failOn != 0 && state >= c.failOn {
		return &cmdutil.ExitError{Code: cmdutil.ExitState, Err: err}
	}
	return err
}

func (c *reportCommand) write(r report.Report) error {
	format := report.Format(c.format.String())
	if c.file == "" {
		return r.Write(c.app.Stdout, format)
	}
	r.Width = 0
	err := report.WriteFile(c.file, func(w io.Writer) error { return r.Write(w, format) })
	if err == nil {
		_, reason := r.Verdict()
		c.app.Notef("%s written: %s", c.file, reason)
	}
	return err
}

// checkFile checks the file before any request.
func (c *reportCommand) checkFile() error {
	if c.file == "" {
		return nil
	}
	if c.file == "-" {
		return cmdutil.Usagef("--file -: leave the flag out to write to the standard output")
	}
	extension := strings.TrimPrefix(strings.ToLower(filepath.Ext(c.file)), ".")
	for _, format := range []string{"html", "md", "json"} {
		if extension == format && c.format.String() != format {
			return cmdutil.Usagef("--file %s: the format is %s: add -o %s, or choose another name", c.file, c.format, format)
		}
	}
	if err := report.CheckFile(c.file); err != nil {
		return cmdutil.Usagef("--file: %w", err)
	}
	return nil
}
