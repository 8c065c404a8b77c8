package jobs

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/d365backup/d365backup/internal/cli/cmdutil"
	d365backup "github.com/d365backup/d365backup/wrapper"
)

func (c *command) addFlags(cmd *cobra.Command) {
	flags, types, statuses := cmd.Flags(), names(d365backup.JobTypes()), names(d365backup.JobStatuses())
	c.times.AddFlags(cmd)
	flags.Var(enumValue("type", d365backup.ParseJobType, &c.query.Type), "type", "jobs of this type: "+strings.Join(types, ", "))
	flags.Var(enumValue("status", d365backup.ParseJobStatus, &c.query.Status), "status", "jobs with this status: "+strings.Join(statuses, ", "))
	flags.Var(cmdutil.NewValue("name", "", c.parseOrganization), "org",
		"jobs of one organization: its `name` or the start of it (case-insensitive), or its id, which needs fewer requests")
	flags.Int32Var(&c.objectType, "object-type", 0, "jobs of this kind of module, a `number` that the vendor does not document")
	flags.IntVar(&c.limit, "limit", 0, "stop after this `number` of jobs; 0 for all")
	c.output = cmdutil.AddOutputFlag(cmd, "table", "json", "ndjson", "csv")
	flags.StringSliceVar(&c.columns, "columns", nil, "`fields` to show in table or csv, such as startTime,status,jobId")
	flags.StringSliceVar(&c.sort, "sort", nil, "`fields` to sort by, such as organizationName,-startTime; prefix with - to sort in descending order")
	flags.BoolVarP(&c.follow, "follow", "f", false, "keep polling, and write jobs that are new or change their status")
	flags.Var(cmdutil.NewDuration("1m", &c.interval), "interval", "polling interval of --follow, a `duration` such as 1m")
	flags.StringVar(&c.sinceLast, "since-last", "", "write only jobs that are new or changed since the last run with this state `file`")
	flags.BoolVar(&c.bom, "bom", false, "begin csv with a byte order mark, so that Excel reads it as UTF-8")
	flags.Var(cmdutil.NewValue("jobs", "", c.parsePageSize), "page-size", fmt.Sprintf("`jobs` per request (default %d)", d365backup.DefaultPageSize))
	c.connection.AddFlags(cmd)

	cmdutil.Complete(cmd, "type", types...)
	cmdutil.Complete(cmd, "status", statuses...)
	for _, flag := range []string{"org", "object-type", "limit", "interval", "page-size"} {
		cmdutil.Complete(cmd, flag)
	}
	keys := FieldNames()
	for _, name := range FieldNames() {
		keys = append(keys, "-"+name)
	}
	_ = cmd.RegisterFlagCompletionFunc("columns", cmdutil.CompleteList(FieldNames()))
	_ = cmd.RegisterFlagCompletionFunc("sort", cmdutil.CompleteList(keys))
}

// enumValue returns the value of a flag that is a name of the library.
func enumValue[E any](kind string, parse func(string) (E, error), target *E) *cmdutil.Value {
	return cmdutil.NewValue(kind, "", func(text string) error {
		value, err := parse(text)
		if clientErr, ok := errors.AsType[*d365backup.Error](err); ok {
			return errors.New(clientErr.Message) // the rest is for Go programs
		}
		*target = value
		return err
	})
}

func (c *command) parseOrganization(text string) error {
	_, err := uuid.Parse(text)
	c.query.OrganizationID, c.organization = "", ""
	switch isGUID := len(text) == len(uuid.Nil.String()); {
	case strings.TrimSpace(text) == "":
		return errors.New("the name is empty")
	case err == nil && !isGUID:
		return errors.New("invalid GUID: write it like 69cb1ecc-f8e8-439b-8077-a4b7fd45e87f")
	case err == nil:
		c.query.OrganizationID = text
	default:
		c.organization = text
	}
	return nil
}

func (c *command) parsePageSize(text string) error {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < 1 {
		return fmt.Errorf("use a number from 1 to %d", math.MaxInt32)
	}
	c.pageSize = int(n)
	return nil
}

func names[E fmt.Stringer](values []E) (names []string) {
	for _, v := range values {
		names = append(names, v.String())
	}
	return names
}
