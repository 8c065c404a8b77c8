package jobs

import (
	"errors"
	"fmt"
	"math"
	"slices"
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
	flags.Var(enumList("types", d365backup.ParseJobType, &c.query.Types), "type", "jobs of these types, such as backup,restore: "+strings.Join(types, ", "))
	flags.Var(enumList("statuses", parseStatus, &c.query.Statuses), "status",
		"jobs with these statuses, such as failed,exception: "+strings.Join(statuses, ", ")+", which is exception for short")
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

	for _, flag := range []string{"org", "object-type", "limit", "interval", "page-size"} {
		cmdutil.Complete(cmd, flag)
	}
	keys := FieldNames()
	for _, name := range FieldNames() {
		keys = append(keys, "-"+name)
	}
	_ = cmd.RegisterFlagCompletionFunc("type", cmdutil.CompleteList(types))
	_ = cmd.RegisterFlagCompletionFunc("status", cmdutil.CompleteList(statuses))
	_ = cmd.RegisterFlagCompletionFunc("columns", cmdutil.CompleteList(FieldNames()))
	_ = cmd.RegisterFlagCompletionFunc("sort", cmdutil.CompleteList(keys))
}

// enum is a type or a status. 0 selects all.
type enum interface {
	~int32
	fmt.Stringer
}

// enumList returns the value of a flag that is a list of names of the library. A repeated flag extends it.
func enumList[E enum](kind string, parse func(string) (E, error), target *[]E) *cmdutil.Value {
	return cmdutil.NewValue(kind, "", func(text string) error {
		for name := range strings.SplitSeq(text, ",") {
			value, err := parse(name)
			if clientErr, ok := errors.AsType[*d365backup.Error](err); ok {
				return errors.New(clientErr.Message) // the rest is for Go programs
			}
			if *target = append(*target, value); len(*target) > 1 && slices.Contains(*target, 0) {
				return fmt.Errorf("%s includes all others: leave it or them out", E(0))
			}
		}
		return nil
	})
}

// parseStatus also accepts exception, which is easier to type than the name in the library.
func parseStatus(name string) (d365backup.JobStatus, error) {
	if strings.EqualFold(strings.TrimSpace(name), "exception") {
		return d365backup.JobStatusFinishedWithException, nil
	}
	return d365backup.ParseJobStatus(name)
}

// hasStatus reports whether a job has one of the statuses of a query.
func hasStatus(q d365backup.Query, j job) bool {
	return len(q.Statuses) == 0 || q.Statuses[0] == d365backup.JobStatusAny || slices.Contains(q.Statuses, j.Status)
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
