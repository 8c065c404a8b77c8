package jobs

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/d365backup/d365backup/internal/cli/cmdutil"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

// checkIncremental checks what cannot be combined with --since-last.
func (c *command) checkIncremental(changed func(flag string) bool) error {
	switch format := c.output.String(); {
	case c.sinceLast == "":
		return cmdutil.Usagef("--since-last is empty: name a state file")
	case format != "ndjson" && format != "csv":
		return cmdutil.Usagef("--since-last cannot append to %s: use -o ndjson or -o csv", format)
	case c.times.HasEnd():
		return cmdutil.Usagef("--since-last reads until now: remove --end")
	case c.connection.Sandbox():
		return cmdutil.Usagef("--since-last and --sandbox are both given, but the next run would have another sandbox: start one with 'd365backup sandbox'")
	}
	for _, flag := range []string{"follow", "limit", "sort"} {
		if changed(flag) {
			return cmdutil.Usagef("--since-last writes every new job in the order of the service: remove --%s", flag)
		}
	}
	return nil
}

// exportNew writes the jobs that are new or changed since the last complete run, and then the state file. Any error leaves the
// state file as it was, so that the next run writes these jobs again.
func (c *command) exportNew(ctx context.Context, client *d365backup.Client, drift *cmdutil.Drift, progress *cmdutil.Progress) error {
	defer progress.Clear()
	file, err := openState(c.sinceLast, c.exported(client))
	if err != nil {
		return err
	}
	defer file.close()
	query := c.query
	query.Statuses = nil // a job in progress may get the status of the filter later
	if file.exists {
		query.Start = file.state.from()
	} else {
		file.state.Reached = query.Start
	}
	if !query.Start.Before(query.End) {
		return fmt.Errorf("the state file %s has reached %s, later than now: check the clock, or use another file",
			c.sinceLast, file.state.Reached.Format(time.RFC3339))
	}
	output := c.app.StdoutFile()
	if output != nil {
		release, err := c.continueOutput(output)
		if err != nil {
			return err
		}
		defer release()
	}
	sweep, printer := newSweep(file.state, query.End), c.newPrinter(progress)
	for j, err := range drift.Watch(client.Jobs(ctx, query)) {
		if err != nil {
			return err
		}
		sweep.observe(j)
		if !hasStatus(c.query, j) || !sweep.isNew(j) {
			continue
		}
		if err := printer.print(j); err != nil {
			return outputError(err)
		}
	}
	if err := printer.close(listed{}); err != nil {
		return outputError(err)
	}
	if output != nil {
		if err := output.Sync(); err != nil {
			return outputError(err)
		}
	}
	return file.save(sweep.state())
}

// outputError never counts as success, unlike an error of a reader such as head that has all it wants.
func outputError(err error) error {
	return fmt.Errorf("%v; the state file is unchanged, so the next run writes these jobs again", err) //nolint:errorlint // See above.
}

// exported identifies what is exported, for the state file.
func (c *command) exported(client *d365backup.Client) map[string]string {
	what := map[string]string{
		"address": client.BaseURL(), "clientId": c.app.Setting("client-id"), "organizationId": strings.ToLower(c.query.OrganizationID),
		"type": listOf(c.query.Types), "status": listOf(c.query.Statuses),
	}
	if c.query.ObjectType != nil {
		what["objectType"] = strconv.Itoa(int(*c.query.ObjectType))
	}
	if c.output.String() == "csv" {
		what["columns"] = strings.Join(c.columnNames(), ",")
	}
	return what
}

// columnNames returns the names in the header of csv.
func (c *command) columnNames() []string {
	if c.fields == nil {
		return FieldNames()
	}
	names := make([]string, len(c.fields))
	for i, f := range c.fields {
		names[i] = f.name
	}
	return names
}

// listOf returns the names of a filter in the same order for the same filter.
func listOf[E enum](values []E) string {
	if len(values) == 0 {
		values = []E{0}
	}
	return strings.Join(names(slices.Compact(slices.Sorted(slices.Values(values)))), ",")
}
