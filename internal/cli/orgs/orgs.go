// Package orgs is the command "orgs": it lists organizations and modules, and the lines of a profile that pin them.
package orgs

import (
	"cmp"
	"context"
	"io"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/d365backup/d365backup/internal/cli/cmdutil"
	"github.com/d365backup/d365backup/internal/cli/verdict"
	"github.com/d365backup/d365backup/internal/human"
)

// command is the flags.
type command struct {
	app   *cmdutil.App
	flags verdict.Flags
	utc   bool
}

// New returns the command.
func New(app *cmdutil.App) *cobra.Command {
	c := &command{app: app}
	cmd := &cobra.Command{
		Use:   "orgs",
		Short: "List organizations and modules, and pin them",
		Long: `Lists the organizations and modules that had jobs within the look-back period, with
the state of their backups and the start of the last success, then the lines of the
configuration file that pin them.

An organization that no profile expects is forgotten once its last job is older than
the look-back period; an expected one never is.`,
		Example: `  d365backup orgs --sandbox
  d365backup orgs --profile production --look-back 90d
  d365backup orgs --profile all`,
		Args: cmdutil.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.run(cmd.Context()) },
	}
	c.flags.AddFlags(cmd, "max-age", "")
	cmd.Flags().BoolVar(&c.utc, "utc", false, "show times in UTC instead of the local zone")
	return cmd
}

func (c *command) run(ctx context.Context) error {
	zone := time.Local
	if c.utc {
		zone = time.UTC
	}
	tenants, err := c.flags.Read(ctx, c.app, time.Now(), verdict.Window{Location: zone})
	if err != nil {
		return err
	}
	for i, t := range tenants {
		if t.Err == nil {
			heading := ""
			if len(tenants) > 1 {
				heading = strings.Repeat("\n", min(i, 1)) + "Profile " + human.Text(t.Profile) + "\n\n"
			}
			if _, err := io.WriteString(c.app.Stdout, heading+render(t, zone)); err != nil {
				return err
			}
		}
	}
	return verdict.Failures(tenants)
}

// render returns the list of a profile and the lines that pin it.
func render(t verdict.Tenant, zone *time.Location) string {
	const maxName = 60
	pinned := map[bool]string{true: "yes", false: "no"}
	rows := [][]string{{"STATE", "LAST SUCCESS", "ORGANIZATION", "MODULE", "PINNED", "ID"}}
	for _, o := range t.Summary.Organizations {
		name := cmp.Or(human.Clip(o.Name, maxName), "-")
		if len(o.Modules) == 0 {
			rows = append(rows, []string{o.State.String(), "-", name, "-", pinned[o.Expected], human.Clip(o.ID, maxName)})
		}
		for _, m := range o.Modules {
			last := "-"
			if good := m.LastGood(); !good.Start.IsZero() {
				last = good.Start.In(zone).Format("2006-01-02 15:04")
			}
			rows = append(rows, []string{m.State.String(), last, name, human.Clip(m.Name, maxName), pinned[m.Expected], human.Clip(o.ID, maxName)})
		}
	}
	if len(rows) == 1 {
		return "There are no organizations: no jobs were found within the look-back period.\n"
	}
	list := align(rows)
	if lines := pins(t.Summary.Organizations); lines != "" {
		list += "\nTo pin all of them, put these lines into the profile:\n\n" + lines
	}
	return list
}

// align returns rows as lines with columns of the same width.
func align(rows [][]string) string {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], text.StringWidth(cell))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		for i, cell := range row {
			row[i] = cell + strings.Repeat(" ", widths[i]-text.StringWidth(cell))
		}
		b.WriteString(strings.TrimRight(strings.Join(row, "  "), " ") + "\n")
	}
	return b.String()
}
