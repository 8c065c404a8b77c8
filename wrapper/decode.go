package d365backup

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/d365backup/d365backup/internal/jsonscan"
)

// pageData is what one answer says.
type pageData struct {
	jobs []Job
	// total is how many jobs match over all pages; -1 where the answer does not say.
	total int64
	// pageIndex is the page's number and pageSize the number of jobs requested, echoed; 0 if not.
	pageIndex, pageSize int64
	// nextLink is where the next page is, as sent; empty on the last page.
	nextLink string
	// drift is how the answer differed from the contract.
	drift []Drift
}

// decodePage reads the body of an answer to a request for a page of size jobs. It takes every valid
// JSON text that is a list of jobs: as the contract has it, or as drift.go says. Otherwise the error is
// an *Error with an excerpt of the body: ErrTruncated where the JSON ends before its end, ErrTooLarge
// beyond maxPageJobs, and ErrNotJobs for all else, an empty body among it. The result shares no
// memory with body.
func decodePage(body []byte, size int) (pageData, error) {
	body, marked := bytes.CutPrefix(body, []byte("\xEF\xBB\xBF"))
	d := decoder{Scanner: jsonscan.New(body), size: size, page: pageData{total: -1}}
	if marked {
		d.tolerate(DriftByteOrderMark, "", nil)
	}
	if err := d.run(d.document); err != nil {
		if failure, ok := errors.AsType[*Error](err); ok {
			failure.Excerpt = excerpt(string(body[:min(len(body), 4*maxExcerpt)]), maxExcerpt)
		}
		return pageData{}, err
	}
	d.page.drift = d.drifts
	return d.page, nil
}

func notJobs(format string, args ...any) error {
	return &Error{Kind: ErrNotJobs, Message: fmt.Sprintf(format, args...)}
}

// decoder reads one page in one pass.
type decoder struct {
	jsonscan.Scanner
	page   pageData
	drifts drifts
	size   int
	// strict: the payload is stored, and nothing can report drift. Then an empty string is a value like any
	// other, and malformed is the error for the first value that does not fit its field.
	strict    bool
	malformed error
	// listed: the page's jobs are those of a list in the envelope.
	listed bool
	report failureReport
	// What the jobs are read with: see list.
	job                                      Job
	finish                                   []byte // the job's finish time as sent; nil for none
	module, organizationID, organizationName repeated
}

// run reads a payload, and makes an *Error of everything that is wrong with it.
func (d *decoder) run(read func() error) error {
	err := read()
	if syntax, ok := errors.AsType[*jsonscan.SyntaxError](err); ok {
		err = &Error{Kind: ErrNotJobs, Message: syntax.Error()}
		if syntax.Truncated {
			err = &Error{Kind: ErrTruncated, Message: syntax.Error()}
		}
	}
	if err == nil {
		err = d.malformed
	}
	return err
}

// document reads the whole body.
func (d *decoder) document() error {
	var err error
	switch first := d.Peek(); {
	case d.Rest() == 0:
		err = notJobs("the body is empty")
	case first == '{':
		err = d.envelope()
	case first == '[':
		d.tolerate(DriftEnvelope, "jobs", nil)
		err = d.list()
	default:
		if _, err = d.Value(); err == nil {
			err = notJobs("the body is neither an object nor a list")
		}
	}
	if err != nil {
		return err
	}
	return d.End()
}

// tolerate notes that a value was read although it is not what the contract says. Of a stored payload it
// keeps only the first value that was changed or lost, as an error.
func (d *decoder) tolerate(kind DriftKind, field string, value []byte) {
	if !d.strict {
		d.drifts.add(kind, field, value)
		return
	}
	switch kind {
	case DriftUnreadable, DriftInexact, DriftTextNumber, DriftNumberText, DriftNoZone:
		if d.malformed == nil {
			d.malformed = notJobs("invalid payload: %s for %s: %q", kind, field, excerpt(string(value), maxDriftText))
		}
	case DriftDuplicateField: // such as a second list of jobs, which replaces the first
		if d.malformed == nil {
			d.malformed = notJobs("invalid payload: %s %s", kind, field)
		}
	}
}

// envelopeFields are the fields around the list: those of the contract, the list and the total as the
// release of October 2024 called them, and those of a failure report.
var envelopeFields = newFieldTable("", append([]field{
	{name: "totalCount", read: func(d *decoder, v jsonscan.Value, path string) { d.page.total = d.total(v, path) }},
	{name: "jobs", read: (*decoder).noList, list: (*decoder).list},
	{name: "pageIndex", read: func(d *decoder, v jsonscan.Value, path string) { d.page.pageIndex, _ = d.integer(v, path) }},
	{name: "pageSize", read: func(d *decoder, v jsonscan.Value, path string) { d.page.pageSize, _ = d.integer(v, path) }},
	{name: "nextLink", read: func(d *decoder, v jsonscan.Value, path string) { d.page.nextLink = d.text(v, path) }},
	{name: "totalNumber", read: (*decoder).otherTotal},
	{name: "result", read: (*decoder).noList, list: (*decoder).otherList},
}, reportFields...))

// envelope reads the object around the list.
func (d *decoder) envelope() error {
	o := object{table: envelopeFields}
	if err := d.object(&o); err != nil {
		return err
	}
	if err := d.report.failure(len(d.page.jobs)); err != nil {
		return err
	}
	switch nullList := o.null&envelopeFields.set("jobs", "result") != 0; {
	case !d.listed && !nullList:
		return notJobs("the object has no list of jobs")
	case !d.listed && d.page.total != 0:
		return notJobs("the list of jobs is null, but the total is not 0")
	case d.page.total < 0:
		d.tolerate(DriftMissing, "totalCount", nil)
	}
	return nil
}

func (d *decoder) noList(v jsonscan.Value, path string) { d.tolerate(DriftUnreadable, path, v.Raw) }

// otherList reads the list by its other name. The one by the contract's name counts, if there are two.
func (d *decoder) otherList() error {
	d.tolerate(DriftEnvelope, "result", nil)
	if d.listed {
		_, err := d.Value()
		return err
	}
	return d.list()
}

// otherTotal reads the total by its other name, likewise.
func (d *decoder) otherTotal(v jsonscan.Value, path string) {
	d.tolerate(DriftEnvelope, path, nil)
	if d.page.total < 0 {
		d.page.total = d.total(v, path)
	}
}

// total returns a count of jobs, or -1 where the value is not exactly one.
func (d *decoder) total(v jsonscan.Value, path string) int64 {
	n, exact := d.integer(v, path)
	if exact && n >= 0 {
		return n
	}
	if exact {
		d.tolerate(DriftUnreadable, path, v.Raw)
	}
	return -1
}
