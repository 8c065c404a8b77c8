package cmdutil

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	d365backup "github.com/d365backup/d365backup/wrapper"
)

// Filter is which jobs a command looks at, but for their time.
type Filter struct {
	// Type is the type asked for. Zero: all.
	Type d365backup.JobType
	// Status is the status asked for. Zero: any.
	Status d365backup.JobStatus
	// OrganizationID is the organization asked for. Empty: all.
	OrganizationID string

	objectType int32
	changed    func(flag string) bool
}

// AddFlags gives the command the flags of the filter.
func (f *Filter) AddFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	f.changed = flags.Changed
	flags.Var(&enumFlag[d365backup.JobType]{&f.Type, d365backup.ParseJobType, "type"}, "type",
		"jobs of this type: "+names(d365backup.JobTypes()))
	flags.Var(&enumFlag[d365backup.JobStatus]{&f.Status, d365backup.ParseJobStatus, "status"}, "status",
		"jobs with this status: "+names(d365backup.JobStatuses()))
	flags.Var((*guid)(&f.OrganizationID), "org", "jobs of the organization with this `id`")
	flags.Int32Var(&f.objectType, "object-type", 0, "jobs of this kind of module, by a `number` that the vendor documents nowhere")
	complete(cmd, "type", texts(d365backup.JobTypes())...)
	complete(cmd, "status", texts(d365backup.JobStatuses())...)
	complete(cmd, "org")
	complete(cmd, "object-type")
}

// Query returns the filter as a query without times.
func (f *Filter) Query() d365backup.Query {
	query := d365backup.Query{Type: f.Type, Status: f.Status, OrganizationID: f.OrganizationID}
	if f.changed("object-type") {
		query.ObjectType = new(f.objectType)
	}
	return query
}

// enumFlag is a flag that takes a name of the library.
type enumFlag[E fmt.Stringer] struct {
	value *E
	parse func(string) (E, error)
	kind  string
}

// Set takes a name. Its error lists those that exist.
func (e *enumFlag[E]) Set(text string) error {
	parsed, err := e.parse(text)
	if err != nil {
		own, _ := errors.AsType[*d365backup.Error](err)
		return errors.New(own.Message)
	}
	*e.value = parsed
	return nil
}

// String returns the name; that of the zero value is left out, so that help shows no default.
func (e *enumFlag[E]) String() string {
	if e.value == nil || (*e.value).String() == "All" || (*e.value).String() == "Any" {
		return ""
	}
	return (*e.value).String()
}

// Type is what help calls the value.
func (e *enumFlag[E]) Type() string { return e.kind }

// guid is a flag that takes an id in the form that the contract wants.
type guid string

// Set takes an id.
func (g *guid) Set(text string) error {
	if _, err := uuid.Parse(text); err != nil || len(text) != len(uuid.Nil.String()) {
		return errors.New("not a GUID: write it like 69cb1ecc-f8e8-439b-8077-a4b7fd45e87f")
	}
	*g = guid(text)
	return nil
}

// String returns the id.
func (g *guid) String() string { return string(*g) }

// Type is what help calls the value.
func (g *guid) Type() string { return "guid" }

// PageSize is a flag for the number of jobs on a page. Zero: not asked for.
type PageSize int

// AddFlag gives the command the flag.
func (p *PageSize) AddFlag(cmd *cobra.Command) {
	cmd.Flags().Var(p, "page-size", fmt.Sprintf("`jobs` to ask for at a time (default %d)", d365backup.DefaultPageSize))
	complete(cmd, "page-size")
}

// Options returns the page size as an option of the library.
func (p *PageSize) Options() []d365backup.Option {
	if *p == 0 {
		return nil
	}
	return []d365backup.Option{d365backup.WithPageSize(int(*p))}
}

// Set takes a number.
func (p *PageSize) Set(text string) error {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < 1 {
		return fmt.Errorf("use a number from 1 to %d", math.MaxInt32)
	}
	*p = PageSize(n)
	return nil
}

// String returns the number.
func (p *PageSize) String() string {
	if *p == 0 {
		return ""
	}
	return fmt.Sprint(int(*p))
}

// Type is what help calls the value.
func (p *PageSize) Type() string { return "jobs" }

func texts[E fmt.Stringer](values []E) (texts []string) {
	for _, v := range values {
		texts = append(texts, v.String())
	}
	return texts
}

func names[E fmt.Stringer](values []E) string { return strings.Join(texts(values), ", ") }
