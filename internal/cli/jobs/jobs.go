// Package jobs is the command "jobs": it lists jobs as a table or for programs, and follows them.
package jobs

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/d365backup/d365backup/health"
	"github.com/d365backup/d365backup/internal/cli/cmdutil"
	"github.com/d365backup/d365backup/internal/cli/verdict"
	"github.com/d365backup/d365backup/internal/human"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// command holds the flags and what is made from them.
type command struct {
	app        *cmdutil.App
	connection cmdutil.Connection
	times      cmdutil.TimeRange
	query      d365backup.Query
	// organization is the name in --org, from which run makes query.OrganizationID.
	organization string
	objectType   int32
	pageSize     int // 0: that of the client
	output       *cmdutil.Value
	columns      []string
	sort         []string
	limit        int
	follow       bool
	interval     time.Duration
	// sinceLast is the state file of an incremental export.
	sinceLast string
	bom       bool

	order  func(a, b job) int // nil: that of the service
	fields []field            // nil: those of the format

	continued bool // the output has rows already
}

// New returns the command.
func New(app *cmdutil.App) *cobra.Command {
	c := &command{app: app}
	cmd := &cobra.Command{
		Use:   "jobs",
		Short: "List the jobs of a time range, or follow them",
		Long: `Lists the jobs of a time range, by default the last 24 hours, in the order of the
service. The vendor does not document which of a job's times must be in the range.

The table is for people: it fits the screen, and leaves columns out if there is
no room. The other formats are for programs: json and ndjson have every field of
a job, and so has csv without --columns, under the names of the contract and with
times in UTC. Types and statuses are words in all of them; this is the command's
own format, since the service sends numbers. If a list is incomplete, the command
reports an error and a code other than 0; JSON also lacks the closing bracket.

The service selects by one type and one status. For several, each combination is
a list of its own, with at least one request, and the lists come one after the
other: use --sort for another order.

Deviations from the contract that are tolerated, such as an unknown status, are
reported in one line on the standard error.

Names in csv are exactly those of the service. Spreadsheets treat names that begin
with =, +, - or @ as formulas: import the file with all columns as text instead of
opening it.

With --follow it keeps polling: it reads the jobs again at every interval, and
writes each job that is new or has another status. It continues after outages,
and ends when it is interrupted.

--follow and --sort hold jobs in memory: more than 250,000 of them are an error.

With --since-last it exports incrementally, to ndjson or csv: every job that is
new or has changed since the last complete run, which a state file describes.
The first run reads the time range of --since or --start; later runs ignore it
and read two days again. After a crash a job may be written twice, but none is
missing. Append to a file, or write each run to a new one. docs/history.md has
the details, and recipes for databases and spreadsheets.`,
		Example: `  d365backup jobs --sandbox
  d365backup jobs --since 7d --status failed,exception
  d365backup jobs --since 7d --org Sales
  d365backup jobs --start 2026-10-01 --end 2027-01-01 --utc -o csv > quarter.csv
  d365backup jobs --since 30d --type backup --sort -backupSize --limit 10
  d365backup jobs -o ndjson | jq 'select(.failedRecord > 0)'
  d365backup jobs --follow --status failed
  d365backup jobs --since 90d --since-last state.json -o ndjson >> jobs.ndjson`,
		Args: cmdutil.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := c.check(cmd.Flags().Changed); err != nil {
				return err
			}
			return c.run(cmd.Context())
		},
	}
	c.addFlags(cmd)
	return cmd
}

// check checks the flags, before any request.
func (c *command) check(changed func(flag string) bool) (err error) {
	switch format := c.output.String(); {
	case c.limit < 0:
		return cmdutil.Usagef("--limit %d is negative: use 1 or more, or 0 for all", c.limit)
	case len(c.columns) > 0 && (format == "json" || format == "ndjson"):
		return cmdutil.Usagef("--columns is for table and csv: %s has every field", format)
	case c.follow && format == "json":
		return cmdutil.Usagef("--follow never ends, but a JSON array must: use -o ndjson")
	case c.follow && len(c.sort) > 0:
		return cmdutil.Usagef("--follow writes jobs as they come and cannot sort them: remove --sort")
	case c.follow && c.times.HasEnd():
		return cmdutil.Usagef("--follow has no end: remove --end")
	case c.follow && c.interval < time.Second:
		return cmdutil.Usagef("--interval %s is too short: use 1s or more", c.interval)
	case !c.follow && changed("interval"):
		return cmdutil.Usagef("--interval requires --follow")
	case c.bom && format != "csv":
		return cmdutil.Usagef("--bom is for csv: remove it, or add -o csv")
	}
	if changed("since-last") {
		if err := c.checkIncremental(changed); err != nil {
			return err
		}
	}
	if len(c.sort) > 0 {
		if c.order, err = orderBy(c.sort); err != nil {
			return cmdutil.Usagef("--sort: %w", err)
		}
	}
	if len(c.columns) > 0 {
		if c.fields, err = fieldsByName(c.columns); err != nil {
			return cmdutil.Usagef("--columns: %w", err)
		}
	}
	if changed("object-type") {
		c.query.ObjectType = &c.objectType
	}
	c.query.Start, c.query.End, err = c.times.Resolve(time.Now())
	return err
}

