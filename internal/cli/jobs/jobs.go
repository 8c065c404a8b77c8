// Package jobs is the command "jobs": it lists jobs, as a table or for machines, and watches them.
package jobs

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/d365backup/d365backup/internal/cli/cmdutil"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// command is what the flags ask for.
type command struct {
	app        *cmdutil.App
	connection cmdutil.Connection
	filter     cmdutil.Filter
	times      cmdutil.TimeRange
	pageSize   cmdutil.PageSize
	output     format
	columns    []string
	sort       []string
	limit      int
	follow     bool
	interval   cmdutil.Span
}

// New returns the command.
func New(app *cmdutil.App) *cobra.Command {
	c := &command{app: app, output: formatTable}
	cmd := &cobra.Command{
		Use:   "jobs",
		Short: "List the jobs of a time range, or watch them",
		Long: `Lists the jobs of a time range, by default the last 24 hours, in the service's
order. Which of a job's times counts for the range is not documented.

The table is for people: it fits the screen, and leaves columns out where there
is no room. The other formats are for programs: json and ndjson have every field
of a job, csv too unless --columns says otherwise, under the names of the
contract and with times in UTC. Types and statuses are words in all of them: this
is the command's own format, since the service sends numbers. A list that broke
off ends with an error and a code other than 0; JSON also lacks the closing
bracket.

What was tolerated in the responses, such as a status that is not known, is noted
in one line on the standard error.

Names in csv are as the service gives them. A spreadsheet takes one that begins
with =, +, - or @ for a formula when it opens the file: import it, with all
columns as text.

With --follow it goes on: it asks again at every interval, and writes each job
that is new or has another status. It survives outages, and ends when it is
interrupted.

--follow and --sort hold jobs in memory: more than 250,000 of them are an error.`,
		Example: `  d365backup jobs --sandbox
  d365backup jobs --since 7d --status Failed
  d365backup jobs --start 2026-10-01 --end 2027-01-01 --utc -o csv > quarter.csv
  d365backup jobs --since 30d --type Backup --sort -backupSize --limit 10
  d365backup jobs -o ndjson | jq 'select(.failedRecord > 0)'
  d365backup jobs --follow --status Failed`,
		Args: cmdutil.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.run(cmd.Context(), cmd.Flags().Changed)
		},
	}
	c.times.AddFlags(cmd)
	c.filter.AddFlags(cmd)
	c.addFlags(cmd)
	c.pageSize.AddFlag(cmd)
	c.connection.AddFlags(cmd)
	return cmd
}

func (c *command) addFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.IntVar(&c.limit, "limit", 0, "stop after this `number` of jobs; 0 for all")
	flags.VarP(&c.output, "output", "o", "format: table, json, ndjson, csv")
	flags.StringSliceVar(&c.columns, "columns", nil, "`fields` to show in table or csv, such as startTime,status,jobId")
	flags.StringSliceVar(&c.sort, "sort", nil, "`fields` to sort by, such as organizationName,-startTime; a minus for falling values")
	flags.BoolVarP(&c.follow, "follow", "f", false, "go on, and write jobs as they appear or change status")
	c.interval = cmdutil.Span(time.Minute)
	flags.Var(&c.interval, "interval", "`time` between two looks with --follow")
	for flag, complete := range map[string]cobra.CompletionFunc{
		"output":   cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp),
		"columns":  completeList(fieldNames()),
		"sort":     completeList(append(fieldNames(), falling(fieldNames())...)),
		"limit":    cobra.NoFileCompletions,
		"interval": cobra.NoFileCompletions,
	} {
		_ = cmd.RegisterFlagCompletionFunc(flag, complete)
	}
}

// plan is what is to be done, found valid.
type plan struct {
	query   d365backup.Query
	start   time.Time
	end     time.Time
	order   func(a, b job) int // nil: the service's
	columns []field            // nil: those of the format
}

func (c *command) run(ctx context.Context, changed func(string) bool) error {
	plan, err := c.plan(changed)
	if err != nil {
		return err
	}
	progress, drift := c.progress(), cmdutil.NewDrift(c.app)
	client, closeClient, err := c.connection.Client(c.app, append(c.options(progress), drift.Option())...)
	if err != nil {
		return err
	}
	defer drift.Note()
	if c.follow {
		f := follower{
			app: c.app, drift: drift, list: client.Jobs, filter: plan.query, window: plan.end.Sub(plan.start),
			interval: time.Duration(c.interval), limit: c.limit, progress: progress, printer: c.printer(plan, progress),
		}
		return errors.Join(f.run(ctx), closeClient())
	}
	err = c.list(drift.Watch(client.Jobs(ctx, plan.query)), plan, progress)
	return errors.Join(err, closeClient())
}

