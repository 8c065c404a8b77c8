package d365backup

import (
	"bytes"

	"github.com/d365backup/d365backup/internal/httpfail"
	"github.com/d365backup/d365backup/internal/jsonscan"
	"github.com/d365backup/d365backup/internal/lenient"
)

// pageData is the content of one response. Number and Size are as the response states them, 0 if it does not.
type pageData struct {
	Page
	nextLink string  // address of the next page, as sent; empty on the last page
	drift    []Drift // differences from the contract
}

// decodePage decodes the body of a response to a request for a page of size jobs. It accepts every valid JSON text that is
// a list of jobs, as in the contract or with the differences that drift.go lists. Otherwise the failure has an
// excerpt of the body, and one of the reasons Truncated if the JSON ends too early, TooLarge beyond maxPageJobs, and NotJobs
// for anything else, such as an empty body. The result shares no memory with body.
func decodePage(body []byte, size int) (pageData, *httpfail.Failure) {
	body, marked := bytes.CutPrefix(body, []byte("\xEF\xBB\xBF"))
	d := newDecoder(body, size)
	if marked {
		d.tolerate(DriftByteOrderMark, "", nil)
	}
	if f := d.Run(d.document); f != nil {
		f.Excerpt = excerpt(string(body[:min(len(body), 4*maxExcerpt)]), maxExcerpt)
		return pageData{}, f
	}
	for _, found := range d.Differences {
		d.page.drift = append(d.page.drift, Drift{DriftKind(found.Kind), found.Path, found.Value, found.Count})
	}
	return d.page, nil
}

// decoder decodes one page in one pass.
type decoder struct {
	lenient.Reader // strict for a stored payload, which has no drift handler
	page           pageData
	size           int
	isList         bool // the page's jobs are those of a list
	report         httpfail.Report
	// The job being decoded, its finish time as sent (nil for none), and the strings shared between jobs.
	job                                      Job
	finish                                   []byte
	module, organizationID, organizationName lenient.Shared
}

func newDecoder(data []byte, size int) *decoder {
	return &decoder{Reader: lenient.NewReader(data), size: size, page: pageData{Page: Page{TotalCount: -1}}}
}

// document decodes the whole body.
func (d *decoder) document() error {
	var err error
	switch first := d.Peek(); {
	case d.Rest() == 0:
		err = httpfail.NotJobsError("the body is empty")
	case first == '{':
		err = d.envelope()
	case first == '[':
		d.tolerate(DriftEnvelope, "jobs", nil)
		err = d.list()
	default:
		if _, err = d.Value(); err == nil {
			err = httpfail.NotJobsError("the body is neither an object nor a list")
		}
	}
	if err != nil {
		return err
	}
	return d.End()
}

// tolerate records a kind of drift that only this package knows.
func (d *decoder) tolerate(kind DriftKind, path string, value []byte) {
	d.Tolerate(lenient.Kind(kind), path, value)
}

// envelopeFields are the fields around the list: those of the contract, the names for list and total in the release of
// October 2024, and those of a failure report.
var envelopeFields = lenient.NewTable("", append([]lenient.Field[*decoder]{
	{Name: "totalCount", Read: func(d *decoder, v jsonscan.Value, path string) { d.page.TotalCount = d.total(v, path) }},
	{Name: "jobs", Read: (*decoder).notList, List: (*decoder).list},
	{Name: "pageIndex", Read: func(d *decoder, v jsonscan.Value, path string) { d.page.Number = d.number(v, path) }},
	{Name: "pageSize", Read: func(d *decoder, v jsonscan.Value, path string) { d.page.Size = d.number(v, path) }},
	{Name: "nextLink", Read: func(d *decoder, v jsonscan.Value, path string) { d.page.nextLink = d.Text(v, path) }},
	{Name: "totalNumber", Read: (*decoder).otherTotal},
	{Name: "result", Read: (*decoder).notList, List: (*decoder).otherList},
}, failureFields()...))

// failureFields are the fields of a failure report, which the contract does not have.
func failureFields() (fields []lenient.Field[*decoder]) {
	for _, name := range httpfail.ReportFields {
		fields = append(fields, lenient.Field[*decoder]{Name: name, Read: func(d *decoder, v jsonscan.Value, _ string) {
			d.Tolerate(lenient.UnknownField, name, v.Raw)
			d.report.Read(name, v)
		}})
	}
	return fields
}

// envelope decodes the object around the list.
func (d *decoder) envelope() error {
	o := lenient.Object[*decoder]{Table: envelopeFields}
	if err := o.Read(&d.Reader, d); err != nil {
		return err
	}
	if f := d.report.Failure(len(d.page.Jobs)); f != nil {
		return f
	}
	switch nullList := o.IsNull("jobs") || o.IsNull("result"); {
	case !d.isList && !nullList:
		return httpfail.NotJobsError("the object has no list of jobs")
	case !d.isList && d.page.TotalCount != 0:
		return httpfail.NotJobsError("the list of jobs is null, but the total is not 0")
	case d.page.TotalCount < 0:
		d.Tolerate(lenient.Missing, "totalCount", nil)
	}
	return nil
}

func (d *decoder) number(v jsonscan.Value, path string) int {
	n, _ := d.Integer(v, path)
	return int(n)
}

func (d *decoder) notList(v jsonscan.Value, path string) { d.Tolerate(lenient.Unreadable, path, v.Raw) }

// otherList reads the list under its other name. If there are two lists, the one under the contract's name takes precedence.
func (d *decoder) otherList() error {
	d.tolerate(DriftEnvelope, "result", nil)
	if d.isList {
		_, err := d.Value()
		return err
	}
	return d.list()
}

// otherTotal reads the total under its other name, with the same rule.
func (d *decoder) otherTotal(v jsonscan.Value, path string) {
	d.tolerate(DriftEnvelope, path, nil)
	if d.page.TotalCount < 0 {
		d.page.TotalCount = d.total(v, path)
	}
}

// total returns a number of jobs, or -1 if the value is not exactly one.
func (d *decoder) total(v jsonscan.Value, path string) int64 {
	n, exact := d.Integer(v, path)
	if exact && n >= 0 {
		return n
	}
	if exact {
		d.Tolerate(lenient.Unreadable, path, v.Raw)
	}
	return -1
}