func (c *command) run(ctx context.Context) error {
	progress, drift := c.newProgress(), cmdutil.NewDrift(c.app)
	options := []d365backup.Option{progress.Option(), drift.Option()}
	if c.pageSize > 0 {
		options = append(options, d365backup.WithPageSize(c.pageSize))
	}
	client, closeService, err := c.connection.Client(c.app, options...)
	if err != nil {
		return err
	}
	defer drift.Report()
	if err := c.findOrganization(ctx, client); err != nil {
		return errors.Join(err, closeService())
	}
	if c.sinceLast != "" {
		return errors.Join(c.exportNew(ctx, client, drift, progress), closeService())
	}
	if !c.follow {
		return errors.Join(c.list(drift.Watch(client.Jobs(ctx, c.query)), progress), closeService())
	}
	if c.app.StderrScreen.Terminal {
		c.app.Notef("Following jobs, polling every %s. Stop with Ctrl-C.", human.Duration(c.interval))
	}
	f := follower{
		app: c.app, drift: drift, list: client.Jobs, filter: c.query, window: c.query.End.Sub(c.query.Start),
		interval: c.interval, limit: c.limit, progress: progress, printer: c.newPrinter(progress),
	}
	return errors.Join(f.run(ctx), closeService())
}

// findOrganization finds the id of the organization in --org, if that is a name.
func (c *command) findOrganization(ctx context.Context, client *d365backup.Client) error {
	if c.organization == "" {
		return nil
	}
	start := c.query.End.Add(-health.DefaultLookBack)
	if c.query.Start.Before(start) {
		start = c.query.Start
	}
	c.app.Notef("d365backup: reading all jobs since %s to find the id of %q", start.In(c.times.Zone()).Format(time.DateOnly), human.Text(c.organization))
	summary, err := health.Assess(client.Jobs(ctx, d365backup.Query{Start: start, End: c.query.End}), health.Policy{Start: start, End: c.query.End})
	if err != nil {
		return err
	}
	found, err := verdict.Find(summary.Organizations, c.organization)
	if err != nil {
		return cmdutil.Usagef("--org: %w", err)
	}
	id, name := human.Text(found.ID), human.Text(found.Name)
	if _, err := uuid.Parse(found.ID); err != nil {
		return fmt.Errorf("--org: the service cannot select the jobs of %q, since its id %q is not a GUID: leave --org out", name, id)
	}
	c.app.Notef("d365backup: --org %s is %s", id, name)
	c.query.OrganizationID = found.ID
	return nil
}

// newProgress returns the progress line, or nil if it would be mixed with jobs on the same screen.
func (c *command) newProgress() *cmdutil.Progress {
	if c.app.StdoutScreen.Terminal && c.output.String() != "table" {
		return nil
	}
	return cmdutil.NewProgress(c.app)
}

func (c *command) newPrinter(progress *cmdutil.Progress) printer {
	out, screen := c.app.Stdout, c.app.StdoutScreen
	if screen.Terminal { // most likely that of the progress line
		out = progress.Writer(out)
	}
	columns := c.fields
	switch format := c.output.String(); format {
	case "json", "ndjson":
		return &jsonPrinter{out: out, array: format == "json"}
	case "csv":
		if columns == nil {
			columns = fields
		}
		return &csvPrinter{out: csv.NewWriter(out), terminal: screen.Terminal, fields: columns, bom: c.bom, began: c.continued}
	}
	if columns == nil {
		columns, _ = fieldsByName(defaultColumns)
	}
	return &tablePrinter{out: out, screen: screen, zone: c.times.Zone(), fields: columns, droppable: c.fields == nil}
}

// list writes the jobs once.
func (c *command) list(jobs iter.Seq2[job, error], progress *cmdutil.Progress) error {
	defer progress.Clear()
	if c.order != nil {
		jobs = sorted(bounded(jobs, "--sort"), c.order)
	}
	out, what, written := c.newPrinter(progress), listed{start: c.query.Start, end: c.query.End}, 0
	for j, err := range jobs {
		if err != nil {
			return errors.Join(err, out.flush())
		}
		if c.limit > 0 && written == c.limit {
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

// sorted reads all jobs and yields them in order; none if there is an error.
func sorted(jobs iter.Seq2[job, error], order func(a, b job) int) iter.Seq2[job, error] {
	return func(yield func(job, error) bool) {
		all, err := d365backup.Collect(jobs)
		if err != nil {
			yield(job{}, err)
			return
		}
		slices.SortStableFunc(all, order)
		for _, j := range all {
			if !yield(j, nil) {
				return
			}
		}
	}
}

// maxHeld limits how many jobs are held in memory, about 300 MB.
const maxHeld = 250_000

var errTooMany = errors.New("too many jobs")

// bounded ends with an error that names the flag if there are more jobs than can be held in memory.
func bounded(jobs iter.Seq2[job, error], flag string) iter.Seq2[job, error] {
	return func(yield func(job, error) bool) {
		held := 0
		for j, err := range jobs {
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