// plan finds the faults of the flags before any request.
func (c *command) plan(changed func(string) bool) (p plan, err error) {
	switch {
	case c.limit < 0:
		return p, cmdutil.Usagef("--limit %d makes no sense: use 1 or more, or 0 for all", c.limit)
	case len(c.columns) > 0 && (c.output == formatJSON || c.output == formatNDJSON):
		return p, cmdutil.Usagef("--columns is for table and csv: %s has every field", c.output)
	case c.follow && c.output == formatJSON:
		return p, cmdutil.Usagef("--follow never ends, as a JSON array must: use -o ndjson")
	case c.follow && len(c.sort) > 0:
		return p, cmdutil.Usagef("--follow writes jobs as they come and cannot sort them: leave --sort out")
	case c.follow && c.times.Ends():
		return p, cmdutil.Usagef("--follow has no end: leave --end out")
	case c.follow && time.Duration(c.interval) < time.Second:
		return p, cmdutil.Usagef("--interval %s is too short: use 1s or more", c.interval.String())
	case !c.follow && changed("interval"):
		return p, cmdutil.Usagef("--interval is for --follow")
	}
	if len(c.sort) > 0 {
		if p.order, err = orderOf(c.sort); err != nil {
			return p, cmdutil.Usagef("--sort: %w", err)
		}
	}
	if len(c.columns) > 0 {
		if p.columns, err = fieldsOf(c.columns); err != nil {
			return p, cmdutil.Usagef("--columns: %w", err)
		}
	}
	p.start, p.end, err = c.times.Resolve(time.Now())
	p.query = c.filter.Query()
	p.query.Start, p.query.End = p.start, p.end
	return p, err
}

// options are those of the client, beyond its settings.
func (c *command) options(progress *cmdutil.Progress) []d365backup.Option {
	return append(c.pageSize.Options(), d365backup.WithProgress(func(p d365backup.Progress) {
		progress.Update(p.Jobs, p.TotalCount, p.Pages)
	}))
}

// progress returns the progress line, unless it would fight with the jobs for the screen.
func (c *command) progress() *cmdutil.Progress {
	if c.app.StdoutScreen.Terminal && c.output != formatTable {
		return nil
	}
	return cmdutil.NewProgress(c.app)
}

func (c *command) printer(p plan, progress *cmdutil.Progress) printer {
	out := c.app.Stdout
	if c.app.StdoutScreen.Terminal { // the same screen, most likely
		out = progress.Writer(out)
	}
	switch c.output {
	case formatNDJSON:
		return &linePrinter{out: out}
	case formatJSON:
		return &arrayPrinter{out: out}
	case formatCSV:
		columns := p.columns
		if columns == nil {
			columns = fields
		}
		return &csvPrinter{out: csv.NewWriter(out), terminal: c.app.StdoutScreen.Terminal, fields: columns}
	}
	columns := p.columns
	if columns == nil {
		columns, _ = fieldsOf(defaultColumns)
	}
	return &tablePrinter{out: out, screen: c.app.StdoutScreen, zone: c.times.Zone(), fields: columns, droppable: p.columns == nil}
}

// list writes the jobs once.
func (c *command) list(source iter.Seq2[job, error], p plan, progress *cmdutil.Progress) error {
	defer progress.Clear()
	out, limit := c.printer(p, progress), c.limit
	if p.order != nil {
		sorted, err := collect(bounded(source, "--sort"))
		if err != nil {
			return err
		}
		slices.SortStableFunc(sorted, p.order)
		source = all(sorted)
	}
	what := listed{start: p.start, end: p.end}
	written := 0
	for j, err := range source {
		if err != nil {
			return errors.Join(err, out.flush())
		}
		if limit > 0 && written == limit {
			what.limited = true
			break
		}
		if err := out.print(j); err != nil {
			return err
		}
		written++
	}
	return out.close(what)
}

// maxHeld bounds how many jobs are held in memory, up to some 300 MB of them.
const maxHeld = 250_000

var errTooMany = errors.New("too many jobs")

// bounded ends in an error that names the flag if there are more jobs than can be held.
func bounded(source iter.Seq2[job, error], flag string) iter.Seq2[job, error] {
	return func(yield func(job, error) bool) {
		held := 0
		for j, err := range source {
			if held++; err == nil && held > maxHeld {
				yield(j, fmt.Errorf("%w: %s holds at most %d in memory: choose a shorter time range", errTooMany, flag, maxHeld))
				return
			}
			if !yield(j, err) {
				return
			}
		}
	}
}

func collect(source iter.Seq2[job, error]) (jobs []job, err error) {
	for j, err := range source {
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, j)
	}
	return jobs, nil
}

func all(jobs []job) iter.Seq2[job, error] {
	return func(yield func(job, error) bool) {
		for _, j := range jobs {
			if !yield(j, nil) {
				return
			}
		}
	}
}
